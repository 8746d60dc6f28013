"""Our own stand-in for a gateway: the same calls, no money. It remembers its sessions in `DemoSession`.

Like the real one it speaks to the product in two ways only: answers to calls, and signed events posted to the webhook
over HTTP. Those are promises of the outbox: sent by the loop after the response, again after a crash.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import secrets
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from booking.outbox.messages import enqueue
from cinema.environment import kept_secret
from payments.gateways.interface import (
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
        at = timezone.now()
        found = DemoSession.objects.filter(idempotency_key=request.key).first()
        if found is None:
            found = _make(request, at)
        if found.request != request.as_json():
            raise GatewayRefused("the key was used with other parameters")
        return read_session(describe(found))

    @outside_transactions
    def retrieve_session(self, session_id: str) -> Session:
        return read_session(describe(_change(session_id, lambda session: None)))

    @outside_transactions
    def expire_session(self, session_id: str) -> Session:
        def expire(session: DemoSession) -> None:
            if session.status != Status.OPEN:
                raise GatewayRefused(f"the session is {session.status}")
            session.status = Status.EXPIRED

        return read_session(describe(_change(session_id, expire)))

    @outside_transactions
    def refund(self, request: RefundRequest) -> RefundState:
        session_id = DemoSession.objects.values_list("session_id", flat=True).filter(
            payment_intent=request.payment_intent, status=Status.COMPLETE
        )

        def give_back(session: DemoSession) -> None:
            spent = sum(refund["amount"] for refund in session.refunds.values())
            if request.key not in session.refunds:
                if spent + request.amount > SessionRequest.from_json(session.request).amount:
                    raise GatewayRefused("there is nothing left of it", code="charge_already_refunded")
                session.refunds[request.key] = {"id": f"re_demo_{secrets.token_hex(12)}", "amount": request.amount}

        session = _change(session_id.first() or "", give_back)
        return RefundState(session.refunds[request.key]["id"], "succeeded", "")

    @outside_transactions
    def retrieve_refund(self, refund_id: str) -> dict[str, Any]:
        for session in DemoSession.objects.exclude(refunds={}):
            for found in _refunds_of(session):
                if found["id"] == refund_id:
                    return found
        raise GatewayRefused("there is no such refund")

    @outside_transactions
    def list_refunds(self, payment_intent: str) -> list[dict[str, Any]]:
        sessions = DemoSession.objects.filter(payment_intent=payment_intent)
        return [found for session in sessions for found in _refunds_of(session)]

    @outside_transactions
    def recent_refunds(self, since: datetime) -> list[dict[str, Any]]:
        """None that the product does not know: nobody gives back demo money but the product."""
        return []

    @outside_transactions
    def undelivered_events(self, since: datetime, kinds: Sequence[str]) -> list[Event]:
        """None: demo events are promises of the outbox, which keeps them until they are taken."""
        return []


def pay(session_id: str) -> DemoSession:
    """The buyer pays. Paying twice is paying once; an expired session refuses.

    Raises:
        GatewayRefused
    """

    def complete(session: DemoSession) -> None:
        if session.status == Status.EXPIRED:
            raise GatewayRefused("the session is expired")
        session.status, session.declined = Status.COMPLETE, False

    return _change(session_id, complete)


def decline(session_id: str) -> DemoSession:
    """The buyer's card is declined; the session stays open. Raises GatewayRefused when it is not open."""

    def refuse(session: DemoSession) -> None:
        if session.status != Status.OPEN:
            raise GatewayRefused(f"the session is {session.status}")
        session.declined = True

    return _change(session_id, refuse)


def describe(session: DemoSession) -> dict[str, Any]:
    """The session as it travels, in Stripe's own shape."""
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
    """Its payment intent after a declined card, in Stripe's own shape."""
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
    found: dict[str, Any],
    request: HttpRequest,
    *,
    at: datetime,
    delay: timedelta = timedelta(0),
    copies: int = 1,
) -> None:
    """Promise to post this event to the webhook, `copies` times the same one. Call it with the change it tells of."""
    event_id = f"evt_demo_{secrets.token_hex(12)}"
    event = {
        "id": event_id,
        "object": "event",
        "type": kind,
        "livemode": False,
        "created": int((at + delay).timestamp()),
        "data": {"object": found},
    }
    where = {
        "server": request.META.get("SERVER_NAME", ""),
        "port": str(request.META.get("SERVER_PORT", "")),
        "host": request.get_host(),
    }
    for copy in range(copies):
        enqueue(
            kind="payments.demo_event",
            dedupe_key=f"payments.demo_event:{event_id}:{copy}",
            payload={"body": json.dumps(event), **where},
            at=at,
            delay=delay,
        )


def deliver_event(payload: dict[str, Any]) -> None:
    """Post a promised event to the webhook, the way it came in: to the socket this server was reached on.

    Raises:
        OSError: nobody took it; the outbox tries again.
    """
    body = payload["body"]
    headers = {
        "Host": payload["host"],
        "Content-Type": "application/json",
        "Stripe-Signature": sign(body, int(time.time())),
    }
    reached = (payload["server"], int(payload["port"] or 0))
    answer = 0
    # The second address is for a restart on another port, or a server that cannot say where it listens.
    for server, port in dict.fromkeys([reached, ("127.0.0.1", settings.PORT)]):
        if not port:
            continue
        try:
            answer = _post(server, port, body, headers)
        except (OSError, http.client.HTTPException):
            continue
        if answer == 200:
            return
    raise OSError(f"the webhook answered {answer}" if answer else "the webhook could not be reached")


def webhook_secret() -> str:
    """Random for every installation, kept in DATA_DIR."""
    return "whsec_demo_" + kept_secret(settings.DATA_DIR / "demo_webhook_secret")


def sign(body: str, timestamp: int) -> str:
    """The header `Stripe-Signature` for this body."""
    mac = hmac.new(webhook_secret().encode(), f"{timestamp}.{body}".encode(), hashlib.sha256)
    return f"t={timestamp},v1={mac.hexdigest()}"


def _post(server: str, port: int, body: str, headers: dict[str, str]) -> int:
    connection = http.client.HTTPConnection(server, port, timeout=5)
    try:
        connection.request("POST", reverse("payments:webhook"), body.encode(), headers)
        return connection.getresponse().status
    finally:
        connection.close()


def _make(request: SessionRequest, at: datetime) -> DemoSession:
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
    except IntegrityError:  # two calls with one key at once: the first made it
        return DemoSession.objects.get(idempotency_key=request.key)


@transaction.atomic
def _change(session_id: str, change: Callable[[DemoSession], None]) -> DemoSession:
    """One step of one session, row-locked. A session whose time has passed is expired before anything else."""
    session = DemoSession.objects.select_for_update().filter(session_id=session_id).first()
    if session is None:
        raise GatewayRefused("there is no such session")
    if session.status == Status.OPEN and session.expires_at <= timezone.now():
        DemoSession.objects.filter(pk=session.pk).update(status=Status.EXPIRED)
        session.status = Status.EXPIRED
    change(session)
    session.save()
    return session


def _metadata(request: SessionRequest) -> dict[str, str]:
    return {"reference": request.reference, "payment": request.key}
