"""The form of the map without JavaScript: what was stolen is said, the rest is locked, and nothing more is said."""

import json

import pytest
from django.test import Client

from bench.support.factories import make_plan, make_showtime

pytestmark = pytest.mark.django_db


@pytest.fixture
def hall():
    showtime = make_showtime(make_plan(4, 8))
    path = f"/api/showtimes/{showtime.pk}/lock/"
    assert Client().put(path, json.dumps({"seats": ["A2"]}), content_type="application/json").status_code == 200
    return showtime


def send(client, showtime, *labels, **form):
    """The page after the form was sent with these seats."""
    data = {"seats": labels, "action": "continue", **form}
    return client.post(f"/showtimes/{showtime.pk}/", data, follow=True)


def locked_by(client, showtime):
    answer = client.get(f"/api/showtimes/{showtime.pk}/lock/").json()
    return [seat["label"] for seat in answer["seats"]]


def test_the_seats_that_nobody_has_taken_are_locked_and_the_stolen_one_is_named(hall):
    alice = Client()
    page = send(alice, hall, "A1", "A2", "A3")
    assert page.redirect_chain == [(f"/showtimes/{hall.pk}/", 302)], "not on to the payment: a seat is missing"
    assert "A2 is no longer free. A1 and A3 are held for you." in page.content.decode()
    assert locked_by(alice, hall) == ["A1", "A3"]


def test_when_the_only_seat_was_stolen_nothing_is_said_to_be_locked(hall):
    alice = Client()
    page = send(alice, hall, "A2").content.decode()
    assert "A2 is no longer free. Choose another seat." in page
    assert "held for you" not in page and locked_by(alice, hall) == []


def test_a_second_refusal_is_said_too_and_seats_that_were_locked_stay(hall, settings):
    settings.LOCKS_PER_ADDRESS_PERCENT = 0
    alice = Client()
    send(alice, hall, "A1")
    settings.MAX_SEATS_PER_BOOKING = 1
    page = send(alice, hall, "A2").content.decode()
    assert "A2 is no longer free." in page
    assert locked_by(alice, hall) == ["A1"]


def test_the_page_says_nothing_of_at_once_to_whoever_has_no_script(hall):
    page = Client().get(f"/showtimes/{hall.pk}/").content.decode()
    plain = page[page.index('id="basket"') :]
    for words in ("at once", "light up here"):
        for place in plain.split(words)[:-1]:
            assert place.rindex("<p") == place.rindex('<p class="small soft scripted"'), words
    assert "The button below holds the seats that you have ticked" in plain
