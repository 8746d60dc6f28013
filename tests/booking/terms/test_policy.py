"""Refund terms: tiers, deadline, fee and rounding, as arithmetic and as an offer to a buyer."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.support.factories import cancel_all_tickets
from booking.models import Ticket
from booking.terms.policy import RefundPolicy, offer_of, read_policy, split_refund
from cinema.models import Cinema, RefundTier

TIERS = RefundPolicy(((1440, 100), (120, 50), (30, 10)))


def refund_of(price, policy, minutes_left):
    """The refund of one seat of several."""
    [part] = split_refund([price], policy=policy, minutes_left=minutes_left, whole=False)
    return part


@pytest.mark.parametrize(
    ("left", "back"),
    [(5000, 1151), (1440, 1151), (1439, 575), (120, 575), (119, 115), (30, 115), (29, 0), (0, 0), (-5, 0)],
)
def test_the_largest_percentage_whose_time_has_not_passed_applies_rounded_down(left, back):
    assert refund_of(1151, TIERS, left) == back


def test_a_later_tier_with_a_larger_percentage_applies():
    odd = RefundPolicy(((1440, 20), (60, 80)))
    assert refund_of(1000, odd, 2000) == 800
    assert refund_of(1000, odd, 59) == 0


def test_the_fee_is_kept_per_seat_and_a_refund_is_never_negative():
    policy = RefundPolicy(((0, 50),), fee=200)
    assert refund_of(1000, policy, 10) == 300
    assert refund_of(300, policy, 10) == 0
    assert split_refund([1000, 300], policy=policy, minutes_left=10, whole=True) == [300, 0]


def test_the_last_seat_gets_the_remainder_of_rounding_when_all_are_cancelled():
    policy = RefundPolicy(((0, 50),))
    assert split_refund([1151, 1151, 1151], policy=policy, minutes_left=5, whole=True) == [575, 575, 576]
    assert split_refund([1151, 1151, 1151], policy=policy, minutes_left=5, whole=False) == [575, 575, 575]
    assert split_refund([], policy=policy, minutes_left=5, whole=True) == []


@given(
    prices=st.lists(st.integers(0, 5000), min_size=1, max_size=10),
    percent=st.integers(1, 100),
    fee=st.integers(0, 900),
    whole=st.booleans(),
)
def test_no_refund_exceeds_its_price_and_the_sum_is_the_percentage_of_the_sum(prices, percent, fee, whole):
    parts = split_refund(prices, policy=RefundPolicy(((0, percent),), fee), minutes_left=1, whole=whole)
    assert all(0 <= part <= price for part, price in zip(parts, prices, strict=True))
    free = split_refund(prices, policy=RefundPolicy(((0, percent),)), minutes_left=1, whole=whole)
    exact = sum(prices) * percent // 100
    assert exact - len(prices) < sum(free) <= exact
    if whole and sum(free) != exact:  # the remainder is limited by the price of the last seat
        assert free[-1] == prices[-1]
    assert all(part == max(0, unkept - fee) for part, unkept in zip(parts, free, strict=True))


@pytest.mark.django_db
def test_without_tiers_the_setting_ends_the_full_refund(settings):
    settings.CANCEL_UNTIL = timedelta(minutes=45)
    cinema = Cinema.objects.create(name="Odeon", slug="odeon", refund_fee=50)
    assert read_policy(cinema) == RefundPolicy(((45, 100),), 50)
    RefundTier.objects.create(cinema=cinema, minutes_before=60, percent=40)
    RefundTier.objects.create(cinema=cinema, minutes_before=600, percent=90)
    assert read_policy(cinema) == RefundPolicy(((600, 90), (60, 40)), 50)


@pytest.fixture
def booking(showtime, alice, now):
    from booking.bookings import begin_checkout, confirm_booking
    from booking.locks import lock_seats

    lock_seats(showtime_id=showtime.pk, visitor=alice, labels=["A1", "A2", "A3"], at=now)
    until = now + timedelta(hours=1)
    found = begin_checkout(showtime_id=showtime.pk, visitor=alice, email="a@example.com", payable_until=until, at=now)
    confirm_booking(booking_id=found.pk, demo=True, at=now)
    found.refresh_from_db()
    return found


@pytest.mark.django_db
def test_an_offer_has_the_refund_of_each_ticket_or_why_not(booking, now):
    booking.tickets.filter(label="A1").update(status="used")
    booking.tickets.filter(label="A3").update(status="cancelled")
    offer = offer_of(booking, now)
    offered = {each.ticket.label: (each.amount, each.kept, each.why_not) for each in offer.tickets}
    assert offered["A1"] == (0, 0, "The ticket for A1 has been used.")
    assert offered["A2"] == (1150, 0, "")
    assert offered["A3"] == (0, 0, "Seat A3 is cancelled already.")
    assert (offer.amount, offer.percent, offer.why_not) == (1150, 100, "")
    assert offer.until == booking.showtime.starts_at - timedelta(hours=2)


@pytest.mark.django_db
def test_an_offer_for_some_seats_covers_only_these(booking, now):
    RefundTier.objects.create(cinema=booking.showtime.screen.cinema, minutes_before=0, percent=33)
    assert [each.amount for each in offer_of(booking, now).tickets] == [379, 379, 380]
    assert [each.amount for each in offer_of(booking, now, ["A2", "A3"]).tickets] == [379, 379]
    assert offer_of(booking, now, []).amount == 0


@pytest.mark.django_db
@pytest.mark.parametrize(("currency", "parts"), [("ISK", [300, 300, 300]), ("KWD", [370, 370, 380])])
def test_a_refund_is_an_amount_that_a_card_can_transfer(booking, now, currency, parts):
    booking.currency = currency
    RefundTier.objects.create(cinema=booking.showtime.screen.cinema, minutes_before=0, percent=33)
    assert [each.amount for each in offer_of(booking, now).tickets] == parts


@pytest.mark.django_db
def test_a_buyer_may_cancel_until_the_deadline_and_not_a_second_later(booking):
    until = offer_of(booking, booking.showtime.starts_at).until
    assert offer_of(booking, until).amount == 3450
    late = offer_of(booking, until + timedelta(seconds=1))
    assert (late.amount, late.open) == (0, ())
    assert late.why_not == "Tickets can be cancelled until 2 hours before the start. That time has passed."
    begun = offer_of(booking, booking.showtime.starts_at + timedelta(seconds=1))
    assert begun.why_not == "The showtime has begun, so its tickets cannot be cancelled any more."


@pytest.mark.django_db
def test_a_cancelled_showtime_is_refunded_in_full_at_any_time(booking):
    RefundTier.objects.create(cinema=booking.showtime.screen.cinema, minutes_before=600, percent=1)
    booking.showtime.cancelled_at = booking.showtime.starts_at
    offer = offer_of(booking, booking.showtime.starts_at + timedelta(hours=1))
    assert (offer.amount, offer.why_not) == (3450, "")


@pytest.mark.django_db
def test_nothing_is_offered_that_was_refunded_before_or_without_a_standing_ticket(booking, now):
    booking.refunded = 3000
    assert [each.amount for each in offer_of(booking, now).tickets] == [450, 0, 0]
    booking.refunded = 0
    gone = cancel_all_tickets(booking.pk, now)
    offer = offer_of(gone, now)
    assert offer.why_not == "This booking has no valid tickets, so there is nothing to cancel."
    assert Ticket.objects.filter(booking=gone, cancelled_at=now).count() == 3
