"""Locks: all requested seats or no change; five minutes; released by their owner, taken by anybody once they lapse."""

from datetime import timedelta

import pytest

from bench.support.factories import make_plan, make_showtime
from booking.bookings import find_live
from booking.locks import expire_locks, lock_seats, release_lock
from booking.models import Booking, SeatChange
from booking.refusals import (
    NotFound,
    NotOnSale,
    RateLimited,
    SalesClosed,
    SeatsTaken,
    TooManySeats,
    UnknownSeat,
)
from booking.seats.layout_guess import forget_layouts, guess_requested, remember_layout
from booking.seats.map import read_map
from booking.showtimes.sales import block_seats
from cinema.plans.layouts import layout_of

pytestmark = pytest.mark.django_db

LOCK = timedelta(minutes=5)


def lock(showtime, who, *labels, at):
    return lock_seats(showtime_id=showtime.pk, visitor=who, labels=labels, at=at).booking


def letters(showtime, *indices):
    state = read_map(showtime.pk).state
    return "".join(state[i] for i in indices)


def test_a_lock_takes_all_seats_and_one_version(showtime, alice, now):
    booking = lock(showtime, alice, "A1", "A2", at=now)
    assert booking.status == "locked"
    assert booking.locked_until == now + LOCK
    assert read_map(showtime.pk).version == 1
    assert letters(showtime, 0, 1, 2) == "LLA"


def test_the_deadline_is_set_by_the_first_seat_and_does_not_move(showtime, alice, now):
    first = lock(showtime, alice, "A1", at=now)
    second = lock(showtime, alice, "A1", "A2", at=now + timedelta(minutes=2))
    assert second.reference == first.reference
    assert second.locked_until == now + LOCK


def test_a_seat_no_longer_named_is_given_back_in_the_same_version(showtime, alice, now):
    lock(showtime, alice, "A1", "A2", at=now)
    lock(showtime, alice, "A2", "A3", at=now)
    assert letters(showtime, 0, 1, 2) == "ALL"
    assert read_map(showtime.pk).version == 2


def test_the_same_request_again_takes_no_version(showtime, alice, now):
    lock(showtime, alice, "A1", "A2", at=now)
    lock(showtime, alice, "A2", "A1", "A1", at=now)
    assert read_map(showtime.pk).version == 1


def test_a_seat_locked_by_alice_is_refused_to_bob_with_its_name(showtime, alice, bob, now):
    lock(showtime, alice, "A1", at=now)
    with pytest.raises(SeatsTaken) as refusal:
        lock(showtime, bob, "A1", "A2", at=now)
    assert refusal.value.extra["seats"] == ["A1"]
    assert letters(showtime, 0, 1) == "LA"
    assert find_live(showtime_id=showtime.pk, visitor=bob, at=now) is None


def test_a_refused_request_leaves_the_earlier_one_as_it_was(showtime, alice, bob, now):
    lock(showtime, alice, "A1", at=now)
    lock(showtime, bob, "B1", at=now)
    with pytest.raises(SeatsTaken):
        lock(showtime, bob, "A1", "B2", at=now)
    assert letters(showtime, 0, 10, 11) == "LLA"


@pytest.mark.parametrize(("after", "taken"), [(-1, False), (0, True), (1, True)])
def test_a_lapsed_seat_can_be_taken_at_once_before_it_is_expired(showtime, alice, bob, now, after, taken):
    lock(showtime, alice, "A1", "A2", at=now)
    later = now + LOCK + timedelta(milliseconds=after)
    if taken:
        assert lock(showtime, bob, "A1", at=later).visitor == bob
    else:
        with pytest.raises(SeatsTaken):
            lock(showtime, bob, "A1", at=later)


def test_expire_locks_frees_what_lapsed_and_not_what_another_took(showtime, alice, bob, now):
    lock(showtime, alice, "A1", "A2", at=now)
    later = now + LOCK
    lock(showtime, bob, "A1", at=later)
    assert expire_locks(at=later) == 1
    assert letters(showtime, 0, 1) == "LA"
    assert Booking.objects.get(visitor=alice).status == "expired"
    assert expire_locks(at=later) == 0


def test_the_map_does_not_change_by_time_alone(showtime, alice, now):
    lock(showtime, alice, "A1", at=now)
    before = read_map(showtime.pk)
    assert find_live(showtime_id=showtime.pk, visitor=alice, at=now + LOCK) is None
    assert read_map(showtime.pk) == before


def test_a_request_after_the_lock_lapsed_is_a_new_booking(showtime, alice, now):
    first = lock(showtime, alice, "A1", "A2", at=now)
    second = lock(showtime, alice, "A2", "A3", at=now + LOCK)
    assert second.reference != first.reference
    assert letters(showtime, 0, 1, 2) == "ALL"
    assert read_map(showtime.pk).version == 2
    first.refresh_from_db()
    assert first.status == "expired"


def test_giving_everything_back_ends_the_booking_and_the_next_has_a_new_reference(showtime, alice, now):
    first = lock(showtime, alice, "A1", at=now)
    assert lock(showtime, alice, at=now) is None
    first.refresh_from_db()
    assert (first.status, first.end_reason) == ("released", "given-back")
    assert letters(showtime, 0) == "A"
    assert lock(showtime, alice, "A1", at=now).reference != first.reference


def test_release_says_whether_there_was_a_lock(showtime, alice, now):
    assert release_lock(showtime_id=showtime.pk, visitor=alice, at=now) is False
    lock(showtime, alice, "A1", at=now)
    assert release_lock(showtime_id=showtime.pk, visitor=alice, at=now) is True
    assert letters(showtime, 0) == "A"


def test_a_blocked_seat_is_refused(showtime, alice, now):
    block_seats(showtime_id=showtime.pk, labels=["A1"], at=now)
    with pytest.raises(SeatsTaken):
        lock(showtime, alice, "A1", at=now)


def test_eleven_seats_are_too_many(showtime, alice, now):
    with pytest.raises(TooManySeats) as refusal:
        lock(showtime, alice, *(f"A{i}" for i in range(1, 11)), "B1", at=now)
    assert refusal.value.extra == {"limit": 10}


def test_a_seat_that_is_not_there_is_named(showtime, alice, now):
    with pytest.raises(UnknownSeat) as refusal:
        lock(showtime, alice, "A1", "Z9", at=now)
    assert refusal.value.extra == {"seats": ["Z9"]}


def test_an_unknown_showtime_is_not_found(alice, now):
    with pytest.raises(NotFound):
        lock_seats(showtime_id=999_999, visitor=alice, labels=["A1"], at=now)


def test_nothing_is_sold_before_the_opening_after_the_closing_or_when_cancelled(alice, now):
    upcoming = make_showtime(at=now, sales_open_at=now + timedelta(seconds=90))
    with pytest.raises(NotOnSale) as refusal:
        lock(upcoming, alice, "A1", at=now)
    assert refusal.value.headers["Retry-After"] == "90"
    over = make_showtime(at=now - timedelta(days=1))
    with pytest.raises(SalesClosed):
        lock(over, alice, "A1", at=now)
    cancelled = make_showtime(at=now, cancelled_at=now)
    with pytest.raises(SalesClosed):
        lock(cancelled, alice, "A1", at=now)


def test_seats_can_be_given_back_after_sales_have_closed(showtime, alice, now):
    lock(showtime, alice, "A1", at=now)
    showtime.sales_close_at = now
    showtime.save(update_fields=["sales_close_at"])
    assert lock(showtime, alice, at=now + timedelta(seconds=1)) is None


def test_the_third_showtime_at_a_time_is_refused_until_one_lock_lapses(alice, now):
    first, second, third = (make_showtime(at=now) for _ in range(3))
    lock(first, alice, "A1", at=now)
    lock(second, alice, "A1", at=now + timedelta(minutes=1))
    with pytest.raises(RateLimited) as refusal:
        lock(third, alice, "A1", at=now + timedelta(minutes=2))
    assert refusal.value.headers["Retry-After"] == "180"
    assert lock(third, alice, "A1", at=now + LOCK)


def test_the_fourth_lock_of_one_showtime_in_a_quarter_of_an_hour_is_refused(showtime, alice, now):
    for minute in range(3):
        lock(showtime, alice, "A1", at=now + timedelta(minutes=minute))
        lock(showtime, alice, at=now + timedelta(minutes=minute))
    with pytest.raises(RateLimited) as refusal:
        lock(showtime, alice, "A1", at=now + timedelta(minutes=5))
    assert refusal.value.headers["Retry-After"] == "600"
    assert lock(showtime, alice, "A1", at=now + timedelta(minutes=15))


def test_limits_can_be_turned_off(showtime, alice, now, settings):
    settings.RATE_LIMITS = False
    for _ in range(5):
        lock(showtime, alice, "A1", at=now)
        lock(showtime, alice, at=now)


def test_every_change_leaves_a_row_of_history(showtime, alice, now):
    booking = lock(showtime, alice, "A1", "A2", at=now)
    lock(showtime, alice, "A2", at=now)
    rows = SeatChange.objects.values_list("version", "index", "before", "after", "booking", "reason")
    assert list(rows) == [
        (1, 0, "available", "locked", booking.pk, "lock"),
        (1, 1, "available", "locked", booking.pk, "lock"),
        (2, 0, "locked", "available", booking.pk, "lock"),
    ]


def test_the_counters_follow(showtime, alice, now):
    lock(showtime, alice, "A1", "A2", at=now)
    showtime.refresh_from_db()
    assert (showtime.n_available, showtime.n_locked, showtime.n_booked, showtime.n_blocked) == (38, 2, 0, 0)


@pytest.mark.parametrize("remembered", [None, {"rows": 1}, {"per_row": 3}], ids=["nothing", "no B1", "B1 elsewhere"])
def test_seats_are_those_of_the_layout_that_the_showtime_has_now(showtime, alice, bob, now, remembered):
    """Which one it had is remembered, to ask for seats by; a hall that was rebuilt has them elsewhere."""
    another = remembered and layout_of(make_plan(**remembered).hash)

    def lock_with_memory(*args):
        forget_layouts()
        if another:
            remember_layout(showtime.pk, another.hash)
        try:
            return lock(showtime, *args, at=now)
        finally:
            assert guess_requested(showtime.pk, ["B1"]) == {"B1": 10}

    lock_with_memory(bob, "A4")  # where a hall of three a row has its B1
    assert [seat.index for seat in lock_with_memory(alice, "B1").seats.all()] == [10]
    with pytest.raises(SeatsTaken) as refusal:
        lock_with_memory(alice, "A4", "B1")
    assert refusal.value.seats == ["A4"]
