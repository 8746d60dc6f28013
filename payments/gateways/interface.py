"""What this product requires of a payment gateway. A gateway knows money and references, never bookings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import wraps
from typing import Any, ParamSpec, Protocol, TypeVar

from django.db import connection

P = ParamSpec("P")
T = TypeVar("T")


class GatewayUnavailable(Exception):
    """No conclusive answer: the call may have had an effect or not. Retry later, with the same key."""


class GatewayRefused(Exception):
    """A definite refusal: the call had no effect.

    `code` is the gateway's code of the reason, if it has one. `is_final`: the same call can never succeed, whatever an
    operator changes; a wrong key, for example, is not final.
    """

    def __init__(self, message: str, code: str = "", *, is_final: bool = True) -> None:
        super().__init__(message)
        self.code = code
        self.is_final = is_final


class BadEvent(Exception):
    """A delivery that is no properly signed, readable event."""


@dataclass(frozen=True)
class Line:
    """A line of the payment page; `unit_amount` in minor units."""

    name: str
    description: str
    quantity: int
    unit_amount: int


@dataclass(frozen=True)
class SessionRequest:
    """Everything a session is created from. Stored unchanged, since a repeated request must be equal byte for byte.

    Amounts are minor units, `expires_at` is Unix seconds, `currency` three capitals.
    """

    key: str
    reference: str
    currency: str
    lines: tuple[Line, ...]
    email: str
    success_url: str
    cancel_url: str
    expires_at: int

    def as_json(self) -> dict[str, Any]:
        """As stored in `Payment.request`."""
        return {**asdict(self), "lines": [asdict(line) for line in self.lines]}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> SessionRequest:
        """The request that `as_json` stored."""
        lines = tuple(Line(**line) for line in stored["lines"])
        return cls(**{**stored, "lines": lines})

    @property
    def amount(self) -> int:
        """The total, minor units."""
        return sum(line.quantity * line.unit_amount for line in self.lines)


@dataclass(frozen=True)
class Session:
    """A session as the gateway describes it. `amount` in minor units, `currency` three capitals."""

    id: str
    status: str  # open, complete or expired
    payment_status: str  # paid, unpaid or no_payment_required
    amount: int
    currency: str
    livemode: bool
    payment_intent: str | None
    url: str | None
    reference: str
    key: str  # of its SessionRequest; empty when the gateway does not report it

    @property
    def is_paid(self) -> bool:
        """Completed, with nothing left to pay."""
        return self.status == "complete" and self.payment_status in ("paid", "no_payment_required")


@dataclass(frozen=True)
class RefundRequest:
    """`amount` in minor units. `retry`: an earlier call may have succeeded, so look for its refund first."""

    key: str
    payment_intent: str
    amount: int
    reference: str
    retry: bool


@dataclass(frozen=True)
class RefundState:
    """A refund's id and status at the gateway; `failure` is its reason, or ""."""

    id: str
    status: str  # pending, requires_action, succeeded, failed or canceled
    failure: str


@dataclass(frozen=True)
class Event:
    """A verified event; `object` is the plain snapshot that it carries."""

    id: str
    kind: str
    livemode: bool
    object: dict[str, Any]


MOST_LISTED = 1000


class Gateway(Protocol):
    """Every call may raise GatewayUnavailable (outcome unknown) or GatewayRefused (no effect).

    Inside a transaction every call raises RuntimeError: a slow gateway would keep its row locks. Snapshots are plain
    dicts, as in events.
    """

    livemode: bool
    is_local: bool  # answers at once, without a network

    def create_session(self, request: SessionRequest, *, quick: bool = False) -> Session:
        """The same request with the same key gives the same session. `quick`: answers as fast as `expire_session`."""

    def retrieve_session(self, session_id: str) -> Session:
        """The session as it is now."""

    def expire_session(self, session_id: str) -> Session:
        """End an open session; refuses any other. Answers within about 2 s or is unavailable."""

    def refund(self, request: RefundRequest) -> RefundState:
        """The same request with the same key refunds once."""

    def retrieve_refund(self, refund_id: str) -> dict[str, Any]:
        """The snapshot of one refund."""

    def list_refunds(self, payment_intent: str) -> list[dict[str, Any]]:
        """All refunds of one payment, whoever made them."""

    def recent_sessions(self, since: datetime, *, most: int | None = MOST_LISTED) -> list[dict[str, Any]]:
        """All sessions created since then, whoever created them, oldest first; of more than `most` the newest."""

    def recent_refunds(self, since: datetime, *, most: int | None = MOST_LISTED) -> list[dict[str, Any]]:
        """All refunds made since then, order and limit as of `recent_sessions`."""

    def undelivered_events(self, since: datetime, kinds: Sequence[str]) -> list[Event]:
        """Events of at most 20 kinds that some webhook has not accepted; order and limit as of `recent_sessions`."""


def outside_transactions(call: Callable[P, T]) -> Callable[P, T]:
    """Decorator: the call raises RuntimeError while a transaction is open."""

    @wraps(call)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
        refuse_inside_transaction()
        return call(*args, **kwargs)

    return guarded


def refuse_inside_transaction() -> None:
    """Raises RuntimeError while a transaction is open: a slow gateway would keep its row locks."""
    if connection.in_atomic_block:
        raise RuntimeError("A gateway is never called inside a database transaction.")


def is_live(key: str) -> bool:
    """Whether this key of Stripe's moves real money."""
    return "_live_" in key[:8]


def read_session(found: Mapping[str, Any]) -> Session:
    """A session from its wire format, which Stripe and the demo share.

    Raises:
        KeyError, TypeError, ValueError: `found` is no session.
    """
    metadata = found.get("metadata") or {}
    intent = found.get("payment_intent")
    if isinstance(intent, Mapping):
        intent = intent["id"]
    return Session(
        id=str(found["id"]),
        status=str(found["status"]),
        payment_status=str(found["payment_status"]),
        amount=int(found["amount_total"]),
        currency=str(found["currency"]).upper(),
        livemode=bool(found.get("livemode", False)),
        payment_intent=intent,
        url=found.get("url"),
        reference=str(found.get("client_reference_id") or metadata.get("reference") or ""),
        key=str(metadata.get("payment") or ""),
    )


def read_refund(found: Mapping[str, Any]) -> RefundState:
    """A refund from its wire format. Raises KeyError when `found` is none."""
    return RefundState(str(found["id"]), str(found.get("status") or "pending"), str(found.get("failure_reason") or ""))
