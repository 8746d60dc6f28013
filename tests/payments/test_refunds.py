"""Tickets cancelled by buyers, staff and cancelled showtimes; refunds that settle, fail and are asked again."""

from datetime import timedelta
from functools import partial

import pytest
from django.db.models import Sum
from django.utils import timezone

from bench.support.factories import make_plan, make_showtime, new_visitor
from booking.models import Booking, OutboxMessage, SeatChange, Ticket
from booking.refusals import (
    Invalid,
    NotFound,
    NothingToCancel,
    PaymentDisputed,
    TicketUsed,
    TooLateToCancel,
    UnknownSeat,
)
from cinema.models import Showtime
from payments import ledger, refunds
from payments.gateways.interface import RefundState
from payments.ledger import BUYER
from payments.models import MoneyAlert, Payment, Refund, RefundSeat
from payments.refund_updates import apply_refund
from tests.payments.money import (
    STAFF,
    alerts,
    before_start,
    buy,
    cancel,
    kinds,
    letters,
    set_terms,
    state,
    tickets,
)
from tests.payments.money import refunds as refunds_of
from tests.payments.sales import Sale, at_once, post, run_loop

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("adds_up")]


def settle(refund, status, failure="", refund_id=None):
    told = RefundState(refund_id or refund.refund_id or f"re_{refund.pk}", status, failure)
    return apply_refund(refund_id=refund.pk, state=told, at=timezone.now())


def promised(kind):
    return [message.payload for message in OutboxMessage.objects.filter(kind=kind).order_by("pk")]


# ---- By the buyer ----------------------------------------------------------------------------------------------------


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
    assert promised("mail.cancelled") == [mail]
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
    assert [payload["refund"] for payload in promised("mail.cancelled")] == [0, 0]


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
    from booking.bookings import begin_checkout, confirm_booking

    at = timezone.now()
    who = {"showtime_id": sale.showtime.pk, "visitor": sale.visitor, "email": "a@example.com"}
    booking = begin_checkout(**who, payable_until=at + timedelta(hours=1), at=at)
    confirm_booking(booking_id=booking.pk, demo=demo, at=at)


# ---- Refunds that settle, and that do not ----------------------------------------------------------------------------


def test_a_booking_is_refunded_with_its_last_refund_in_whatever_order_they_settle(stripe):
    stripe.refund_status = "pending"
    sale = buy("A1", "A2", "A3", stripe=stripe)
    cancel(sale, "A1", by=BUYER)
    run_loop()
    cancel(sale, by=BUYER)
    run_loop()
    first, second = refunds_of(sale)
    assert (first.status, second.status) == ("submitted", "submitted") and state(sale) == ("refunding", 3450)
    assert settle(second, "succeeded") == "succeeded" and state(sale)[0] == "refunding"
    assert settle(first, "succeeded") == "succeeded" and state(sale) == ("refunded", 3450)
    assert [settle(each, "succeeded") for each in (first, second)] == ["already", "already"]
    assert settle(first, "pending") == "already"


def test_a_refund_that_fails_after_it_succeeded_raises_an_alert_and_the_tickets_stay_cancelled(stripe):
    sale = buy("A1", "A2", stripe=stripe)
    cancel(sale, by=BUYER)
    run_loop()
    [refund] = refunds_of(sale)
    stripe.settle_refund(refund.refund_id, "failed")
    event = stripe.event("refund.failed", stripe.refunds[refund.refund_id], id="evt_failed")
    assert post(event).status_code == 200 and post(event).status_code == 200
    refund.refresh_from_db()
    assert (refund.status, refund.failure) == ("failed", "expired_or_canceled_card")
    assert Booking.objects.get(pk=sale.booking.pk).refunded == 0
    assert tickets(sale) == {"A1": "cancelled", "A2": "cancelled"} and letters(sale) == "AAA"
    alert = MoneyAlert.objects.get(subject=f"refund-failed:{refund.pk}")
    assert "£23" in alert.text and sale.booking.reference in alert.text and alert.refund == refund
    [line] = sale.booking.ledger.filter(kind="refund.returned")
    assert (line.amount, line.before, line.after, line.event_id) == (2300, "succeeded", "failed", "evt_failed")
    assert promised("mail.payment_problem")[0]["problem"] == "refund_failed"
    assert settle(refund, "succeeded") == "already"


def test_a_failed_refund_is_retried_once_and_succeeds(stripe):
    stripe.refund_status = "failed"
    sale = buy("A1", "A2", stripe=stripe)
    cancel(sale, by=BUYER)
    run_loop()
    [failed] = refunds_of(sale)
    assert failed.status == "failed" and state(sale) == ("refunding", 0)
    stripe.refund_status = "succeeded"
    again = refunds.retry_refund(refund_id=failed.pk, by=STAFF, at=timezone.now())
    assert refunds.retry_refund(refund_id=failed.pk, by=STAFF, at=timezone.now()) == again
    assert (again.replaces, again.amount, again.reason, again.actor) == (failed, 2300, "buyer", "staff:ines")
    assert again.idempotency_key != failed.idempotency_key and state(sale) == ("refunding", 2300)
    closed = MoneyAlert.objects.get(subject=f"refund-failed:{failed.pk}")
    assert closed.closed_by == "staff:ines"
    run_loop()
    assert state(sale) == ("refunded", 2300)
    assert promised("mail.refunded") == [
        {"booking": sale.booking.pk, "refund": 2300, "reason": "buyer", "key": f"refund:{again.pk}"}
    ]
    assert RefundSeat.objects.filter(refund__payment__booking=sale.booking).aggregate(n=Sum("amount"))["n"] == 2300


def test_a_failed_refund_of_a_late_payment_can_be_retried(stripe):
    sale = Sale(make_showtime(), new_visitor(), ("A1", "A2")).lock()
    sale.start()
    Showtime.objects.filter(pk=sale.showtime.pk).update(cancelled_at=timezone.now())
    stripe.refund_status = "failed"
    assert post(stripe.event("checkout.session.completed", stripe.pay(sale.payment.session_id))).status_code == 200
    run_loop()
    assert state(sale) == ("refunding", 0)
    stripe.refund_status = "succeeded"
    refunds.retry_refund(refund_id=refunds_of(sale)[0].pk, by=STAFF, at=timezone.now())
    run_loop()
    assert state(sale) == ("refunded", 2300)
    assert promised("mail.refunded")[0]["reason"] == "late"


def test_only_a_failed_refund_within_the_amount_left_can_be_retried(stripe):
    sale = buy("A1", "A2", stripe=stripe)
    cancel(sale, "A1")
    [refund] = refunds_of(sale)
    with pytest.raises(Invalid, match="has not failed"):
        refunds.retry_refund(refund_id=refund.pk, by=STAFF, at=timezone.now())
    settle(refund, "failed", "declined")
    stripe.refund_in_dashboard(sale.payment.session_id, 2000)
    outside = next(iter(reversed(stripe.refunds.values())))
    assert post(stripe.event("refund.created", outside)).status_code == 200
    with pytest.raises(Invalid, match="Only £3 of that payment is left"):
        refunds.retry_refund(refund_id=refund.pk, by=STAFF, at=timezone.now())


def test_closing_the_alert_of_a_failed_refund_ends_the_refund(stripe):
    stripe.refund_status = "failed"
    sale = buy("A1", stripe=stripe)
    cancel(sale)
    run_loop()
    alert = MoneyAlert.objects.get(kind="refund-failed", booking=sale.booking)
    wish = {"alert_id": alert.pk, "by": STAFF, "resolution": "By bank transfer.", "at": timezone.now()}
    assert ledger.close_alert(**wish) and not ledger.close_alert(**wish)
    assert Booking.objects.get(pk=sale.booking.pk).status == "refunded"
    alert.refresh_from_db()
    assert (alert.closed_by, alert.resolution) == ("staff:ines", "By bank transfer.")


# ---- A cancelled showtime --------------------------------------------------------------------------------------------


def test_a_cancelled_showtime_ends_locks_and_payments_and_refunds_everything():
    showtime = make_showtime()
    set_terms(showtime, (600, 10), fee=300)
    paid = [buy("A1", "A2", showtime=showtime), buy("A3", showtime=showtime)]
    locked = Sale(showtime, new_visitor(), ("A4",)).lock()
    paying = Sale(showtime, new_visitor(), ("A5",)).lock()
    paying.start()
    refunds.cancel_showtime(showtime_id=showtime.pk, by=STAFF, at=timezone.now())
    assert locked.booking.status == "released" and paying.booking.status == "releasing"
    first = OutboxMessage.objects.filter(kind="payments.cancel_booking").count()
    refunds.cancel_showtime(showtime_id=showtime.pk, by=STAFF, at=timezone.now())
    assert first == 2 == OutboxMessage.objects.filter(kind="payments.cancel_booking").count()
    run_loop()
    assert [state(sale) for sale in paid] == [("refunded", 2300), ("refunded", 1150)]
    assert paying.booking.status == "released"
    assert {(r.reason, r.actor) for sale in paid for r in refunds_of(sale)} == {("showtime", "staff:ines")}
    assert [payload["booking"] for payload in promised("mail.showtime_cancelled")] == [s.booking.pk for s in paid]
    assert promised("mail.cancelled") == []
    showtime.refresh_from_db()
    assert (showtime.n_available, showtime.revenue, showtime.sales(timezone.now())) == (40, 0, "cancelled")
    assert SeatChange.objects.filter(showtime=showtime, reason="showtime", before="booked").count() == 3


def test_a_payment_during_the_cancellation_of_the_showtime_is_refunded(stripe):
    showtime = make_showtime()
    late = Sale(showtime, new_visitor(), ("A1",)).lock()
    late.start()
    paid = stripe.pay(late.payment.session_id)
    refunds.cancel_showtime(showtime_id=showtime.pk, by=STAFF, at=timezone.now())
    assert post(stripe.event("checkout.session.completed", paid)).status_code == 200
    run_loop()
    assert state(late) == ("refunded", 1150)
    assert promised("mail.late_refund")[0]["reason"] == "showtime"


def test_a_booking_confirmed_during_the_cancellation_is_found_by_a_later_run():
    showtime = make_showtime()
    refunds.cancel_showtime(showtime_id=showtime.pk, by=STAFF, at=timezone.now())
    run_loop()
    Showtime.objects.filter(pk=showtime.pk).update(cancelled_at=None)  # as the other transaction still saw it
    sale = buy("A1", showtime=showtime)
    Showtime.objects.filter(pk=showtime.pk).update(cancelled_at=timezone.now())
    run_loop()
    assert state(sale) == ("confirmed", 0)
    run_loop(after=timedelta(minutes=2))
    assert state(sale) == ("refunded", 1150)


def test_cancelling_one_seat_of_a_cancelled_showtime_refunds_all_of_them():
    sale = buy("A1", "A2")
    set_terms(sale.showtime, (600, 10), fee=300)
    Showtime.objects.filter(pk=sale.showtime.pk).update(cancelled_at=timezone.now())
    cancel(sale, "A1", by=BUYER)
    assert state(sale) == ("refunding", 2300) and refunds_of(sale)[0].reason == "showtime"
    assert len(promised("mail.showtime_cancelled")) == 1


def test_an_unknown_showtime_cannot_be_cancelled():
    with pytest.raises(NotFound):
        refunds.cancel_showtime(showtime_id=987654, by=STAFF, at=timezone.now())


def test_a_disputed_booking_of_a_cancelled_showtime_waits_for_the_bank(stripe):
    sale = buy("A1", "A2", stripe=stripe)
    dispute = stripe.dispute(sale.payment.session_id)
    assert post(stripe.event("charge.dispute.created", dispute)).status_code == 200
    refunds.cancel_showtime(showtime_id=sale.showtime.pk, by=STAFF, at=timezone.now())
    run_loop()
    assert state(sale) == ("confirmed", 0)
    assert MoneyAlert.objects.filter(subject=f"cancel-disputed:{sale.booking.pk}").exists()
    won = stripe.close_dispute(dispute["id"], "won")
    assert post(stripe.event("charge.dispute.closed", won)).status_code == 200
    run_loop()
    assert state(sale) == ("refunded", 2300)


# ---- At the same time ------------------------------------------------------------------------------------------------


def test_two_concurrent_cancellations_of_a_seat_refund_it_once():
    for _ in range(3):
        sale = buy("A1", "A2")
        results = at_once(partial(cancel, sale, "A1", by=BUYER), partial(cancel, sale, "A1"))
        assert all(isinstance(result, Booking) for result in results), results
        assert state(sale) == ("confirmed", 1150) and len(refunds_of(sale)) == 1


def test_overlapping_concurrent_cancellations_refund_each_seat_once():
    for _ in range(3):
        sale = buy("A1", "A2", "A3")
        wishes = [("A1", "A2"), ("A2", "A3"), (), ("A3",)]
        results = at_once(*(partial(cancel, sale, *wish, by=BUYER) for wish in wishes))
        assert all(isinstance(result, Booking) for result in results), results
        assert state(sale) == ("refunding", 3450)
        assert RefundSeat.objects.filter(refund__payment__booking=sale.booking).count() == 3
        run_loop()
        assert state(sale) == ("refunded", 3450)


def test_a_seat_cancelled_while_its_showtime_is_being_cancelled_is_refunded_once():
    for _ in range(3):
        sale = buy("A1", "A2")
        results = at_once(
            partial(cancel, sale, "A1", by=BUYER),
            partial(refunds.cancel_showtime, showtime_id=sale.showtime.pk, by=STAFF, at=timezone.now()),
            partial(refunds.handle_cancel_booking, {"booking": sale.booking.pk, "actor": "staff:ines"}),
        )
        assert not any(isinstance(result, Exception) for result in results), results
        run_loop()
        assert state(sale) == ("refunded", 2300)


def test_a_concurrent_dispute_and_cancellation_are_serialised(stripe):
    for _ in range(3):
        sale = buy("A1", stripe=stripe)
        event = stripe.event("charge.dispute.created", stripe.dispute(sale.payment.session_id))
        told, cancelled = at_once(partial(post, event), partial(cancel, sale, by=BUYER))
        assert told.status_code == 200 and isinstance(cancelled, (Booking, PaymentDisputed)), cancelled
        assert Payment.objects.get(pk=sale.payment.pk).disputed
        expected = ("refunding", 1150) if isinstance(cancelled, Booking) else ("confirmed", 0)
        assert state(sale) == expected


def test_a_refund_update_and_a_concurrent_cancellation_lose_nothing(stripe):
    stripe.refund_status = "pending"
    for _ in range(3):
        sale = buy("A1", "A2", stripe=stripe)
        cancel(sale, "A1", by=BUYER)
        run_loop()
        [first] = refunds_of(sale)
        results = at_once(partial(settle, first, "failed", "declined"), partial(cancel, sale, by=BUYER))
        assert not any(isinstance(result, Exception) for result in results), results
        assert state(sale) == ("refunding", 1150)


def test_concurrent_retries_of_a_refund_make_one(stripe):
    stripe.refund_status = "failed"
    sale = buy("A1", stripe=stripe)
    cancel(sale)
    run_loop()
    [failed] = refunds_of(sale)
    ask = partial(refunds.retry_refund, refund_id=failed.pk, by=STAFF, at=timezone.now())
    results = at_once(ask, ask, ask)
    assert len({result.pk for result in results if isinstance(result, Refund)}) == 1, results
    assert state(sale) == ("refunding", 1150)
