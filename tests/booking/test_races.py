"""Many buyers, one seat, one winner; and a control that oversells, so that the test can fail."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import pytest
from django.db import OperationalError, connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from psycopg.errors import DeadlockDetected

from bench.support.factories import make_plan, make_showtime, new_visitor
from booking.bookings import begin_checkout, confirm_booking
from booking.clients.client import Client
from booking.locks import LockResult, expire_locks, lock_seats
from booking.models import Booking, ShowtimeSeat
from booking.refusals import LockChanged, RateLimited, Refusal, SeatsTaken
from booking.seats.lock_tags import NO_LOCK
from booking.seats.map import read_map
from booking.seats.showtime_queue import FifoSemaphore
from tests.report import report

pytestmark = pytest.mark.django_db(transaction=True)

BUYERS, ROUNDS = 40, 10


@pytest.fixture(autouse=True)
def wide_queue(monkeypatch):
    """All at once, like buyers at many web processes: only the database decides who wins."""
    monkeypatch.setattr("booking.seats.showtime_queue.SEMAPHORES", [FifoSemaphore(BUYERS)])


def together(jobs):
    """Run these at the same moment, a thread and a connection each; results or exceptions in order."""
    barrier = threading.Barrier(len(jobs))

    def run(job):
        try:
            barrier.wait(20)
            return job()
        except Exception as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(run, jobs))


def lock_job(showtime, visitor, *labels, at):
    return lambda: lock_seats(showtime_id=showtime.pk, visitor=visitor, labels=labels, at=at).booking


def test_forty_buyers_for_one_seat_have_one_winner_every_time():
    for _ in range(ROUNDS):
        now, showtime = timezone.now(), make_showtime()
        results = together([lock_job(showtime, new_visitor(), "A1", at=now) for _ in range(BUYERS)])
        winners = [result for result in results if isinstance(result, Booking)]
        assert len(winners) == 1
        assert all(isinstance(result, SeatsTaken) for result in results if result is not winners[0]), results
        assert ShowtimeSeat.objects.get(showtime=showtime, index=0).booking_id == winners[0].pk
        assert read_map(showtime.pk).version == 1
    report(
        "race", f"{BUYERS} buyers for one seat, {ROUNDS} rounds on {connection.vendor}: one winner each, no deadlock"
    )


def naive_buyer(showtime_id, barrier, winners):
    """The control: reads in one transaction, waits, writes in another."""
    with transaction.atomic():
        row = ShowtimeSeat.objects.get(showtime_id=showtime_id, index=0)
    free = row.status == "available"
    barrier.wait(20)
    if free:
        with transaction.atomic():
            ShowtimeSeat.objects.filter(pk=row.pk).update(version=row.version + 1)
        winners.append(threading.get_ident())


def test_the_control_without_row_locks_oversells_every_time():
    oversold = 0
    for _ in range(ROUNDS):
        showtime, winners, barrier = make_showtime(), [], threading.Barrier(8)
        results = together([lambda s=showtime.pk, b=barrier, w=winners: naive_buyer(s, b, w)] * 8)
        assert not [result for result in results if isinstance(result, Exception)], results
        oversold += len(winners) > 1
    assert oversold == ROUNDS
    report("race", f"control on {connection.vendor}: oversold in {oversold} of {ROUNDS} rounds")


def test_crossing_requests_never_deadlock_and_never_share_a_seat():
    now, showtime = timezone.now(), make_showtime()
    requests = [("A1", "A2", "A3"), ("A3", "A2", "A1"), ("A2", "B1"), ("B1", "A1"), ("A3", "B1")] * 4
    results = together([lock_job(showtime, new_visitor(), *labels, at=now) for labels in requests])
    assert all(isinstance(result, (Booking, SeatsTaken)) for result in results), results
    winners = [result for result in results if isinstance(result, Booking)]
    assert winners
    locked = ShowtimeSeat.objects.filter(showtime=showtime, status="locked")
    assert locked.count() == sum(winner.seats.count() for winner in winners)


def row_lock(showtime, indices):
    """Row-locks these seats one after the other, waiting for each."""
    for index in indices:
        yield ShowtimeSeat.objects.select_for_update(of=("self",)).get(showtime=showtime, index=index)


def naive_locker(showtime, indices, barrier):
    """The control: row-locks in the order of the clicks, and meets the other buyer after the first seat."""
    with transaction.atomic():
        rows = row_lock(showtime, indices)
        next(rows)
        barrier.wait(10)
        return len(list(rows))


def is_deadlock(result):
    return isinstance(result, OperationalError) and isinstance(result.__cause__, DeadlockDetected)


@pytest.mark.postgresql_only
def test_the_control_that_row_locks_in_click_order_deadlocks():
    showtime, barrier = make_showtime(), threading.Barrier(2)
    results = together([lambda seats=seats: naive_locker(showtime, seats, barrier) for seats in ((0, 1), (1, 0))])
    assert sum(map(is_deadlock, results)) == 1, results


@pytest.mark.postgresql_only
def test_buyers_who_clicked_two_seats_in_opposite_orders_never_deadlock():
    """Seldom all are refused: each of two may have row-locked one of the seats that the other requests as well."""
    n_winners = []
    for _ in range(ROUNDS):
        now, showtime = timezone.now(), make_showtime()
        orders = [("A1", "A2") if number % 2 else ("A2", "A1") for number in range(8)]
        results = together([lock_job(showtime, new_visitor(), *labels, at=now) for labels in orders])
        assert all(isinstance(result, (Booking, SeatsTaken)) for result in results), results
        n_winners.append(sum(isinstance(result, Booking) for result in results))
    assert max(n_winners) == 1
    report("row locks", f"click order deadlocks, ours never: {ROUNDS} rounds of 8 buyers for the same two seats")


@pytest.mark.postgresql_only
def test_a_deadlock_is_undone_and_tried_again():
    """PostgreSQL ends the transaction that has waited for a second first. On a busy machine that may be the rival's."""
    assert any(alice_was_undone_once() for _ in range(5))


def alice_was_undone_once():
    """A rival row-locks alice's seats in the wrong order while she changes them; in the end she has what she asked."""
    now, showtime, alice = timezone.now(), make_showtime(), new_visitor()
    lock_seats(showtime_id=showtime.pk, visitor=alice, labels=["A1", "A2"], at=now)
    has_second, attempts = threading.Event(), []

    def rival():
        with transaction.atomic():
            rows = row_lock(showtime, (1, 0))
            next(rows)
            has_second.set()
            wait_for_a_waiting_transaction()  # alice has the first seat now, and waits for the second
            return next(rows).index

    def change():
        has_second.wait(10)
        with CaptureQueriesContext(connection) as captured:
            booking = lock_seats(showtime_id=showtime.pk, visitor=alice, labels=["A2", "A3"], at=now).booking
        attempts.append(sum("lock_own_seats" in query["sql"] for query in captured))
        return booking

    first, booking = together([rival, change])
    assert sorted(booking.seats.values_list("index", flat=True)) == [1, 2]
    assert first == 0 or is_deadlock(first), first
    return attempts == [2]


def wait_for_a_waiting_transaction():
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    deadline = time.monotonic() + 5
    with connection.cursor() as cursor:
        while not cursor.execute(waiting).fetchone()[0] and time.monotonic() < deadline:
            time.sleep(0.02)


@pytest.mark.postgresql_only
def test_a_seat_that_is_given_back_while_a_rival_reads_it_is_available_afterwards():
    """If the row were skipped, like a requested one, the seat would stay locked unnoticed."""
    now, showtime, alice = timezone.now(), make_showtime(), new_visitor()
    lock_seats(showtime_id=showtime.pk, visitor=alice, labels=["A1", "A2"], at=now)
    looked = threading.Event()

    @transaction.atomic
    def rival():
        ShowtimeSeat.objects.select_for_update(of=("self",)).get(showtime=showtime, index=0)
        looked.set()
        wait_for_a_waiting_transaction()

    def give_back():
        looked.wait(10)
        return lock_seats(showtime_id=showtime.pk, visitor=alice, labels=["A2"], at=now).booking

    _, booking = together([rival, give_back])
    assert isinstance(booking, Booking), booking
    assert ShowtimeSeat.objects.get(showtime=showtime, index=0).status == "available"
    assert (booking.n_seats, booking.seats.count()) == (1, 1)


def test_two_tabs_of_one_visitor_end_with_one_booking():
    now, showtime, alice = timezone.now(), make_showtime(), new_visitor()
    results = together([lock_job(showtime, alice, label, at=now) for label in ("A1", "A2", "A3", "A4")])
    assert all(isinstance(result, (Booking, Refusal)) for result in results), results
    assert Booking.objects.filter(visitor=alice).not_ended().count() == 1
    assert ShowtimeSeat.objects.filter(showtime=showtime, status="locked").count() == 1


@pytest.mark.parametrize("first", [(), ("B1",)], ids=["without a lock", "with one"])
def test_of_requests_that_name_one_and_the_same_lock_exactly_one_wins(first):
    """The others are refused, whatever they ask for, and none of their seats is taken or given back."""
    tabs = [("A1",), ("A2",), ("A3", "B1"), ("B1", "B2"), ("A1", "A2"), ("A2", "A1"), ("A1", "A2")]
    for _ in range(ROUNDS):
        now, showtime, alice = timezone.now(), make_showtime(), new_visitor()
        who = {"showtime_id": showtime.pk, "visitor": alice, "at": now}
        tag = lock_seats(**who, labels=first).tag if first else NO_LOCK
        results = together([partial(lock_seats, **who, labels=labels, expected=frozenset({tag})) for labels in tabs])
        assert all(isinstance(result, LockResult | LockChanged) for result in results), results
        [(asked, granted)] = [pair for pair in zip(tabs, results, strict=True) if isinstance(pair[1], LockResult)]
        labels = [granted.showtime.plan.seats.get(index=index).label for index in granted.indices]
        assert sorted(labels) == sorted(asked) and granted.tag != tag
        assert all(result.found.tag == granted.tag for result in results if isinstance(result, LockChanged))
        rows = ShowtimeSeat.objects.filter(showtime=showtime, booking=granted.booking)
        assert [row.index for row in rows.order_by("index")] == list(granted.indices)


def test_the_lock_limit_holds_against_requests_at_the_same_time():
    now, alice = timezone.now(), new_visitor()
    showtimes = [make_showtime() for _ in range(5)]
    results = together([lock_job(showtime, alice, "A1", at=now) for showtime in showtimes])
    assert sum(isinstance(result, Booking) for result in results) == 2
    assert sum(isinstance(result, RateLimited) for result in results) == 3


def test_the_loop_the_next_buyer_and_the_old_one_at_the_same_moment():
    for _ in range(ROUNDS):
        now, showtime, alice, bob = timezone.now(), make_showtime(), new_visitor(), new_visitor()
        lock_seats(showtime_id=showtime.pk, visitor=alice, labels=["A1", "A2"], at=now)
        later = now + timedelta(minutes=5)
        pay_until = later + timedelta(minutes=41)

        def pay(showtime=showtime, alice=alice, later=later, pay_until=pay_until):
            with transaction.atomic():
                return begin_checkout(
                    showtime_id=showtime.pk,
                    visitor=alice,
                    email="alice@example.com",
                    payable_until=pay_until,
                    at=later - timedelta(milliseconds=1),
                )

        take = lock_job(showtime, bob, "A1", at=later)
        results = together([pay, take, lambda later=later: expire_locks(at=later)])
        assert all(isinstance(result, (Booking, Refusal, int)) for result in results), results
        paid, took = (isinstance(result, Booking) for result in results[:2])
        assert not (paid and took), "the seat of an open checkout was taken"
        seats = ShowtimeSeat.objects.filter(showtime=showtime, booking__visitor=alice).count()
        assert seats == (2 if paid else 0 if not took else seats)


def test_a_booking_confirmed_twenty_times_at_once_is_booked_once():
    now, showtime, alice = timezone.now(), make_showtime(), new_visitor()
    lock_seats(showtime_id=showtime.pk, visitor=alice, labels=["A1", "A2"], at=now)
    with transaction.atomic():
        booking = begin_checkout(
            showtime_id=showtime.pk,
            visitor=alice,
            email="alice@example.com",
            payable_until=now + timedelta(minutes=41),
            at=now,
        )
    results = together([lambda: confirm_booking(booking_id=booking.pk, demo=True, at=now).value] * 20)
    assert sorted(map(str, results)) == ["already"] * 19 + ["confirmed"]
    assert booking.tickets.count() == 2
    showtime.refresh_from_db()
    assert (showtime.version, showtime.n_booked, showtime.revenue) == (2, 2, 2300)


HALL = 100  # seats, of which one address may have 25


def fill_from_one_address(n_buyers):
    """`n_buyers` visitors of one address each lock four seats at the same moment; how many seats are locked then."""
    now, showtime = timezone.now(), make_showtime(make_plan(10, 10))
    client = Client(("203.0.113.7",))
    labels = [f"{chr(65 + i // 10)}{i % 10 + 1}" for i in range(HALL)]

    def job(first):
        who = {"showtime_id": showtime.pk, "visitor": new_visitor(), "client": client}
        return partial(lock_seats, **who, labels=labels[first : first + 4], at=now)

    results = together([job(4 * number) for number in range(n_buyers)])
    assert all(isinstance(result, LockResult | RateLimited) for result in results), results
    showtime.refresh_from_db()
    return showtime.n_locked


def test_visitors_of_one_address_who_lock_at_once_do_not_both_slip_under_its_limit():
    assert {fill_from_one_address(20) for _ in range(5)} == {24}


@pytest.mark.postgresql_only
def test_without_the_clients_lock_they_would(monkeypatch):
    """So the test above can fail."""
    monkeypatch.setattr("booking.locks.client_lock_query", lambda *_: [])
    assert max(fill_from_one_address(20) for _ in range(5)) > 25


@pytest.mark.postgresql_only
def test_checkouts_and_locks_of_one_address_at_once_keep_its_limit_too():
    """Visitors with seats of their own addresses pay from one address, while others lock there."""
    now, showtime, one = timezone.now(), make_showtime(make_plan(10, 10)), Client(("203.0.113.7",))
    jobs = []
    for number in range(10):
        visitor, labels = new_visitor(), [f"{chr(65 + number)}{i}" for i in range(1, 9)]
        who = {"showtime_id": showtime.pk, "visitor": visitor, "at": now}
        lock_seats(**who, labels=labels, client=Client((f"198.51.100.{number}",)))
        until = now + timedelta(minutes=41)
        jobs.append(partial(begin_checkout, **who, email="a@example.com", payable_until=until, client=one))
        more = {"showtime_id": showtime.pk, "labels": [f"{chr(65 + number)}10"], "at": now, "client": one}
        jobs.append(partial(lock_seats, visitor=new_visitor(), **more))
    results = together(jobs)
    assert all(isinstance(result, Booking | LockResult | RateLimited) for result in results), results
    network, _ = one.hashes(showtime.pk)
    n_locked = sum(Booking.objects.filter(network_hash=network).values_list("n_seats", flat=True))
    assert 43 <= n_locked <= 50
