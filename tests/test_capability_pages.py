"""Pages whose address opens something: no other site is told it, and no cache keeps them."""

import json

import pytest
from allauth.account.forms import EmailAwarePasswordResetTokenGenerator
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from allauth.account.utils import user_pk_to_url_str
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bench.support.factories import make_showtime, make_user
from booking.bookings import confirm_booking
from booking.models import Booking
from booking.tickets.codes import booking_key
from payments.models import Payment

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def addresses(client):
    """{name: (address, whose browser)} of everything that a link alone opens, and of payment pages."""
    showtime = make_showtime()
    base = f"/api/showtimes/{showtime.pk}"
    client.put(f"{base}/lock/", '{"seats": ["A1"]}', content_type="application/json")
    answer = client.post(f"{base}/checkout/", json.dumps({"email": "a@example.com"}), content_type="application/json")
    booking = Booking.objects.get()
    demo, cancel = answer.json()["url"], Payment.objects.get().request["cancel_url"]
    other = make_user("alice@example.com")
    address = EmailAddress.objects.create(user=other, email=other.email)
    token = EmailAwarePasswordResetTokenGenerator().make_token(other)
    key = booking_key(booking)
    return booking, {
        "demo page": demo,
        "return": f"/payments/return/{booking.reference}/?session={Payment.objects.get().session_id}",
        "cancel payment": cancel.partition("?")[0] + "?token=wrong",
        "new password": reverse("account_reset_password_from_key", args=[user_pk_to_url_str(other), token]),
        "confirm": reverse("account_confirm_email", args=[EmailConfirmationHMAC(address).key]),
        "booking": f"/bookings/{booking.reference}/?key={key}",
        "cancel tickets": f"/bookings/{booking.reference}/cancel/?key={key}",
        "calendar": f"/bookings/{booking.reference}/calendar.ics?key={key}",
        "JSON": f"/api/bookings/{booking.reference}/?key={key}",
    }


def test_no_other_site_gets_the_address_and_no_cache_keeps_the_page(client, addresses):
    """`no-referrer` would be stricter, but browsers then send `Origin: null` with forms, which Django refuses."""
    booking, found = addresses
    for name in ("demo page", "return", "cancel payment"):
        _check(name, client.get(found.pop(name)))
    confirm_booking(booking_id=booking.pk, demo=True, at=timezone.now())
    for name, address in found.items():
        _check(name, Client().get(address))


def _check(name, answer):
    assert answer.status_code in (200, 302), (name, answer.status_code)
    assert answer["Referrer-Policy"] == "same-origin", name
    assert {"no-store"} <= {word.strip() for word in answer["Cache-Control"].split(",")}, (
        name,
        answer["Cache-Control"],
    )
