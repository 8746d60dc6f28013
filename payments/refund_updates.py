"""What the gateway says about refunds, ours and those that somebody made in its dashboard.

As with payments, news may come twice, at once, late and in any order. A refund that succeeded may still come back from
the bank; nothing else ever leaves a settled state.
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
from payments.models import Payment, Refund
from payments.refund_rows import count_back, lock_payment

Status = Refund.Status
SETTLED = (Status.SUCCEEDED, Status.FAILED)
STATUS = {"succeeded": Status.SUCCEEDED, "failed": Status.FAILED, "canceled": Status.FAILED}
STANDING = (Status.REQUESTED, Status.SUBMITTED, Status.SUCCEEDED)


@dataclass(frozen=True)
class RefundNews:
    """A refund as the gateway describes it; `key` is ours, where the gateway gives it back."""

    state: RefundState
    amount: int
    key: str = ""


@transaction.atomic
def apply_refund(*, refund_id: int, state: RefundState, at: datetime, event_id: str = "") -> str:
    """Bring a refund to where the gateway says it is; the booking is refunded with its last one.

    Returns:
        The outcome in a word: already, submitted, succeeded or failed.
    """
    payment = lock_payment(Refund.objects.values_list("payment_id", flat=True).get(pk=refund_id))
    refund = Refund.objects.select_for_update(of=("self",)).get(pk=refund_id)
    was, status = refund.status, STATUS.get(state.status, Status.SUBMITTED)
    if state.id and refund.refund_id is None:
        refund.refund_id = state.id
        refund.save(update_fields=["refund_id"])
    if status == was or (was in SETTLED and (was, status) != (Status.SUCCEEDED, Status.FAILED)):
        return "already"
    refund.status, refund.failure = status, state.failure[:120]
    refund.settled_at = at if status in SETTLED else None
    refund.save(update_fields=["status", "failure", "settled_at"])
    _tell(payment, refund, was, at, event_id)
    if status == Status.FAILED:
        _fail(payment, refund, at)
    elif status == Status.SUCCEEDED:
        _enqueue_status_question(payment, refund, at)
        ledger.finish_when_settled(booking_id=payment.booking_id, at=at)
    return str(status)


@transaction.atomic
def apply_refund_of(*, payment_id: int, news: RefundNews, at: datetime, event_id: str = "") -> str:
    """The same for news that names the payment only: our own refund, or one that a person made at the gateway."""
    payment = lock_payment(payment_id)
    refund = _find(payment, news, at)
    if refund is None:
        refund = _book_outside(payment, news.amount, at, event_id, refund_id=news.state.id)
    return apply_refund(refund_id=refund.pk, state=news.state, at=at, event_id=event_id)


@transaction.atomic
def apply_refunded_charge(*, payment_id: int, amount_refunded: int, at: datetime, event_id: str = "") -> str:
    """`charge.refunded` names no refund, only how much of the payment was asked to go back; it may be the only word.

    A refund of ours that the bank had not settled is asked about by its name, since the sum counts it either way. What
    is more than we know of was made outside: it is booked without a name, which its own news brings later.

    Returns:
        refunded, asked or already
    """
    payment = lock_payment(payment_id)
    if payment.refunds.filter(status=Status.FAILED).exists():
        return "already"  # the sum may be from before that came back; news with a name will tell, or reconciliation
    standing = list(payment.refunds.filter(status__in=STANDING).order_by("pk"))
    known = sum(refund.amount for refund in standing)
    if amount_refunded < known:
        return "already"
    waiting = [refund for refund in standing if refund.status == Status.SUBMITTED]
    for refund in waiting:
        key = f"payments.ask_refund:{refund.pk}:{event_id or int(at.timestamp())}"
        enqueue(kind="payments.ask_refund", dedupe_key=key[:120], payload={"refund": refund.pk}, at=at)
    if amount_refunded > known:
        outside = _book_outside(payment, amount_refunded - known, at, event_id)
        apply_refund(refund_id=outside.pk, state=RefundState("", "succeeded", ""), at=at, event_id=event_id)
        return "refunded"
    return "asked" if waiting else "already"


def _find(payment: Payment, news: RefundNews, at: datetime) -> Refund | None:
    """By the gateway's name for it; else by ours, unless that refund has another name already; else a nameless one."""
    refunds = payment.refunds.select_for_update(of=("self",))
    if (found := refunds.filter(refund_id=news.state.id).first()) is not None:
        return found
    if news.key and (found := refunds.filter(idempotency_key=news.key, refund_id=None).first()) is not None:
        return found
    nameless = refunds.filter(reason=Refund.Reason.OUTSIDE, refund_id=None, status=Status.SUCCEEDED).first()
    if nameless is not None and nameless.amount > news.amount:
        _take_out(payment, nameless, news, at)
    return nameless if nameless is not None and nameless.amount == news.amount else None


def _take_out(payment: Payment, nameless: Refund, news: RefundNews, at: datetime) -> None:
    """Part of a nameless sum has a name now: it gets a row of its own, and must not be counted twice."""
    nameless.amount -= news.amount
    nameless.save(update_fields=["amount"])
    count_back(payment, -news.amount)
    ledger.record(
        payment=payment,
        refund=nameless,
        kind="refund.outside",
        amount=news.amount,
        actor=payment.provider,
        gateway_id=news.state.id,
        note="Part of it is known by its own name now",
        at=at,
    )


def _book_outside(payment: Payment, amount: int, at: datetime, event_id: str, refund_id: str = "") -> Refund:
    """A row for a refund that somebody made in the gateway's dashboard, and a call to look at the tickets."""
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
    count_back(payment, amount)
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


def _fail(payment: Payment, refund: Refund, at: datetime) -> None:
    """The money is with the house again: the tickets stay cancelled, and a person reaches the buyer another way."""
    count_back(payment, -refund.amount)
    sum_ = format_money(refund.amount, payment.currency)
    ledger.raise_alert(
        subject=f"refund-failed:{refund.pk}",
        kind="refund-failed",
        text=f"{sum_} of {payment.booking.reference} could not be given back ({refund.failure or 'no reason given'}). "
        "Ask again, or reach the buyer another way.",
        payment=payment,
        refund=refund,
        at=at,
    )
    if refund.refund_id and refund.reason != Refund.Reason.OUTSIDE:  # the bank said no, not the gateway to us
        _enqueue_mail("mail.payment_problem", payment.booking, refund, at, problem="refund_failed")


def _enqueue_status_question(payment: Payment, refund: Refund, at: datetime) -> None:
    """Write to the buyer that money is back, where no mail said that it would be."""
    first = refund
    while first.replaces is not None:
        first = first.replaces
    untold = (Refund.Reason.DUPLICATE, Refund.Reason.OUTSIDE)
    if first.reason in untold or first != refund:
        _enqueue_mail("mail.refunded", payment.booking, refund, at, reason=first.reason)


def _enqueue_mail(kind: str, booking: Booking, refund: Refund, at: datetime, **more: str) -> None:
    key = f"refund:{refund.pk}"
    payload = {"booking": booking.pk, "refund": refund.amount, "key": key, **more}
    enqueue(kind=kind, dedupe_key=f"{kind}:{key}", payload=payload, at=at)


def _tell(payment: Payment, refund: Refund, was: str, at: datetime, event_id: str) -> None:
    kind, amount = f"refund.{refund.status}", 0
    if refund.status == Status.SUCCEEDED:
        amount = -refund.amount
    elif was == Status.SUCCEEDED:
        kind, amount = "refund.returned", refund.amount
    ledger.record(
        payment=payment,
        refund=refund,
        kind=kind,
        amount=amount,
        before=was,
        after=refund.status,
        actor=payment.provider,
        gateway_id=refund.refund_id or "",
        event_id=event_id,
        note=refund.failure,
        at=at,
    )
