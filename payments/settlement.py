"""What a payment's news does to its booking: the one place, whoever brings the news.

The webhook, the success page and the reconciler all come here with a snapshot of the session. Every step is a no-op
when the payment is already past it, so news may come twice, at once, late and in any order. Row locks are taken in the
order booking, payment, refund, seats, showtime. Every step writes its line of the ledger. Nothing here speaks to a
gateway.
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
    finish_refund,
    finish_release,
    mark_processing,
)
from booking.models import Booking
from booking.outbox.messages import enqueue
from cinema.currencies import format_money
from payments import ledger
from payments.gateways.interface import Session
from payments.models import Payment
from payments.refund_rows import ask_back, lock_payment

log = logging.getLogger(__name__)
Status = Payment.Status
STEPS: dict[str, str] = {
    Status.OPEN: "payment.opened",
    Status.PAID: "payment.paid",
    Status.PROCESSING: "payment.processing",
    Status.EXPIRED: "payment.expired",
    Status.FAILED: "payment.failed",
}


@dataclass(frozen=True)
class News:
    """When it was heard, and the event that brought it, if one did."""

    at: datetime
    event_id: str = ""


@transaction.atomic
def apply_session(*, payment_id: int, session: Session, at: datetime, failed: bool = False, event_id: str = "") -> str:
    """Bring payment and booking to where this snapshot says they are.

    Args:
        failed: the snapshot came with the news that its delayed payment failed.
        event_id: the event that carried the snapshot, for the ledger.

    Returns:
        The outcome in a word: confirmed, already, refunding, processing, open, ended, ignored or mismatch.
    """
    payment, news = lock_payment(payment_id), News(at, event_id)
    if session.livemode != payment.livemode or payment.session_id not in (None, session.id):
        return _flag(payment, "another account or session", news)
    _learn(payment, session)
    if session.is_paid:
        return _settle_paid(payment, session, news)
    if not payment.is_active:
        if session.status == "open":  # an answer from long ago: nobody may pay this any more
            enqueue_session_end(payment, at)
        return "already"
    if failed:
        return _settle_dead(payment, Status.FAILED, news)
    if session.status == "expired":
        return _settle_dead(payment, Status.EXPIRED, news)
    if session.status == "complete":
        return _settle_processing(payment, news)
    if payment.status == Status.CREATED:
        _move(payment, Status.OPEN, news)
    return "open"


@transaction.atomic
def apply_decline(*, payment_id: int, at: datetime, event_id: str = "") -> str:
    """A card was declined. By `DECLINE_POLICY` the seats are given up (once the session is dead), or it may try again.

    Returns:
        releasing, noted or already
    """
    payment = lock_payment(payment_id)
    if payment.status not in (Status.CREATED, Status.OPEN):
        return "already"
    payment.declined_at = at
    payment.save(update_fields=["declined_at"])
    _tell(payment, "payment.declined", News(at, event_id), before=payment.status)
    if settings.DECLINE_POLICY != "release":
        return "noted"
    begin_release(booking_id=payment.booking_id, reason="declined", at=at)
    enqueue_session_end(payment, at)
    return "releasing"


@transaction.atomic
def apply_refused_creation(*, payment_id: int, at: datetime) -> str:
    """The gateway said no to the session: there is none, and the seats are the visitor's lock again."""
    payment = lock_payment(payment_id)
    if payment.status != Status.CREATED or payment.session_id is not None:
        return "already"
    begin_release(booking_id=payment.booking_id, reason="changed", at=at)
    return _settle_dead(payment, Status.FAILED, News(at))


@transaction.atomic
def abandon(*, payment_id: int, at: datetime) -> str:
    """Nobody could ask the gateway until the verdict cannot matter any more: free the seats and call a person.

    Should money come after all, it is a late payment like any other.
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
    return _settle_dead(payment, Status.EXPIRED, News(at))


def record_creation(payment: Payment, at: datetime) -> None:
    """The ledger's first line about a payment, in the transaction that writes its row; a free one is paid already."""
    ledger.record(
        payment=payment,
        kind="payment.created",
        after=payment.status,
        actor="buyer",
        at=at,
    )


def enqueue_session_end(payment: Payment, at: datetime) -> None:
    """Let the loop end this payment at the gateway, soon and until it worked."""
    enqueue(
        kind="payments.expire",
        dedupe_key=f"payments.expire:{payment.pk}:{int(at.timestamp())}",
        payload={"payment": payment.pk},
        at=at,
    )


def _settle_paid(payment: Payment, session: Session, news: News) -> str:
    if payment.status == Status.PAID:
        return "already"
    booking = payment.booking
    payment.late = booking.status in Booking.ENDED_UNPAID
    payment.received, payment.settled_at = session.amount, news.at
    equal = (session.amount, session.currency) == (payment.amount, payment.currency)
    payment.mismatch = payment.mismatch or not equal
    _move(payment, Status.PAID, news, amount=session.amount, currency=session.currency)
    if not equal:
        _call_for_a_look(payment, session, news)
    if payment != booking.payments.latest("pk") or booking.total != payment.amount:
        return _return_whole(payment, "duplicate", news)  # the buyer has begun anew since
    verdict = Confirmation.SEATS_GONE
    if equal or booking.status not in (*Booking.LIVE, *Booking.ENDED_UNPAID):
        verdict = confirm_booking(booking_id=booking.pk, demo=payment.provider == Payment.Provider.DEMO, at=news.at)
    if verdict is Confirmation.CONFIRMED:
        return "confirmed"
    if verdict is Confirmation.ALREADY:
        return _return_whole(payment, "duplicate", news)
    return _return_whole(payment, "late" if equal else "mismatch", news)


def _settle_processing(payment: Payment, news: News) -> str:
    if payment.status == Status.PROCESSING:
        return "already"
    _move(payment, Status.PROCESSING, news)
    mark_processing(booking_id=payment.booking_id, at=news.at)
    return "processing"


def _settle_dead(payment: Payment, status: str, news: News) -> str:
    # A delayed payment is past its session's end; only its own failure ends it.
    if payment.status == Status.PROCESSING and status == Status.EXPIRED and not payment.abandoned:
        return "ignored"
    payment.settled_at = news.at
    _move(payment, status, news)
    if status == Status.FAILED and payment.session_id:  # the buyer has long left the page that would say so
        _enqueue_mail(payment, "declined", news.at)
    finish_release(booking_id=payment.booking_id, at=news.at)
    return "ended"


def _return_whole(payment: Payment, reason: str, news: News) -> str:
    """Money that bought nothing goes back whole, once; the outbox tells the gateway."""
    amount = payment.received or payment.amount
    if amount:
        key = f"refund:{payment.idempotency_key}"
        ask_back(payment, amount=amount, reason=reason, key=key, actor="system", at=news.at)
    if reason != "duplicate":  # else the booking is another payment's, or still to be paid
        called_off = payment.booking.showtime.cancelled_at is not None
        told = "showtime" if called_off and reason == "late" else reason
        begin_refund(booking_id=payment.booking_id, amount=amount, at=news.at, reason=told)
    if not amount:
        finish_refund(booking_id=payment.booking_id, at=news.at)
    return "refunding"


def _learn(payment: Payment, session: Session) -> None:
    """An event may be here before the answer to the call that made its session."""
    payment.session_id = payment.session_id or session.id
    payment.payment_intent = payment.payment_intent or session.payment_intent
    payment.url = payment.url or session.url or ""
    payment.asks, payment.ask_again_at = 0, None
    payment.save(update_fields=["session_id", "payment_intent", "url", "asks", "ask_again_at"])


def _flag(payment: Payment, why: str, news: News) -> str:
    log.error("payment %s: news of %s; nothing was done", payment, why)
    if not payment.mismatch:
        payment.mismatch = True
        payment.save(update_fields=["mismatch"])
        _tell(payment, "payment.mismatch", news, before=payment.status, after=payment.status, note=why)
        ledger.raise_alert(
            subject=f"mismatch:{payment.pk}",
            kind="mismatch",
            text=f"News of {why} came for a payment of {payment.booking.reference}, and nothing was done with it. Are "
            "the keys and the webhook secret those of one account?",
            payment=payment,
            at=news.at,
        )
    return "mismatch"


def _call_for_a_look(payment: Payment, session: Session, news: News) -> None:
    """The amount or currency is not ours; `_return_whole` gives it back, a person should find out why."""
    paid = format_money(session.amount, session.currency)
    asked = format_money(payment.amount, payment.currency)
    _tell(payment, "payment.mismatch", news, note=f"paid {paid}, asked for {asked}")
    ledger.raise_alert(
        subject=f"mismatch:{payment.pk}",
        kind="mismatch",
        text=f"{payment.booking.reference} paid {paid} where {asked} was asked. It goes back whole; find out how that "
        "came about at the gateway.",
        payment=payment,
        at=news.at,
    )


def _enqueue_mail(payment: Payment, problem: str, at: datetime) -> None:
    key = f"payment:{payment.pk}"
    payload = {"booking": payment.booking_id, "problem": problem, "key": key}
    kind = "mail.payment_problem"
    enqueue(kind=kind, dedupe_key=f"{kind}:{problem}:{key}", payload=payload, at=at)


def _move(payment: Payment, status: str, news: News, *, amount: int = 0, currency: str = "") -> None:
    before, payment.status = payment.status, Status(status)
    payment.save(update_fields=["status", "late", "received", "settled_at", "mismatch", "abandoned"])
    kind = "payment.abandoned" if payment.abandoned and status == Status.EXPIRED else STEPS[status]
    _tell(payment, kind, news, before=before, after=payment.status, amount=amount, currency=currency)


def _tell(
    payment: Payment,
    kind: str,
    news: News,
    *,
    before: str = "",
    after: str = "",
    amount: int = 0,
    currency: str = "",
    note: str = "",
) -> None:
    """A line of the ledger about a payment; the gateway is who did it, except where nobody could ask it."""
    ledger.record(
        payment=payment,
        kind=kind,
        amount=amount,
        currency=currency,
        before=before,
        after=after,
        actor="system" if kind == "payment.abandoned" else payment.provider,
        gateway_id=(payment.payment_intent if kind == "payment.paid" else payment.session_id) or "",
        event_id=news.event_id,
        note=note,
        at=news.at,
    )
