"""Updates of refunds by the gateway: our own refunds, and those made in its dashboard.

As with payments, updates may come twice, at once, late and in any order. Each function is one transaction, or part of
its caller's. A refund that succeeded may still fail later; no other settled state changes.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from booking.models import Booking
from booking.outbox.messages import enqueue
from cinema.currencies import format_money
from payments import ledger
from payments.gateways.interface import RefundState
from payments.models import Payment, Refund, mark_of_key
from payments.refund_rows import adjust_refunded, lock_payment

Status = Refund.Status
SETTLED = (Status.SUCCEEDED, Status.FAILED)
STATUS_OF = {"succeeded": Status.SUCCEEDED, "failed": Status.FAILED, "canceled": Status.FAILED}
STANDING = (Status.REQUESTED, Status.SUBMITTED, Status.SUCCEEDED)


@dataclass(frozen=True)
class RefundSnapshot:
    """A refund as the gateway describes it, `amount` in minor units; `key` is our idempotency key, if reported."""

    state: RefundState
    amount: int
    key: str = ""


@transaction.atomic
def apply_refund(*, refund_id: int, state: RefundState, at: datetime, event_id: str = "", key: str = "") -> str:
    """Bring a refund to the state that the gateway reports; the last one to settle makes the booking `refunded`.

    Args:
        key: the refund's idempotency key, where the gateway was asked outside of this transaction: meanwhile a restored
            backup may have given the primary key to another refund.

    Returns:
        The outcome: already, submitted, succeeded, failed, or `gone`: it is another refund, and nothing was done.

    Raises:
        Refund.DoesNotExist
    """
    payment = lock_payment(Refund.objects.values_list("payment_id", flat=True).get(pk=refund_id))
    refund = Refund.objects.select_for_update(of=("self",)).get(pk=refund_id)
    if key not in ("", refund.idempotency_key):
        return "gone"
    is_double = refund.refund_id is None and state.id and Refund.objects.filter(refund_id=state.id).exists()
    if is_double:  # the gateway has found what it gave back before a backup was restored: no other money has moved
        state = RefundState("", "failed", f"{state.id} gave it back before")
    before, status = refund.status, STATUS_OF.get(state.status, Status.SUBMITTED)
    if state.id and refund.refund_id is None:
        refund.refund_id = state.id
        refund.save(update_fields=["refund_id"])
    if status == before or (before in SETTLED and (before, status) != (Status.SUCCEEDED, Status.FAILED)):
        return "already"
    refund.status, refund.failure = status, state.failure[:120]
    refund.settled_at = at if status in SETTLED else None
    refund.save(update_fields=["status", "failure", "settled_at"])
    _record(payment, refund, before, at, event_id)
    if status == Status.FAILED:
        _handle_failure(payment, refund, at)
    elif status == Status.SUCCEEDED:
        _mail_unannounced(payment, refund, at)
        ledger.finish_when_settled(booking_id=payment.booking_id, at=at)
    return str(status)


@transaction.atomic
def apply_refund_of(*, payment_id: int, snapshot: RefundSnapshot, at: datetime, event_id: str = "") -> str:
    """The same for an update that names only the payment: our own refund, or one made at the gateway."""
    payment = lock_payment(payment_id)
    refund = _find(payment, snapshot, at)
    if refund is None:
        refund = _record_outside(payment, snapshot.amount, at, event_id, refund_id=snapshot.state.id)
    return apply_refund(refund_id=refund.pk, state=snapshot.state, at=at, event_id=event_id)


@transaction.atomic
def apply_refunded_charge(*, payment_id: int, amount_refunded: int, at: datetime, event_id: str = "") -> str:
    """`charge.refunded` names no refund, only the payment's total refunded amount; it may be the only event.

    A submitted refund of ours is queried by its id, since the total counts it whatever its status. An excess over the
    known refunds was made outside: it gets a row without an id, which a later event supplies.

    Args:
        amount_refunded: minor units.

    Returns:
        refunded, asked or already
    """
    payment = lock_payment(payment_id)
    if payment.refunds.filter(status=Status.FAILED).exists():
        return "already"  # the total may be older than the failure; an event with an id follows, or reconciliation
    standing = list(payment.refunds.filter(status__in=STANDING).order_by("pk"))
    known = sum(refund.amount for refund in standing)
    if amount_refunded < known:
        return "already"
    waiting = [refund for refund in standing if refund.status == Status.SUBMITTED]
    for refund in waiting:
        key = f"payments.ask_refund:{refund.pk}:{event_id or int(at.timestamp())}"
        enqueue(kind="payments.ask_refund", dedupe_key=key[:120], payload={"refund": refund.pk}, at=at)
    if amount_refunded > known:
        outside = _record_outside(payment, amount_refunded - known, at, event_id)
        apply_refund(refund_id=outside.pk, state=RefundState("", "succeeded", ""), at=at, event_id=event_id)
        return "refunded"
    return "asked" if waiting else "already"


def _find(payment: Payment, snapshot: RefundSnapshot, at: datetime) -> Refund | None:
    """By the gateway's id; else by our key, unless that refund has another id; else an outside refund without an id."""
    refunds = payment.refunds.select_for_update(of=("self",))
    if (found := refunds.filter(refund_id=snapshot.state.id).first()) is not None:
        return found
    if snapshot.key and (found := refunds.filter(idempotency_key=snapshot.key, refund_id=None).first()) is not None:
        return found
    without_id = refunds.filter(reason=Refund.Reason.OUTSIDE, refund_id=None, status=Status.SUCCEEDED).first()
    if without_id is not None and without_id.amount > snapshot.amount:
        _split_off(payment, without_id, snapshot, at)
    return without_id if without_id is not None and without_id.amount == snapshot.amount else None


def _split_off(payment: Payment, without_id: Refund, snapshot: RefundSnapshot, at: datetime) -> None:
    """Part of an outside sum without an id is known by its id now: it gets its own row and is not counted twice."""
    without_id.amount -= snapshot.amount
    without_id.save(update_fields=["amount"])
    adjust_refunded(payment, -snapshot.amount)
    ledger.record(
        payment=payment,
        refund=without_id,
        kind="refund.outside",
        amount=snapshot.amount,
        actor=payment.provider,
        gateway_id=snapshot.state.id,
        note="Part of it is known by its own name now",
        at=at,
    )


def _record_outside(payment: Payment, amount: int, at: datetime, event_id: str, refund_id: str = "") -> Refund:
    """A row for a refund that was made in the gateway's dashboard, and an alert: a person must check the tickets."""
    booking = payment.booking
    refund = Refund.objects.create(
        payment=payment,
        amount=amount,
        reason=Refund.Reason.OUTSIDE,
        refund_id=refund_id or None,
        idempotency_key=f"outside:{refund_id or uuid.uuid4().hex}"[:80],
        actor="outside",
        created_at=at,
    )
    adjust_refunded(payment, amount)
    ledger.record(
        payment=payment,
        refund=refund,
        kind="refund.outside",
        after=refund.status,
        actor="outside",
        gateway_id=refund_id or payment.payment_intent or "",
        event_id=event_id,
        at=at,
    )
    ledger.raise_alert(
        subject=f"refund-outside:{refund.pk}",
        kind="refund-outside",
        text=f"Somebody gave back {format_money(amount, payment.currency)} of {booking.reference} at the gateway. "
        "Its tickets stand as they were: cancel here those that should not.",
        payment=payment,
        refund=refund,
        at=at,
    )
    return refund


def _handle_failure(payment: Payment, refund: Refund, at: datetime) -> None:
    """The money is back at the cinema: the tickets stay cancelled, and a person pays the buyer another way."""
    adjust_refunded(payment, -refund.amount)
    sum_ = format_money(refund.amount, payment.currency)
    ledger.raise_alert(
        subject=f"refund-failed:{refund.pk}",
        kind="refund-failed",
        text=f"{sum_} of {payment.booking.reference} could not be given back ({refund.failure or 'no reason given'}). "
        "See at the gateway what the buyer has; ask again, or reach the buyer another way.",
        payment=payment,
        refund=refund,
        at=at,
    )
    if refund.refund_id and refund.reason != Refund.Reason.OUTSIDE:  # refused by the bank, not by the gateway
        _enqueue_mail("mail.payment_problem", payment.booking, refund, at, problem="refund_failed")


def _mail_unannounced(payment: Payment, refund: Refund, at: datetime) -> None:
    """Write to the buyer that money is back, where no earlier mail announced it."""
    first = refund
    while first.replaces is not None:
        first = first.replaces
    unannounced = (Refund.Reason.DUPLICATE, Refund.Reason.OUTSIDE)
    if first.reason in unannounced or first != refund:
        _enqueue_mail("mail.refunded", payment.booking, refund, at, reason=first.reason)


def _enqueue_mail(kind: str, booking: Booking, refund: Refund, at: datetime, **more: str) -> None:
    key = f"refund:{mark_of_key(refund.idempotency_key)}"
    payload = {"booking": booking.pk, "refund": refund.amount, "key": key, **more}
    enqueue(kind=kind, dedupe_key=f"{kind}:{key}", payload=payload, at=at)


def _record(payment: Payment, refund: Refund, before: str, at: datetime, event_id: str) -> None:
    kind, amount = f"refund.{refund.status}", 0
    if refund.status == Status.SUCCEEDED:
        amount = -refund.amount
    elif before == Status.SUCCEEDED:
        kind, amount = "refund.returned", refund.amount
    ledger.record(
        payment=payment,
        refund=refund,
        kind=kind,
        amount=amount,
        before=before,
        after=refund.status,
        actor=payment.provider,
        gateway_id=refund.refund_id or "",
        event_id=event_id,
        note=refund.failure,
        at=at,
    )
