"""From a lock to a place to pay.

The Payment is committed before the gateway hears of it, so a crash at any moment leaves a row that tells what may have
been begun; the same request with the same key then finds the session (`ending.ask`).
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.urls import reverse

from booking.bookings import begin_checkout, confirm_booking
from booking.models import Booking, BookingSeat
from booking.refusals import AlreadyPaid, BeingReleased, Busy, Invalid, LockExpired, Refusal
from payments.gateways.amounts import why_not
from payments.gateways.factory import gateway
from payments.gateways.interface import GatewayRefused, GatewayUnavailable, Line, SessionRequest, is_live
from payments.ledger import raise_alert
from payments.models import VERDICT_GRACE, Payment
from payments.settlement import apply_refused_creation, apply_session, record_creation

log = logging.getLogger(__name__)

# Stripe takes no session shorter than 30 minutes, by its own clock and after the journey there.
SHORTEST_SESSION = timedelta(minutes=31)
# A request this fresh is refused for what it says; an older one may only be too late to be made.
FRESH = timedelta(minutes=1)


class NoGateway(Busy):
    """The gateway gave no session; the seats stay locked."""

    title = "The payment service does not answer"

    def __init__(self) -> None:
        super().__init__("Nothing was charged and your seats are still held. Please try again.")


class NotPayable(Refusal):
    """No card can be charged this sum; the seats stay locked."""

    type, status, title = "invalid", 422, "This sum cannot be paid by card"

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, errors={"seats": sentence})


@dataclass(frozen=True)
class Checkout:
    payment: Payment
    is_new: bool


def start_checkout(*, showtime_id: int, visitor: uuid.UUID | None, email: str, origin: str, at: datetime) -> Checkout:
    """The place to pay for the visitor's lock; repeated while that payment is open, the same one.

    Guarantees that seats and prices are fixed before the gateway is asked and that nobody else gets the seats before
    the gateway's verdict. Never call it inside a transaction.

    Args:
        origin: scheme and host that the buyer came to, without a slash at the end.

    Raises:
        Invalid: that is no e-mail address.
        LockExpired: there is nothing to pay for, or its time has passed.
        AlreadyPaid, BeingReleased: this lock's payment is past being paid.
        NotPayable: no card can be charged that sum.
        NoGateway: it gave no session; the seats stay locked.
    """
    address = read_email(email)
    for _ in range(2):
        payment, is_new = _write_payment(showtime_id, visitor, address, origin, at)
        if payment.status != Payment.Status.CREATED:
            return Checkout(payment, is_new)
        if open_session(payment, at=at):
            payment.refresh_from_db()
            return Checkout(payment, is_new)
        if is_new:  # a fresh request was refused, so another one would be too
            break
    raise NoGateway


def open_session(payment: Payment, *, at: datetime, quick: bool = False) -> bool:
    """Make, or find again, the session of a payment that has none on record.

    Args:
        quick: rather give up than take longer than about 2 s.

    Returns:
        False when the gateway refused: that payment is over, and the seats are the visitor's lock again.

    Raises:
        NoGateway: no telling whether there is a session now; the payment stays as it is.
    """
    try:
        session = gateway(payment.provider).create_session(SessionRequest.from_json(payment.request), quick=quick)
    except GatewayUnavailable as error:
        log.warning("payment %s: no session yet: %s", payment, error)
        raise NoGateway from error
    except GatewayRefused as error:
        log.error("payment %s: session refused: %s", payment, error)
        if at - payment.created_at < FRESH:
            _call_for_help(error, at)
        apply_refused_creation(payment_id=payment.pk, at=at)
        return False
    apply_session(payment_id=payment.pk, session=session, at=at)
    return True


@transaction.atomic
def _call_for_help(error: GatewayRefused, at: datetime) -> None:
    """Nobody can pay while the gateway refuses what it is asked: once a day and reason."""
    raise_alert(
        subject=f"session-refused:{at:%Y-%m-%d}:{error.code}",
        kind="session-refused",
        text=f"The gateway refuses to take payments ({error}). Buyers are told to try again; their seats stay held. "
        "Look at Stripe's keys and at what its dashboard says of this request.",
        at=at,
    )


def read_email(email: str) -> str:
    """Raises Invalid unless it looks like an e-mail address."""
    address = email.strip()
    try:
        validate_email(address)
    except ValidationError:
        sentence = "An address looks like name@example.com."
        raise Invalid(sentence, errors={"email": sentence}) from None
    if len(address) > 254:
        raise Invalid("That address is too long.", errors={"email": "is too long"})
    return address


@transaction.atomic
def _write_payment(
    showtime_id: int, visitor: uuid.UUID | None, email: str, origin: str, at: datetime
) -> tuple[Payment, bool]:
    """The booking in checkout and its Payment, in one transaction."""
    if visitor is None:
        raise LockExpired
    expires_at = (at + max(SHORTEST_SESSION, settings.SEAT_LOCK + timedelta(minutes=1))).replace(microsecond=0)
    try:
        booking = begin_checkout(
            showtime_id=showtime_id,
            visitor=visitor,
            email=email,
            payable_until=expires_at + VERDICT_GRACE,
            at=at,
            origin=origin,
        )
    except LockExpired:
        _refuse_second_payment(showtime_id, visitor)
        raise
    payment = booking.payments.active().first()
    if booking.status == Booking.Status.CHECKOUT:
        if payment is None:
            return _new_payment(booking, origin, expires_at, at), True
        if booking.locked_until is not None and at >= booking.locked_until:
            raise LockExpired  # the sweeper is about to end that payment
        return payment, False
    if booking.status == Booking.Status.PROCESSING:
        raise AlreadyPaid(booking.reference)
    raise BeingReleased([place.label for place in booking.places.all()])


def _refuse_second_payment(showtime_id: int, visitor: uuid.UUID) -> None:
    """Raises AlreadyPaid when the last thing this visitor did here was to pay."""
    last = Booking.objects.of_visitor(visitor).filter(showtime_id=showtime_id).order_by("-pk").first()
    if last is not None and last.status == Booking.Status.CONFIRMED:
        raise AlreadyPaid(last.reference)


def _new_payment(booking: Booking, origin: str, expires_at: datetime, at: datetime) -> Payment:
    provider = Payment.Provider.DEMO if settings.DEMO_PAYMENTS else Payment.Provider.STRIPE
    if provider == Payment.Provider.STRIPE and (sentence := why_not(booking.total, booking.currency)):
        raise NotPayable(sentence)
    key = f"pay_{uuid.uuid4().hex}"
    lines = _lines(booking, booking.places.all())
    request = SessionRequest(
        key=key,
        reference=booking.reference,
        currency=booking.currency,
        lines=lines,
        email=booking.email,
        # The braces are Stripe's own placeholder and must arrive as they are.
        success_url=f"{origin}{reverse('payments:return', args=[booking.reference])}?session={{CHECKOUT_SESSION_ID}}",
        cancel_url=f"{origin}{reverse('payments:cancel', args=[booking.reference])}",
        expires_at=int(expires_at.timestamp()),
    )
    payment = Payment(
        booking=booking,
        provider=provider,
        livemode=provider == Payment.Provider.STRIPE and is_live(settings.STRIPE_SECRET_KEY),
        amount=booking.total,
        currency=booking.currency,
        email=booking.email,
        idempotency_key=key,
        request=request.as_json(),
        expires_at=expires_at,
        created_at=at,
    )
    if not booking.total:  # a free film: no gateway takes nothing
        payment.status, payment.received, payment.settled_at = Payment.Status.PAID, 0, at
        payment.url = f"{origin}{booking.get_absolute_url()}"
        confirm_booking(booking_id=booking.pk, demo=provider == Payment.Provider.DEMO, at=at)
    payment.save(force_insert=True)
    record_creation(payment, at)
    return payment


def _lines(booking: Booking, places: Iterable[BookingSeat]) -> tuple[Line, ...]:
    """A line for each category and price, in the order of the seats."""
    groups: dict[tuple[str, int], list[str]] = {}
    for place in places:
        groups.setdefault((place.category, place.price), []).append(place.label)
    film = booking.showtime.movie.title
    return tuple(
        Line(f"{film}: {category}"[:250], f"Seats {', '.join(labels)}"[:250], len(labels), price)
        for (category, price), labels in groups.items()
    )
