"""A guest's locks become the account's at log-in and sign-up, and are not the guest's after logging out."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connections
from django.test import Client
from django.utils import timezone

from bench.support.factories import make_showtime, make_user, new_visitor
from booking.adoption import adopt_bookings
from booking.locks import lock_seats
from booking.models import Booking, ShowtimeSeat
from booking.visitors import SESSION_KEY

PASSWORD = "a long password 1"
pytestmark = pytest.mark.django_db


class Browser:
    """One browser: locks, signs in and out, and reads, over HTTP."""

    def __init__(self):
        self.client = Client()

    def lock(self, showtime, *labels):
        path = f"/api/showtimes/{showtime.pk}/lock/"
        answer = self.client.put(path, {"seats": list(labels)}, content_type="application/json")
        assert answer.status_code == 200, answer.content
        return answer.json()

    def my_lock(self, showtime):
        return self.client.get(f"/api/showtimes/{showtime.pk}/lock/").json()

    def map(self, showtime):
        return self.client.get(f"/api/showtimes/{showtime.pk}/map/").json()["state"]

    def sign_in(self, email="alice@example.com"):
        assert self.client.post("/accounts/login/", {"login": email, "password": PASSWORD}).status_code == 302
        return self

    def sign_up(self, email):
        assert self.client.post("/accounts/signup/", {"email": email, "password1": PASSWORD}).status_code == 302
        return self

    def sign_out(self):
        self.client.post("/accounts/logout/")
        return self

    def bookings(self):
        return self.client.get("/bookings/").content.decode()

    @property
    def visitor(self):
        return self.client.session.get(SESSION_KEY)

    @property
    def session(self):
        return self.client.session.session_key


def labels_of(lock):
    return [seat["label"] for seat in lock["seats"]]


@pytest.fixture
def showtime():
    return make_showtime()


@pytest.fixture
def account():
    return make_user("alice@example.com")


@pytest.mark.parametrize("way", ["in", "up"])
def test_a_lock_is_the_same_lock_after_signing_in_or_up(showtime, account, way):
    alice = Browser()
    before = alice.lock(showtime, "B4", "B5")
    alice.sign_in() if way == "in" else alice.sign_up("new@example.com")
    after = alice.my_lock(showtime)
    for name in ("reference", "expires_at", "status", "seats", "total"):
        assert after[name] == before[name], name


def test_the_account_sees_the_lock_in_its_other_browser(showtime, account):
    desk, phone = Browser(), Browser().sign_in()
    before = desk.lock(showtime, "B4")
    desk.sign_in()
    assert phone.my_lock(showtime)["reference"] == before["reference"]
    assert before["reference"] in phone.bookings()


def test_at_login_the_lock_of_this_browser_stays_and_that_of_the_account_is_released(showtime, account):
    phone, desk = Browser().sign_in(), Browser()
    phone.lock(showtime, "A1", "A2")
    lock = desk.lock(showtime, "C6")
    desk.sign_in()
    for browser in (desk, phone):
        assert browser.my_lock(showtime)["reference"] == lock["reference"]
        assert labels_of(browser.my_lock(showtime)) == ["C6"]
    taken = ShowtimeSeat.objects.filter(showtime=showtime).exclude(status="available")
    assert [row.seat.label for row in taken.select_related("seat")] == ["C6"]
    assert desk.map(showtime).count("L") == 1


def test_locks_of_two_showtimes_are_both_kept(showtime, account):
    other = make_showtime()
    phone, desk = Browser().sign_in(), Browser()
    theirs, mine = phone.lock(other, "A1"), desk.lock(showtime, "C6")
    desk.sign_in()
    assert desk.my_lock(other)["reference"] == theirs["reference"]
    assert desk.my_lock(showtime)["reference"] == mine["reference"]


def test_a_lapsed_lock_of_the_account_does_not_prevent_adoption(showtime, account):
    phone, desk = Browser().sign_in(), Browser()
    phone.lock(showtime, "A1")
    Booking.objects.update(locked_until=timezone.now() - timedelta(seconds=1))
    ShowtimeSeat.objects.filter(status="locked").update(locked_until=timezone.now() - timedelta(seconds=1))
    lock = desk.lock(showtime, "A1")
    desk.sign_in()
    assert desk.my_lock(showtime)["reference"] == lock["reference"]


def test_after_signing_out_the_guest_sees_nothing_of_the_account(showtime, account):
    alice = Browser()
    reference = alice.lock(showtime, "B4")["reference"]
    alice.sign_in().sign_out()
    assert alice.my_lock(showtime)["reference"] is None
    assert reference not in alice.bookings()
    assert alice.client.get(f"/bookings/{reference}/").status_code == 404
    assert alice.client.get(f"/api/bookings/{reference}/").status_code == 404
    assert alice.sign_in().my_lock(showtime)["reference"] == reference


@pytest.mark.parametrize("signs_out", [True, False])
def test_two_accounts_in_one_browser_are_two_visitors(showtime, account, signs_out):
    make_user("bob@example.com")
    browser = Browser().sign_in()
    reference = browser.lock(showtime, "B4")["reference"]
    alices = browser.visitor
    if signs_out:
        browser.sign_out().sign_in("bob@example.com")
    else:
        browser.client.force_login(make_user("carol@example.com"))
    assert browser.visitor != alices
    assert browser.my_lock(showtime)["reference"] is None
    assert reference not in browser.bookings()
    assert Browser().sign_in().my_lock(showtime)["reference"] == reference


def test_signing_in_changes_the_session_key_and_not_the_lock(showtime, account):
    """Session fixation: a session key that another person knew before log-in is useless after it."""
    alice, thief = Browser(), Browser()
    lock = alice.lock(showtime, "B4")
    thief.client.cookies[settings.SESSION_COOKIE_NAME] = alice.session
    assert thief.my_lock(showtime)["reference"] == lock["reference"]
    before = alice.session
    alice.sign_in()
    assert alice.session != before
    assert thief.my_lock(showtime)["reference"] is None
    assert "_auth_user_id" not in thief.client.session
    assert alice.my_lock(showtime)["reference"] == lock["reference"]


def test_a_wrong_password_changes_nothing(showtime, account):
    alice = Browser()
    lock = alice.lock(showtime, "B4")
    before = alice.visitor
    alice.client.post("/accounts/login/", {"login": "alice@example.com", "password": "wrong"})
    assert alice.visitor == before and alice.my_lock(showtime)["reference"] == lock["reference"]


def test_two_tabs_of_one_browser_are_one_visitor(showtime, account):
    """The second tab was open before the log-in in the first one; its next request sends the new cookie."""
    browser = Browser()
    lock = browser.lock(showtime, "B4")
    browser.sign_in()
    again = browser.lock(showtime, "B4", "B5")
    assert again["reference"] == lock["reference"] and again["expires_at"] == lock["expires_at"]
    assert Booking.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_browsers_that_sign_in_at_once_leave_the_account_one_lock(showtime):
    account, guests = new_visitor(), [new_visitor() for _ in range(6)]
    at, start = timezone.now(), threading.Barrier(len(guests))
    for n, guest in enumerate(guests):
        lock_seats(showtime_id=showtime.pk, visitor=guest, labels=[f"A{n + 1}"], at=at)

    def adopt(guest):
        try:
            start.wait(10)
            return adopt_bookings(guest=guest, account=account, at=at)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(guests)) as pool:
        assert sum(pool.map(adopt, guests)) == len(guests)
    assert Booking.objects.of_visitor(account).not_ended().count() == 1
    assert not Booking.objects.not_ended().exclude(visitor=account).exists()
