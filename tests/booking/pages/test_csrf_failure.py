"""The form of the seats with an old token, or none: the page says why, and offers to send the same seats again."""

import re

import pytest
from django.test import Client

from bench.support.factories import make_showtime, make_user
from booking.seats.map import read_map

pytestmark = pytest.mark.django_db


@pytest.fixture
def showtime():
    return make_showtime()


def fields_of(page):
    """Of the form in the main part of the page, as a browser sends it when its first button is pressed."""
    main = page.content.decode().split("<main")[1].split("</main>")[0]
    form = main.split("<form")[1].split("</form>")[0]
    found = {}
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form):
        found.setdefault(name, []).append(value)
    return found


def open_page(client, showtime):
    page = client.get(f"/showtimes/{showtime.pk}/")
    return re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.content.decode())[1]


def test_after_signing_in_elsewhere_the_seats_are_sent_with_one_more_press(showtime):
    alice = Client(enforce_csrf_checks=True)
    old = open_page(alice, showtime)
    make_user("alice@example.com")
    alice.cookies["csrftoken"] = "b" * 32  # as it is after a log-in in another tab
    form = {"csrfmiddlewaretoken": old, "seats": ["A1", "A2"], "action": "continue", "tag": "none"}
    page = alice.post(f"/showtimes/{showtime.pk}/", form)
    text = page.content.decode()
    assert page.status_code == 403 and "signed in or out in another tab" in text
    assert "Continue to payment with A1, A2" in text
    assert read_map(showtime.pk).version == 0
    again = fields_of(page)
    assert {name: again[name] for name in ("seats", "action", "tag")} == {
        "seats": ["A1", "A2"],
        "action": ["continue"],
        "tag": ["none"],
    }
    sent = alice.post(f"/showtimes/{showtime.pk}/", again)
    assert sent.status_code == 302 and sent["Location"].endswith("/checkout/")
    assert read_map(showtime.pk).state.startswith("LL")


def test_seats_that_are_locked_stay_so_and_are_named(showtime):
    alice = Client(enforce_csrf_checks=True)
    token = open_page(alice, showtime)
    alice.post(f"/showtimes/{showtime.pk}/", {"csrfmiddlewaretoken": token, "seats": ["A1"]})
    alice.cookies["csrftoken"] = "b" * 32
    page = alice.post(f"/showtimes/{showtime.pk}/", {"csrfmiddlewaretoken": token, "seats": ["A1"], "drop": "A1"})
    text = page.content.decode()
    assert "is still held for you until" in text and "<b>A1</b>" in text and "Give back A1" in text
    assert read_map(showtime.pk).state.startswith("L")


def test_missing_cookies_are_said_in_the_visitors_words(showtime):
    stranger = Client(enforce_csrf_checks=True)
    page = stranger.post(f"/showtimes/{showtime.pk}/", {"seats": ["A1"], "action": "continue"})
    assert page.status_code == 403
    assert "Your browser keeps no cookies for this site" in page.content.decode()


def test_what_another_site_sends_is_text(showtime):
    stranger = Client(enforce_csrf_checks=True)
    form = {"seats": ['"><script>x</script>'] * 60, "email": "mallory@example.com"}
    page = stranger.post(f"/showtimes/{showtime.pk}/", form)
    assert "<script>x" not in page.content.decode()
    assert len(fields_of(page)["seats"]) == 50 and "email" not in fields_of(page)


def test_other_forms_are_not_offered_again():
    stranger = Client(enforce_csrf_checks=True)
    page = stranger.post("/accounts/login/", {"login": "alice@example.com", "password": "a long password 1"})
    text = page.content.decode()
    assert page.status_code == 403 and "a long password" not in text and "alice@example.com" not in text
