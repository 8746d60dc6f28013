"""A dead letter of the outbox raises an alert, which a retry closes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from booking.models import Booking, OutboxMessage
from booking.outbox.messages import on_dead_letter, on_retry
from payments.ledger import SYSTEM, close_alert, raise_alert
from payments.models import MoneyAlert, Payment, Refund

KIND = "promise.dead"
TEXTS = {
    "mail": "A mail to the buyer could not be sent. Look at the mail settings and the address, then try again.",
    "payments.refund": "A refund could not be asked for. Look at the payment at the gateway, then try again.",
    "payments.ask_refund": "Nobody could say how a refund stands. Look it up at the gateway, then try again.",
    "payments.expire": "A payment could not be ended. Look at it at the gateway, then try again.",
    "payments.cancel_booking": "A booking of a cancelled showtime is not cancelled yet. Try again.",
}
OTHER_TEXT = "Something that was promised could not be done. Look at the error, then try again."


def connect() -> None:
    """Register the callbacks with the outbox. Called once, when the apps are ready."""
    on_dead_letter(raise_alert_for)
    on_retry(close_alerts_for)


def raise_alert_for(message: OutboxMessage, at: datetime) -> None:
    """Outbox callback: raise an alert, in the transaction in which the message becomes a dead letter."""
    text = TEXTS.get(message.kind) or TEXTS.get(message.kind.partition(".")[0]) or OTHER_TEXT
    raise_alert(
        subject=_subject(message, at),
        kind=KIND,
        text=f"{text} Given up after {message.attempts} tries: {message.last_error}",
        at=at,
        **_about(message),
    )


def close_alerts_for(message: OutboxMessage, at: datetime) -> None:
    """Outbox callback: close the message's alerts, in the transaction of the retry."""
    alerts = MoneyAlert.objects.filter(subject__startswith=_subject(message), kind=KIND, closed_at=None)
    for alert_id in alerts.values_list("pk", flat=True):
        close_alert(alert_id=alert_id, by=SYSTEM, resolution="It is being tried again.", at=at)


def _subject(message: OutboxMessage, at: datetime | None = None) -> str:
    """Of one dead letter, or with no instant the prefix of all: a message may become one several times."""
    return f"promise:{message.pk}:{int(at.timestamp()) if at else ''}"


def _about(message: OutboxMessage) -> dict[str, Any]:
    """The rows that a message is about. In a mail's payload `refund` is an amount, otherwise it is a key."""
    payload = message.payload
    if "booking" in payload:
        return {"booking": Booking.objects.filter(pk=payload["booking"]).first()}
    if "refund" in payload:
        refunds = Refund.objects.select_related("payment__booking")
        return {"refund": refunds.filter(pk=payload["refund"]).first()}
    return {"payment": Payment.objects.select_related("booking").filter(pk=payload.get("payment")).first()}
