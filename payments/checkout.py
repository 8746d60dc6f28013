"""From a lock to a payment page.

The Payment is committed before the gateway is called, so that after a crash at any moment a row shows which session may
exist; the same request with the same key then returns it (`session_end`).
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_urlsafe

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from booking.bookings import begin_checkout, confirm_booking
from booking.clients.client import NOT_COUNTED, Client
from booking.clients.pace import NEW_PAYMENTS, check_pace, count_use
from booking.models import Booking, BookingSeat
from booking.refusals import AlreadyPaid, BeingReleased, Busy, Invalid, LockExpired, Refusal
from cinema.email_address import ascii_address, read_address
from cinema.plain_text import one_line
from payments.gateways.amounts import why_not
from payments.gateways.factory import gateway
from payments.gateways.interface import GatewayRefused, GatewayUnavailable, Line, SessionRequest, is_live
from payments.ledger import raise_alert
from payments.models import VERDICT_GRACE, Payment
from payments.settlement import apply_refused_creation, apply_session, record_creation

log = logging.getLogger(__name__)

# Stripe accepts no session shorter than 30 minutes, by its own clock when the request arrives.
SHORTEST_SESSION = timedelta(minutes=31)
# A refusal within this time is caused by the request's content; later ones may only be too late for its `expires_at`.
FRESH = timedelta(minutes=1)
WAY_BACK = "token"  # a parameter of the address to which the payment page sends a buyer who cancels


class NoGateway(Busy):
    """The gateway returned no session; the seats stay locked."""

    title = "The payment service does not answer"

    def __init__(self) -> None:
        super().__init__("Nothing was charged and your seats are still held. Please try again.")


class PaymentGone(NoGateway):
    """The payment is not in the database any more: a backup was restored while the gateway was asked."""

    title = "Our records have changed"

    def __init__(self) -> None:
        Busy.__init__(self, "Nothing was charged. Please look which seats are yours, and try again.")


class NotPayable(Refusal):
    """No card can be charged this amount; the seats stay locked."""

    type, status, title = "invalid", 422, "This sum cannot be paid by card"

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, errors={"seats": sentence})


@dataclass(frozen=True)
class Checkout:
    """A payment with its page; `is_new` unless an open payment was found."""

    payment: Payment
    is_new: bool


def start_checkout(
    *,
    showtime_id: int,
    visitor: uuid.UUID | None,
    email: str,
    origin: str,
    at: datetime,
    mail_origin: str = "",
    client: Client = NOT_COUNTED,
    staff: bool = False,
) -> Checkout:
    """The payment for the visitor's lock; while it is open, every further call returns the same one.

    Guarantees that seats and prices are fixed before the gateway is called and that nobody else gets the seats before
    the verdict. Two transactions, one before and one after the call; never call it inside another.

    Args:
        origin: scheme and host of the buyer's request, without a slash at the end: where the payment page leads back.
        mail_origin: the same for the links in mails, where it is not `origin`.
        client: whom the seats count for from now on.
        staff: seating rules are not asked.

    Raises:
        Invalid: `email` is no e-mail address.
        RateLimited: this client would have too many seats of the showtime, or began too many payments; the lock stays.
        LockExpired: there is no lock, or it has ended.
        AlreadyPaid, BeingReleased: the payment of this lock can no longer be paid.
        CompanionAlone, HalfASofa, LeavesSingleSeat: a seating rule speaks against the seats; the lock stays.
        NotPayable: no card can be charged this amount.
        NoGateway: the gateway returned no session; the seats stay locked.
    """
    address = read_email(email)
    for _ in range(2):
        payment, is_new = _write_payment(
            showtime_id, visitor, address, origin, mail_origin or origin, at, client, staff
        )
        if is_new:
            count_use(NEW_PAYMENTS, client, at)
        if payment.status != Payment.Status.CREATED:
            return Checkout(payment, is_new)
        if open_session(payment, at=at):
            payment.refresh_from_db()
            return Checkout(payment, is_new)
        if is_new:  # the gateway would refuse another new request too
            break
    raise NoGateway


def open_session(payment: Payment, *, at: datetime, quick: bool = False) -> bool:
    """Create, or find again, the session of a payment that has none on record. Never call it inside a transaction.

    Args:
        quick: give up after about 2 s.

    Returns:
        False when the gateway refused: the payment has failed, and the seats are the visitor's lock again.

    Raises:
        NoGateway: it is unknown whether a session exists; the payment is unchanged.
        PaymentGone: there is a session, and no payment any more.
    """
    try:
        session = gateway(payment.provider).create_session(SessionRequest.from_json(payment.request), quick=quick)
    except GatewayUnavailable as error:
        log.warning("payment %s: no session yet: %s", payment, error)
        raise NoGateway from error
    except GatewayRefused as error:
        log.error("payment %s: session refused: %s", payment, error)
        if at - payment.created_at < FRESH:
            _alert_refused_session(error, at)
        apply_refused_creation(payment_id=payment.pk, at=at)
        return False
    if apply_session(payment_id=payment.pk, session=session, at=at) == "gone":
        raise PaymentGone
    return True


@transaction.atomic(durable=True)
def _alert_refused_session(error: GatewayRefused, at: datetime) -> None:
    """Nobody can pay while the gateway refuses sessions: one alert per day and reason."""
    raise_alert(
        subject=f"session-refused:{at:%Y-%m-%d}:{error.code}",
        kind="session-refused",
        text=f"The gateway refuses to take payments ({error}). Buyers are told to try again; their seats stay held. "
        "Look at Stripe's keys and at what its dashboard says of this request.",
        at=at,
    )


def read_email(email: str) -> str:
    """The address, stripped. Raises Invalid with a sentence unless a mail can be sent to it."""
    try:
        return read_address(email)
    except ValueError as error:
        raise Invalid(str(error), errors={"email": str(error)}) from None


@transaction.atomic(durable=True)
def _write_payment(
    showtime_id: int,
    visitor: uuid.UUID | None,
    email: str,
    origin: str,
    mail_origin: str,
    at: datetime,
    client: Client,
    staff: bool,
) -> tuple[Payment, bool]:
    """The booking in checkout and its Payment, committed on return; the payment, and whether it is new."""
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
            origin=mail_origin,
            client=client,
            staff=staff,
        )
    except LockExpired:
        _refuse_second_payment(showtime_id, visitor)
        raise
    payment = booking.payments.active().first()
    if booking.status == Booking.Status.CHECKOUT:
        if payment is None:
            check_pace(NEW_PAYMENTS, client, at)
            return _new_payment(booking, origin, expires_at, at), True
        if booking.locked_until is not None and at >= booking.locked_until:
            raise LockExpired  # the sweeper will end that payment
        return payment, False
    if booking.status == Booking.Status.PROCESSING:
        raise AlreadyPaid(booking.reference)
    raise BeingReleased([place.label for place in booking.places.all()])


def _refuse_second_payment(showtime_id: int, visitor: uuid.UUID) -> None:
    """Raises AlreadyPaid when the visitor's last booking of this showtime is paid."""
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
        email=ascii_address(booking.email),
        # The braces are Stripe's placeholder and must be sent unchanged.
        success_url=f"{origin}{reverse('payments:return', args=[booking.reference])}?session={{CHECKOUT_SESSION_ID}}",
        # The token tells the buyer's way back from any other link, and is known to the gateway only.
        cancel_url=f"{origin}{reverse('payments:cancel', args=[booking.reference])}?{WAY_BACK}={token_urlsafe(24)}",
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
    if not booking.total:  # a free film: no gateway accepts 0
        payment.status, payment.received, payment.settled_at = Payment.Status.PAID, 0, at
        payment.url = f"{origin}{booking.get_absolute_url()}"
        confirm_booking(booking_id=booking.pk, demo=provider == Payment.Provider.DEMO, at=at)
    payment.save(force_insert=True)
    record_creation(payment, at)
    return payment


def _lines(booking: Booking, places: Iterable[BookingSeat]) -> tuple[Line, ...]:
    """One line per category and price, in the order of the seats."""
    groups: dict[tuple[str, int], list[str]] = {}
    for place in places:
        groups.setdefault((place.category, place.price), []).append(place.label)
    film = one_line(booking.showtime.movie.title)
    return tuple(
        Line(f"{film}: {one_line(category)}"[:250], f"Seats {one_line(', '.join(labels))}"[:250], len(labels), price)
        for (category, price), labels in groups.items()
    )
