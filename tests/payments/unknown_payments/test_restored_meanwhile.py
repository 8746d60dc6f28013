"""A backup is restored while a gateway is asked: the answer never reaches another's row under the same primary key."""

from dataclasses import dataclass

import pytest
from django.utils import timezone

from bench.support.factories import new_visitor
from booking.models import Booking
from payments import checkout, session_end, tasks
from payments.checkout import NoGateway
from payments.gateways.factory import gateway
from payments.models import Payment, Refund
from payments.session_end import reconcile
from tests.payments.money import buy, cancel, enqueued
from tests.payments.sales import Sale

pytestmark = pytest.mark.django_db(transaction=True)
ANOTHERS = f"pay_{0:032x}"


@dataclass
class RestoredAfter:
    """The gateway; after the call of this name `restore` runs, before the answer is returned."""

    name: str
    restore: object

    def __call__(self, provider):
        return _Answering(gateway(provider), self.name, self.restore)


class _Answering:
    def __init__(self, real, name, restore):
        self.real, self.name, self.restore = real, name, restore

    def __getattr__(self, name):
        def call(*args, **kwargs):
            answer = getattr(self.real, name)(*args, **kwargs)
            if name == self.name:
                self.restore()
            return answer

        return call if name in ("create_session", "retrieve_session", "refund") else getattr(self.real, name)


@pytest.fixture
def mira(sale):
    """Another buyer at the checkout, with other seats."""
    mira = Sale(sale.showtime, new_visitor(), ("C1", "C2")).lock()
    Booking.objects.filter(pk=mira.booking.pk).update(status="checkout", checkout_at=timezone.now())
    return mira


def give_to(mira, payment):
    """The row of Alice's payment is Mira's now, whose own session is not known yet."""
    Payment.objects.filter(pk=payment.pk).update(
        booking=mira.booking, idempotency_key=ANOTHERS, status="created", session_id=None, url=""
    )


def untouched(payment):
    row = Payment.objects.get(pk=payment.pk)
    return (row.idempotency_key, row.status, row.session_id, row.url, row.received, row.mismatch) == (
        ANOTHERS, "created", None, "", None, False
    )  # fmt: skip


def test_a_buyer_is_not_led_to_the_payment_of_another(stripe, sale, mira, monkeypatch):
    restored = RestoredAfter("create_session", lambda: give_to(mira, Payment.objects.get()))
    monkeypatch.setattr(checkout, "gateway", restored)
    with pytest.raises(NoGateway, match="look which seats are yours"):
        sale.start()
    assert untouched(Payment.objects.get()) and len(stripe.sessions) == 1


def test_a_payment_that_is_gone_is_said(stripe, sale, monkeypatch):
    monkeypatch.setattr(checkout, "record_creation", lambda payment, at: None)  # the ledger keeps its payments
    monkeypatch.setattr(checkout, "gateway", RestoredAfter("create_session", lambda: Payment.objects.all().delete()))
    with pytest.raises(NoGateway):
        sale.start()


@pytest.mark.parametrize("is_paid", [True, False])
def test_news_of_a_session_changes_no_payment_of_another(stripe, open_sale, mira, monkeypatch, is_paid):
    payment = open_sale.payment
    if is_paid:
        stripe.pay(open_sale.session)
    monkeypatch.setattr(session_end, "gateway", RestoredAfter("retrieve_session", lambda: give_to(mira, payment)))
    reconcile(payment, at=timezone.now())
    assert untouched(payment) and mira.booking.status == "checkout"


def test_a_refund_that_was_made_marks_no_refund_of_another(stripe, monkeypatch):
    sale = buy(stripe=stripe)
    cancel(sale)
    refund = Refund.objects.get()

    def restore():
        Refund.objects.update(idempotency_key="refund:of-another")

    monkeypatch.setattr(tasks, "gateway", RestoredAfter("refund", restore))
    tasks.handle_refund(*enqueued("payments.refund"))
    row = Refund.objects.get(pk=refund.pk)
    assert len(stripe.refunds) == 1 and (row.status, row.refund_id, row.settled_at) == ("requested", None, None)
