"""A dead letter raises an alert, which a retry closes."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from booking.models import OutboxMessage
from booking.outbox import messages
from booking.outbox.messages import PermanentFailure, enqueue, retry
from booking.outbox.worker import run_due
from payments.models import MoneyAlert, Refund
from payments.staff.money_overview import read_subjects

pytestmark = pytest.mark.django_db(transaction=True)


def make_dead_letter(kind, payload, at, monkeypatch):
    def refuse(_):
        raise PermanentFailure("no such mailbox")

    monkeypatch.setitem(messages.handlers, kind, refuse)
    with transaction.atomic():
        enqueue(kind=kind, dedupe_key=f"{kind}:{at}", payload=payload, at=at)
    run_due(at=at)
    return OutboxMessage.objects.latest("pk")


def test_a_dead_letter_of_a_mail_raises_an_alert_about_its_booking(stripe, sale, monkeypatch):
    sale.start()
    message = make_dead_letter("mail.cancelled", {"booking": sale.booking.pk, "refund": 1}, timezone.now(), monkeypatch)
    alert = MoneyAlert.objects.get()
    assert message.state == "dead" and alert.booking == sale.booking
    assert alert.text.startswith("A mail to the buyer could not be sent.") and "no such mailbox" in alert.text


def test_the_amount_in_a_mail_is_not_taken_for_the_key_of_a_refund(stripe, sale, bob, monkeypatch):
    sale.start()
    bob.labels = ("B1",)
    bob.lock().start()
    now = timezone.now()
    refund = Refund.objects.create(
        payment=bob.payment, amount=5, reason="late", idempotency_key="refund:x", created_at=now
    )
    payload = {"booking": sale.booking.pk, "refund": refund.pk}
    message = make_dead_letter("mail.refunded", payload, now, monkeypatch)
    assert MoneyAlert.objects.get().booking == sale.booking
    assert read_subjects([message]).booking_of(message) == sale.booking


def test_a_dead_letter_of_a_refund_raises_an_alert_about_its_payment(stripe, sale, monkeypatch):
    sale.start()
    now = timezone.now()
    refund = Refund.objects.create(
        payment=sale.payment, amount=5, reason="late", idempotency_key="refund:x", created_at=now
    )
    make_dead_letter("payments.refund", {"refund": refund.pk}, now, monkeypatch)
    alert = MoneyAlert.objects.get()
    assert (alert.booking, alert.payment, alert.refund) == (sale.booking, sale.payment, refund)


def test_a_retry_closes_the_alert_and_another_dead_letter_raises_another(stripe, sale, monkeypatch):
    sale.start()
    now = timezone.now()
    message = make_dead_letter("payments.expire", {"payment": sale.payment.pk}, now, monkeypatch)
    later = now + timedelta(minutes=5)
    assert retry(message_id=message.pk, at=later)
    assert MoneyAlert.objects.filter(closed_at=None).count() == 0
    run_due(at=later)
    assert MoneyAlert.objects.filter(closed_at=None, payment=sale.payment).count() == 1


@pytest.mark.parametrize("payload", [{}, {"booking": 10**9}, {"refund": 10**9}, {"payment": 10**9}])
def test_a_dead_letter_without_a_known_row_raises_an_alert(transactional_db, payload, monkeypatch):
    make_dead_letter("payments.anything", payload, timezone.now(), monkeypatch)
    assert MoneyAlert.objects.get().booking is None
