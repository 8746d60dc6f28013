"""Tickets cancelled by buyers under the cinema's terms, and by staff."""

from datetime import timedelta

import pytest
from django.utils import timezone

from bench.support.factories import make_plan, make_showtime, new_visitor
from booking.bookings import begin_checkout, confirm_booking
from booking.models import Ticket
from booking.refusals import NothingToCancel, TicketUsed, TooLateToCancel, UnknownSeat
from cinema.models import Showtime
from payments import refunds
from payments.ledger import BUYER
from tests.payments.money import (
    STAFF,
    alerts,
    before_start,
    buy,
    cancel,
    enqueued,
    kinds,
    letters,
    set_terms,
    state,
    tickets,
)
from tests.payments.money import refunds as refunds_of
from tests.payments.sales import Sale, run_loop

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("adds_up")]


def test_one_of_three_seats_is_refunded_and_the_others_stay_valid():
    sale = buy("A1", "A2", "A3")
    cancel(sale, "A2", by=BUYER)
    assert state(sale) == ("confirmed", 1150)
    assert tickets(sale) == {"A1": "valid", "A2": "cancelled", "A3": "valid"}
    assert letters(sale) == "BAB"
    [refund] = refunds_of(sale)
    assert (refund.amount, refund.reason, refund.status, refund.actor) == (1150, "buyer", "requested", "buyer")
    [seat] = refund.seats.all()
    assert (seat.ticket.label, seat.amount, seat.kept) == ("A2", 1150, 0)
    assert Ticket.objects.get(booking=sale.booking, label="A2").cancelled_at is not None
    ticket = seat.ticket_id
    mail = {"booking": sale.booking.pk, "tickets": [ticket], "refund": 1150, "reason": "buyer"}
    assert enqueued("mail.cancelled") == [mail]
    run_loop()
    assert refunds_of(sale)[0].status == "succeeded" and state(sale) == ("confirmed", 1150)
    assert kinds(sale.booking, "refund.") == ["refund.requested", "refund.succeeded"]


def test_a_booking_without_tickets_is_refunding_and_then_refunded():
    sale = buy("A1", "A2")
    cancel(sale, "A1", by=BUYER)
    assert cancel(sale, by=BUYER).status == "refunding"
    assert letters(sale) == "AAA" and Showtime.objects.get(pk=sale.showtime.pk).revenue == 0
    run_loop()
    assert state(sale) == ("refunded", 2300)
    assert [refund.amount for refund in refunds_of(sale)] == [1150, 1150]


def test_percentage_and_fee_are_those_of_the_cinema_and_the_fee_is_kept():
    sale = buy("A1", "A2", "A3")
    set_terms(sale.showtime, (1440, 100), (60, 50), fee=100)
    cancel(sale, by=BUYER, at=before_start(sale.showtime, 61))
    [refund] = refunds_of(sale)
    assert refund.amount == 3 * (575 - 100)
    assert list(refund.seats.order_by("ticket_id").values_list("amount", "kept")) == [(475, 675)] * 3
    run_loop(after=timedelta(hours=5))
    assert state(sale) == ("refunded", 1425)


def test_without_anything_to_refund_the_booking_is_cancelled():
    sale = buy("A1", "A2")
    set_terms(sale.showtime, (0, 10), fee=500)
    cancel(sale, "A1", by=BUYER)
    assert state(sale) == ("confirmed", 0)
    cancel(sale, "A2", by=BUYER)
    assert state(sale) == ("cancelled", 0) and refunds_of(sale) == []
    assert letters(sale) == "AAA"
    assert [payload["refund"] for payload in enqueued("mail.cancelled")] == [0, 0]


def test_free_seats_need_no_refund_and_are_listed_in_that_of_paid_ones():
    free = buy("A1", "A2", showtime=make_showtime(prices={"standard": 0, "premium": 0}))
    assert cancel(free, by=BUYER).status == "cancelled" and refunds_of(free) == []
    plan = make_plan(rows=2, per_row=3)  # the second row is premium
    mixed = buy("A1", "B1", showtime=make_showtime(plan, prices={"standard": 0, "premium": 900}))
    cancel(mixed, by=BUYER)
    [refund] = refunds_of(mixed)
    assert (refund.amount, refund.seats.count()) == (900, 2)


@pytest.mark.parametrize("minutes", [119, 0, -30])
def test_after_the_deadline_a_buyer_is_refused_and_nothing_changes(minutes):
    sale = buy()
    before = Showtime.objects.get(pk=sale.showtime.pk).version
    with pytest.raises(TooLateToCancel, match=r"before the start|has begun"):
        cancel(sale, by=BUYER, at=before_start(sale.showtime, minutes))
    assert Showtime.objects.get(pk=sale.showtime.pk).version == before
    assert state(sale) == ("confirmed", 0) and refunds_of(sale) == [] and letters(sale) == "BBB"


def test_only_staff_cancel_a_used_ticket():
    sale = buy("A1", "A2")
    Ticket.objects.filter(booking=sale.booking, label="A1").update(status="used", used_at=timezone.now())
    with pytest.raises(TicketUsed, match="A1 has been used"):
        cancel(sale, by=BUYER)
    assert tickets(sale) == {"A1": "used", "A2": "valid"}
    cancel(sale, "A2", by=BUYER)
    cancel(sale)
    assert tickets(sale) == {"A1": "cancelled", "A2": "cancelled"} and state(sale)[1] == 2300


def test_a_repeated_cancellation_and_a_repeated_label_have_no_effect():
    sale = buy("A1", "A2", "A3")
    cancel(sale, "A1", "A1", by=BUYER)
    version = Showtime.objects.get(pk=sale.showtime.pk).version
    cancel(sale, "A1", by=BUYER)
    cancel(sale, "A1", by=BUYER, at=sale.showtime.starts_at)  # too late for anything else
    assert Showtime.objects.get(pk=sale.showtime.pk).version == version
    cancel(sale, "A1", "A2", by=BUYER)
    assert [refund.amount for refund in refunds_of(sale)] == [1150, 1150]
    cancel(sale, by=BUYER)
    assert cancel(sale, by=BUYER).status == "refunding" and state(sale)[1] == 3450


def test_an_unknown_seat_is_named_and_nothing_is_cancelled():
    sale = buy("A1", "A2")
    with pytest.raises(UnknownSeat) as refusal:
        cancel(sale, "A1", "A3", "Z9", by=BUYER)
    assert refusal.value.extra == {"seats": ["A3", "Z9"]}
    assert tickets(sale) == {"A1": "valid", "A2": "valid"}


def test_a_booking_that_was_never_confirmed_has_nothing_to_cancel():
    sale = Sale(make_showtime(), new_visitor(), ("A1", "A2")).lock()
    with pytest.raises(NothingToCancel, match="is not confirmed"):
        cancel(sale)
    sale.start()
    with pytest.raises(NothingToCancel):
        cancel(sale, by=BUYER)
    assert sale.seats() == {"locked"}
    run_loop(after=timedelta(minutes=6))
    with pytest.raises(NothingToCancel):
        cancel(sale)


# ---- By staff --------------------------------------------------------------------------------------------------------


def test_staff_refund_the_whole_price_before_and_after_the_start():
    sale = buy("A1", "A2", "A3")
    set_terms(sale.showtime, (600, 10), fee=300)
    cancel(sale, "A1", at=before_start(sale.showtime, 5))
    cancel(sale, at=before_start(sale.showtime, -200))
    assert [(refund.amount, refund.reason, refund.actor) for refund in refunds_of(sale)] == [
        (1150, "staff", "staff:ines"),
        (2300, "staff", "staff:ines"),
    ]
    run_loop(after=timedelta(hours=10))
    assert state(sale) == ("refunded", 3450)


def test_the_reason_given_by_staff_is_in_the_ledger():
    sale = buy("A1")
    refunds.cancel_booking(booking_id=sale.booking.pk, labels=None, by=STAFF, at=timezone.now(), note="fell ill")
    assert sale.booking.ledger.get(kind="refund.requested").note == "fell ill"


def test_tickets_paid_elsewhere_raise_an_alert_and_demo_sales_do_not():
    for demo in (False, True):
        sale = Sale(make_showtime(), new_visitor(), ("A1", "A2")).lock()
        at_the_box_office(sale, demo)
        cancel(sale, "A1")
        assert state(sale) == ("confirmed", 1150)
        cancel(sale)
        assert state(sale) == ("refunded", 2300) and refunds_of(sale) == []
        assert alerts(booking=sale.booking) == ([] if demo else ["refund-by-hand", "refund-by-hand"])


def at_the_box_office(sale, demo):

    at = timezone.now()
    who = {"showtime_id": sale.showtime.pk, "visitor": sale.visitor, "email": "a@example.com"}
    booking = begin_checkout(**who, payable_until=at + timedelta(hours=1), at=at)
    confirm_booking(booking_id=booking.pk, demo=demo, at=at)
