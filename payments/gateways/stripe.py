"""The Stripe gateway, and the only module that imports Stripe's library.

Written for stripe 16: objects are not dicts, `StripeClient` does not retry by default, `payment_method_types` does not
exist.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

import stripe

from cinema.database import clock
from payments.gateways.interface import (
    MOST_LISTED,
    BadEvent,
    Event,
    GatewayRefused,
    GatewayUnavailable,
    Line,
    RefundRequest,
    RefundState,
    Session,
    SessionRequest,
    is_live,
    outside_transactions,
    read_refund,
    read_session,
)

if TYPE_CHECKING:
    from stripe.params import EventListParams, RefundCreateParams
    from stripe.params.checkout import SessionCreateParams, SessionCreateParamsLineItem

T = TypeVar("T")
TIMEOUT = 10.0  # seconds; the library's default is 80
QUICK_TIMEOUT = (0.5, 1.4)  # seconds to connect, to answer: a buyer waits for this, 3 s at most
TOLERANCE = 300  # seconds between the signing of a delivery and the database's time


@lru_cache(maxsize=8)
def _make_client(key: str, base: str, timeout: float | tuple[float, float], retries: int) -> stripe.StripeClient:
    return stripe.StripeClient(
        key,
        base_addresses={"api": base} if base else None,
        max_network_retries=retries,
        http_client=stripe.RequestsClient(timeout=timeout),
    )


class StripeGateway:
    """`payments.gateways.interface.Gateway` over Stripe's hosted Checkout: cards, automatic capture."""

    is_local = False

    def __init__(self, key: str, base: str = "") -> None:
        self.livemode = is_live(key)
        self._client = _make_client(key, base, TIMEOUT, 2)
        self._quick = _make_client(key, base, QUICK_TIMEOUT, 0)

    @outside_transactions
    def create_session(self, request: SessionRequest, *, quick: bool = False) -> Session:
        """One key per request, so a repeated call returns the session that the first one created."""
        checkout = (self._quick if quick else self._client).v1.checkout.sessions
        options: stripe.RequestOptions = {"idempotency_key": request.key}
        return _call(lambda: _session(checkout.create(_create_params(request), options)))

    @outside_transactions
    def retrieve_session(self, session_id: str) -> Session:
        """See the interface."""
        return _call(lambda: _session(self._quick.v1.checkout.sessions.retrieve(session_id)))

    @outside_transactions
    def expire_session(self, session_id: str) -> Session:
        """See the interface."""
        return _call(lambda: _session(self._quick.v1.checkout.sessions.expire(session_id)))

    @outside_transactions
    def refund(self, request: RefundRequest) -> RefundState:
        """Stripe forgets a key after a day, so a retry first looks for the refund of the earlier call."""
        if request.retry:
            for found in self.list_refunds(request.payment_intent):
                if (found.get("metadata") or {}).get("refund") == request.key:
                    if int(found["amount"]) != request.amount:  # made before a restored backup, on other terms
                        raise GatewayRefused(
                            f"{found['id']} gave back {found['amount']}", code="refund_of_other_amount"
                        )
                    return read_refund(found)
        options: stripe.RequestOptions = {"idempotency_key": request.key}
        metadata = {"refund": request.key, "reference": request.reference}
        params: RefundCreateParams = {
            "payment_intent": request.payment_intent,
            "amount": request.amount,
            "metadata": metadata,
        }
        return _call(lambda: read_refund(_plain(self._client.v1.refunds.create(params, options))))

    @outside_transactions
    def retrieve_refund(self, refund_id: str) -> dict[str, Any]:
        """See the interface."""
        return _call(lambda: _plain(self._client.v1.refunds.retrieve(refund_id)))

    @outside_transactions
    def list_refunds(self, payment_intent: str) -> list[dict[str, Any]]:
        """See the interface."""
        refunds = self._client.v1.refunds
        return _call(lambda: _listed(refunds.list({"payment_intent": payment_intent, "limit": 100}).auto_paging_iter()))

    @outside_transactions
    def recent_sessions(self, since: datetime, *, most: int | None = MOST_LISTED) -> list[dict[str, Any]]:
        """See the interface."""
        sessions, created = self._client.v1.checkout.sessions, int(since.timestamp())
        return _call(
            lambda: _listed(sessions.list({"created": {"gte": created}, "limit": 100}).auto_paging_iter(), most)
        )

    @outside_transactions
    def recent_refunds(self, since: datetime, *, most: int | None = MOST_LISTED) -> list[dict[str, Any]]:
        """See the interface."""
        refunds, created = self._client.v1.refunds, int(since.timestamp())
        return _call(
            lambda: _listed(refunds.list({"created": {"gte": created}, "limit": 100}).auto_paging_iter(), most)
        )

    @outside_transactions
    def undelivered_events(self, since: datetime, kinds: Sequence[str]) -> list[Event]:
        """See the interface."""
        params: EventListParams = {
            "delivery_success": False,
            "types": list(kinds),
            "created": {"gte": int(since.timestamp())},
            "limit": 100,
        }
        return [
            _event(found) for found in _call(lambda: _listed(self._client.v1.events.list(params).auto_paging_iter()))
        ]


def read_event(body: bytes, header: str | None, secrets: Sequence[str]) -> Event:
    """A delivery, verified against each secret in turn (two are valid while one is being rotated).

    Raises:
        BadEvent: for any error in it.
    """
    for secret in secrets:
        try:  # tolerance 0: the library would compare the time of signing with the clock of this machine
            event = _event(stripe.Webhook.construct_event(body, header, secret, tolerance=0).to_dict(for_json=True))
        except stripe.SignatureVerificationError:
            continue
        # The library passes on the errors of parsing (JSON, Unicode, Attribute, Key, Type, Value, Recursion error):
        # each of them means that the body is no event.
        except Exception as error:
            raise BadEvent(f"not an event: {type(error).__name__}") from error
        _refuse_other_times(header or "", clock.now())
        return event
    raise BadEvent("no valid signature")


def _refuse_other_times(header: str, at: datetime) -> None:
    """An old delivery may be a replay; a future time of signing would allow one until then. Raises BadEvent."""
    [stamp, *_] = [part[2:] for part in header.split(",") if part.startswith("t=")] or [""]
    try:
        away = abs(int(stamp) - at.timestamp())
    except (ValueError, OverflowError) as error:
        raise BadEvent("signed at no time") from error
    if away > TOLERANCE:
        raise BadEvent("signed long ago or in the future")


def _create_params(request: SessionRequest) -> SessionCreateParams:
    metadata = {"reference": request.reference, "payment": request.key}
    return {
        "mode": "payment",
        "submit_type": "book",
        "line_items": [_line_item(line, request.currency) for line in request.lines],
        "customer_email": request.email,
        "client_reference_id": request.reference,
        "metadata": metadata,
        "payment_intent_data": {"metadata": metadata, "description": f"Booking {request.reference}"},
        "allowed_payment_method_types": ["card"],
        "adaptive_pricing": {"enabled": False},
        "expires_at": request.expires_at,
        "success_url": request.success_url,
        "cancel_url": request.cancel_url,
    }


def _line_item(line: Line, currency: str) -> SessionCreateParamsLineItem:
    return {
        "quantity": line.quantity,
        "price_data": {
            "currency": currency.lower(),
            "unit_amount": line.unit_amount,
            "product_data": {"name": line.name, "description": line.description},
        },
    }


def _session(found: stripe.checkout.Session) -> Session:
    return read_session(found.to_dict(for_json=True))


def _event(found: dict[str, Any]) -> Event:
    return Event(
        id=str(found["id"]),
        kind=str(found["type"]),
        livemode=bool(found.get("livemode", False)),
        object=dict(found["data"]["object"]),
    )


def _plain(found: stripe.StripeObject) -> dict[str, Any]:
    return dict(found.to_dict(for_json=True))


def _listed(pages: Iterable[stripe.StripeObject], most: int | None = MOST_LISTED) -> list[dict[str, Any]]:
    """A listing, which comes newest first, in the order of time."""
    return [_plain(found) for found in islice(pages, most)][::-1]


def _call(call: Callable[[], T]) -> T:
    """One call, with Stripe's errors mapped to the two of the interface."""
    try:
        return call()
    except (stripe.APIConnectionError, stripe.RateLimitError, stripe.IdempotencyError) as error:
        raise GatewayUnavailable(_describe(error)) from error
    except stripe.StripeError as error:
        if error.http_status is not None and 400 <= error.http_status < 500 and error.http_status != 409:
            is_final = error.http_status in (400, 402)
            raise GatewayRefused(_describe(error), code=error.code or "", is_final=is_final) from error
        raise GatewayUnavailable(_describe(error)) from error
    except (KeyError, TypeError, ValueError) as error:  # no session, such as the page of a proxy
        raise GatewayUnavailable(f"unreadable answer: {type(error).__name__}") from error


def _describe(error: stripe.StripeError) -> str:
    """For the log: never the key, the client secret or the session's URL."""
    return f"{type(error).__name__} {error.http_status or ''} {error.code or ''} {error.request_id or ''}".strip()
