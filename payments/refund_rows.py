"""Rows of refunds: the Refund, its ledger entry and the outbox message for the gateway are written in one step."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import connection
from django.db.models import F, Sum
from django.db.models.functions import Greatest

from booking.models import Booking, Ticket
from booking.outbox.messages import enqueue
from payments import ledger
from payments.models import Payment, Refund, RefundSeat

Share = tuple[Ticket, int]  # a ticket to cancel and its refund, minor units


def lock_payment(payment_id: int) -> Payment:
    """Row-lock the booking, then the payment: the lock order of every use case. Raises Payment.DoesNotExist."""
    booking_id = Payment.objects.values_list("booking_id", flat=True).get(pk=payment_id)
    Booking.objects.select_for_update().get(pk=booking_id)
    return Payment.objects.select_for_update(of=("self",)).get(pk=payment_id)


def lock_payment_of(payment_id: int, key: str) -> Payment | None:
    """The same, for what a gateway has answered about the payment of this idempotency key; None if the row is gone.

    While a gateway is asked, a restored backup may take the row away and give its primary key to another's payment.
    """
    try:
        payment = lock_payment(payment_id)
    except (Booking.DoesNotExist, Payment.DoesNotExist):
        return None
    return payment if payment.idempotency_key == key else None


def own_payment(booking: Booking, *, lock: bool = False) -> Payment | None:
    """The payment that bought this booking. `lock`: row-locked; the caller has row-locked the booking."""
    paid = Payment.objects.filter(booking=booking, status=Payment.Status.PAID)
    own = paid.exclude(pk__in=ledger.duplicates(booking.pk).values("pk")).order_by("-pk")
    return (own.select_for_update(of=("self",)) if lock else own).first()


def amount_left(payment: Payment) -> int:
    """What can still be refunded, minor units: received, less the refunds that have not failed."""
    standing = payment.refunds.exclude(status=Refund.Status.FAILED)
    return (payment.received or 0) - (standing.aggregate(sum=Sum("amount"))["sum"] or 0)


def request_refund(
    payment: Payment,
    *,
    amount: int,
    reason: str,
    key: str,
    actor: str,
    at: datetime,
    shares: Sequence[Share] = (),
    replaces: Refund | None = None,
    note: str = "",
) -> Refund:
    """Write a refund once per `key`, in the caller's transaction; the outbox sends it to the gateway.

    The caller has row-locked the payment, and changes `Booking.refunded` itself.

    Args:
        amount: minor units, above 0.
        shares: for a refund by seat, the cancelled tickets and their parts of `amount`.
        replaces: the failed refund that this one retries.

    Returns:
        The refund; the earlier one when `key` was used before.
    """
    assert connection.in_atomic_block, "a refund belongs to the transaction that requests it"
    row = {
        "payment": payment,
        "amount": amount,
        "reason": reason,
        "actor": actor,
        "replaces": replaces,
        "created_at": at,
    }
    refund, is_new = Refund.objects.get_or_create(idempotency_key=key, defaults=row)
    if is_new:
        _write_details(refund, shares, note)
    return refund


def _write_details(refund: Refund, shares: Sequence[Share], note: str) -> None:
    """The rows by seat, the ledger entry and the outbox message of a new refund."""
    RefundSeat.objects.bulk_create(
        RefundSeat(refund=refund, ticket=ticket, amount=part, kept=ticket.price - part) for ticket, part in shares
    )
    ledger.record(
        payment=refund.payment,
        refund=refund,
        kind="refund.requested",
        after=refund.status,
        actor=refund.actor,
        gateway_id=refund.payment.payment_intent or "",
        note=note,
        at=refund.created_at,
    )
    dedupe_key = f"payments.refund:{refund.pk}"
    enqueue(kind="payments.refund", dedupe_key=dedupe_key, payload={"refund": refund.pk}, at=refund.created_at)


def adjust_refunded(payment: Payment, amount: int) -> None:
    """Add `amount` (minor units, may be negative) to `Booking.refunded`; a duplicate payment is not counted there."""
    if not payment.refunds.filter(reason=Refund.Reason.DUPLICATE).exists():
        Booking.objects.filter(pk=payment.booking_id).update(refunded=Greatest(F("refunded") + amount, 0))
