"""References of bookings cannot be tried out: guesses are refused after some, and who may see a booking sees it."""

import itertools
from datetime import UTC, datetime

import pytest
import time_machine
from django.test import Client

from bench.support.factories import make_showtime, make_user
from booking.models import Booking, new_reference
from booking.tickets.codes import booking_key

pytestmark = pytest.mark.django_db

PAGES = ["/bookings/{}/", "/api/bookings/{}/", "/bookings/{}/calendar.ics", "/bookings/{}/cancel/",
         "/payments/return/{}/", "/payments/cancel/{}/"]  # fmt: skip


@pytest.fixture(autouse=True)
def _at_one_moment():
    with time_machine.travel(datetime(2026, 3, 29, 0, 59, tzinfo=UTC), tick=False):
        yield


@pytest.fixture
def mine():
    browser, showtime = Client(), make_showtime()
    browser.put(f"/api/showtimes/{showtime.pk}/lock/", {"seats": ["A1"]}, content_type="application/json")
    return browser, Booking.objects.get()


def guess(page, browser=None, **headers):
    return (browser or Client()).get(page.format(new_reference()), **headers)


@pytest.mark.parametrize("page", PAGES[:2])
def test_two_hundred_guesses_meet_a_429(page):
    answers = [guess(page) for _ in range(200)]
    assert [answer.status_code for answer in answers] == [404] * 60 + [429] * 140
    assert 1 <= int(answers[-1]["Retry-After"]) <= 20
    if page.startswith("/api/"):
        assert answers[-1].json()["type"] == "rate-limited"
    else:
        assert "Many bookings that do not exist were asked for" in answers[-1].content.decode()


def test_cancellations_are_counted_with_them():
    posts = [
        Client().post(f"/api/bookings/{new_reference()}/cancellation/", {}, "application/json") for _ in range(100)
    ]
    assert [answer.status_code for answer in posts] == [404] * 60 + [429] * 40
    assert guess("/api/bookings/{}/").status_code == 429


def test_all_ways_to_guess_count_together():
    statuses = [guess(page).status_code for page, _ in zip(itertools.cycle(PAGES), range(80), strict=False)]
    assert statuses == [404] * 60 + [429] * 20


def test_a_reference_of_somebody_else_counts_like_one_that_is_not_there(mine):
    _, booking = mine
    statuses = [Client().get(f"/api/bookings/{booking.reference}/").status_code for _ in range(70)]
    assert statuses == [404] * 60 + [429] * 10


def test_who_may_see_a_booking_sees_it_whatever_others_at_the_address_do(mine):
    browser, booking = mine
    assert [guess("/api/bookings/{}/").status_code for _ in range(61)][-1] == 429
    assert browser.get(f"/bookings/{booking.reference}/").status_code == 200
    assert browser.get(f"/api/bookings/{booking.reference}/").status_code == 200
    assert Client().get(f"/bookings/{booking.reference}/?key={booking_key(booking)}").status_code == 200
    staff = Client()
    staff.force_login(make_user(staff=True))
    assert staff.get(f"/api/bookings/{booking.reference}/").status_code == 200
    assert guess("/api/bookings/{}/", REMOTE_ADDR="203.0.113.9").status_code == 404


def test_a_foyer_that_opens_its_mails_is_not_counted(mine):
    _, booking = mine
    link = f"/bookings/{booking.reference}/?key={booking_key(booking)}"
    assert {Client().get(link).status_code for _ in range(200)} == {200}
