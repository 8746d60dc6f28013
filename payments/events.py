"""What each event of a gateway does. Event and effect are stored in one transaction."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from django.db import IntegrityError, transaction

from payments.disputes import apply_dispute, apply_warning
from payments.gateways.interface import Event, RefundState, read_session
from payments.models import Payment, StripeWebhookEvent
from payments.refund_updates import RefundNews, apply_refund_of, apply_refunded_charge
from payments.settlement import apply_decline, apply_session

log = logging.getLogger(__name__)

LONGEST_ID = 120


def take_event(*, provider: str, event: Event, at: datetime) -> str:
    """Store the event and its effect, once.

    Returns:
        The outcome in a word; `duplicate` for an event that is stored already, `unknown` when no payment of ours is
        meant, `ignored` for kinds that change nothing here.

    Raises:
        KeyError, TypeError, ValueError: the object is not what the kind says.
        django.db.Error: nothing was stored.
    """
    if len(event.id) > LONGEST_ID:
        raise ValueError("its id is too long")
    with transaction.atomic():
        try:
            with transaction.atomic():  # a conflict must not poison the transaction
                stored = StripeWebhookEvent.objects.create(
                    event_id=event.id, kind=event.kind[:80], provider=provider, received_at=at
                )
        except IntegrityError:
            return "duplicate"
        act = ACTIONS.get(event.kind)
        payment = find_payment(provider, event) if act else None
        outcome = "ignored" if act is None else "unknown" if payment is None else act(payment, event, at)
        stored.payment, stored.outcome = payment, outcome
        stored.save(update_fields=["payment", "outcome"])
        log.info("webhook: %s %s: %s", event.kind, event.id, outcome)
        return outcome


def find_payment(provider: str, event: Event) -> Payment | None:
    """The payment that this event is about.

    By the gateway's own ids first; else by our metadata, since news of a session may be here before the answer to the
    call that made it. Metadata never outranks an id that is on record.
    """
    payments = Payment.objects.filter(provider=provider)
    found, own_id = event.object, str(event.object["id"])
    is_session = event.kind.startswith("checkout.session.")
    if is_session and (payment := payments.filter(session_id=own_id).first()):
        return payment
    intent = own_id if event.kind.startswith("payment_intent.") else found.get("payment_intent")
    if isinstance(intent, str) and (payment := payments.filter(payment_intent=intent).first()):
        return payment
    metadata = found.get("metadata") or {}
    key = metadata.get("payment")
    reference = found.get("client_reference_id") or metadata.get("reference")
    nameless = payments.filter(session_id=None) if is_session else payments.filter(payment_intent=None)
    if key:
        return nameless.filter(idempotency_key=key).first()
    return nameless.filter(booking__reference=reference).order_by("-pk").first() if reference else None


def _take_session(payment: Payment, event: Event, at: datetime) -> str:
    failed = event.kind == "checkout.session.async_payment_failed"
    said = {"status": "expired" if event.kind.endswith(".expired") else "complete"}
    session = read_session({**said, **event.object})
    return apply_session(payment_id=payment.pk, session=session, at=at, failed=failed, event_id=event.id)


def _take_decline(payment: Payment, event: Event, at: datetime) -> str:
    if event.livemode != payment.livemode:
        return "mismatch"
    return apply_decline(payment_id=payment.pk, at=at, event_id=event.id)


def _take_refund(payment: Payment, event: Event, at: datetime) -> str:
    """`refund.*` carries the refund itself."""
    found = event.object
    state = RefundState(str(found["id"]), str(found["status"]), str(found.get("failure_reason") or ""))
    news = RefundNews(state, int(found["amount"]), str((found.get("metadata") or {}).get("refund") or ""))
    return apply_refund_of(payment_id=payment.pk, news=news, at=at, event_id=event.id)


def _take_refunded_charge(payment: Payment, event: Event, at: datetime) -> str:
    refunded = int(event.object["amount_refunded"])
    return apply_refunded_charge(payment_id=payment.pk, amount_refunded=refunded, at=at, event_id=event.id)


def _take_dispute(payment: Payment, event: Event, at: datetime) -> str:
    return apply_dispute(payment_id=payment.pk, kind=event.kind, found=event.object, at=at, event_id=event.id)


def _take_warning(payment: Payment, event: Event, at: datetime) -> str:
    return apply_warning(payment_id=payment.pk, found=event.object, at=at, event_id=event.id)


ACTIONS: dict[str, Callable[[Payment, Event, datetime], str]] = {
    "checkout.session.completed": _take_session,
    "checkout.session.async_payment_succeeded": _take_session,
    "checkout.session.async_payment_failed": _take_session,
    "checkout.session.expired": _take_session,
    "payment_intent.payment_failed": _take_decline,
    "refund.created": _take_refund,
    "refund.updated": _take_refund,
    "refund.failed": _take_refund,
    "charge.refund.updated": _take_refund,
    "charge.refunded": _take_refunded_charge,
    "charge.dispute.created": _take_dispute,
    "charge.dispute.updated": _take_dispute,
    "charge.dispute.closed": _take_dispute,
    "charge.dispute.funds_withdrawn": _take_dispute,
    "charge.dispute.funds_reinstated": _take_dispute,
    "radar.early_fraud_warning.created": _take_warning,
}
