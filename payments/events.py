"""What each event of a gateway does. The event and its effect are stored in one transaction."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from django.db import DataError, IntegrityError, transaction

from cinema.web.json_body import check_values
from payments.disputes import apply_dispute, apply_warning
from payments.gateways.interface import Event, RefundState, read_session
from payments.models import Payment, StripeWebhookEvent
from payments.refund_updates import RefundSnapshot, apply_refund_of, apply_refunded_charge
from payments.settlement import apply_decline, apply_session
from payments.unknown_payments.finding import alert_if_unknown

log = logging.getLogger(__name__)

LONGEST_ID = 120
# What the work on an event raises when its object does not fit its kind; DataError: a value that no column holds.
MALFORMED = (ArithmeticError, AttributeError, DataError, KeyError, TypeError, ValueError)


def process_event(*, provider: str, event: Event, at: datetime) -> str:
    """Store the event and its effect, once; committed on return.

    Returns:
        The outcome; `duplicate` for an event that is stored already, `unknown` when no payment here matches, `alerted`
        when it says that this shop was paid for what is not here, `ignored` for kinds that have no effect here.

    Raises:
        MALFORMED: the object does not fit the kind, or cannot be stored. Nothing was stored.
        django.db.Error: nothing was stored.
    """
    if len(event.id) > LONGEST_ID:
        raise ValueError("its id is too long")
    check_values([event.id, event.kind, event.object])
    if not isinstance(event.object.get("metadata") or {}, dict):
        raise TypeError("its metadata is not an object")
    with transaction.atomic(durable=True):
        try:
            with transaction.atomic():  # a savepoint: a conflict would make the outer transaction unusable
                stored = StripeWebhookEvent.objects.create(
                    event_id=event.id, kind=event.kind[:80], provider=provider, received_at=at
                )
        except IntegrityError:
            return "duplicate"
        action = ACTIONS.get(event.kind)
        payment = find_payment(provider, event) if action else None
        if action is None:
            outcome = "ignored"
        elif payment is None:
            outcome = _handle_unknown(provider, event, at)
        else:
            outcome = action(payment, event, at)
        stored.payment, stored.outcome = payment, outcome
        stored.save(update_fields=["payment", "outcome"])
        log.info("webhook: %s %s: %s", event.kind, event.id, outcome)
        return outcome


def find_payment(provider: str, event: Event) -> Payment | None:
    """The payment that this event is about.

    By the gateway's own ids first; else by our metadata, because an event may arrive before the response to the call
    that created the session. Metadata is used only for a payment whose id is not stored yet.
    """
    payments = Payment.objects.filter(provider=provider)
    snapshot, own_id = event.object, str(event.object["id"])
    is_session = event.kind.startswith("checkout.session.")
    if is_session and (payment := payments.filter(session_id=own_id).first()):
        return payment
    intent = own_id if event.kind.startswith("payment_intent.") else snapshot.get("payment_intent")
    if isinstance(intent, str) and (payment := payments.filter(payment_intent=intent).first()):
        return payment
    metadata = snapshot.get("metadata") or {}
    key = metadata.get("payment")
    reference = snapshot.get("client_reference_id") or metadata.get("reference")
    without_id = payments.filter(session_id=None) if is_session else payments.filter(payment_intent=None)
    if key:
        return without_id.filter(idempotency_key=key).first()
    return without_id.filter(booking__reference=reference).order_by("-pk").first() if reference else None


def _handle_unknown(provider: str, event: Event, at: datetime) -> str:
    """Raise an alert for money that this shop was paid for a booking that a restored backup has lost."""
    if not event.kind.startswith("checkout.session."):
        return "unknown"
    return "alerted" if alert_if_unknown(event.object, provider=provider, at=at) else "unknown"


def _apply_session(payment: Payment, event: Event, at: datetime) -> str:
    failed = event.kind == "checkout.session.async_payment_failed"
    default = {"status": "expired" if event.kind.endswith(".expired") else "complete"}
    session = read_session({**default, **event.object})
    return apply_session(payment_id=payment.pk, session=session, at=at, failed=failed, event_id=event.id)


def _apply_decline(payment: Payment, event: Event, at: datetime) -> str:
    if event.livemode != payment.livemode:
        return "mismatch"
    return apply_decline(payment_id=payment.pk, at=at, event_id=event.id)


def _apply_refund(payment: Payment, event: Event, at: datetime) -> str:
    """`refund.*` carries the refund itself."""
    found = event.object
    state = RefundState(str(found["id"]), str(found["status"]), str(found.get("failure_reason") or ""))
    snapshot = RefundSnapshot(state, int(found["amount"]), str((found.get("metadata") or {}).get("refund") or ""))
    return apply_refund_of(payment_id=payment.pk, snapshot=snapshot, at=at, event_id=event.id)


def _apply_refunded_charge(payment: Payment, event: Event, at: datetime) -> str:
    refunded = int(event.object["amount_refunded"])
    return apply_refunded_charge(payment_id=payment.pk, amount_refunded=refunded, at=at, event_id=event.id)


def _apply_dispute(payment: Payment, event: Event, at: datetime) -> str:
    return apply_dispute(payment_id=payment.pk, kind=event.kind, snapshot=event.object, at=at, event_id=event.id)


def _apply_warning(payment: Payment, event: Event, at: datetime) -> str:
    return apply_warning(payment_id=payment.pk, snapshot=event.object, at=at, event_id=event.id)


ACTIONS: dict[str, Callable[[Payment, Event, datetime], str]] = {
    "checkout.session.completed": _apply_session,
    "checkout.session.async_payment_succeeded": _apply_session,
    "checkout.session.async_payment_failed": _apply_session,
    "checkout.session.expired": _apply_session,
    "payment_intent.payment_failed": _apply_decline,
    "refund.created": _apply_refund,
    "refund.updated": _apply_refund,
    "refund.failed": _apply_refund,
    "charge.refund.updated": _apply_refund,
    "charge.refunded": _apply_refunded_charge,
    "charge.dispute.created": _apply_dispute,
    "charge.dispute.updated": _apply_dispute,
    "charge.dispute.closed": _apply_dispute,
    "charge.dispute.funds_withdrawn": _apply_dispute,
    "charge.dispute.funds_reinstated": _apply_dispute,
    "radar.early_fraud_warning.created": _apply_warning,
}
