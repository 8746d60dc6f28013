"""Money that is to go back: the Refund row, its line in the ledger and the promise to tell the gateway, in one step."""

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

WHOLE = (Refund.Reason.LATE, Refund.Reason.DUPLICATE, Refund.Reason.MISMATCH)  # the payment bought nothing
Share = tuple[Ticket, int]  # a cancelled ticket and what goes back for it


def lock_payment(payment_id: int) -> Payment:
    """Row-lock the booking first, then the payment: the order of everybody."""
    booking_id = Payment.objects.values_list("booking_id", flat=True).get(pk=payment_id)
    Booking.objects.select_for_update().get(pk=booking_id)
    return Payment.objects.select_for_update(of=("self",)).get(pk=payment_id)


def own_payment(booking: Booking, *, lock: bool = False) -> Payment | None:
    """The payment that bought this booking. `lock`: row-locked, where the booking's row is locked already."""
    paid = Payment.objects.filter(booking=booking, status=Payment.Status.PAID)
    own = paid.exclude(pk__in=ledger.duplicates(booking.pk).values("pk")).order_by("-pk")
    return (own.select_for_update(of=("self",)) if lock else own).first()


def left_of(payment: Payment) -> int:
    """What of this payment has not been asked back: its refunds never come to more than was received."""
    standing = payment.refunds.exclude(status=Refund.Status.FAILED)
    return (payment.received or 0) - (standing.aggregate(sum=Sum("amount"))["sum"] or 0)


def ask_back(
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
    """Write the wish to return money, once per `key`; the outbox tells the gateway. The payment's row is locked.

    The booking's own sum of what was asked back is the caller's to change.
    """
    assert connection.in_atomic_block, "a refund belongs to the transaction that asks for it"
    refund, is_new = Refund.objects.get_or_create(
        idempotency_key=key,
        defaults={
            "payment": payment,
            "amount": amount,
            "reason": reason,
            "actor": actor,
            "replaces": replaces,
            "created_at": at,
        },
    )
    if not is_new:
        return refund
    RefundSeat.objects.bulk_create(
        RefundSeat(refund=refund, ticket=ticket, amount=part, kept=ticket.price - part) for ticket, part in shares
    )
    ledger.record(
        payment=payment,
        refund=refund,
        kind="refund.requested",
        after=refund.status,
        actor=actor,
        gateway_id=payment.payment_intent or "",
        note=note,
        at=at,
    )
    promise = f"payments.refund:{refund.pk}"
    enqueue(kind="payments.refund", dedupe_key=promise, payload={"refund": refund.pk}, at=at)
    return refund


def count_back(payment: Payment, amount: int) -> None:
    """Change what the booking says was asked back and not failed; a payment that was one too many is not in it."""
    if not payment.refunds.filter(reason=Refund.Reason.DUPLICATE).exists():
        Booking.objects.filter(pk=payment.booking_id).update(refunded=Greatest(F("refunded") + amount, 0))
