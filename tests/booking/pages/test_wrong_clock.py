"""A web process whose clock is off sells nothing and takes nothing away; reading and giving back go on."""

from datetime import datetime, timedelta

import pytest
from django.test import Client

from bench.support.factories import make_showtime
from booking.models import Booking, ShowtimeSeat

pytestmark = pytest.mark.django_db

SIX_MINUTES = [360, -360]


@pytest.fixture
def showtime():
    return make_showtime()


def path_of(showtime):
    return f"/api/showtimes/{showtime.pk}/lock/"


def put(client, showtime, *labels):
    return client.put(path_of(showtime), {"seats": list(labels)}, content_type="application/json")


def owners(showtime):
    """Index to visitor of every locked seat."""
    rows = ShowtimeSeat.objects.filter(showtime=showtime, status="locked").select_related("booking")
    return {row.index: row.booking.visitor for row in rows}


@pytest.mark.parametrize("ahead", SIX_MINUTES)
def test_a_put_is_busy_and_changes_nothing(clock_ahead, showtime, ahead):
    alice, bob = Client(), Client()
    assert put(alice, showtime, "A1", "A2").status_code == 200
    before = owners(showtime)
    clock_ahead(ahead)
    for labels in (["A1"], ["B1"], []):
        answer = put(bob, showtime, *labels)
        assert (answer.status_code, answer.json()["type"], answer["Retry-After"]) == (503, "busy", "1")
    assert put(alice, showtime, "A1").status_code == 503
    assert owners(showtime) == before
    clock_ahead(0)
    assert put(bob, showtime, "A1").status_code == 409, "it is Alice's for five minutes"
    assert put(alice, showtime, "A1").status_code == 200


@pytest.mark.parametrize("ahead", SIX_MINUTES)
def test_the_page_says_so_and_changes_nothing(clock_ahead, showtime, ahead):
    bob = Client()
    clock_ahead(ahead)
    answer = bob.post(f"/showtimes/{showtime.pk}/", {"seats": ["A1"], "action": "continue"}, follow=True)
    assert answer.redirect_chain == [(f"/showtimes/{showtime.pk}/", 302)]
    assert "The clock of this server is wrong" in answer.content.decode()
    assert owners(showtime) == {}


@pytest.mark.parametrize("ahead", SIX_MINUTES)
def test_a_lock_is_read_and_given_back_by_the_time_of_the_database(clock_ahead, showtime, ahead):
    alice = Client()
    put(alice, showtime, "A1", "A2")
    clock_ahead(ahead)
    mine = alice.get(path_of(showtime)).json()
    left = datetime.fromisoformat(mine["expires_at"]) - datetime.fromisoformat(mine["now"])
    assert timedelta(minutes=4) < left <= timedelta(minutes=5)
    assert len(mine["seats"]) == 2
    assert alice.delete(path_of(showtime)).status_code == 204
    assert owners(showtime) == {}
    assert Booking.objects.get().status == "released", "given back, not lapsed"


@pytest.mark.parametrize("ahead", SIX_MINUTES)
def test_the_page_gives_back_too(clock_ahead, showtime, ahead):
    alice = Client()
    put(alice, showtime, "A1")
    clock_ahead(ahead)
    alice.post(f"/showtimes/{showtime.pk}/", {"action": "release"})
    assert Booking.objects.get().status == "released"


def test_a_clock_that_is_nearly_right_sells_by_the_time_of_the_database(clock_ahead, showtime, settings):
    """Within the second that is allowed nobody loses a lock early either."""
    settings.SEAT_LOCK = timedelta(seconds=1)
    alice, bob = Client(), Client()
    clock_ahead(0)
    begun = put(alice, showtime, "A1").json()
    clock_ahead(0.9)
    refused = put(bob, showtime, "A1")
    if refused.status_code == 200:  # the machine was so busy that the lock has lapsed
        taken = bob.get(path_of(showtime)).json()
        assert taken["now"] > begun["expires_at"]
    else:
        assert refused.status_code == 409


def test_the_time_of_sale_costs_no_query(clock_ahead, showtime, django_assert_max_num_queries):
    from cinema.database import clock
    from cinema.web.clock_guard import time_of_sale

    clock_ahead(0)
    clock.now()
    with django_assert_max_num_queries(0):
        time_of_sale()
