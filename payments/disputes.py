"""Disputes: a buyer contests a payment at the bank. Until it has decided, no refund of that payment is possible.

Each step of a dispute has one effect, in whatever order its events come: the gateway may report a change twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from cinema.currencies import format_money
from payments import ledger
from payments.models import LedgerEntry, MoneyAlert, Payment
from payments.refund_rows import lock_payment
from payments.refunds import enqueue_cancellation

WON = ("won", "warning_closed", "prevented")  # statuses of a closed dispute after which the money stays here
LEDGER_KINDS = {
    "charge.dispute.created": "dispute.opened",
    "charge.dispute.updated": "dispute.updated",
    "charge.dispute.closed": "dispute.closed",
    "charge.dispute.funds_withdrawn": "dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated": "dispute.funds_reinstated",
}


@transaction.atomic
def apply_dispute(*, payment_id: int, kind: str, snapshot: Mapping[str, Any], at: datetime, event_id: str = "") -> str:
    """Apply one step of a dispute. One transaction, or part of the caller's.

    Args:
        kind: of the event.
        snapshot: the dispute as the event carries it; its amounts are minor units.

    Returns:
        disputed, won, lost or already

    Raises:
        KeyError, TypeError, ValueError: `snapshot` is no dispute.
    """
    payment, step = lock_payment(payment_id), LEDGER_KINDS[kind]
    dispute, status, amount = str(snapshot["id"]), str(snapshot.get("status") or ""), int(snapshot.get("amount") or 0)
    steps = set(LedgerEntry.objects.filter(payment=payment, gateway_id=dispute).values_list("kind", flat=True))
    if step in steps and step != "dispute.updated":
        return "already"
    moved = {"dispute.funds_withdrawn": -amount, "dispute.funds_reinstated": amount}.get(step, 0)
    _record(payment, step, dispute, at, event_id, amount=moved, note=status)
    if step == "dispute.closed":
        return _close(payment, dispute, status, at)
    if "dispute.closed" in steps:  # the event is older than the end of the dispute
        return "already"
    if not payment.disputed:
        Payment.objects.filter(pk=payment.pk).update(disputed=True)
    ledger.raise_alert(
        subject=f"dispute:{dispute}",
        kind="dispute",
        text=f"The buyer of {payment.booking.reference} disputes {format_money(amount, payment.currency)} at the bank. "
        "Answer it at the gateway in time; no refund is possible until it is decided.",
        payment=payment,
        at=at,
    )
    return "disputed"


@transaction.atomic
def apply_warning(*, payment_id: int, snapshot: Mapping[str, Any], at: datetime, event_id: str = "") -> str:
    """The bank suspects a stolen card: raise an alert, since a refund now avoids a dispute.

    One transaction, or part of the caller's. Returns noted or already.
    """
    payment, warning = lock_payment(payment_id), str(snapshot["id"])
    if LedgerEntry.objects.filter(payment=payment, kind="warning.fraud", gateway_id=warning).exists():
        return "already"
    _record(payment, "warning.fraud", warning, at, event_id, note=str(snapshot.get("fraud_type") or ""))
    ledger.raise_alert(
        subject=f"fraud-warning:{warning}",
        kind="fraud-warning",
        text=f"The bank warns that the card of {payment.booking.reference} may be stolen. Cancelling its tickets now "
        "gives the money back and avoids a dispute.",
        payment=payment,
        at=at,
    )
    return "noted"


def _close(payment: Payment, dispute: str, status: str, at: datetime) -> str:
    """After a dispute that was won the payment can be refunded again; after a lost one it stays marked as disputed."""
    booking = payment.booking
    if status not in WON:
        Payment.objects.filter(pk=payment.pk).update(disputed=True)
        ledger.raise_alert(
            subject=f"dispute-lost:{dispute}",
            kind="dispute",
            text=f"The bank gave the buyer of {booking.reference} the disputed money. Its tickets stand as they were: "
            "cancel here those that should not, no money goes back for them.",
            payment=payment,
            at=at,
        )
        return "lost"
    MoneyAlert.objects.filter(subject=f"dispute:{dispute}", closed_at=None).update(
        closed_at=at, closed_by="system", resolution="The bank decided for the house."
    )
    if any(verdict not in WON for verdict in ledger.verdicts(payment).values()):
        return "won"
    Payment.objects.filter(pk=payment.pk).update(disputed=False)
    if booking.showtime.cancelled_at is not None:  # its cancellation waited for this
        enqueue_cancellation(booking_id=booking.pk, actor="system", at=at, occasion=dispute)
    return "won"


def _record(
    payment: Payment, kind: str, about: str, at: datetime, event_id: str, *, amount: int = 0, note: str = ""
) -> None:
    ledger.record(
        payment=payment,
        kind=kind,
        amount=amount,
        actor=payment.provider,
        gateway_id=about,
        event_id=event_id,
        note=note,
        at=at,
    )
