"""Adopting, ending and refunding sessions that the database does not know. Never call it inside a transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from cinema.currencies import format_money
from payments.gateways.factory import gateway
from payments.gateways.interface import Gateway, GatewayRefused, RefundRequest, Session, read_session
from payments.ledger import raise_alert
from payments.models import MoneyAlert, Payment
from payments.settlement import apply_session
from payments.unknown_payments.finding import UnknownPayment, payments_without_id, subject_of

GONE = ("failed", "canceled")  # refunds that moved nothing


def adopt_sessions(sessions: Sequence[Mapping[str, Any]], *, provider: str, at: datetime) -> list[tuple[Payment, str]]:
    """Apply the sessions of payments whose session's id was never stored. Returns those payments and the outcomes.

    The gateway forgets idempotency keys after a day: then only its list still tells which session such a payment has.
    """
    waiting = payments_without_id(sessions, provider=provider)
    adopted = []
    for found in sessions:
        metadata = found.get("metadata")
        key = metadata.get("payment") if isinstance(metadata, Mapping) else None
        if isinstance(key, str) and (payment := waiting.get(key)) is not None:
            outcome = apply_session(payment_id=payment.pk, session=read_session(found), at=at)
            adopted.append((payment, outcome))
    return adopted


def settle_unknown(unknown: UnknownPayment, *, provider: str, at: datetime) -> str:
    """End its session if it is open, give its money back if it was paid, and raise an alert of money.

    A repeated call gives nothing back twice: what has gone back is looked up first, and the request has one key.

    Returns:
        What has become of it, in words.

    Raises:
        GatewayUnavailable: no answer; call it again.
        GatewayRefused: such a session cannot be looked up.
    """
    at_gateway = gateway(provider)
    session = _end(at_gateway, unknown.session)
    if session.status == "expired":
        return "ended, nothing was paid"
    if not session.is_paid or session.payment_intent is None:
        return "the bank has not decided; run this again when it has"
    try:
        words = _give_back(at_gateway, session)
    except GatewayRefused as error:
        _alert(unknown, f"could not be given back ({error}): see {session.payment_intent} at the gateway", at)
        return f"not given back: {error}"
    _alert(unknown, f"went back to the buyer ({session.payment_intent})", at)
    return words


def _end(at_gateway: Gateway, session: Session) -> Session:
    if session.status != "open":
        return session
    try:
        return at_gateway.expire_session(session.id)
    except GatewayRefused:  # paid at the last moment, or ended before
        return at_gateway.retrieve_session(session.id)


def _give_back(at_gateway: Gateway, session: Session) -> str:
    """Raises GatewayUnavailable, GatewayRefused."""
    intent = session.payment_intent or ""
    gone_back = sum(int(found["amount"]) for found in at_gateway.list_refunds(intent) if found["status"] not in GONE)
    left = session.amount - gone_back
    if left <= 0:
        return "paid, given back before"
    # Of the sum that is left: what was given back in part meanwhile makes another request.
    key = f"refund:{session.key}:unknown-{left}"
    request = RefundRequest(key=key, payment_intent=intent, amount=left, reference=session.reference, retry=True)
    state = at_gateway.refund(request)
    if state.status in GONE:
        raise GatewayRefused(state.failure or state.status)
    return f"paid, {format_money(left, session.currency)} given back ({state.id})"


@transaction.atomic(durable=True)
def _alert(unknown: UnknownPayment, outcome: str, at: datetime) -> None:
    """For a person, who writes to the buyer; the alert of the discovery is settled by it."""
    session = unknown.session
    raise_alert(
        subject=subject_of(unknown, "-settled"),
        kind="unknown-payment",
        text=f"{unknown.sum} of {session.reference} {outcome}. A restored backup has lost this booking: its seats are "
        "on sale again, and its tickets open no door. Write to the buyer.",
        at=at,
    )
    MoneyAlert.objects.filter(subject=subject_of(unknown), closed_at=None).update(
        closed_at=at, closed_by="system", resolution="reconcile_after_restore has settled it; see the alert of that."
    )
