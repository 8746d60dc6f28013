"""Concurrent cancellations, retries, disputes and updates: every seat is refunded once."""

from functools import partial

import pytest
from django.utils import timezone

from booking.models import Booking
from booking.refusals import PaymentDisputed
from payments import refunds
from payments.ledger import BUYER
from payments.models import Payment, Refund, RefundSeat
from tests.payments.money import STAFF, buy, cancel, settle, state
from tests.payments.money import refunds as refunds_of
from tests.payments.sales import at_once, post, run_loop

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("adds_up")]


def test_two_concurrent_cancellations_of_a_seat_refund_it_once():
    for _ in range(3):
        sale = buy("A1", "A2")
        results = at_once(partial(cancel, sale, "A1", by=BUYER), partial(cancel, sale, "A1"))
        assert all(isinstance(result, Booking) for result in results), results
        assert state(sale) == ("confirmed", 1150) and len(refunds_of(sale)) == 1


def test_overlapping_concurrent_cancellations_refund_each_seat_once():
    for _ in range(3):
        sale = buy("A1", "A2", "A3")
        choices = [("A1", "A2"), ("A2", "A3"), (), ("A3",)]
        results = at_once(*(partial(cancel, sale, *labels, by=BUYER) for labels in choices))
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
        answer, cancelled = at_once(partial(post, event), partial(cancel, sale, by=BUYER))
        assert answer.status_code == 200 and isinstance(cancelled, (Booking, PaymentDisputed)), cancelled
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
