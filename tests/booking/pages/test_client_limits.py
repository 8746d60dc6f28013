"""What strangers meet over HTTP: the limit of seats by address, and no session row before seats are locked."""

import itertools
import json
import re
import uuid

import pytest
from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.messages.storage.base import Message
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.sessions.models import Session
from django.test import Client, RequestFactory

from bench.support.factories import make_plan, make_showtime, make_user
from booking.models import Booking, PaceUse

pytestmark = pytest.mark.django_db


@pytest.fixture
def hall():
    """100 seats, of which one address may have 25."""
    return make_showtime(make_plan(10, 10))


def label(i):
    return f"{chr(65 + i // 10)}{i % 10 + 1}"


def put(client, showtime, *labels, **headers):
    path = f"/api/showtimes/{showtime.pk}/lock/"
    return client.put(path, json.dumps({"seats": labels}), content_type="application/json", **headers)


def fill(showtime, **headers):
    """All that one address may have, by visitors without a cookie; the index of the first free seat."""
    for first in (0, 10):
        assert put(Client(), showtime, *(label(i) for i in range(first, first + 10)), **headers).status_code == 200
    assert put(Client(), showtime, *(label(i) for i in range(20, 25)), **headers).status_code == 200
    return 25


def test_a_stranger_with_a_new_cookie_for_each_ten_gets_a_quarter(hall):
    statuses = [put(Client(), hall, label(i)).status_code for i in range(100)]
    assert statuses == [200] * 25 + [429] * 75
    hall.refresh_from_db()
    assert hall.n_locked == 25


def test_the_refusal_is_a_problem_that_says_to_sign_in_or_to_wait(hall):
    answer = put(Client(), hall, label(fill(hall)))
    assert answer.status_code == 429
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["Retry-After"] == "30"
    body = answer.json()
    assert (body["type"], body["status"], body["sign_in"]) == ("rate-limited", 429, True)
    assert "Sign in" in body["detail"] and "wait" in body["detail"]


@pytest.mark.parametrize(
    ("remote", "forged"),
    [
        ("127.0.0.1", "X_FORWARDED_FOR"),
        ("127.0.0.1", "X_REAL_IP"),
        ("203.0.113.7", "FORWARDED"),
        ("192.168.1.5", "X_FORWARDED_FOR"),
        ("2001:db8::{}", ""),
        ("2001:db8::{}", "X_FORWARDED_FOR"),
    ],
)
def test_no_header_and_no_address_of_ones_own_network_avoids_it(hall, remote, forged):
    numbers = itertools.count(1)

    def try_(i):
        n = next(numbers)
        headers = {f"HTTP_{forged}": f"198.51.100.{n}"} if forged else {}
        return put(Client(), hall, label(i), REMOTE_ADDR=remote.format(n), **headers).status_code

    assert [try_(i) for i in range(40)].count(200) == 25


def test_a_signed_in_buyer_with_a_verified_address_still_buys(hall):
    first = fill(hall)
    user, browser = make_user(), Client()
    browser.force_login(user)
    assert put(browser, hall, label(first)).status_code == 429
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    assert put(browser, hall, *(label(i) for i in range(first, first + 10))).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_checkout_looks_too(hall):
    owner = Client()
    assert put(owner, hall, *(label(i) for i in range(90, 100)), REMOTE_ADDR="203.0.113.9").status_code == 200
    for first in (0, 25):
        fill_and_pay(hall, first)
    path, body = f"/api/showtimes/{hall.pk}/checkout/", json.dumps({"email": "a@example.com"})
    answer = owner.post(path, body, content_type="application/json", REMOTE_ADDR="127.0.0.1")
    assert (answer.status_code, answer.json()["type"]) == (429, "rate-limited")
    form = {"email": "a@example.com"}
    page = owner.post(f"/showtimes/{hall.pk}/checkout/", form, REMOTE_ADDR="127.0.0.1", follow=True)
    assert page.redirect_chain == [(f"/showtimes/{hall.pk}/checkout/", 303)]
    assert f"/accounts/login/?next=/showtimes/{hall.pk}/" in page.content.decode()
    assert Booking.objects.filter(status="locked").count() == 1
    answer = owner.post(path, body, content_type="application/json", REMOTE_ADDR="203.0.113.9")
    assert answer.status_code == 201


def fill_and_pay(hall, first):
    for start, n in ((first, 10), (first + 10, 10), (first + 20, 5)):
        buyer = Client()
        assert put(buyer, hall, *(label(i) for i in range(start, start + n))).status_code == 200
        answer = buyer.post(
            f"/api/showtimes/{hall.pk}/checkout/", json.dumps({"email": "a@example.com"}), "application/json"
        )
        assert answer.status_code == 201


def test_without_a_script_the_page_says_so_with_a_link_to_sign_in(hall):
    first, buyer = fill(hall), Client()
    path = f"/showtimes/{hall.pk}/"
    page = buyer.post(path, {"seats": [label(first)], "action": "continue"}, follow=True)
    toast = re.search(r'<div class="toast" data-kind="lost">.*?</div>\s*</div>', page.content.decode(), re.S).group()
    assert "Sign in with a confirmed e-mail address, or wait a few minutes." in toast
    assert f'href="/accounts/login/?next={path}"' in page.content.decode()


# ---- Sessions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("labels", [["A1"], ["Z99"], [], ["A2", "A1"], [str(i) for i in range(11)]])
def test_a_refused_put_leaves_no_session_and_sets_no_cookie(hall, labels):
    assert put(Client(), hall, "A1").status_code == 200
    assert Session.objects.count() == 1
    stranger = Client()
    answer = put(stranger, hall, *labels)
    assert answer.status_code in (200, 409, 422)
    assert not answer.cookies and not stranger.cookies
    assert Session.objects.count() == 1


def test_a_put_that_is_refused_by_address_leaves_no_session(hall):
    first = fill(hall)
    before = Session.objects.count()
    answer = put(Client(), hall, label(first))
    assert answer.status_code == 429 and not answer.cookies
    assert Session.objects.count() == before


@pytest.mark.parametrize("form", [{"seats": ["A1"]}, {"seats": ["Z9"]}, {}, {"action": "release"}])
def test_a_refused_form_leaves_no_session(hall, form):
    put(Client(), hall, "A1")
    stranger = Client()
    stranger.post(f"/showtimes/{hall.pk}/", {**form, "action": form.get("action", "continue")})
    assert Session.objects.count() == 1


@pytest.mark.parametrize("how", ["api", "page"])
def test_a_visitor_begins_when_seats_are_locked_and_stays(hall, how):
    browser = Client()
    form = {"seats": ["A1"]}
    answer = put(browser, hall, "A1") if how == "api" else browser.post(f"/showtimes/{hall.pk}/", form)
    assert answer.cookies
    assert Session.objects.count() == 1
    assert put(browser, hall, "A1", "A2").status_code == 200
    assert (Session.objects.count(), Booking.objects.count()) == (1, 1)


PUBLIC = ["/", "/?q=film", "/accounts/login/", "/accounts/signup/", "/accounts/password/reset/", "/bookings/",
          "/api/showtimes/", "/staff/board/", "/admin/", "/movies/admin-dashboard/", "/nowhere/"]  # fmt: skip


def test_reading_pages_and_failed_forms_make_no_session(hall):
    browser = Client()
    here = [f"/showtimes/{hall.pk}/", f"/showtimes/{hall.pk}/basket/", f"/api/showtimes/{hall.pk}/lock/",
            f"/showtimes/{hall.pk}/checkout/", hall.movie.get_absolute_url()]  # fmt: skip
    for path in [*PUBLIC, *here]:
        assert browser.get(path).status_code < 500, path
    browser.post("/accounts/login/", {"login": "nobody@example.com", "password": "wrong"})
    browser.post("/accounts/signup/", {"email": "not an address", "password1": "x"})
    browser.post(f"/showtimes/{hall.pk}/checkout/", {"email": "a@example.com"})
    browser.post(f"/api/showtimes/{hall.pk}/checkout/", {"email": "a@example.com"}, "application/json")
    browser.delete(f"/api/showtimes/{hall.pk}/lock/")
    assert Session.objects.count() == 0


# ---- Paces ----------------------------------------------------------------------------------------------------------


def test_new_visitors_of_one_address_have_a_pace_and_known_ones_have_not(hall, monkeypatch, settings):
    settings.LOCKS_PER_ADDRESS_PERCENT = 100
    slow(monkeypatch, "booking.lock_statements.NEW_VISITORS")
    browsers = [Client() for _ in range(4)]
    answers = [put(browser, hall, label(i)) for i, browser in enumerate(browsers)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert "new visitors" in answers[-1].json()["detail"]
    assert put(browsers[0], hall, label(0), label(10)).status_code == 200
    assert put(Client(), hall, label(3), REMOTE_ADDR="203.0.113.9").status_code == 200
    assert Session.objects.count() == 4


def test_failed_requests_have_a_pace(hall, monkeypatch):
    slow(monkeypatch, "booking.basket.FAILED_REQUESTS")
    put(Client(), hall, "A1")
    statuses = [put(Client(), hall, "A1").status_code for _ in range(5)]
    assert statuses == [409, 409, 409, 429, 429]
    assert put(Client(), hall, "A1", REMOTE_ADDR="203.0.113.9").status_code == 409


def test_a_full_cookie_of_messages_begins_no_session(hall):
    browser = Client()
    full = [Message(40, f"{n} {uuid.uuid4()}") for n in range(40)]
    browser.cookies["messages"] = CookieStorage(RequestFactory().get("/"))._encode(full)
    assert browser.post(f"/showtimes/{hall.pk}/").status_code == 302
    assert not Session.objects.exists() and settings.SESSION_COOKIE_NAME not in browser.cookies
    assert "Choose at least one seat first." in browser.get(f"/showtimes/{hall.pk}/").content.decode()


def test_seats_that_are_exchanged_have_a_pace_and_giving_back_has_none(hall, monkeypatch):
    slow(monkeypatch, "booking.basket.SEAT_CHANGES")
    browser = Client()
    statuses = [put(browser, hall, label).status_code for label in ("A1", "A1", "A1", "A2", "A3", "A1")]
    assert statuses == [200, 200, 200, 200, 429, 429]
    assert put(Client(), hall, "A9", REMOTE_ADDR="203.0.113.9").status_code == 200
    assert put(browser, hall).status_code == 200
    assert not Booking.objects.not_ended().filter(seats__index=1).exists()


def test_seats_may_be_given_back_whatever_was_refused(hall, monkeypatch):
    slow(monkeypatch, "booking.basket.FAILED_REQUESTS")
    browser = Client()
    put(browser, hall, "A1")
    assert [put(Client(), hall, "A1").status_code for _ in range(4)][-1] == 429
    assert put(browser, hall).status_code == 200


def test_without_limits_nothing_is_counted(hall, monkeypatch, settings):
    settings.RATE_LIMITS = False
    slow(monkeypatch, "booking.basket.FAILED_REQUESTS")
    statuses = [put(Client(), hall, *(label(i + k) for k in range(10))).status_code for i in range(0, 100, 10)]
    assert statuses == [200] * 10
    assert [put(Client(), hall, "A1").status_code for _ in range(5)] == [409] * 5
    assert not PaceUse.objects.exists()


def slow(monkeypatch, name):
    from dataclasses import replace

    from booking.clients import pace

    monkeypatch.setattr(name, replace(getattr(pace, name.rpartition(".")[2]), at_once=3, per_minute=1, step=1))
