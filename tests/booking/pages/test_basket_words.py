"""What the basket says of time: until when, as long as that is true."""

from datetime import timedelta

import pytest
from django.utils import timezone

from bench.support.factories import make_showtime, new_visitor
from booking.bookings import begin_checkout, mark_processing
from booking.locks import lock_seats
from booking.models import Booking
from booking.visitors import SESSION_KEY

pytestmark = pytest.mark.django_db


@pytest.fixture
def visitor():
    return new_visitor()


@pytest.fixture
def alice(client, visitor):
    session = client.session
    session[SESSION_KEY] = str(visitor)
    session.save()
    return client


@pytest.fixture
def showtime(visitor):
    showtime = make_showtime()
    lock_seats(showtime_id=showtime.pk, visitor=visitor, labels=["A1"], at=timezone.now())
    return showtime


def basket_of(client, showtime):
    return client.get(f"/showtimes/{showtime.pk}/basket/").content.decode()


def test_a_lock_has_its_ring_and_its_time(alice, showtime):
    text = basket_of(alice, showtime)
    assert "<seat-countdown" in text and "Held for you until" in text and 'data-over="The time is over."' in text
    page = alice.get(f"/showtimes/{showtime.pk}/").content.decode()
    assert '<noscript><meta http-equiv="refresh" content="' in page


def test_a_payment_that_the_bank_has_not_confirmed_outlives_the_time_to_pay(alice, visitor, showtime):
    """With a ring at zero the page would ask the server again and again."""
    at = timezone.now()
    who = {"showtime_id": showtime.pk, "visitor": visitor, "email": "a@example.com"}
    booking = begin_checkout(**who, payable_until=at + timedelta(minutes=41), at=at)
    mark_processing(booking_id=booking.pk, at=at)
    Booking.objects.update(locked_until=at - timedelta(minutes=1))
    text = basket_of(alice, showtime)
    assert "A1" in text and "Your payment is being settled." in text
    assert "<seat-countdown" not in text and "Held for you until" not in text
