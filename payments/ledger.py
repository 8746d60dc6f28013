"""The ledger: a row for every movement of money and every step of a payment or refund, and alerts for people.

A row is written in the transaction of the step that it tells of, so that neither is ever without the other, and is
never changed: what turned out otherwise is another row. `payments.ledger_audit` adds everything up.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from booking.bookings import finish_refund
from booking.models import Booking
from payments.models import LedgerEntry, MoneyAlert, Payment, Refund

log = logging.getLogger(__name__)

LONGEST_TEXT = 250


@dataclass(frozen=True)
class Actor:
    """Who does it. `name` is what the ledger keeps: buyer, staff:<name>, system."""

    name: str
    is_staff: bool = False

    @classmethod
    def staff(cls, username: str) -> Actor:
        return cls(f"staff:{username}"[:80], is_staff=True)


BUYER = Actor("buyer")
SYSTEM = Actor("system", is_staff=True)


def record(
    *,
    kind: str,
    at: datetime,
    booking: Booking | None = None,
    payment: Payment | None = None,
    refund: Refund | None = None,
    amount: int = 0,
    currency: str = "",
    before: str = "",
    after: str = "",
    actor: str = "system",
    gateway_id: str = "",
    event_id: str = "",
    note: str = "",
) -> None:
    """Write one line, in the transaction of what it tells.

    Args:
        booking: when it is of no payment.
        amount: what moved, minor units: to the house above zero, back to the buyer below.
        currency: when it is not that of the payment, or of the money that came for it.
        before, after: state of the payment or refund.
        event_id: of the event that brought the news.
    """
    assert connection.in_atomic_block, "a line of the ledger belongs to the transaction that it tells of"
    whose = _booking_of(booking, payment)
    assert whose is not None, "a line of the ledger is of a booking"
    LedgerEntry.objects.create(
        booking=whose,
        payment=payment,
        refund=refund,
        kind=kind,
        amount=amount,
        currency=currency or (_currency_of(payment) if payment else whose.currency),
        before=before,
        after=after,
        actor=actor,
        gateway_id=gateway_id,
        event_id=event_id,
        note=note[:LONGEST_TEXT],
        at=at,
    )


def _currency_of(payment: Payment) -> str:
    """Of the money that came, where it was not the one that was asked for."""
    if payment.mismatch and (paid := payment.ledger.filter(kind="payment.paid").first()) is not None:
        return paid.currency
    return payment.currency


def raise_alert(
    *,
    subject: str,
    kind: str,
    text: str,
    at: datetime,
    booking: Booking | None = None,
    payment: Payment | None = None,
    refund: Refund | None = None,
) -> None:
    """Call for a person, once per subject; one that was closed stays closed.

    Args:
        subject: what it is about, such as `refund-failed:17`.
        text: what happened and what to do, in plain words.
        booking, payment: those of the payment, of the refund, when one is named.
    """
    assert connection.in_atomic_block, "an alert belongs to the transaction that it tells of"
    if MoneyAlert.objects.filter(subject=subject).exists():
        return
    payment = payment or (refund.payment if refund else None)
    alert = MoneyAlert(
        subject=subject,
        kind=kind,
        text=text[:LONGEST_TEXT],
        raised_at=at,
        booking=_booking_of(booking, payment),
        payment=payment,
        refund=refund,
    )
    MoneyAlert.objects.bulk_create([alert], ignore_conflicts=True)
    log.error("money: %s: %s", subject, text)


def _booking_of(booking: Booking | None, payment: Payment | None) -> Booking | None:
    return booking or (payment.booking if payment else None)


@transaction.atomic
def close_alert(*, alert_id: int, by: Actor, resolution: str, at: datetime) -> bool:
    """A person has settled the matter, and says how. Returns False when somebody else did before."""
    if booking_id := MoneyAlert.objects.values_list("booking_id", flat=True).get(pk=alert_id):
        Booking.objects.select_for_update().get(pk=booking_id)  # first, as everybody does
    alert = MoneyAlert.objects.select_for_update(of=("self",)).get(pk=alert_id)
    if alert.closed_at is not None:
        return False
    alert.closed_at, alert.closed_by, alert.resolution = at, by.name, resolution[:LONGEST_TEXT]
    alert.save(update_fields=["closed_at", "closed_by", "resolution"])
    if alert.refund is not None and alert.booking_id is not None:
        finish_when_settled(booking_id=alert.booking_id, at=at)
    return True


def finish_when_settled(*, booking_id: int, at: datetime) -> None:
    """A booking that is being refunded is refunded when none of its refunds is on its way, and none that failed waits
    for somebody to ask again or to say how else the money went back."""
    refunds = Refund.objects.filter(payment__booking_id=booking_id).exclude(payment__in=duplicates(booking_id))
    on_its_way = Q(status__in=[Refund.Status.REQUESTED, Refund.Status.SUBMITTED])
    failed = Q(status=Refund.Status.FAILED, refund=None, alerts__kind="refund-failed", alerts__closed_at=None)
    if not refunds.filter(on_its_way | failed).exists():
        finish_refund(booking_id=booking_id, at=at)


def verdicts(payment: Payment) -> dict[str, str]:
    """Each dispute of this payment with what the bank decided; an empty word while it has not."""
    told: dict[str, str] = {}
    entries = payment.ledger.filter(kind__startswith="dispute.").order_by("pk")
    for dispute, kind, note in entries.values_list("gateway_id", "kind", "note"):
        told.setdefault(dispute, "")
        if kind == "dispute.closed":
            told[dispute] = note
    return told


def duplicates(booking_id: int) -> QuerySet[Payment]:
    """Payments that bought nothing, because the booking was paid by another one: not in the booking's own sums."""
    return Payment.objects.filter(booking_id=booking_id, refunds__reason=Refund.Reason.DUPLICATE)
