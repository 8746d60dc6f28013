"""The lock's JSON says what speaks against its seats; a tap is never refused for it."""

import itertools
import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bench.support.factories import make_plan, make_showtime, make_user, new_visitor
from bench.support.trips import trips_in
from booking.bookings import begin_checkout, confirm_booking
from booking.locks import lock_seats
from booking.seats import known_map
from cinema.models import Seat
from tests.booking.pages.test_api import lock_url, problem, put

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _single_seats_are_refused(settings):
    settings.SINGLE_SEATS = "refuse"


@pytest.fixture
def showtime():
    return make_showtime(make_plan(3, 8))


@pytest.fixture
def alice():
    return Client()


def take(showtime, *labels, at):
    visitor = new_visitor()
    lock_seats(showtime_id=showtime.pk, visitor=visitor, labels=labels, at=at)
    return visitor


def pay(showtime, visitor, at):
    booking = begin_checkout(
        showtime_id=showtime.pk, visitor=visitor, email="a@b.example", payable_until=at, at=at, staff=True
    )
    confirm_booking(booking_id=booking.pk, demo=True, at=at)


def single(seats, suggestion):
    return [{"type": "leaves-single-seat", "seats": seats, "suggestion": suggestion}]


def test_a_seat_left_alone_is_granted_and_advised_against(alice, showtime):
    response = put(alice, showtime, "A2")
    assert response.status_code == 200
    assert response.json()["advice"] == single(["A1"], ["A1"])
    assert alice.get(lock_url(showtime)).json()["advice"] == single(["A1"], ["A1"])
    assert put(alice, showtime, "A1").json()["advice"] == []
    assert alice.get(lock_url(showtime)).json()["advice"] == []
    assert put(alice, showtime).json()["advice"] == []


def test_advice_knows_what_others_did_a_moment_ago(alice, showtime, now):
    assert put(alice, showtime, "A1").json()["advice"] == []
    take(showtime, "A5", at=now)
    assert put(alice, showtime, "A1", "A2", "A3").json()["advice"] == single(["A4"], ["B1", "B2", "B3"])


@pytest.mark.parametrize("is_known", [True, False], ids=["known map", "map read anew"])
def test_whoever_took_the_neighbour_later_has_left_the_seat_alone(alice, showtime, now, is_known):
    put(alice, showtime, "A1", "A2", "A3")
    bob = take(showtime, "A5", at=now)
    for later in (lambda: None, lambda: pay(showtime, bob, now)):
        later()
        if not is_known:
            known_map.forget_maps()
        assert alice.get(lock_url(showtime)).json()["advice"] == []


@pytest.mark.parametrize("is_known", [True, False], ids=["known map", "map read anew"])
def test_a_payment_of_the_neighbour_is_no_later_taking(alice, showtime, now, is_known):
    bob = take(showtime, "A5", at=now)
    put(alice, showtime, "A1", "A2", "A3")
    pay(showtime, bob, now)
    if not is_known:
        known_map.forget_maps()
    assert alice.get(lock_url(showtime)).json()["advice"] == single(["A4"], ["B1", "B2", "B3"])


def test_where_single_seats_are_allowed_nothing_is_said(alice, showtime, settings):
    settings.SINGLE_SEATS = "allow"
    assert put(alice, showtime, "A2").json()["advice"] == []


def test_staff_are_not_advised(alice, showtime):
    alice.force_login(make_user(staff=True))
    assert put(alice, showtime, "A2").json()["advice"] == []
    guest = Client()
    guest.force_login(make_user())
    assert put(guest, showtime, "B2").json()["advice"]


def test_no_advice_once_a_payment_is_open(alice, showtime, now):
    put(alice, showtime, "A2")
    from booking.models import Booking

    visitor = Booking.objects.get().visitor
    begin_checkout(showtime_id=showtime.pk, visitor=visitor, email="a@b.example", payable_until=now, at=now, staff=True)
    assert put(alice, showtime, "A2").json()["advice"] == []


def test_half_a_sofa_and_a_lone_companion(alice, now):
    plan = make_plan(3, 8)
    Seat.objects.filter(plan=plan, label__in=("A3", "A5")).update(shape="sofa-start")
    Seat.objects.filter(plan=plan, label__in=("A4", "A6")).update(shape="sofa-end")
    Seat.objects.filter(plan=plan, label="B1").update(kind="wheelchair")
    Seat.objects.filter(plan=plan, label="B2").update(kind="companion")
    showtime = make_showtime(plan)
    assert [a["type"] for a in put(alice, showtime, "A3").json()["advice"]] == ["half-a-sofa"]
    assert put(alice, showtime, "A3", "A4").json()["advice"] == []
    assert [a["type"] for a in put(alice, showtime, "B2").json()["advice"]] == ["companion-alone"]
    assert put(alice, showtime, "B1", "B2").json()["advice"] == []
    assert put(alice, showtime, "B1").json()["advice"] == []


def test_a_companion_beside_a_wheelchair_place_that_is_paid(alice, now):
    plan = make_plan(3, 8)
    Seat.objects.filter(plan=plan, label="B1").update(kind="wheelchair")
    Seat.objects.filter(plan=plan, label="B2").update(kind="companion")
    showtime = make_showtime(plan)
    put(alice, showtime, "B1")
    from booking.models import Booking

    pay(showtime, Booking.objects.get().visitor, now)
    assert put(alice, showtime, "B2").json()["advice"] == []
    assert put(Client(), showtime, "B2").status_code == 409


def test_companion_places_sell_to_all_shortly_before_the_start(alice, settings):
    plan = make_plan(3, 8)
    Seat.objects.filter(plan=plan, label="B1").update(kind="wheelchair")
    Seat.objects.filter(plan=plan, label="B2").update(kind="companion")
    soon = make_showtime(plan, starts_in=timedelta(minutes=50))
    assert put(alice, soon, "B2").json()["advice"] == []
    settings.WHEELCHAIR_RELEASE = timedelta(0)
    assert put(alice, soon, "B2").json()["advice"]


def test_every_order_of_taps_towards_sound_seats_is_granted_tap_by_tap(showtime):
    for order in itertools.permutations(("A3", "A4", "A5", "A6")):
        client = Client()
        for n in range(1, 5):
            answer = put(client, showtime, *order[:n])
            assert answer.status_code == 200, (order[:n], answer.content)
        assert answer.json()["advice"] == []
        client.delete(lock_url(showtime))


@pytest.mark.postgresql_only
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("labels", [("A2",), ("A1",)], ids=["advised", "sound"])
def test_advice_costs_no_round_trip(alice, showtime, labels):
    put(alice, showtime, "C1")
    with CaptureQueriesContext(connection) as captured:
        assert put(alice, showtime, *labels).status_code == 200
    assert len(trips_in(captured)) == 3  # the session, what is, what shall be


def test_a_lost_race_names_the_nearest_equivalent_which_is_granted(alice, showtime, now):
    take(showtime, "A3", at=now)
    for wanted, instead in (
        (["A3"], ["A4"]),
        (["A2", "A3", "A4"], ["B1", "B2", "B3"]),
        (["A3", "A4", "A5"], ["A4", "A5", "A6"]),
        (["A3", "C1"], ["A4", "C1"]),
    ):
        body = problem(put(alice, showtime, *wanted), 409, "seats-taken")
        assert body["seats"] == ["A3"]
        assert body["alternative"] == instead, wanted
        winner = Client()
        assert put(winner, showtime, *body["alternative"]).status_code == 200
        winner.delete(lock_url(showtime))


def test_a_lost_race_keeps_what_the_visitor_has(alice, showtime, now):
    put(alice, showtime, "A1", "A2")
    take(showtime, "A3", at=now)
    body = problem(put(alice, showtime, "A1", "A2", "A3"), 409, "seats-taken")
    assert body["alternative"] == ["B1", "B2", "B3"]
    assert [seat["label"] for seat in alice.get(lock_url(showtime)).json()["seats"]] == ["A1", "A2"]


def test_without_an_equivalent_a_lost_race_names_none(alice, now):
    showtime = make_showtime(make_plan(2, 2))
    take(showtime, "A1", "A2", at=now)
    assert "alternative" not in problem(put(alice, showtime, "A1"), 409, "seats-taken")


def test_the_page_of_a_showtime_is_refused_as_before(alice, showtime, now):
    take(showtime, "A3", at=now)
    response = alice.post(f"/showtimes/{showtime.pk}/", {"seats": ["A3"]}, follow=True)
    assert "A3 is no longer free" in response.content.decode()
    assert json.loads(alice.get(lock_url(showtime)).content)["seats"] == []
