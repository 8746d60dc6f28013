"""GET …/best/: the best seats that are free for a party."""

import json

import pytest
from django.test import Client

from bench.support.factories import make_plan, make_showtime, new_visitor
from booking.locks import lock_seats
from cinema.models import Seat
from tests.booking.pages.test_api import problem

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _single_seats_are_refused(settings):
    settings.SINGLE_SEATS = "refuse"


@pytest.fixture
def showtime():
    return make_showtime(make_plan(3, 6))


@pytest.fixture
def alice():
    return Client()


def best(client, showtime, **asked):
    return client.get(f"/api/showtimes/{showtime.pk}/best/", asked)


def take(showtime, *labels, at):
    """Somebody else locks these seats."""
    lock_seats(showtime_id=showtime.pk, visitor=new_visitor(), labels=labels, at=at)


def test_the_best_seats_are_side_by_side_and_not_kept_by_caches(alice, showtime):
    response = best(alice, showtime, seats=2, near="B3")
    assert response.json() in ({"seats": ["B2", "B3"]}, {"seats": ["B3", "B4"]})
    assert response["Cache-Control"] == "no-store"
    assert best(alice, showtime, seats=3, category="premium", near="A1").json() == {"seats": ["C1", "C2", "C3"]}


def test_taken_seats_are_not_offered_nor_any_that_leave_one_alone(alice, showtime, now):
    take(showtime, "A3", at=now)
    assert best(alice, showtime, seats=1, near="A1").json() == {"seats": ["B1"]}  # A1 or A2 would leave the other one
    assert best(alice, showtime, seats=2, near="A1").json() == {"seats": ["A1", "A2"]}


def test_own_seats_count_as_free_because_a_request_replaces_them(alice, showtime):
    url = f"/api/showtimes/{showtime.pk}/lock/"
    alice.put(url, json.dumps({"seats": ["A1", "A2"]}), content_type="application/json")
    assert best(alice, showtime, seats=3, near="A2").json() == {"seats": ["A1", "A2", "A3"]}
    assert best(Client(), showtime, seats=3, near="A2").json() != {"seats": ["A1", "A2", "A3"]}


def test_a_wheelchair_place_only_without_steps(alice, now):
    plan = make_plan(3, 6)
    Seat.objects.filter(plan=plan, label="A1").update(kind="wheelchair")
    Seat.objects.filter(plan=plan, label="A2").update(kind="companion")
    showtime = make_showtime(plan)
    assert best(alice, showtime, seats=2, near="A1").json() == {"seats": ["B1", "B2"]}
    assert best(alice, showtime, seats=2, near="C6", step_free=1).json() == {"seats": ["A1", "A2"]}


def test_without_seats_together_the_best_split_is_named_while_so_many_are_free(alice, showtime, now):
    for row in "ABC":
        take(showtime, f"{row}3", f"{row}4", at=now)
    body = problem(best(alice, showtime, seats=4), 404, "no-seats-together")
    assert len(set(body["alternative"])) == 4
    for row in "ABC":
        take(showtime, f"{row}1", f"{row}2", at=now)
    body = problem(best(alice, showtime, seats=7), 404, "no-seats-together")
    assert "alternative" not in body


@pytest.mark.parametrize(
    ("asked", "kind"),
    [
        ({}, "invalid"),
        ({"seats": "0"}, "invalid"),
        ({"seats": "two"}, "invalid"),
        ({"seats": "-1"}, "invalid"),
        ({"seats": "9" * 5000}, "invalid"),
        ({"seats": "11"}, "too-many-seats"),
        ({"seats": "2", "category": "royal"}, "invalid"),
        ({"seats": "2", "near": "Z9"}, "unknown-seat"),
        ({"seats": "2", "step_free": "yes"}, "invalid"),
        ({"seats": "٢"}, "invalid"),
    ],
)
def test_bad_parameters_are_named(alice, showtime, asked, kind):
    problem(best(alice, showtime, **asked), 422, kind)


def test_an_empty_parameter_is_none(alice, showtime):
    assert best(alice, showtime, seats=2, category="", near="", step_free="").status_code == 200


def test_there_is_no_best_seat_of_an_unknown_showtime_and_no_other_method(alice, showtime):
    problem(alice.get("/api/showtimes/999999/best/", {"seats": 2}), 404, "not-found")
    problem(alice.post(f"/api/showtimes/{showtime.pk}/best/?seats=2"), 405, "method-not-allowed")


def test_asking_locks_and_writes_nothing(alice, showtime):
    best(alice, showtime, seats=2)
    assert not alice.cookies
    assert alice.get(f"/api/showtimes/{showtime.pk}/map/").json()["v"] == 0
