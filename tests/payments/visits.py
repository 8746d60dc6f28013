"""Shared by tests of pages: a paid booking, its cancellation, and the text of pages."""

import re
import uuid
from datetime import timedelta

from django.urls import reverse
from django.utils import timezone

from booking.bookings import begin_checkout
from booking.locks import lock_seats
from booking.models import Booking
from booking.visitors import SESSION_KEY
from payments.gateways.interface import Session
from payments.ledger import BUYER
from payments.models import Payment, Refund
from payments.refunds import cancel_booking
from payments.settlement import apply_session, record_creation

SEATS = ("B4", "B5", "B6")
SCRIPT = "<script>alert(1)</script>"


def be(client, visitor):
    """The client with this visitor's session."""
    session = client.session
    session[SESSION_KEY] = str(visitor)
    session.save()
    return client


def buy(showtime, visitor, labels=SEATS, email="alice@example.com", provider="stripe"):
    """A booking confirmed as by the webhook, with its ledger; no gateway is called."""
    at = timezone.now()
    lock_seats(showtime_id=showtime.pk, visitor=visitor, labels=labels, at=at)
    booking = begin_checkout(
        showtime_id=showtime.pk, visitor=visitor, email=email, payable_until=at + timedelta(minutes=40), at=at
    )
    name = uuid.uuid4().hex
    payment = Payment.objects.create(
        booking=booking, provider=provider, livemode=False, amount=booking.total, currency=booking.currency,
        email=email, idempotency_key=f"pay_{name}", request={}, expires_at=at + timedelta(minutes=31), created_at=at,
    )  # fmt: skip
    record_creation(payment, at)
    session = Session(
        id=f"cs_{name}", status="complete", payment_status="paid", amount=booking.total, currency=booking.currency,
        livemode=False, payment_intent=f"pi_{name}", url=None, reference=booking.reference, key=payment.idempotency_key,
    )  # fmt: skip
    assert apply_session(payment_id=payment.pk, session=session, at=at) == "confirmed"
    return Booking.objects.get(pk=booking.pk)


def cancel(booking, *labels, by=BUYER):
    cancel_booking(booking_id=booking.pk, labels=labels or None, by=by, at=timezone.now())
    booking.refresh_from_db()
    return Refund.objects.filter(payment__booking=booking).first()


def cancel_page(booking, *labels, **query):
    seats = "&".join(f"seats={label}" for label in labels)
    rest = "&".join(f"{name}={value}" for name, value in query.items())
    return reverse("payments:cancel-tickets", args=[booking.reference]) + f"?{seats}&{rest}"


def read(client, path, status=200):
    answer = client.get(path)
    assert answer.status_code == status, answer.status_code
    return words(answer)


def words(answer):
    """The text of the page, without markup."""
    body = answer.content.decode().partition("<main")[2]
    return " ".join(re.sub(r"<[^>]*>", " ", body).split())


def confirm(client, booking, *labels, back, **query):
    return client.post(cancel_page(booking, **query), {"seats": labels, "sure": "yes", "back": back})


def timeline_of(client, booking):
    return read(client, f"/staff/bookings/{booking.reference}/")
