"""`LOCKS_PER_ADDRESS_PERCENT`: how many seats of a showtime one client may have, whatever number of visitors it is."""

import uuid
from datetime import timedelta

import pytest

from bench.support.factories import make_plan, make_showtime, make_user
from booking.adoption import adopt_bookings
from booking.bookings import (
    begin_checkout,
    begin_refund,
    begin_release,
    confirm_booking,
    finish_release,
)
from booking.clients.client import NOT_COUNTED, Client
from booking.lock_limits import ClientSeats, Holding, check_client_seats
from booking.locks import expire_locks, lock_seats, release_lock
from booking.models import Booking
from booking.refusals import RateLimited

pytestmark = pytest.mark.django_db

LOCK = timedelta(minutes=5)
HOME = Client(("203.0.113.7",))
OFFICE = Client(("203.0.113.8",))


def flat(n, street=0):
    """One of many homes with an IPv6 network each."""
    return Client((f"2001:db8:{street}::/48", f"2001:db8:{street}:{n}::/64"))


@pytest.fixture
def hall(now):
    """100 seats, of which one client may have 25 without an open payment and 50 in all."""
    return make_showtime(make_plan(10, 10), at=now)


def label(i):
    return f"{chr(65 + i // 10)}{i % 10 + 1}"


def take(showtime, client, first, n, at, visitor=None):
    visitor = visitor or uuid.uuid4()
    labels = [label(i) for i in range(first, first + n)]
    lock_seats(showtime_id=showtime.pk, visitor=visitor, labels=labels, at=at, client=client)
    return visitor


def pay(showtime, visitor, client, at):
    until = at + timedelta(minutes=41)
    who = {"showtime_id": showtime.pk, "visitor": visitor, "email": "a@example.com"}
    return begin_checkout(**who, payable_until=until, at=at, client=client)


def is_refused(*args, **kwargs):
    try:
        take(*args, **kwargs)
    except RateLimited as refusal:
        assert refusal.headers["Retry-After"] == "30"
        return True
    return False


# ---- The rule, without a database -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n_showtime", "percent", "chosen", "locked"),
    [(100, 25, 25, 50), (592, 25, 148, 296), (99, 25, 24, 48), (60, 25, 20, 30), (12, 25, 20, 20), (1000, 1, 20, 20),
     (1000, 100, 1000, 2000), (79, 25, 20, 38), (80, 25, 20, 40)],
)  # fmt: skip
def test_the_part_is_rounded_down_and_never_fewer_than_twenty(settings, n_showtime, percent, chosen, locked):
    settings.LOCKS_PER_ADDRESS_PERCENT = percent

    def allows(holding, **mine):
        try:
            check_client_seats(ClientSeats(n_showtime, (holding,)), **mine)
        except RateLimited:
            return False
        return True

    assert allows(Holding(chosen - 2, chosen - 2), chosen=2, locked=2)
    assert not allows(Holding(chosen - 1, chosen - 1), chosen=2, locked=2)
    assert allows(Holding(0, locked - 2), chosen=2, locked=2)
    assert not allows(Holding(0, locked - 1), chosen=2, locked=2)
    assert not allows(Holding(0, locked), chosen=0, locked=1)
    assert allows(Holding(0, 4 * locked - 2, 4), chosen=2, locked=2)
    assert not allows(Holding(0, 4 * locked - 1, 4), chosen=2, locked=2)
    assert not allows(Holding(4 * chosen - 1, 0, 4), chosen=2, locked=2)


def test_an_address_says_to_sign_in_or_to_wait_and_an_account_does_not():
    for is_account, words in ((False, "Sign in with a confirmed e-mail address, or wait"), (True, "or wait")):
        with pytest.raises(RateLimited) as refusal:
            check_client_seats(ClientSeats(100, (Holding(25, 25),), is_account), chosen=1, locked=1)
        assert words in refusal.value.detail
        assert refusal.value.extra == ({} if is_account else {"sign_in": True})


# ---- Counting -------------------------------------------------------------------------------------------------------


def test_many_visitors_of_one_address_have_a_quarter_and_not_a_seat_more(hall, now):
    take(hall, HOME, 0, 10, now)
    take(hall, HOME, 10, 10, now)
    assert is_refused(hall, HOME, 20, 6, now)
    take(hall, HOME, 20, 5, now)
    assert is_refused(hall, HOME, 25, 1, now)
    take(hall, OFFICE, 25, 10, now)


def test_adding_to_a_lock_counts_and_exchanging_or_giving_back_is_allowed_when_full(hall, now):
    first = take(hall, HOME, 0, 9, now)
    take(hall, HOME, 10, 10, now)
    take(hall, HOME, 20, 6, now)
    assert is_refused(hall, HOME, 0, 10, now, visitor=first)
    take(hall, HOME, 40, 9, now, visitor=first)
    take(hall, HOME, 40, 8, now, visitor=first)
    take(hall, HOME, 40, 9, now, visitor=first)
    assert is_refused(hall, HOME, 40, 10, now, visitor=first)


def test_a_refused_request_changes_nothing(hall, now):
    first = take(hall, HOME, 0, 5, now)
    take(hall, HOME, 10, 10, now)
    take(hall, HOME, 20, 10, now)
    before = Booking.objects.values_list("pk", "n_seats", "network_hash").order_by("pk")
    rows = list(before)
    assert is_refused(hall, HOME, 0, 6, now, visitor=first)
    assert is_refused(hall, HOME, 50, 1, now)
    assert list(before.all()) == rows
    hall.refresh_from_db()
    assert hall.n_locked == 25


def test_seats_with_an_open_payment_leave_room_for_as_many_again(hall, now):
    for first in (0, 10):
        pay(hall, take(hall, HOME, first, 10, now), HOME, now)
    pay(hall, take(hall, HOME, 20, 5, now), HOME, now)
    take(hall, HOME, 30, 10, now)
    take(hall, HOME, 40, 10, now)
    assert is_refused(hall, HOME, 50, 6, now)
    last = take(hall, HOME, 50, 5, now)
    assert is_refused(hall, HOME, 60, 1, now)
    pay(hall, last, HOME, now)  # what it has already
    assert is_refused(hall, HOME, 60, 1, now)


def test_checkout_from_an_address_that_has_its_all_is_refused_and_the_lock_stays(hall, now):
    for first in (0, 10, 20):
        pay(hall, take(hall, HOME, first, 10, now), HOME, now)
    pay(hall, take(hall, HOME, 30, 10, now), HOME, now)
    other = take(hall, OFFICE, 40, 10, now)
    pay(hall, other, HOME, now)
    assert Booking.objects.get(visitor=other).network_hash == HOME.hashes(hall.pk)[0]
    one_more = take(hall, OFFICE, 50, 1, now)
    with pytest.raises(RateLimited):
        pay(hall, one_more, HOME, now)
    booking = Booking.objects.get(visitor=one_more)
    assert (booking.status, booking.network_hash) == ("locked", OFFICE.hashes(hall.pk)[0])
    pay(hall, one_more, OFFICE, now)


def test_another_choice_during_a_payment_is_refused_before_the_payment_ends_if_too_much_would_be_chosen(hall, now):
    """Else an address could open payments for one quarter, choose another, and end the payments."""
    payer = take(hall, HOME, 0, 10, now)
    booking = pay(hall, payer, HOME, now)
    take(hall, HOME, 10, 10, now)
    take(hall, HOME, 20, 10, now)
    assert is_refused(hall, HOME, 60, 10, now, visitor=payer)
    booking.refresh_from_db()
    assert booking.status == "checkout"


def test_a_lock_that_has_lapsed_does_not_count_whether_or_not_it_was_expired(hall, now):
    for first in (0, 10):
        take(hall, HOME, first, 10, now)
    take(hall, HOME, 20, 5, now)
    assert is_refused(hall, HOME, 30, 1, now + LOCK - timedelta(milliseconds=1))
    take(hall, HOME, 30, 10, now + LOCK)
    take(hall, HOME, 0, 10, now + LOCK)
    assert expire_locks(at=now + LOCK) == 3
    take(hall, HOME, 10, 5, now + LOCK)
    assert is_refused(hall, HOME, 40, 1, now + LOCK)


def test_a_64_has_one_part_and_a_48_four(now):
    hall = make_showtime(make_plan(20, 10), at=now)  # 50 for a /64, 200 for a /48: all there are
    for first in range(0, 50, 10):
        take(hall, flat(1), first, 10, now)
    assert is_refused(hall, flat(1), 50, 1, now)
    take(hall, flat(2), 50, 10, now)
    take(hall, flat(1, street=7), 60, 10, now)
    small = make_showtime(make_plan(12, 10), at=now)  # 30 for a /64, 120 for a /48
    for home in range(3):
        for part in range(3):
            take(small, flat(home), home * 30 + part * 10, 10, now)
    take(small, flat(3), 90, 10, now)


def test_a_48_is_refused_when_its_homes_have_four_parts(hall, now, settings):
    settings.LOCKS_PER_ADDRESS_PERCENT = 20
    for home in range(8):  # 80 of 100 seats, none of the homes with more than ten
        take(hall, flat(home), home * 10, 10, now)
    assert is_refused(hall, flat(8), 80, 1, now)
    take(hall, flat(8, street=7), 80, 1, now)


def test_a_showtime_of_its_own_is_counted_for_itself(hall, now):
    other = make_showtime(make_plan(10, 10), at=now)
    for showtime in (hall, other):
        take(showtime, HOME, 0, 10, now)
        take(showtime, HOME, 10, 10, now)
        take(showtime, HOME, 20, 5, now)
        assert is_refused(showtime, HOME, 30, 1, now)


def test_an_account_counts_apart_from_the_address(hall, now):
    for first in (0, 10):
        take(hall, HOME, first, 10, now)
    take(hall, HOME, 20, 5, now)
    assert is_refused(hall, HOME, 30, 1, now)
    take(hall, Client(("account 7",), is_account=True), 30, 10, now)
    take(hall, NOT_COUNTED, 40, 10, now)
    assert is_refused(hall, HOME, 60, 1, now)


@pytest.mark.parametrize("is_verified", [True, False])
def test_at_log_in_seats_become_the_accounts_if_it_is_counted_by_itself(hall, now, is_verified):
    account = Client((f"account {make_user().pk}",), is_account=True) if is_verified else HOME
    guest, of_account = take(hall, HOME, 0, 10, now), uuid.uuid4()
    take(hall, HOME, 10, 10, now)
    adopt_bookings(guest=guest, account=of_account, at=now, client=account)
    assert Booking.objects.get(visitor=of_account).network_hash == account.hashes(hall.pk)[0]
    assert is_refused(hall, HOME, 20, 10, now) is not is_verified


def test_zero_turns_it_off(hall, now, settings):
    settings.LOCKS_PER_ADDRESS_PERCENT = 0
    for first in range(0, 100, 10):
        take(hall, HOME, first, 10, now)
    assert not Booking.objects.filter(network_hash__isnull=False).exists()


def test_whom_seats_count_for_moves_with_who_adds_some(hall, now):
    visitor = take(hall, HOME, 0, 5, now)
    take(hall, OFFICE, 0, 4, now, visitor=visitor)
    assert Booking.objects.get().network_hash == HOME.hashes(hall.pk)[0]
    take(hall, OFFICE, 0, 6, now, visitor=visitor)
    assert Booking.objects.get().network_hash == OFFICE.hashes(hall.pk)[0]


# ---- The hash is deleted when the lock ends -------------------------------------------------------------------------


def released(showtime, visitor, booking, at):
    release_lock(showtime_id=showtime.pk, visitor=visitor, at=at)


def nothing_named(showtime, visitor, booking, at):
    lock_seats(showtime_id=showtime.pk, visitor=visitor, labels=[], at=at, client=HOME)


def expired(showtime, visitor, booking, at):
    assert expire_locks(at=at + LOCK) == 1


def begun_anew(showtime, visitor, booking, at):
    take(showtime, NOT_COUNTED, 5, 1, at + LOCK, visitor=visitor)


def payment_ended(showtime, visitor, booking, at):
    pay(showtime, visitor, HOME, at)
    begin_release(booking_id=booking.pk, reason="given-back", at=at)
    finish_release(booking_id=booking.pk, at=at)


def confirmed(showtime, visitor, booking, at):
    pay(showtime, visitor, HOME, at)
    confirm_booking(booking_id=booking.pk, demo=True, at=at)


def refunding(showtime, visitor, booking, at):
    pay(showtime, visitor, HOME, at)
    begin_refund(booking_id=booking.pk, amount=1, at=at, reason="mismatch")


ENDS = [released, nothing_named, expired, begun_anew, payment_ended, confirmed, refunding]


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
def test_the_hash_of_the_client_is_deleted_when_the_lock_ends(hall, now, end):
    visitor = take(hall, flat(1), 0, 2, now)
    booking = Booking.objects.get()
    assert booking.network_hash and booking.address_hash and booking.network_hash != booking.address_hash
    end(hall, visitor, booking, now)
    booking.refresh_from_db()
    assert booking.status not in Booking.LIVE
    assert (booking.network_hash, booking.address_hash) == (None, None)
