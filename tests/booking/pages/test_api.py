"""The JSON API of seats over HTTP."""

import json
from datetime import timedelta

import pytest
from django.db.models import F
from django.test import Client
from django.utils import timezone

from bench.support.factories import make_showtime, make_user, new_visitor
from booking.locks import lock_seats
from booking.models import Booking, SeatChange, ShowtimeSeat
from booking.seats.map import read_map
from cinema.models import Showtime

pytestmark = pytest.mark.django_db


@pytest.fixture
def showtime():
    return make_showtime()


@pytest.fixture
def alice():
    return Client()


def lock_url(showtime):
    return f"/api/showtimes/{showtime.pk}/lock/"


def put(client, showtime, *labels):
    return client.put(lock_url(showtime), json.dumps({"seats": labels}), content_type="application/json")


def problem(response, status, kind):
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    body = response.json()
    assert {"type", "title", "status", "detail"} <= set(body)
    assert (body["type"], body["status"]) == (kind, status)
    return body


def test_the_map_is_one_letter_per_seat_with_its_version(alice, showtime):
    response = alice.get(f"/api/showtimes/{showtime.pk}/map/")
    body = response.json()
    assert body == {"epoch": showtime.epoch, "v": 0, "n": 40, "layout": showtime.plan.hash, "state": "A" * 40}
    assert response["ETag"].startswith(f'"{showtime.epoch}-0-')
    again = alice.get(f"/api/showtimes/{showtime.pk}/map/", headers={"If-None-Match": response["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    put(alice, showtime, "A1")
    assert alice.get(f"/api/showtimes/{showtime.pk}/map/", headers={"If-None-Match": response["ETag"]}).json()["v"] == 1


def test_without_a_lock_seats_are_empty_and_the_other_fields_null(alice, showtime):
    response = alice.get(lock_url(showtime))
    body = response.json()
    assert (body["seats"], body["total"], body["currency"]) == ([], 0, "GBP")
    assert (body["reference"], body["status"], body["expires_at"]) == (None, None, None)
    assert "csrftoken" in response.cookies
    assert not alice.session.keys(), "reading writes no session"


def test_a_put_answers_with_the_lock(alice, showtime):
    body = put(alice, showtime, "A2", "D1", "A2").json()
    assert body["seats"] == [{"i": 1, "label": "A2", "price": 1150}, {"i": 30, "label": "D1", "price": 1450}]
    assert (body["total"], body["status"], body["v"]) == (2600, "locked", 1)
    assert body["expires_at"].endswith("Z")
    assert alice.get(lock_url(showtime)).json()["reference"] == body["reference"]


def test_delete_releases_all_seats_and_may_be_repeated(alice, showtime):
    put(alice, showtime, "A1")
    assert alice.delete(lock_url(showtime)).status_code == 204
    assert alice.delete(lock_url(showtime)).status_code == 204
    assert read_map(showtime.pk).state == "A" * 40


def test_a_taken_seat_is_named_with_the_version(alice, showtime):
    lock_seats(showtime_id=showtime.pk, visitor=new_visitor(), labels=["A1"], at=timezone.now())
    body = problem(put(alice, showtime, "A1", "A2"), 409, "seats-taken")
    assert (body["seats"], body["v"]) == (["A1"], 1)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("{", "invalid"),
        ("[]", "invalid"),
        ("{}", "invalid"),
        ('{"seats": "A1"}', "invalid"),
        ('{"seats": [1]}', "invalid"),
        ('{"seats": ["Z99"]}', "unknown-seat"),
        ('{"seats": ["\\u0000"]}', "invalid"),
        ('{"seats": ["' + "A" * 5000 + '"]}', "unknown-seat"),
        ('{"seats": ' + "[" * 3000 + "]" * 3000 + "}", "invalid"),
        (json.dumps({"seats": [f"{row}{n}" for row in "AB" for n in range(1, 11)]}), "too-many-seats"),
    ],
)
def test_a_bad_request_is_refused_and_changes_nothing(alice, showtime, body, kind):
    problem(alice.put(lock_url(showtime), body, content_type="application/json"), 422, kind)
    assert read_map(showtime.pk).version == 0
    assert not Booking.objects.exists()


def test_unknown_showtimes_bookings_and_addresses_are_json_problems(alice):
    for url in (
        "/api/showtimes/999999/map/",
        "/api/showtimes/999999/lock/",
        "/api/bookings/NOT-HIN-GXX/",
        "/api/nothing/",
    ):
        problem(alice.get(url), 404, "not-found")


def test_other_methods_are_json_problems(alice, showtime):
    response = alice.post(lock_url(showtime), "{}", content_type="application/json")
    problem(response, 405, "method-not-allowed")
    assert response["Allow"] == "DELETE, GET, HEAD, OPTIONS, PUT"


def test_a_put_without_the_csrf_header_is_forbidden(showtime):
    client = Client(enforce_csrf_checks=True)
    problem(put(client, showtime, "A1"), 403, "forbidden")
    token = client.get(lock_url(showtime)).cookies["csrftoken"].value
    response = client.put(
        lock_url(showtime),
        json.dumps({"seats": ["A1"]}),
        content_type="application/json",
        headers={"X-CSRFToken": token},
    )
    assert response.status_code == 200


def test_a_closed_or_cancelled_showtime_is_410_and_an_upcoming_one_says_when(alice):
    now = timezone.now()
    problem(put(alice, make_showtime(starts_in=-timedelta(days=1)), "A1"), 410, "sales-closed")
    problem(put(alice, make_showtime(cancelled_at=now), "A1"), 410, "sales-closed")
    response = put(alice, make_showtime(sales_open_at=now + timedelta(minutes=5)), "A1")
    problem(response, 409, "not-on-sale")
    assert 290 <= int(response["Retry-After"]) <= 300


def test_the_fourth_new_lock_is_rate_limited(alice, showtime):
    for _ in range(3):
        put(alice, showtime, "A1")
        alice.delete(lock_url(showtime))
    response = put(alice, showtime, "A1")
    problem(response, 429, "rate-limited")
    assert int(response["Retry-After"]) > 0


def test_only_the_owner_and_staff_read_a_booking(alice, showtime):
    reference = put(alice, showtime, "A1").json()["reference"]
    body = alice.get(f"/api/bookings/{reference}/").json()
    assert (body["status"], body["seats"], body["tickets"], body["refunded"]) == ("locked", ["A1"], [], 0)
    problem(Client().get(f"/api/bookings/{reference}/"), 404, "not-found")
    staff = Client()
    staff.force_login(make_user(staff=True))
    assert staff.get(f"/api/bookings/{reference}/").status_code == 200


def test_a_guest_keeps_the_lock_when_logging_in(alice, showtime):
    reference = put(alice, showtime, "A1").json()["reference"]
    user = make_user("alice@example.com")
    alice.post("/accounts/login/", {"login": "alice@example.com", "password": "a long password 1"})
    assert alice.get(lock_url(showtime)).json()["reference"] == reference
    elsewhere = Client()
    elsewhere.force_login(user)
    assert elsewhere.get(lock_url(showtime)).json()["reference"] == reference


def test_at_login_the_lock_of_this_browser_stays_and_that_of_the_account_is_released(alice, showtime):
    user = make_user("alice@example.com")
    phone = Client()
    phone.force_login(user)
    other = put(phone, showtime, "B1", "B2").json()["reference"]
    here = put(alice, showtime, "A1").json()["reference"]
    alice.force_login(user)
    assert alice.get(lock_url(showtime)).json()["reference"] == here
    assert Booking.objects.get(reference=other).status == "released"
    assert phone.get(lock_url(showtime)).json()["reference"] == here
    assert read_map(showtime.pk).state.count("L") == 1


def test_after_logging_out_the_account_keeps_its_seats(alice, showtime):
    user = make_user("alice@example.com")
    alice.force_login(user)
    put(alice, showtime, "A1")
    alice.logout()
    assert alice.get(lock_url(showtime)).json()["seats"] == []
    alice.force_login(user)
    assert [seat["label"] for seat in alice.get(lock_url(showtime)).json()["seats"]] == ["A1"]


def test_a_map_of_a_restored_database_is_not_taken_for_another_of_the_same_number(alice, showtime):
    """Nobody watches it live, so no new epoch has begun: a kiosk that asks with `If-None-Match` gets what is true."""
    address = f"/api/showtimes/{showtime.pk}/map/"
    put(alice, showtime, "A1")
    before = alice.get(address)
    restore_to_the_beginning(showtime)
    put(Client(), showtime, "B2")
    after = alice.get(address, headers={"If-None-Match": before["ETag"]})
    assert after.status_code == 200 and after.json()["v"] == before.json()["v"]
    assert after.json()["state"] != before.json()["state"]


def restore_to_the_beginning(showtime):
    ShowtimeSeat.objects.filter(showtime=showtime).update(
        status="available", booking=None, locked_until=None, version=0
    )
    SeatChange.objects.filter(showtime=showtime).delete()
    Booking.objects.filter(showtime=showtime).delete()
    Showtime.objects.filter(pk=showtime.pk).update(version=0, n_locked=0, n_available=F("n_available") + F("n_locked"))


def test_a_full_database_is_busy_in_every_part_of_a_request(alice, showtime, monkeypatch):
    from django.contrib.sessions.backends.db import SessionStore
    from django.db import OperationalError

    def full(*args, **kwargs):
        raise OperationalError("couldn't get a connection after 3.00 sec")

    alice.raise_request_exception = False
    monkeypatch.setattr("booking.pages.api.read_map", full)
    response = alice.get(f"/api/showtimes/{showtime.pk}/map/")
    assert problem(response, 503, "busy") and response["Retry-After"] == "1"
    monkeypatch.setattr(SessionStore, "save", full)
    problem(put(alice, showtime, "A1"), 503, "busy")


def test_a_reference_that_a_database_cannot_store_is_not_found(alice):
    problem(alice.get("/api/bookings/%00/"), 404, "not-found")
