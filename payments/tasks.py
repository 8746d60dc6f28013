"""The payment port of `booking`, the periodic tasks of payments and their outbox handlers."""

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

from booking import payment_port
from booking.bookings import begin_release
from booking.models import Booking
from booking.outbox.messages import enqueue, register_handler
from booking.outbox.periodic_tasks import register_periodic_task
from cinema.database import clock
from payments.gateways.demo import deliver_event
from payments.gateways.factory import gateway
from payments.gateways.interface import GatewayRefused, GatewayUnavailable, RefundRequest, RefundState
from payments.models import Payment, Refund
from payments.reconciliation import YOUNG, reconcile_all, reconcile_refund
from payments.refund_updates import apply_refund
from payments.session_end import end_payment, reconcile, settle

QUERY_INTERVAL = timedelta(seconds=30)
RECONCILE_INTERVAL = timedelta(minutes=10)
BATCH_SIZE = 50
PARALLEL_QUERIES = 8
ROUND_TIMEOUT = 2.0  # seconds; the loop has other tasks
FIRST_ATTEMPT = timedelta(seconds=20)  # an older refund may have been requested by a process that died
LONGEST_WAITING = F("ask_again_at").asc(nulls_first=True)  # databases differ in where they sort NULL
# Refusals that a retry cannot change; a person must act.
FINAL_REFUND_ERRORS = ("charge_already_refunded", "charge_disputed", "charge_not_refundable")


class PaymentsPort:
    """`booking.payment_port.PaymentPort`."""

    def end_payment(self, *, booking_id: int, reason: str, at: datetime) -> None:
        """See the protocol."""
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
    register_periodic_task("query open payments", QUERY_INTERVAL, lambda at: query_open_payments(at=at))
    register_periodic_task("enqueue reconciliation", RECONCILE_INTERVAL, lambda at: enqueue_reconciliation(at=at))


def end_overdue(*, at: datetime) -> int:
    """End the payments of checkouts whose deadline has passed, and query again those that are being ended.

    Several in parallel, because the seats of each are locked until its verdict. The first query without an answer ends
    the round, so that the other tasks of the loop are not delayed.

    Returns:
        How many payments got their verdict.
    """
    overdue = Booking.objects.overdue(at).order_by("locked_until")[:BATCH_SIZE]
    for booking in overdue:
        begin_release(booking_id=booking.pk, reason="lapsed", at=at)
    releasing = Payment.objects.due(at).filter(booking__status=Booking.Status.RELEASING)
    due = list(releasing.order_by(LONGEST_WAITING, "pk")[:BATCH_SIZE])
    return _query_in_parallel(partial(settle, at=at), due) + _finish_orphans(at)


def query_open_payments(*, at: datetime) -> int:
    """Query the other active payments, since an event may never arrive.

    Returns:
        How many queries were answered.
    """

    def query(payment: Payment) -> bool:
        answered = reconcile(payment, at=at)
        if answered:
            # A delayed payment takes days; the others are ended at their deadline.
            Payment.objects.filter(pk=payment.pk, ask_again_at=None).update(ask_again_at=at + QUERY_INTERVAL)
        return answered

    quiet = Payment.objects.due(at).filter(created_at__lte=at - YOUNG)
    others = quiet.exclude(booking__status=Booking.Status.RELEASING)
    return _query_in_parallel(query, list(others.order_by(LONGEST_WAITING, "pk")[:BATCH_SIZE]))


def enqueue_reconciliation(*, at: datetime) -> None:
    """Enqueue a reconciliation: it takes long and has a queue of its own."""
    if settings.DEMO_PAYMENTS:
        return  # the demo gateway has nothing that is not stored here
    with transaction.atomic(durable=True):
        key = f"reconcile.all:{int(at.timestamp() // RECONCILE_INTERVAL.total_seconds())}"
        enqueue(kind="reconcile.all", dedupe_key=key, payload={}, at=at)


def handle_reconcile(payload: dict[str, Any]) -> None:
    """Outbox: reconcile. What got no answer is queried by the next message."""
    reconcile_all(at=clock.now())


def handle_expire(payload: dict[str, Any]) -> None:
    """Outbox: end one payment. Without a verdict `end_overdue` queries again."""
    payment = Payment.objects.get(pk=payload["payment"])
    if payment.status not in (Payment.Status.PROCESSING, Payment.Status.PAID) and payment.session_id:
        settle(payment, at=clock.now())


def handle_refund(payload: dict[str, Any]) -> None:
    """Outbox: request a refund at the gateway. Raises GatewayUnavailable or GatewayRefused, to be retried."""
    refund = Refund.objects.select_related("payment__booking").get(pk=payload["refund"])
    if refund.status != Refund.Status.REQUESTED:
        return
    payment = refund.payment
    if payment.payment_intent is None:
        if payment.session_id is not None:
            reconcile(payment, at=clock.now())
            payment.refresh_from_db()
        if payment.payment_intent is None:
            raise GatewayUnavailable("no payment intent is known yet")
    request = RefundRequest(
        key=refund.idempotency_key,
        payment_intent=payment.payment_intent,
        amount=refund.amount,
        reference=payment.booking.reference,
        retry=clock.now() - refund.created_at > FIRST_ATTEMPT or _is_known_outside(payment),
    )
    try:
        state = gateway(payment.provider).refund(request)
    except GatewayRefused as error:
        if not error.is_final and error.code not in FINAL_REFUND_ERRORS:
            raise
        state = RefundState("", "failed", error.code or "refused")
    apply_refund(refund_id=refund.pk, state=state, at=clock.now(), key=refund.idempotency_key)


def _is_known_outside(payment: Payment) -> bool:
    """Money of this payment went back that was not asked for in this database: by hand, or before a restore."""
    return payment.refunds.filter(reason=Refund.Reason.OUTSIDE).exists()


def handle_refund_status(payload: dict[str, Any]) -> None:
    """Outbox: query a submitted refund. Raises GatewayUnavailable or GatewayRefused, to be retried."""
    refund = Refund.objects.select_related("payment__booking").get(pk=payload["refund"])
    if refund.status == Refund.Status.SUBMITTED:
        reconcile_refund(refund, at=clock.now())


def _finish_orphans(at: datetime) -> int:
    """End the releasing bookings that have no active payment: their process died before it had finished."""
    orphans = Booking.objects.filter(status=Booking.Status.RELEASING).exclude(payments__status__in=Payment.ACTIVE)
    return sum(end_payment(booking_id=booking.pk, reason="lapsed", at=at) for booking in orphans[:BATCH_SIZE])


def _query_in_parallel(query: Callable[[Payment], bool], payments: Sequence[Payment]) -> int:
    """Query each of these, several in parallel, until one gets no answer or ROUND_TIMEOUT has passed.

    Returns:
        How many queries were answered.
    """
    if len(payments) < 2:
        return sum(query(payment) for payment in payments)
    started_at, answers = time.monotonic(), 0
    with ThreadPoolExecutor(PARALLEL_QUERIES, thread_name_prefix="gateway") as pool:
        for start in range(0, len(payments), PARALLEL_QUERIES):
            batch = payments[start : start + PARALLEL_QUERIES]
            answered = sum(pool.map(partial(_query_in_thread, query), batch))
            answers += answered
            if answered < len(batch) or time.monotonic() - started_at > ROUND_TIMEOUT:
                break
    return answers


def _query_in_thread(query: Callable[[Payment], bool], payment: Payment) -> bool:
    """Runs in a thread, whose database connections are closed at the end."""
    try:
        return query(payment)
    finally:
        connections.close_all()
