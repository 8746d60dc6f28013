"""Refunds that settle in any order, fail, and are retried."""

import pytest
from django.db.models import Sum
from django.utils import timezone

from bench.support.factories import make_showtime, new_visitor
from booking.models import Booking
from booking.refusals import Invalid
from cinema.models import Showtime
from payments import ledger, refunds
from payments.ledger import BUYER
from payments.models import MoneyAlert, RefundSeat, mark_of_key
from tests.payments.money import STAFF, buy, cancel, enqueued, letters, settle, state, tickets
from tests.payments.money import refunds as refunds_of
from tests.payments.sales import Sale, post, run_loop

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("adds_up")]


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
    assert enqueued("mail.payment_problem")[0]["problem"] == "refund_failed"
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
    assert enqueued("mail.refunded") == [
        {
            "booking": sale.booking.pk,
            "refund": 2300,
            "reason": "buyer",
            "key": f"refund:{mark_of_key(again.idempotency_key)}",
        }
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
    assert enqueued("mail.refunded")[0]["reason"] == "late"


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
    arguments = {"alert_id": alert.pk, "by": STAFF, "resolution": "By bank transfer.", "at": timezone.now()}
    assert ledger.close_alert(**arguments) and not ledger.close_alert(**arguments)
    assert Booking.objects.get(pk=sale.booking.pk).status == "refunded"
    alert.refresh_from_db()
    assert (alert.closed_by, alert.resolution) == ("staff:ines", "By bank transfer.")
