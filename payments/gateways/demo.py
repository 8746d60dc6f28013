"""A gateway of our own for demos: the same calls, no money. Its sessions are rows of `DemoSession`.

As with Stripe, it reaches the product in two ways only: answers to calls, and signed events posted to the webhook over
HTTP. The events are outbox messages: sent by the loop after the response, and again after a crash.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.urls import reverse

from booking.outbox.messages import enqueue
from cinema.database import clock
from cinema.environment import kept_secret
from payments.gateways.interface import (
    MOST_LISTED,
    Event,
    GatewayRefused,
    RefundRequest,
    RefundState,
    Session,
    SessionRequest,
    outside_transactions,
    read_session,
)
from payments.models import DemoSession

Status = DemoSession.Status


class DemoGateway:
    """`payments.gateways.interface.Gateway` without a network: every call answers at once."""

    livemode = False
    is_local = True

    @outside_transactions
    def create_session(self, request: SessionRequest, *, quick: bool = False) -> Session:
        """See the interface."""
        at = clock.now()
        session = DemoSession.objects.filter(idempotency_key=request.key).first()
        if session is None:
            session = _create(request, at)
        if session.request != request.as_json():
            raise GatewayRefused("the key was used with other parameters")
        return read_session(describe(session))

    @outside_transactions
    def retrieve_session(self, session_id: str) -> Session:
        """See the interface."""
        return read_session(describe(_change(session_id, lambda session: None)))

    @outside_transactions
    def expire_session(self, session_id: str) -> Session:
        """See the interface."""

        def expire(session: DemoSession) -> None:
            if session.status != Status.OPEN:
                raise GatewayRefused(f"the session is {session.status}")
            session.status = Status.EXPIRED

        return read_session(describe(_change(session_id, expire)))

    @outside_transactions
    def refund(self, request: RefundRequest) -> RefundState:
        """See the interface."""
        session_id = DemoSession.objects.values_list("session_id", flat=True).filter(
            payment_intent=request.payment_intent, status=Status.COMPLETE
        )

        def add_refund(session: DemoSession) -> None:
            spent = sum(refund["amount"] for refund in session.refunds.values())
            if request.key not in session.refunds:
                if spent + request.amount > SessionRequest.from_json(session.request).amount:
                    raise GatewayRefused("it is refunded already", code="charge_already_refunded")
                session.refunds[request.key] = {"id": f"re_demo_{secrets.token_hex(12)}", "amount": request.amount}

        session = _change(session_id.first() or "", add_refund)
        return RefundState(session.refunds[request.key]["id"], "succeeded", "")

    @outside_transactions
    def retrieve_refund(self, refund_id: str) -> dict[str, Any]:
        """See the interface."""
        for session in DemoSession.objects.exclude(refunds={}):
            for snapshot in _refunds_of(session):
                if snapshot["id"] == refund_id:
                    return snapshot
        raise GatewayRefused("there is no such refund")

    @outside_transactions
    def list_refunds(self, payment_intent: str) -> list[dict[str, Any]]:
        """See the interface."""
        sessions = DemoSession.objects.filter(payment_intent=payment_intent)
        return [snapshot for session in sessions for snapshot in _refunds_of(session)]

    @outside_transactions
    def recent_sessions(self, since: datetime, *, most: int | None = MOST_LISTED) -> list[dict[str, Any]]:
        """None that the product does not know: its sessions are rows of the same database, and are restored with it."""
        return []

    @outside_transactions
    def recent_refunds(self, since: datetime, *, most: int | None = MOST_LISTED) -> list[dict[str, Any]]:
        """None that the product does not know: only the product refunds demo money."""
        return []

    @outside_transactions
    def undelivered_events(self, since: datetime, kinds: Sequence[str]) -> list[Event]:
        """None: demo events are outbox messages, which are kept until they are accepted."""
        return []


def pay(session_id: str) -> DemoSession:
    """The buyer pays; a second payment has no effect. Joins the caller's transaction.

    Raises:
        GatewayRefused: the session is expired, or does not exist.
    """

    def complete(session: DemoSession) -> None:
        if session.status == Status.EXPIRED:
            raise GatewayRefused("the session is expired")
        session.status, session.declined = Status.COMPLETE, False

    return _change(session_id, complete)


def decline(session_id: str) -> DemoSession:
    """The buyer's card is declined; the session stays open. Joins the caller's transaction.

    Raises:
        GatewayRefused: it is not open, or does not exist.
    """

    def refuse(session: DemoSession) -> None:
        if session.status != Status.OPEN:
            raise GatewayRefused(f"the session is {session.status}")
        session.declined = True

    return _change(session_id, refuse)


def describe(session: DemoSession) -> dict[str, Any]:
    """The session in Stripe's wire format."""
    request = SessionRequest.from_json(session.request)
    page = urlsplit(request.success_url)
    paid = session.status == Status.COMPLETE
    return {
        "id": session.session_id,
        "object": "checkout.session",
        "status": str(session.status),
        "payment_status": "paid" if paid else "unpaid",
        "amount_total": request.amount,
        "currency": request.currency.lower(),
        "livemode": False,
        "payment_intent": session.payment_intent if paid else None,
        "client_reference_id": request.reference,
        "metadata": _metadata(request),
        "url": f"{page.scheme}://{page.netloc}{reverse('payments:demo', args=[session.session_id])}",
    }


def _refunds_of(session: DemoSession) -> list[dict[str, Any]]:
    request = SessionRequest.from_json(session.request)
    return [
        {
            "id": refund["id"],
            "object": "refund",
            "amount": refund["amount"],
            "currency": request.currency.lower(),
            "payment_intent": session.payment_intent,
            "status": "succeeded",
            "metadata": {"refund": key, "reference": request.reference},
        }
        for key, refund in session.refunds.items()
    ]


def describe_intent(session: DemoSession) -> dict[str, Any]:
    """The payment intent of the session after a declined card, in Stripe's wire format."""
    request = SessionRequest.from_json(session.request)
    return {
        "id": session.payment_intent,
        "object": "payment_intent",
        "status": "requires_payment_method",
        "amount": request.amount,
        "currency": request.currency.lower(),
        "livemode": False,
        "metadata": _metadata(request),
        "last_payment_error": {"code": "card_declined"},
    }


def enqueue_event(
    kind: str,
    snapshot: dict[str, Any],
    request: HttpRequest,
    *,
    at: datetime,
    delay: timedelta = timedelta(0),
    copies: int = 1,
) -> None:
    """Enqueue the post of this event to the webhook, `copies` times the same one, in the transaction of the change."""
    event_id = f"evt_demo_{secrets.token_hex(12)}"
    event = {
        "id": event_id,
        "object": "event",
        "type": kind,
        "livemode": False,
        "created": int((at + delay).timestamp()),
        "data": {"object": snapshot},
    }
    address = {
        "server": request.META.get("SERVER_NAME", ""),
        "port": str(request.META.get("SERVER_PORT", "")),
        "host": request.get_host(),
    }
    for copy in range(copies):
        enqueue(
            kind="payments.demo_event",
            dedupe_key=f"payments.demo_event:{event_id}:{copy}",
            payload={"body": json.dumps(event), **address},
            at=at,
            delay=delay,
        )


def deliver_event(payload: dict[str, Any]) -> None:
    """Outbox: post an event to the webhook, at the socket on which the server was reached.

    Raises:
        OSError: it was not accepted; the outbox retries.
    """
    body = payload["body"]
    headers = {
        "Host": payload["host"],
        "Content-Type": "application/json",
        "Stripe-Signature": sign(body, int(clock.now().timestamp())),
    }
    first = (payload["server"], int(payload["port"] or 0))
    status = 0
    # The second address is for a restart on another port, or a server that does not know its own address.
    for server, port in dict.fromkeys([first, ("127.0.0.1", settings.PORT)]):
        if not port:
            continue
        try:
            status = _post(server, port, body, headers)
        except (OSError, http.client.HTTPException):
            continue
        if status == 200:
            return
    raise OSError(f"the webhook answered {status}" if status else "the webhook could not be reached")


def webhook_secret() -> str:
    """Random per installation, stored in DATA_DIR."""
    return "whsec_demo_" + kept_secret(settings.DATA_DIR / "demo_webhook_secret")


def sign(body: str, timestamp: int) -> str:
    """The header `Stripe-Signature` for this body; `timestamp` in Unix seconds."""
    mac = hmac.new(webhook_secret().encode(), f"{timestamp}.{body}".encode(), hashlib.sha256)
    return f"t={timestamp},v1={mac.hexdigest()}"


def _post(server: str, port: int, body: str, headers: dict[str, str]) -> int:
    connection = http.client.HTTPConnection(server, port, timeout=5)
    try:
        connection.request("POST", reverse("payments:webhook"), body.encode(), headers)
        return connection.getresponse().status
    finally:
        connection.close()


def _create(request: SessionRequest, at: datetime) -> DemoSession:
    try:
        with transaction.atomic():
            return DemoSession.objects.create(
                session_id=f"cs_demo_{secrets.token_hex(16)}",
                payment_intent=f"pi_demo_{secrets.token_hex(12)}",
                idempotency_key=request.key,
                request=request.as_json(),
                expires_at=datetime.fromtimestamp(request.expires_at, UTC),
                created_at=at,
            )
    except IntegrityError:  # two calls with one key at once: the other one created it
        return DemoSession.objects.get(idempotency_key=request.key)


@transaction.atomic
def _change(session_id: str, change: Callable[[DemoSession], None]) -> DemoSession:
    """One step of one session, row-locked. A session whose time has passed is expired first. Raises GatewayRefused."""
    session = DemoSession.objects.select_for_update().filter(session_id=session_id).first()
    if session is None:
        raise GatewayRefused("there is no such session")
    if session.status == Status.OPEN and session.expires_at <= clock.now():
        DemoSession.objects.filter(pk=session.pk).update(status=Status.EXPIRED)
        session.status = Status.EXPIRED
    change(session)
    session.save()
    return session


def _metadata(request: SessionRequest) -> dict[str, str]:
    return {"reference": request.reference, "payment": request.key}
