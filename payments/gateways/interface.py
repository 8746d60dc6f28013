"""What this product asks of whoever moves the money. A gateway knows money and references, never bookings."""

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
    """No answer that decides anything: the call may have worked or not. Ask again later, with the same key."""


class GatewayRefused(Exception):
    """A definite no: nothing was done.

    `code` is the gateway's own word for the reason, if it has one. `is_final`: the same call can never work, whatever
    an operator does; a wrong key, say, is not final.
    """

    def __init__(self, message: str, code: str = "", *, is_final: bool = True) -> None:
        super().__init__(message)
        self.code = code
        self.is_final = is_final


class BadEvent(Exception):
    """A delivery that is not a properly signed, readable event."""


@dataclass(frozen=True)
class Line:
    name: str
    description: str
    quantity: int
    unit_amount: int


@dataclass(frozen=True)
class SessionRequest:
    """Everything a session is made from. Stored as it is, since a repetition must be equal to the byte.

    Amounts are minor units, `expires_at` is seconds since 1970, `currency` three capitals.
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
        return {**asdict(self), "lines": [asdict(line) for line in self.lines]}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> SessionRequest:
        lines = tuple(Line(**line) for line in stored["lines"])
        return cls(**{**stored, "lines": lines})

    @property
    def amount(self) -> int:
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
    key: str  # of the request it was made from; empty when the gateway does not say

    @property
    def is_paid(self) -> bool:
        return self.status == "complete" and self.payment_status in ("paid", "no_payment_required")


@dataclass(frozen=True)
class RefundRequest:
    """`retry` says that an earlier call may have worked: look before asking again."""

    key: str
    payment_intent: str
    amount: int
    reference: str
    retry: bool


@dataclass(frozen=True)
class RefundState:
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


class Gateway(Protocol):
    """Every call may raise GatewayUnavailable (outcome unknown) or GatewayRefused (nothing was done).

    None is made while a transaction is open (RuntimeError): a slow gateway would hold its row locks. Snapshots are
    plain, as events carry them.
    """

    livemode: bool
    is_local: bool  # every call answers at once, without a network

    def create_session(self, request: SessionRequest, *, quick: bool = False) -> Session:
        """The same request with the same key gives the same session. `quick`: answers like `expire_session`."""

    def retrieve_session(self, session_id: str) -> Session: ...

    def expire_session(self, session_id: str) -> Session:
        """End an open session; one that is not open refuses. Answers within about 2 s or is unavailable."""

    def refund(self, request: RefundRequest) -> RefundState:
        """The same request with the same key returns the money once."""

    def retrieve_refund(self, refund_id: str) -> dict[str, Any]:
        """The snapshot of one refund."""

    def list_refunds(self, payment_intent: str) -> list[dict[str, Any]]:
        """All refunds of one payment, whoever made them."""

    def recent_refunds(self, since: datetime) -> list[dict[str, Any]]:
        """All refunds made since then, the oldest first; at most `MOST_LISTED`, the newest of them."""

    def undelivered_events(self, since: datetime, kinds: Sequence[str]) -> list[Event]:
        """Events of at most 20 kinds that some webhook has not taken, the oldest first; at most `MOST_LISTED`."""


MOST_LISTED = 1000


def outside_transactions(call: Callable[P, T]) -> Callable[P, T]:
    """Refuse the call while a transaction is open."""

    @wraps(call)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
        refuse_inside_transaction()
        return call(*args, **kwargs)

    return guarded


def refuse_inside_transaction() -> None:
    """Raises RuntimeError when a transaction is open: a slow gateway would hold its row locks."""
    if connection.in_atomic_block:
        raise RuntimeError("A gateway is never called inside a database transaction.")


def is_live(key: str) -> bool:
    """Whether this key of Stripe's moves real money."""
    return "_live_" in key[:8]


def read_session(found: Mapping[str, Any]) -> Session:
    """A session from its form on the wire, which Stripe and the demo share.

    Raises:
        KeyError, TypeError, ValueError: it is no session.
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
    """A refund from its form on the wire. Raises KeyError when it is none."""
    return RefundState(str(found["id"]), str(found.get("status") or "pending"), str(found.get("failure_reason") or ""))
