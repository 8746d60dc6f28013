"""What a process knows of a map is what is on the map, whoever changed it, and costs one round trip."""

import random

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bench.support.factories import make_plan, make_showtime, new_visitor
from booking.bookings import begin_checkout, confirm_booking
from booking.locks import lock_seats, release_lock
from booking.models import SeatChange
from booking.seats import known_map
from booking.seats.map import read_map
from booking.showtimes.sales import block_seats, unblock_seats
from cinema.models import Showtime

pytestmark = pytest.mark.django_db


@pytest.fixture
def showtime(now):
    return make_showtime(make_plan(4, 10), at=now)


def lock(showtime, visitor, *labels, at):
    return lock_seats(showtime_id=showtime.pk, visitor=visitor, labels=labels, at=at)


def buy(showtime, visitor, at):
    booking = begin_checkout(showtime_id=showtime.pk, visitor=visitor, email="a@b.example", payable_until=at, at=at)
    confirm_booking(booking_id=booking.pk, demo=True, at=at)


def test_it_follows_every_kind_of_change(showtime, now):
    visitors, rng = [new_visitor() for _ in range(4)], random.Random(1)
    seats = [f"{row}{number}" for row in "ABC" for number in range(1, 11)]
    known_map.read_known(showtime.pk)
    for step in range(40):
        visitor = visitors[step % 4]
        free = [label for i, label in enumerate(seats) if read_map(showtime.pk).state[i] == "A"]
        lock(showtime, visitor, *rng.sample(free, min(2, len(free))), at=now)
        if step % 4 == 1:
            release_lock(showtime_id=showtime.pk, visitor=visitor, at=now)
            visitors[step % 4] = new_visitor()
        if step % 10 == 2:
            block_seats(showtime_id=showtime.pk, labels=["D1", "D2"], at=now)
        if step % 10 == 8:
            unblock_seats(showtime_id=showtime.pk, labels=["D1"], at=now)
        known, stored = known_map.read_known(showtime.pk), read_map(showtime.pk)
        assert (known.version, known.state) == (stored.version, stored.state)
        assert known.since == stored.versions


def test_a_payment_is_no_new_taking(showtime, now):
    alice = new_visitor()
    known_map.read_known(showtime.pk)
    lock(showtime, alice, "A1", at=now)
    lock(showtime, new_visitor(), "A5", at=now)
    buy(showtime, alice, now)
    known = known_map.read_known(showtime.pk)
    assert (known.state[0], known.since[0], known.version) == ("B", 1, 3)


def test_a_map_that_was_read_after_the_payment_is_corrected_by_the_history(showtime, now):
    alice, bob = new_visitor(), new_visitor()
    lock(showtime, alice, "A1", at=now)
    lock(showtime, bob, "A3", at=now)
    buy(showtime, alice, now)
    known = known_map.read_whole(showtime.pk)
    assert known.since[0] == 3
    assert known_map.find_takings(known, [0], after=2).since[0] == 2
    assert known_map.find_takings(known, [0], after=0).since[0] == 1


def test_it_takes_one_query(showtime, now):
    known_map.read_known(showtime.pk)
    lock(showtime, new_visitor(), "A1", at=now)
    with CaptureQueriesContext(connection) as captured:
        assert known_map.read_known(showtime.pk).state[0] == "L"
    assert len(captured) == 1


@pytest.mark.parametrize("how", ["another epoch", "an older version"])
def test_a_database_that_went_back_is_read_anew(showtime, now, how):
    lock(showtime, new_visitor(), "A1", at=now)
    assert known_map.read_known(showtime.pk).version == 1
    if how == "another epoch":
        Showtime.objects.filter(pk=showtime.pk).update(epoch="another")
    else:
        SeatChange.objects.filter(showtime=showtime).delete()
        Showtime.objects.filter(pk=showtime.pk).update(version=0)
    known = known_map.read_known(showtime.pk)
    assert (known.epoch, known.version) == (
        Showtime.objects.get(pk=showtime.pk).epoch,
        Showtime.objects.get(pk=showtime.pk).version,
    )


def test_an_answer_that_comes_late_changes_nothing(showtime, now):
    kept = known_map.read_known(showtime.pk)
    lock(showtime, new_visitor(), "A1", at=now)
    early = known_map.run_queries(known_map.since_query(kept))[0]
    lock(showtime, new_visitor(), "A2", at=now)
    known_map.read_known(showtime.pk)
    assert known_map.apply_changes(kept, early).state[:3] == "LAA"
    assert known_map.read_known(showtime.pk).state[:3] == "LLA"


def test_an_old_map_is_read_anew(showtime, monkeypatch):
    monkeypatch.setattr(known_map, "KEPT_FOR", -1.0)
    known_map.read_known(showtime.pk)
    assert known_map.kept_map(showtime.pk) is None
