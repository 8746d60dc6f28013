"""Paces: what a foyer and a carrier need passes, what a stranger wants does not, in all processes together."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connections, transaction

from booking.clients.client import Client
from booking.clients.pace import (
    FAILED_REQUESTS,
    NEW_PAYMENTS,
    NEW_VISITORS,
    SEAT_CHANGES,
    UNKNOWN_REFERENCES,
    Pace,
    check_pace,
    check_uses,
    clear_uses,
    count_use,
    forget_uses,
    limit_failures,
    use_queries,
)
from booking.models import PaceUse
from booking.refusals import AlreadyPaid, Busy, NotFound, RateLimited
from cinema.database.statements import run_queries

pytestmark = pytest.mark.django_db(transaction=True)

AT = datetime(2026, 3, 29, 0, 59, tzinfo=UTC)
FOYER = Client(("203.0.113.7",))
ONE_HOME, NEIGHBOUR = (Client(("2001:db8::/48", f"2001:db8:0:{n}::/64")) for n in (1, 2))
SLOW = Pace("slow", at_once=3, per_minute=6, sentence="Wait.")


def use(pace, client, at):
    """Whether this use is allowed; as a transaction counts it."""
    try:
        with transaction.atomic():
            check_uses(pace, client, run_queries(*use_queries(pace, client, at)), at)
    except RateLimited:
        return False
    return True


def fail(pace, client, at):
    """Whether this failing use is let through; as a request counts it."""
    try:
        check_pace(pace, client, at)
    except RateLimited:
        return False
    count_use(pace, client, at)
    return True


@pytest.mark.parametrize("attempt", [use, fail])
def test_so_many_at_once_then_one_for_each_interval(attempt):
    assert [attempt(SLOW, FOYER, AT) for _ in range(5)] == [True, True, True, False, False]
    for seconds, allowed in (
        (9, False),
        (10, True),
        (11, False),
        (19, False),
        (40, True),
        (41, True),
        (42, True),
        (42, False),
    ):
        assert attempt(SLOW, FOYER, AT + timedelta(seconds=seconds)) is allowed, seconds
    assert [attempt(SLOW, FOYER, AT + timedelta(hours=1)) for _ in range(4)] == [True, True, True, False]


@pytest.mark.parametrize("attempt", [use, fail])
def test_the_retry_after_is_when_the_next_is_allowed(attempt):
    while attempt(SLOW, FOYER, AT):
        pass
    later = AT + timedelta(seconds=4)
    with pytest.raises(RateLimited) as refusal, transaction.atomic():
        check_pace(SLOW, FOYER, later)
        check_uses(SLOW, FOYER, run_queries(*use_queries(SLOW, FOYER, later)), later)
    assert refusal.value.headers["Retry-After"] == "6"


def test_clients_do_not_use_up_each_others():
    while use(SLOW, FOYER, AT):
        pass
    assert use(SLOW, Client(("203.0.113.8",)), AT)
    assert use(NEW_VISITORS, FOYER, AT)


@pytest.mark.parametrize("attempt", [use, fail])
def test_a_48_may_do_four_times_as_much_as_each_of_its_64(attempt):
    homes = [Client(("2001:db8::/48", f"2001:db8:0:{n}::/64")) for n in range(6)]
    allowed = [sum(attempt(SLOW, home, AT) for _ in range(5)) for home in homes]
    assert allowed == [3, 3, 3, 3, 0, 0]


def test_what_another_process_has_counted_counts():
    for _ in range(3):
        assert fail(SLOW, FOYER, AT)
        forget_uses()  # as another process, which remembers nothing
    count_use(SLOW, FOYER, AT)
    with pytest.raises(RateLimited):
        check_pace(SLOW, FOYER, AT)


def test_what_is_frequent_reaches_other_processes_in_steps():
    pace = Pace("in steps", at_once=30, per_minute=60, sentence="Wait.", step=10)
    assert sum(fail(pace, FOYER, AT) for _ in range(9)) == 9
    assert not PaceUse.objects.exists()
    assert fail(pace, FOYER, AT)
    assert PaceUse.objects.get().used_until == pytest.approx(AT.timestamp() + 10)
    assert sum(fail(pace, FOYER, AT) for _ in range(40)) == 20


def test_who_fails_a_little_from_each_64_is_counted_by_the_48():
    pace = Pace("in steps", at_once=30, per_minute=60, sentence="Wait.", step=10)
    homes = [Client(("2001:db8::/48", f"2001:db8:0:{n}::/64")) for n in range(1000)]
    assert sum(fail(pace, home, AT) for home in homes) == 120


def test_several_uses_at_once_count_as_many():
    pace = Pace("by seats", at_once=30, per_minute=60, sentence="Wait.", step=10)
    for _ in range(6):
        check_pace(pace, FOYER, AT)
        count_use(pace, FOYER, AT, uses=5)
    with pytest.raises(RateLimited):
        check_pace(pace, FOYER, AT)


@pytest.mark.postgresql_only
def test_at_once_in_many_processes_none_is_missed():
    pace = Pace("race", at_once=20, per_minute=1, sentence="Wait.")

    def attempt(_):
        try:
            return use(pace, ONE_HOME, AT)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(60))) == 20


def test_an_undone_transaction_uses_nothing_up():
    for _ in range(10):
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            check_uses(SLOW, FOYER, run_queries(*use_queries(SLOW, FOYER, AT)), AT)
            raise ZeroDivisionError
    assert use(SLOW, FOYER, AT)


@pytest.mark.parametrize(("refusal", "counts"), [(NotFound(), True), (AlreadyPaid("BCD"), False), (Busy(), False)])
def test_only_refusals_that_are_the_clients_doing_count(refusal, counts):
    for _ in range(5):
        with pytest.raises((type(refusal), RateLimited)), limit_failures(SLOW, FOYER, AT):
            raise refusal
    assert PaceUse.objects.exists() is counts


def test_a_success_costs_nothing_and_asks_no_database(django_assert_num_queries):
    with django_assert_num_queries(0):
        for _ in range(50):
            with limit_failures(FAILED_REQUESTS, FOYER, AT):
                pass


def test_who_is_not_counted_is_never_refused():
    assert all(use(SLOW, Client(), AT) and fail(SLOW, Client(), AT) for _ in range(20))
    assert not PaceUse.objects.exists()


def test_rows_are_deleted_when_they_mean_nothing_any_more():
    use(SLOW, FOYER, AT)
    use(SLOW, ONE_HOME, AT + timedelta(minutes=1))
    assert clear_uses(AT + timedelta(seconds=11)) == 1
    assert PaceUse.objects.count() == 2
    assert clear_uses(AT + timedelta(minutes=2), limit=1) == 1


# ---- The arithmetic of docs/limits.md -------------------------------------------------------------------------------


def test_a_foyer_of_two_hundred_phones_begins_and_loses_races_and_mistypes_and_is_never_refused():
    for second in range(300):
        at = AT + timedelta(seconds=second)
        assert second >= 200 or use(NEW_VISITORS, FOYER, at)
        assert all(fail(FAILED_REQUESTS, FOYER, at) for _ in range(6))  # each phone nine times in five minutes
        assert second % 10 or fail(UNKNOWN_REFERENCES, FOYER, at)


def test_a_foyer_of_two_hundred_phones_changes_its_mind_and_begins_three_payments_each():
    for second in range(300):
        at = AT + timedelta(seconds=second)
        check_pace(SEAT_CHANGES, FOYER, at)
        count_use(SEAT_CHANGES, FOYER, at, uses=20)  # each phone thirty seats in five minutes
        assert all(fail(NEW_PAYMENTS, FOYER, at) for _ in range(2))


def test_a_carriers_address_with_four_hundred_buyers_in_the_first_minute_is_not_refused():
    assert all(use(NEW_VISITORS, FOYER, AT + timedelta(seconds=n * 60 / 400)) for n in range(400))


@pytest.mark.parametrize(
    ("pace", "attempt"),
    [
        (NEW_VISITORS, use),
        (FAILED_REQUESTS, fail),
        (SEAT_CHANGES, fail),
        (NEW_PAYMENTS, fail),
        (UNKNOWN_REFERENCES, fail),
    ],
)
def test_a_stranger_who_does_nothing_else_gets_no_more_than_the_pace(pace, attempt):
    seconds = 120
    tries = max(pace.at_once // 30, 20)
    done = sum(attempt(pace, FOYER, AT + timedelta(seconds=s)) for s in range(seconds) for _ in range(tries))
    assert done <= pace.at_once + pace.per_minute * seconds / 60 + pace.step
    assert done >= pace.at_once
