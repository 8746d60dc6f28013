"""The ledger: a row for every movement of money and every step of a payment or refund, and alerts for people.

An entry is written in the transaction of its step, so that neither exists without the other, and is never changed: a
correction is another entry. `payments.ledger_audit` compares the sums.
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
    """Who acts. `name` is stored in the ledger: buyer, staff:<name>, system."""

    name: str
    is_staff: bool = False

    @classmethod
    def staff(cls, username: str) -> Actor:
        """The member of staff with this user name, shortened to the column's 80 characters."""
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
    """Write one entry, in the transaction of its step.

    Args:
        booking: only without a payment.
        amount: what moved, minor units: positive to the cinema, negative back to the buyer.
        currency: if not that of the payment, or of the money received for it.
        before, after: state of the payment or refund.
        event_id: of the event that reported the step.
    """
    assert connection.in_atomic_block, "a ledger entry belongs to the transaction of its step"
    owner = _booking_of(booking, payment)
    assert owner is not None, "a ledger entry belongs to a booking"
    LedgerEntry.objects.create(
        booking=owner,
        payment=payment,
        refund=refund,
        kind=kind,
        amount=amount,
        currency=currency or (_currency_of(payment) if payment else owner.currency),
        before=before,
        after=after,
        actor=actor,
        gateway_id=gateway_id,
        event_id=event_id,
        note=note[:LONGEST_TEXT],
        at=at,
    )


def _currency_of(payment: Payment) -> str:
    """The currency of the money received, which after a mismatch may not be the one requested."""
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
    """Raise an alert in the caller's transaction, once per subject; a closed one stays closed.

    Args:
        subject: what it is about, such as `refund-failed:17`.
        text: what happened and what to do, in plain words.
        booking, payment: by default those of the payment or refund.
    """
    assert connection.in_atomic_block, "an alert belongs to the transaction of its cause"
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
    """Close an alert with a person's words on how the problem was settled.

    One transaction, or part of the caller's. Returns False when it was closed before.
    """
    if booking_id := MoneyAlert.objects.values_list("booking_id", flat=True).get(pk=alert_id):
        Booking.objects.select_for_update().get(pk=booking_id)  # row locks: booking first
    alert = MoneyAlert.objects.select_for_update(of=("self",)).get(pk=alert_id)
    if alert.closed_at is not None:
        return False
    alert.closed_at, alert.closed_by, alert.resolution = at, by.name, resolution[:LONGEST_TEXT]
    alert.save(update_fields=["closed_at", "closed_by", "resolution"])
    if alert.refund is not None and alert.booking_id is not None:
        finish_when_settled(booking_id=alert.booking_id, at=at)
    return True


def finish_when_settled(*, booking_id: int, at: datetime) -> None:
    """Make a booking that is being refunded `refunded` when no refund of it is pending, and no failed one waits for
    somebody to retry it or to say how else the money was returned.
    """
    refunds = Refund.objects.filter(payment__booking_id=booking_id).exclude(payment__in=duplicates(booking_id))
    is_pending = Q(status__in=[Refund.Status.REQUESTED, Refund.Status.SUBMITTED])
    failed = Q(status=Refund.Status.FAILED, refund=None, alerts__kind="refund-failed", alerts__closed_at=None)
    if not refunds.filter(is_pending | failed).exists():
        finish_refund(booking_id=booking_id, at=at)


def verdicts(payment: Payment) -> dict[str, str]:
    """Each dispute of this payment with the bank's decision; "" while there is none."""
    decisions: dict[str, str] = {}
    entries = payment.ledger.filter(kind__startswith="dispute.").order_by("pk")
    for dispute, kind, note in entries.values_list("gateway_id", "kind", "note"):
        decisions.setdefault(dispute, "")
        if kind == "dispute.closed":
            decisions[dispute] = note
    return decisions


def duplicates(booking_id: int) -> QuerySet[Payment]:
    """Payments that bought nothing because another one had paid the booking: not in the booking's sums."""
    return Payment.objects.filter(booking_id=booking_id, refunds__reason=Refund.Reason.DUPLICATE)
