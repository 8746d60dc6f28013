"""At checkout seats are refused while a seating rule speaks against them, and one request takes better ones."""

import json
import re

import pytest
from django.test import Client
from django.utils import timezone

from bench.support.factories import make_plan, make_showtime, make_user, new_visitor
from booking.locks import lock_seats
from booking.models import Booking
from cinema.models import Seat
from tests.booking.pages.test_api import lock_url, problem, put

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _single_seats_are_refused(settings):
    settings.SINGLE_SEATS = "refuse"


@pytest.fixture
def showtime():
    plan = make_plan(4, 8)
    Seat.objects.filter(plan=plan, label="B3").update(shape="sofa-start")
    Seat.objects.filter(plan=plan, label="B4").update(shape="sofa-end")
    Seat.objects.filter(plan=plan, label="C1").update(kind="wheelchair")
    Seat.objects.filter(plan=plan, label="C2").update(kind="companion")
    return make_showtime(plan)


@pytest.fixture
def alice():
    return Client()


def check_out(client, showtime):
    url = f"/api/showtimes/{showtime.pk}/checkout/"
    return client.post(url, json.dumps({"email": "alice@example.com"}), content_type="application/json")


def labels_of(client, showtime):
    return [seat["label"] for seat in client.get(lock_url(showtime)).json()["seats"]]


@pytest.mark.parametrize(
    ("labels", "kind", "seats"),
    [
        (["A2"], "leaves-single-seat", ["A1"]),
        (["B3"], "half-a-sofa", ["B3"]),
        (["C2"], "companion-alone", ["C2"]),
        (["A2", "B3", "C2"], "companion-alone", ["C2"]),
        (["A2", "B3"], "half-a-sofa", ["B3"]),
    ],
)
def test_refused_at_checkout_only_with_seats_that_are_granted_and_sold(alice, showtime, labels, kind, seats):
    advised = put(alice, showtime, *labels).json()["advice"][0]
    body = problem(check_out(alice, showtime), 422, kind)
    assert (body["seats"], body["suggestion"]) == (seats, advised["suggestion"])
    assert sorted(labels_of(alice, showtime)) == sorted(labels)
    assert Booking.objects.get().status == "locked"
    assert put(alice, showtime, *body["suggestion"]).json()["advice"] == []
    assert check_out(alice, showtime).status_code == 201


def test_staff_are_not_refused(alice, showtime):
    alice.force_login(make_user(staff=True))
    put(alice, showtime, "A2")
    assert check_out(alice, showtime).status_code == 201


def test_a_single_seat_is_sold_where_it_is_allowed(alice, showtime, settings):
    settings.SINGLE_SEATS = "allow"
    put(alice, showtime, "A2")
    assert check_out(alice, showtime).status_code == 201


def test_a_rule_that_holds_no_more_refuses_nothing(alice, showtime):
    put(alice, showtime, "A2")
    problem(check_out(alice, showtime), 422, "leaves-single-seat")
    lock_seats(showtime_id=showtime.pk, visitor=new_visitor(), labels=["A1"], at=timezone.now())
    assert check_out(alice, showtime).status_code == 201


def test_an_open_payment_is_not_asked_again(alice, showtime, settings):
    settings.SINGLE_SEATS = "allow"
    put(alice, showtime, "A2")
    first = check_out(alice, showtime)
    settings.SINGLE_SEATS = "refuse"
    again = check_out(alice, showtime)
    assert (again.status_code, again.json()["url"]) == (200, first.json()["url"])


@pytest.mark.parametrize("method", ["get", "post"])
def test_the_page_says_so_and_one_button_takes_better_seats_and_goes_on(alice, showtime, method):
    put(alice, showtime, "A2")
    url = f"/showtimes/{showtime.pk}/checkout/"
    answer = alice.get(url) if method == "get" else alice.post(url, {"email": "alice@example.com"}, follow=True)
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "One seat would be left alone" in page
    assert re.search(r'<button[^>]* form="instead">\s*Take A1\s*</button>', page)
    form = re.search(r'<form id="instead".*?</form>', page, re.S).group()
    fields = re.findall(r'name="(action|seats)" value="([^"]*)"', form)
    assert fields == [("action", "continue"), ("seats", "A1")]
    after = alice.post(f"/showtimes/{showtime.pk}/", dict(fields), follow=True)
    assert after.redirect_chain[-1][0] == url
    assert "left alone" not in after.content.decode()
    assert labels_of(alice, showtime) == ["A1"]
