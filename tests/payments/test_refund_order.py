"""Updates of refunds in the wrong order: a total that is older than a failure is not another refund."""

import pytest
from django.utils import timezone

from payments.ledger import BUYER
from payments.ledger_audit import find_differences
from payments.models import Refund
from payments.refunds import cancel_booking
from tests.payments.sales import post, run_loop

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def failed_refund(stripe, sale):
    """The refund of A1 was submitted and failed; `sale.old_total` is an event from in between."""
    sale.start()
    session = sale.payment.session_id
    post(stripe.event("checkout.session.completed", stripe.pay(session)))
    stripe.set("refund_status", "pending")
    cancel_booking(booking_id=sale.booking.pk, labels=["A1"], by=BUYER, at=timezone.now())
    run_loop()
    refund = Refund.objects.get()
    sale.old_total = stripe.event(
        "charge.refunded", stripe.charge_of(stripe.intents[stripe.sessions[session]["payment_intent"]])
    )
    post(stripe.event("refund.failed", stripe.settle_refund(refund.refund_id, "failed")))
    return sale


def test_a_total_older_than_a_failed_refund_is_no_other_refund(stripe, failed_refund):
    assert post(failed_refund.old_total).content == b"already\n"
    assert [refund.status for refund in Refund.objects.all()] == ["failed"]
    assert failed_refund.booking.refunded == 0 and find_differences(recheck_after=0) == []


def test_a_total_older_than_a_failed_refund_does_not_settle_the_next_one(stripe, failed_refund):
    cancel_booking(booking_id=failed_refund.booking.pk, labels=["A2"], by=BUYER, at=timezone.now())
    run_loop()
    post(failed_refund.old_total)
    assert Refund.objects.latest("pk").status == "submitted"


def test_a_later_refund_at_the_gateway_is_recorded_by_its_own_event(stripe, failed_refund):
    outside = stripe.refund_in_dashboard(failed_refund.payment.session_id, 500)
    post(stripe.event("refund.created", outside | {"status": "succeeded"}))
    assert Refund.objects.latest("pk").reason == "outside" and failed_refund.booking.refunded == 500
