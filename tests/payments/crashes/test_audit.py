"""The audit that crash tests end with sees what it is there to see."""

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


TAMPERINGS = {
    "a payment that Stripe never saw": lambda stripe, sold: Payment.objects.update(session_id="cs_other"),
    "money that is not in the books": lambda stripe, sold: Payment.objects.update(status="expired"),
    "money back that we do not know of": lambda stripe, sold: stripe.refund_in_dashboard(sold.payment.session_id, 500),
    "money back that Stripe does not know of": lambda stripe, sold: Refund.objects.create(
        payment=sold.payment, amount=500, reason="late", idempotency_key="x", created_at=timezone.now()
    ),
    "a booking that says it returned something": lambda stripe, sold: Booking.objects.update(refunded=500),
    "a ticket that was lost": lambda stripe, sold: Ticket.objects.filter(label="A1").update(status="cancelled"),
    "a seat that was lost": lambda stripe, sold: ShowtimeSeat.objects.filter(seat__label="A1").update(
        status="available", booking=None
    ),
    "a seat that is held for ever": lambda stripe, sold: ShowtimeSeat.objects.filter(seat__label="B1").update(
        status="locked", booking=sold.booking, locked_until=timezone.now()
    ),
    "a booking that waits for ever": lambda stripe, sold: Booking.objects.update(status="releasing"),
    "a promise that was not kept": lambda stripe, sold: OutboxMessage.objects.update(state="dead"),
    "a mail that was lost": lambda stripe, sold: next(sold.mails.iterdir()).unlink(),
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_the_audit_sees(stripe, sold, name):
    TAMPERINGS[name](stripe, sold)
    assert list(differences(stripe, sold.mails))
