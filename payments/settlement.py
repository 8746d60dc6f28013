"""What a payment's news does to its booking: the one place, whoever brings the news.

The webhook, the success page and the reconciler all come here with a snapshot of the session. Every step is a no-op
when the payment is already past it, so news may come twice, at once, late and in any order. Row locks are taken in the
order booking, payment, seats, showtime. Nothing here speaks to a gateway.
"""

from __future__ import annotations

import logging
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest

from booking import outbox
from booking.bookings import (
    Confirmation,
    begin_refund,
    begin_release,
    confirm_booking,
    finish_refund,
    finish_release,
    mark_processing,
)
from booking.models import Booking
from payments.asking_back import lock_payment
from payments.gateways import RefundState, Session
from payments.models import Payment, Refund

log = logging.getLogger(__name__)
Status = Payment.Status
REFUND_STATUS = {"succeeded": Refund.Status.SUCCEEDED, "failed": Refund.Status.FAILED, "canceled": Refund.Status.FAILED}
WHOLE_BOOKING = ("late", "mismatch")  # reasons for which the booking itself is being refunded


@transaction.atomic
def apply_session(*, payment_id: int, session: Session, at: datetime, failed: bool = False) -> str:
    """Bring payment and booking to where this snapshot says they are.

    Args:
        failed: the snapshot came with the news that its delayed payment failed.

    Returns:
        The outcome in a word: confirmed, already, refunding, processing, open, ended, ignored or mismatch.
    """
    payment = lock_payment(payment_id)
    if session.livemode != payment.livemode or payment.session_id not in (None, session.id):
        return _flag(payment, "another account or session")
    _learn(payment, session)
    if session.is_paid:
        return _settle_paid(payment, session, at)
    if not payment.is_active:
        if session.status == "open":  # an answer from long ago: nobody may pay this any more
            promise_end(payment, at)
        return "already"
    if failed:
        return _settle_dead(payment, Status.FAILED, at)
    if session.status == "expired":
        return _settle_dead(payment, Status.EXPIRED, at)
    if session.status == "complete":
        return _settle_processing(payment, at)
    if payment.status == Status.CREATED:
        _move(payment, Status.OPEN)
    return "open"


@transaction.atomic
def apply_decline(*, payment_id: int, at: datetime) -> str:
    """A card was declined. By `DECLINE_POLICY` the seats are given up (once the session is dead), or it may try again.

    Returns:
        releasing, noted or already
    """
    payment = lock_payment(payment_id)
    if payment.status not in (Status.CREATED, Status.OPEN):
        return "already"
    payment.declined_at = at
    payment.save(update_fields=["declined_at"])
    if settings.DECLINE_POLICY != "release":
        return "noted"
    begin_release(booking_id=payment.booking_id, reason="declined", at=at)
    promise_end(payment, at)
    return "releasing"


@transaction.atomic
def apply_refused_creation(*, payment_id: int, at: datetime) -> str:
    """The gateway said no to the session: there is none, and the seats are the visitor's lock again."""
    payment = lock_payment(payment_id)
    if payment.status != Status.CREATED or payment.session_id is not None:
        return "already"
    begin_release(booking_id=payment.booking_id, reason="changed", at=at)
    return _settle_dead(payment, Status.FAILED, at)


@transaction.atomic
def abandon(*, payment_id: int, at: datetime) -> str:
    """Nobody could ask the gateway until the verdict cannot matter any more: free the seats and call a person.

    Should money come after all, it is a late payment like any other.
    """
    payment = lock_payment(payment_id)
    if not payment.is_active or at < payment.verdict_until:
        return "already"
    log.error("payment %s: no verdict until %s, its seats are freed; look at it", payment, payment.verdict_until)
    payment.abandoned = True
    return _settle_dead(payment, Status.EXPIRED, at)


@transaction.atomic
def apply_refund(*, refund_id: int, state: RefundState, at: datetime) -> str:
    """Bring a refund to where the gateway says it is; the booking is refunded with its last one."""
    payment = lock_payment(Refund.objects.values_list("payment_id", flat=True).get(pk=refund_id))
    refund = Refund.objects.select_for_update().get(pk=refund_id)
    status = REFUND_STATUS.get(state.status, Refund.Status.SUBMITTED)
    settled = (Refund.Status.SUCCEEDED, Refund.Status.FAILED)
    # A bank may send money back after it succeeded; nothing else ever leaves a settled state.
    if refund.status in settled and status != Refund.Status.FAILED:
        return "already"
    was = refund.status
    refund.status, refund.refund_id, refund.failure = status, state.id or refund.refund_id, state.failure
    refund.settled_at = at if status in settled else None
    refund.save(update_fields=["status", "refund_id", "failure", "settled_at"])
    if status == Refund.Status.FAILED:
        if was != status and refund.reason in WHOLE_BOOKING:
            Booking.objects.filter(pk=payment.booking_id).update(refunded=Greatest(F("refunded") - refund.amount, 0))
        log.error("refund %s failed (%s): reach the buyer another way", refund, state.failure or "no reason")
    elif status == Refund.Status.SUCCEEDED and refund.reason in WHOLE_BOOKING:
        finish_refund(booking_id=payment.booking_id, at=at)
    return str(status)


def promise_end(payment: Payment, at: datetime) -> None:
    """Let the loop end this payment at the gateway, soon and until it worked."""
    outbox.promise(
        kind="payments.expire",
        dedupe_key=f"payments.expire:{payment.pk}:{int(at.timestamp())}",
        payload={"payment": payment.pk},
        at=at,
    )


def _settle_paid(payment: Payment, session: Session, at: datetime) -> str:
    if payment.status == Status.PAID:
        return "already"
    booking = payment.booking
    payment.late = booking.status in Booking.ENDED_UNPAID
    payment.received, payment.settled_at = session.amount, at
    equal = (session.amount, session.currency) == (payment.amount, payment.currency)
    payment.mismatch = payment.mismatch or not equal
    _move(payment, Status.PAID)
    if not equal:
        log.error("payment %s: paid %s %s; the money goes back", payment, session.amount, session.currency)
    if payment != booking.payments.latest("pk") or booking.total != payment.amount:
        return _promise_refund(payment, "duplicate", at)  # the buyer has begun anew since
    verdict = Confirmation.SEATS_GONE
    if equal or booking.status not in (*Booking.LIVE, *Booking.ENDED_UNPAID):
        verdict = confirm_booking(booking_id=booking.pk, demo=payment.provider == Payment.Provider.DEMO, at=at)
    if verdict is Confirmation.CONFIRMED:
        return "confirmed"
    if verdict is Confirmation.ALREADY:
        return _promise_refund(payment, "duplicate", at)
    begin_refund(booking_id=booking.pk, at=at, reason="late" if equal else "mismatch")
    return _promise_refund(payment, "late" if equal else "mismatch", at)


def _settle_processing(payment: Payment, at: datetime) -> str:
    if payment.status == Status.PROCESSING:
        return "already"
    _move(payment, Status.PROCESSING)
    mark_processing(booking_id=payment.booking_id, at=at)
    return "processing"


def _settle_dead(payment: Payment, status: str, at: datetime) -> str:
    # A delayed payment is past its session's end; only its own failure ends it.
    if payment.status == Status.PROCESSING and status == Status.EXPIRED and not payment.abandoned:
        return "ignored"
    payment.settled_at = at
    _move(payment, status)
    finish_release(booking_id=payment.booking_id, at=at)
    return "ended"


def _promise_refund(payment: Payment, reason: str, at: datetime) -> str:
    """Money that bought nothing goes back whole, once; the outbox tells the gateway."""
    amount = payment.received or payment.amount
    if not amount:
        finish_refund(booking_id=payment.booking_id, at=at)
        return "refunding"
    refund, fresh = Refund.objects.get_or_create(
        idempotency_key=f"refund:{payment.idempotency_key}",
        defaults={"payment": payment, "amount": amount, "reason": reason, "created_at": at},
    )
    if fresh:
        key = f"payments.refund:{refund.pk}"
        outbox.promise(kind="payments.refund", dedupe_key=key, payload={"refund": refund.pk}, at=at)
    return "refunding"


def _learn(payment: Payment, session: Session) -> None:
    """An event may be here before the answer to the call that made its session."""
    payment.session_id = payment.session_id or session.id
    payment.payment_intent = payment.payment_intent or session.payment_intent
    payment.url = payment.url or session.url or ""
    payment.asks, payment.ask_again_at = 0, None
    payment.save(update_fields=["session_id", "payment_intent", "url", "asks", "ask_again_at"])


def _flag(payment: Payment, why: str) -> str:
    log.error("payment %s: news of %s; nothing was done", payment, why)
    payment.mismatch = True
    payment.save(update_fields=["mismatch"])
    return "mismatch"


def _move(payment: Payment, status: str) -> None:
    payment.status = Status(status)
    payment.save(update_fields=["status", "late", "received", "settled_at", "mismatch", "abandoned"])
