"""The front page reminds of seats that are locked and not paid yet; a visitor without any costs no query."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from bench.support.factories import make_movie, make_showtime, new_visitor
from booking.bookings import begin_checkout
from booking.locks import lock_seats
from booking.models import Booking
from booking.visitors import SESSION_KEY

pytestmark = pytest.mark.django_db
ADDRESS = "/showtimes/reminder/"


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
def showtime():
    return make_showtime(movie=make_movie("The Long Night"))


def lock(showtime, visitor, *labels, minutes_ago=0):
    at = timezone.now() - timedelta(minutes=minutes_ago)
    return lock_seats(showtime_id=showtime.pk, visitor=visitor, labels=labels, at=at).booking


def test_it_names_seats_film_and_deadline_and_links_to_the_map(alice, visitor, showtime):
    lock(showtime, visitor, "A1", "A2")
    for page in (alice.get("/"), alice.get(ADDRESS)):
        text = page.content.decode()
        assert "A1, A2" in text and "The Long Night" in text and "Held for you until" in text
        assert f'href="/showtimes/{showtime.pk}/"' in text
        assert "<seat-countdown" in text


def test_of_two_locks_it_names_the_one_that_ends_first(alice, visitor, showtime):
    lock(make_showtime(), visitor, "B1")
    lock(showtime, visitor, "A3", minutes_ago=2)
    assert "A3" in (text := alice.get(ADDRESS).content.decode()) and "B1" not in text


def test_with_a_payment_open_it_leads_to_the_payment(alice, visitor, showtime):
    lock(showtime, visitor, "A1")
    until = timezone.now() + timedelta(minutes=41)
    who = {"showtime_id": showtime.pk, "visitor": visitor, "email": "a@example.com"}
    begin_checkout(**who, payable_until=until, at=timezone.now())
    assert f'href="/showtimes/{showtime.pk}/checkout/"' in alice.get(ADDRESS).content.decode()


def test_nothing_is_said_of_a_lock_that_has_ended(alice, visitor, showtime):
    lock(showtime, visitor, "A1", minutes_ago=6)
    assert alice.get(ADDRESS).content.strip() == b""
    assert "reminder page" not in alice.get("/").content.decode()
    Booking.objects.update(status="released", ended_at=timezone.now())
    assert alice.get(ADDRESS).content.strip() == b""


def test_a_stranger_sees_none_and_costs_no_query(showtime, visitor, django_assert_num_queries):
    lock(showtime, visitor, "A1")
    with django_assert_num_queries(0):
        answer = Client().get(ADDRESS)
    assert answer.content.strip() == b"" and "no-store" in answer["Cache-Control"]
