"""The till that `booking` asks, and what the loop does about money."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import connections, transaction
from django.db.models import F
from django.utils import timezone

from booking import payment_port
from booking.bookings import begin_release
from booking.models import Booking
from booking.outbox.messages import enqueue, register_handler
from booking.outbox.periodic_tasks import register_periodic_task
from payments.gateways.demo import deliver_event
from payments.gateways.factory import gateway
from payments.gateways.interface import GatewayRefused, GatewayUnavailable, RefundRequest, RefundState
from payments.models import Payment, Refund
from payments.reconciliation import YOUNG, reconcile_all, reconcile_refund
from payments.refund_updates import apply_refund
from payments.session_end import end_payment, reconcile, settle

ASK_EVERY = timedelta(seconds=30)
RECONCILE_EVERY = timedelta(minutes=10)
AT_ONCE = 50
SIDE_BY_SIDE = 8  # questions to the gateway at a time
LONGEST_ROUND = 2.0  # seconds; the loop has other things to do
FIRST_TRY = timedelta(seconds=20)  # a refund older than this may have been asked for by somebody who died
LONGEST_UNASKED = F("ask_again_at").asc(nulls_first=True)  # databases do not agree on where nothing comes
# Answers after which asking again cannot help; a person has to.
BEYOND_REFUND = ("charge_already_refunded", "charge_disputed", "charge_not_refundable")


class PaymentsPort:
    """`booking.payment_port.PaymentPort`."""

    def end_payment(self, *, booking_id: int, reason: str, at: datetime) -> None:
        end_payment(booking_id=booking_id, reason=reason, at=at)


def install() -> None:
    """Called once, when the apps are ready."""
    payment_port.install(PaymentsPort())
    register_handler("payments.expire", handle_expire)
    register_handler("payments.refund", handle_refund)
    register_handler("payments.ask_refund", handle_refund_status)
    register_handler("payments.demo_event", deliver_event)
    register_handler("reconcile.all", handle_reconcile)
    register_periodic_task("end overdue payments", timedelta(milliseconds=500), lambda at: end_overdue(at=at))
    register_periodic_task("ask about payments", ASK_EVERY, lambda at: ask_about_open(at=at))
    register_periodic_task("promise to reconcile", RECONCILE_EVERY, lambda at: enqueue_reconciliation(at=at))


def end_overdue(*, at: datetime) -> int:
    """End the payments of checkouts whose time has passed, and go on with those that are being ended.

    Several at a time, since the seats of each wait for it. A gateway that does not answer ends the round, so that the
    loop's other work is not held up.

    Returns:
        How many payments got their verdict.
    """
    overdue = Booking.objects.overdue(at).order_by("locked_until")[:AT_ONCE]
    for booking in overdue:
        begin_release(booking_id=booking.pk, reason="lapsed", at=at)
    releasing = Payment.objects.to_ask(at).filter(booking__status=Booking.Status.RELEASING)
    waiting = list(releasing.order_by(LONGEST_UNASKED, "pk")[:AT_ONCE])
    return _ask_together(partial(settle, at=at), waiting) + _finish_orphans(at)


def ask_about_open(*, at: datetime) -> int:
    """Ask how the other active payments stand: events may never come.

    Returns:
        How many answers there were.
    """

    def ask(payment: Payment) -> bool:
        answered = reconcile(payment, at=at)
        if answered:
            # Delayed payments take days; the others have their deadline, and are ended then.
            Payment.objects.filter(pk=payment.pk, ask_again_at=None).update(ask_again_at=at + ASK_EVERY)
        return answered

    quiet = Payment.objects.to_ask(at).filter(created_at__lte=at - YOUNG)
    others = quiet.exclude(booking__status=Booking.Status.RELEASING)
    return _ask_together(ask, list(others.order_by(LONGEST_UNASKED, "pk")[:AT_ONCE]))


def enqueue_reconciliation(*, at: datetime) -> None:
    """What else may have gone past us is looked for by the outbox, in a line of its own: it takes a while."""
    if settings.DEMO_PAYMENTS:
        return  # nothing happens at the demo gateway that we do not know
    with transaction.atomic():
        key = f"reconcile.all:{int(at.timestamp() // RECONCILE_EVERY.total_seconds())}"
        enqueue(kind="reconcile.all", dedupe_key=key, payload={}, at=at)


def handle_reconcile(payload: dict[str, Any]) -> None:
    """Outbox: what could not be asked now is asked by the next one."""
    reconcile_all(at=timezone.now())


def handle_expire(payload: dict[str, Any]) -> None:
    """Outbox: end one payment. Without a verdict `end_overdue` goes on asking."""
    payment = Payment.objects.get(pk=payload["payment"])
    if payment.status not in (Payment.Status.PROCESSING, Payment.Status.PAID) and payment.session_id:
        settle(payment, at=timezone.now())


def handle_refund(payload: dict[str, Any]) -> None:
    """Outbox: ask for the money to go back. Raises what the gateway raises, to be tried again."""
    refund = Refund.objects.select_related("payment__booking").get(pk=payload["refund"])
    if refund.status != Refund.Status.REQUESTED:
        return
    payment = refund.payment
    if payment.payment_intent is None:
        if payment.session_id is not None:
            reconcile(payment, at=timezone.now())
            payment.refresh_from_db()
        if payment.payment_intent is None:
            raise GatewayUnavailable("nothing to refund by yet")
    request = RefundRequest(
        key=refund.idempotency_key,
        payment_intent=payment.payment_intent,
        amount=refund.amount,
        reference=payment.booking.reference,
        retry=timezone.now() - refund.created_at > FIRST_TRY,
    )
    try:
        state = gateway(payment.provider).refund(request)
    except GatewayRefused as error:
        if not error.is_final and error.code not in BEYOND_REFUND:
            raise
        state = RefundState("", "failed", error.code or "refused")
    apply_refund(refund_id=refund.pk, state=state, at=timezone.now())


def handle_refund_status(payload: dict[str, Any]) -> None:
    """Outbox: learn how a refund stands that the bank had not settled. Raises what the gateway raises."""
    refund = Refund.objects.select_related("payment__booking").get(pk=payload["refund"])
    if refund.status == Refund.Status.SUBMITTED:
        reconcile_refund(refund, at=timezone.now())


def _finish_orphans(at: datetime) -> int:
    """A booking that is being released and has no payment to wait for: whoever began it died in between."""
    orphans = Booking.objects.filter(status=Booking.Status.RELEASING).exclude(payments__status__in=Payment.ACTIVE)
    return sum(end_payment(booking_id=booking.pk, reason="lapsed", at=at) for booking in orphans[:AT_ONCE])


def _ask_together(ask: Callable[[Payment], bool], payments: Sequence[Payment]) -> int:
    """Ask about each of these, several at a time, until one gets no answer or the round has lasted long enough.

    Returns:
        How many answers there were.
    """
    if len(payments) < 2:
        return sum(ask(payment) for payment in payments)
    begun, answers = time.monotonic(), 0
    with ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="gateway") as pool:
        for start in range(0, len(payments), SIDE_BY_SIDE):
            batch = payments[start : start + SIDE_BY_SIDE]
            answered = sum(pool.map(partial(_ask_alone, ask), batch))
            answers += answered
            if answered < len(batch) or time.monotonic() - begun > LONGEST_ROUND:
                break
    return answers


def _ask_alone(ask: Callable[[Payment], bool], payment: Payment) -> bool:
    """In a thread of its own, whose connection to the database ends with the question."""
    try:
        return ask(payment)
    finally:
        connections.close_all()
