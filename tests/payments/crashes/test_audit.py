"""The audit of the crash tests finds every planted fault."""

import pytest
from django.utils import timezone

from booking.models import Booking, OutboxMessage, ShowtimeSeat, Ticket
from payments.models import Payment, Refund
from tests.payments.crashes.audit import differences
from tests.payments.sales import post, run_loop

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sold(stripe, sale, settings, tmp_path):
    for memory in (stripe.sessions, stripe.refunds, stripe.intents):
        memory.clear()
    settings.EMAIL_BACKEND, settings.DATA_DIR = "booking.mail.files.EmlFileBackend", tmp_path
    sale.start()
    sale.mails = tmp_path / "mail"
    post(stripe.event("checkout.session.completed", stripe.pay(sale.payment.session_id)))
    run_loop()
    return sale


def test_a_whole_sale_has_no_difference(stripe, sold):
    assert list(differences(stripe, sold.mails)) == []


FAULTS = {
    "a payment that Stripe does not have": lambda stripe, sold: Payment.objects.update(session_id="cs_other"),
    "money that no payment has": lambda stripe, sold: Payment.objects.update(status="expired"),
    "a refund that is missing here": lambda stripe, sold: stripe.refund_in_dashboard(sold.payment.session_id, 500),
    "a refund that Stripe does not have": lambda stripe, sold: Refund.objects.create(
        payment=sold.payment, amount=500, reason="late", idempotency_key="x", created_at=timezone.now()
    ),
    "a booking with a wrong refunded amount": lambda stripe, sold: Booking.objects.update(refunded=500),
    "a lost ticket": lambda stripe, sold: Ticket.objects.filter(label="A1").update(status="cancelled"),
    "a lost seat": lambda stripe, sold: ShowtimeSeat.objects.filter(seat__label="A1").update(
        status="available", booking=None
    ),
    "a seat that stays locked": lambda stripe, sold: ShowtimeSeat.objects.filter(seat__label="B1").update(
        status="locked", booking=sold.booking, locked_until=timezone.now()
    ),
    "a booking that stays releasing": lambda stripe, sold: Booking.objects.update(status="releasing"),
    "a message that was not handled": lambda stripe, sold: OutboxMessage.objects.update(state="dead"),
    "a lost mail": lambda stripe, sold: next(sold.mails.iterdir()).unlink(),
}


@pytest.mark.parametrize("name", FAULTS)
def test_the_audit_finds(stripe, sold, name):
    FAULTS[name](stripe, sold)
    assert list(differences(stripe, sold.mails))
