"""News of refunds in the wrong order: a sum from before a refund came back is not taken for another refund."""

import pytest
from django.utils import timezone

from payments.ledger import BUYER
from payments.ledger_audit import find_differences
from payments.models import Refund
from payments.refunds import cancel_booking
from tests.payments.sales import post, run_loop

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def came_back(stripe, sale):
    """A1's refund went to the bank and came back; `sale.late_news` is what Stripe had said in between."""
    sale.start()
    session = sale.payment.session_id
    post(stripe.event("checkout.session.completed", stripe.pay(session)))
    stripe.set("refund_status", "pending")
    cancel_booking(booking_id=sale.booking.pk, labels=["A1"], by=BUYER, at=timezone.now())
    run_loop()
    refund = Refund.objects.get()
    sale.late_news = stripe.event(
        "charge.refunded", stripe.charge_of(stripe.intents[stripe.sessions[session]["payment_intent"]])
    )
    post(stripe.event("refund.failed", stripe.settle_refund(refund.refund_id, "failed")))
    return sale


def test_a_sum_from_before_a_refund_came_back_is_no_other_refund(stripe, came_back):
    assert post(came_back.late_news).content == b"already\n"
    assert [refund.status for refund in Refund.objects.all()] == ["failed"]
    assert came_back.booking.refunded == 0 and find_differences(recheck_after=0) == []


def test_nor_does_it_settle_the_next_refund(stripe, came_back):
    cancel_booking(booking_id=came_back.booking.pk, labels=["A2"], by=BUYER, at=timezone.now())
    run_loop()
    post(came_back.late_news)
    assert Refund.objects.latest("pk").status == "submitted"


def test_a_refund_made_at_the_gateway_after_that_is_booked_by_its_own_news(stripe, came_back):
    outside = stripe.refund_in_dashboard(came_back.payment.session_id, 500)
    post(stripe.event("refund.created", outside | {"status": "succeeded"}))
    assert Refund.objects.latest("pk").reason == "outside" and came_back.booking.refunded == 500
