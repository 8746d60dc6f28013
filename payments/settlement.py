"""What an update of a payment does to its booking, whoever received it: webhook, success page or reconciliation.

All of them call these functions with a snapshot of the session. Every step is a no-op when the payment is already past
it, so updates may come twice, at once, late and in any order. Each function is one transaction, or part of its
caller's (`payments.events`). Row locks are taken in the order booking, payment, refund, seats, showtime. Every step
writes its ledger entry. Nothing here calls a gateway.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction

from booking.bookings import (
    Confirmation,
    begin_refund,
    begin_release,
    confirm_booking,
    finish_release,
    mark_processing,
)
from booking.models import Booking
from booking.outbox.messages import enqueue
from cinema.currencies import format_money
from payments import ledger
from payments.gateways.interface import Session
from payments.models import Payment, mark_of_key
from payments.refund_rows import lock_payment, lock_payment_of, request_refund

log = logging.getLogger(__name__)
Status = Payment.Status
LEDGER_KINDS: dict[str, str] = {
    Status.OPEN: "payment.opened",
    Status.PAID: "payment.paid",
    Status.PROCESSING: "payment.processing",
    Status.EXPIRED: "payment.expired",
    Status.FAILED: "payment.failed",
}


@dataclass(frozen=True)
class Update:
    """When an update was received, and the id of the event that carried it, if one did."""

    at: datetime
    event_id: str = ""


@transaction.atomic
def apply_session(*, payment_id: int, session: Session, at: datetime, failed: bool = False, event_id: str = "") -> str:
    """Bring payment and booking to the state that this snapshot shows.

    Args:
        failed: the event said that the delayed payment failed.
        event_id: the event that carried the snapshot, for the ledger.

    Returns:
        The outcome: confirmed, already, refunding, processing, open, ended, ignored, mismatch, or `gone`: the session's
        payment is not in the database any more, and nothing was done.
    """
    payment = lock_payment_of(payment_id, session.key) if session.key else lock_payment(payment_id)
    if payment is None:
        log.error("session %s of %s: its payment has gone, as after a restored backup", session.id, session.reference)
        return "gone"
    update = Update(at, event_id)
    if session.livemode != payment.livemode or payment.session_id not in (None, session.id):
        return _flag_mismatch(payment, "another account or session", update)
    _store_ids(payment, session)
    if session.is_paid:
        return _settle_paid(payment, session, update)
    if not payment.is_active:
        if session.status == "open":  # an old snapshot, or a session that must not be paid any more
            enqueue_session_end(payment, at)
        return "already"
    if failed:
        return _settle_unpaid(payment, Status.FAILED, update)
    if session.status == "expired":
        return _settle_unpaid(payment, Status.EXPIRED, update)
    if session.status == "complete":
        return _settle_processing(payment, update)
    if payment.status == Status.CREATED:
        _set_status(payment, Status.OPEN, update)
    return "open"


@transaction.atomic
def apply_decline(*, payment_id: int, at: datetime, event_id: str = "") -> str:
    """A card was declined: by `DECLINE_POLICY` the seats are released once the session has ended, or the buyer retries.

    Returns:
        releasing, noted or already
    """
    payment = lock_payment(payment_id)
    if payment.status not in (Status.CREATED, Status.OPEN):
        return "already"
    payment.declined_at = at
    payment.save(update_fields=["declined_at"])
    _record(payment, "payment.declined", Update(at, event_id), before=payment.status)
    if settings.DECLINE_POLICY != "release":
        return "noted"
    begin_release(booking_id=payment.booking_id, reason="declined", at=at)
    enqueue_session_end(payment, at)
    return "releasing"


@transaction.atomic
def apply_refused_creation(*, payment_id: int, at: datetime) -> str:
    """The gateway refused to create the session: the payment has failed, and the seats are the visitor's lock again.

    Returns:
        ended or already
    """
    payment = lock_payment(payment_id)
    if payment.status != Status.CREATED or payment.session_id is not None:
        return "already"
    begin_release(booking_id=payment.booking_id, reason="changed", at=at)
    return _settle_unpaid(payment, Status.FAILED, Update(at))


@transaction.atomic
def abandon(*, payment_id: int, at: datetime) -> str:
    """There was no verdict until the deadline of `verdict_until`: free the seats and raise an alert.

    Money that arrives later is handled as a late payment. Returns ended or already.
    """
    payment = lock_payment(payment_id)
    if not payment.is_active or at < payment.verdict_until:
        return "already"
    log.error("payment %s: no verdict until %s, its seats are freed", payment, payment.verdict_until)
    ledger.raise_alert(
        subject=f"no-verdict:{payment.pk}",
        kind="no-verdict",
        text=f"Nobody could say how a payment of {payment.booking.reference} ended, so its seats were freed. Look it "
        "up at the gateway: if it was paid, we shall hear of it and keep the seats or give the money back.",
        payment=payment,
        at=at,
    )
    payment.abandoned = True
    return _settle_unpaid(payment, Status.EXPIRED, Update(at))


def record_creation(payment: Payment, at: datetime) -> None:
    """The first ledger entry of a payment, in the transaction that writes its row; a free one is paid already."""
    ledger.record(
        payment=payment,
        kind="payment.created",
        after=payment.status,
        actor="buyer",
        at=at,
    )


def enqueue_session_end(payment: Payment, at: datetime) -> None:
    """Enqueue the end of this payment's session at the gateway, in the caller's transaction."""
    enqueue(
        kind="payments.expire",
        dedupe_key=f"payments.expire:{payment.pk}:{int(at.timestamp())}",
        payload={"payment": payment.pk},
        at=at,
    )


def _settle_paid(payment: Payment, session: Session, update: Update) -> str:
    if payment.status == Status.PAID:
        return "already"
    booking = payment.booking
    payment.late = booking.status in Booking.ENDED_UNPAID
    payment.received, payment.settled_at = session.amount, update.at
    equal = (session.amount, session.currency) == (payment.amount, payment.currency)
    payment.mismatch = payment.mismatch or not equal
    _set_status(payment, Status.PAID, update, amount=session.amount, currency=session.currency)
    if not equal:
        _alert_wrong_amount(payment, session, update)
    if payment != booking.payments.latest("pk") or booking.total != payment.amount:
        return _refund_whole(payment, "duplicate", update)  # the buyer has started another payment since
    confirmation = Confirmation.SEATS_GONE
    if equal or booking.status not in (*Booking.LIVE, *Booking.ENDED_UNPAID):
        demo = payment.provider == Payment.Provider.DEMO
        confirmation = confirm_booking(booking_id=booking.pk, demo=demo, at=update.at)
    if confirmation is Confirmation.CONFIRMED:
        return "confirmed"
    if confirmation is Confirmation.ALREADY:
        return _refund_whole(payment, "duplicate", update)
    return _refund_whole(payment, "late" if equal else "mismatch", update)


def _settle_processing(payment: Payment, update: Update) -> str:
    if payment.status == Status.PROCESSING:
        return "already"
    _set_status(payment, Status.PROCESSING, update)
    mark_processing(booking_id=payment.booking_id, at=update.at)
    return "processing"


def _settle_unpaid(payment: Payment, status: str, update: Update) -> str:
    # A delayed payment outlives its session; only its own failure ends it.
    if payment.status == Status.PROCESSING and status == Status.EXPIRED and not payment.abandoned:
        return "ignored"
    payment.settled_at = update.at
    _set_status(payment, status, update)
    if status == Status.FAILED and payment.session_id:  # the buyer has left the page that would show it
        _enqueue_mail(payment, "declined", update.at)
    finish_release(booking_id=payment.booking_id, at=update.at)
    return "ended"


def _refund_whole(payment: Payment, reason: str, update: Update) -> str:
    """Refund a payment that bought nothing, once; the outbox calls the gateway."""
    amount = payment.received or payment.amount
    if amount:
        key = f"refund:{payment.idempotency_key}"
        request_refund(payment, amount=amount, reason=reason, key=key, actor="system", at=update.at)
    if reason != "duplicate":  # else another payment has paid, or may pay, the booking
        called_off = payment.booking.showtime.cancelled_at is not None
        mail_reason = "showtime" if called_off and reason == "late" else reason
        begin_refund(booking_id=payment.booking_id, amount=amount, at=update.at, reason=mail_reason)
    ledger.finish_when_settled(booking_id=payment.booking_id, at=update.at)  # nothing to refund, or refunded before
    return "refunding"


def _store_ids(payment: Payment, session: Session) -> None:
    """Store the session's ids. The event may arrive before the response to the call that created the session."""
    payment.session_id = payment.session_id or session.id
    payment.payment_intent = payment.payment_intent or session.payment_intent
    payment.url = payment.url or session.url or ""
    payment.asks, payment.ask_again_at = 0, None
    payment.save(update_fields=["session_id", "payment_intent", "url", "asks", "ask_again_at"])


def _flag_mismatch(payment: Payment, why: str, update: Update) -> str:
    log.error("payment %s: update of %s ignored", payment, why)
    if not payment.mismatch:
        payment.mismatch = True
        payment.save(update_fields=["mismatch"])
        _record(payment, "payment.mismatch", update, before=payment.status, after=payment.status, note=why)
        ledger.raise_alert(
            subject=f"mismatch:{payment.pk}",
            kind="mismatch",
            text=f"News of {why} came for a payment of {payment.booking.reference}, and nothing was done with it. Are "
            "the keys and the webhook secret those of one account?",
            payment=payment,
            at=update.at,
        )
    return "mismatch"


def _alert_wrong_amount(payment: Payment, session: Session, update: Update) -> None:
    """The amount or currency is wrong: `_refund_whole` returns it, a person must find the cause."""
    paid = format_money(session.amount, session.currency)
    requested = format_money(payment.amount, payment.currency)
    _record(payment, "payment.mismatch", update, note=f"paid {paid}, asked for {requested}")
    ledger.raise_alert(
        subject=f"mismatch:{payment.pk}",
        kind="mismatch",
        text=f"{payment.booking.reference} paid {paid} where {requested} was asked. It goes back whole; find out how "
        "that came about at the gateway.",
        payment=payment,
        at=update.at,
    )


def _enqueue_mail(payment: Payment, problem: str, at: datetime) -> None:
    key = f"payment:{mark_of_key(payment.idempotency_key)}"
    payload = {"booking": payment.booking_id, "problem": problem, "key": key}
    kind = "mail.payment_problem"
    enqueue(kind=kind, dedupe_key=f"{kind}:{problem}:{key}", payload=payload, at=at)


def _set_status(payment: Payment, status: str, update: Update, *, amount: int = 0, currency: str = "") -> None:
    before, payment.status = payment.status, Status(status)
    payment.save(update_fields=["status", "late", "received", "settled_at", "mismatch", "abandoned"])
    kind = "payment.abandoned" if payment.abandoned and status == Status.EXPIRED else LEDGER_KINDS[status]
    _record(payment, kind, update, before=before, after=payment.status, amount=amount, currency=currency)


def _record(
    payment: Payment,
    kind: str,
    update: Update,
    *,
    before: str = "",
    after: str = "",
    amount: int = 0,
    currency: str = "",
    note: str = "",
) -> None:
    """A ledger entry of a payment; the actor is the gateway, or the system where the gateway could not be queried."""
    ledger.record(
        payment=payment,
        kind=kind,
        amount=amount,
        currency=currency,
        before=before,
        after=after,
        actor="system" if kind == "payment.abandoned" else payment.provider,
        gateway_id=(payment.payment_intent if kind == "payment.paid" else payment.session_id) or "",
        event_id=update.event_id,
        note=note,
        at=update.at,
    )
