"""A map of which only the changes are read equals one that is read as a whole, also when the database went back."""

import random

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bench.support.factories import make_showtime, new_visitor
from booking.locks import lock_seats, release_lock
from booking.models import SeatChange
from booking.refusals import NotFound, Refusal
from booking.seats import shown_maps
from booking.seats.epochs import begin_epoch, rotate_epochs
from booking.seats.map import read_map
from booking.seats.shown_maps import forget_states, read_state
from cinema.models import Showtime
from tests.restoring import backup

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_known():
    forget_states()
    yield
    forget_states()


def lock(showtime, visitor, *labels):
    return lock_seats(showtime_id=showtime.pk, visitor=visitor, labels=labels, at=timezone.now())


def read(showtime):
    """What is read with what is known, which must be what is read as a whole."""
    found, whole = read_state(showtime.pk, showtime.plan.hash), read_map(showtime.pk)
    same = (found.epoch, found.version, found.layout, found.state, found.stamp)
    assert same == (whole.epoch, whole.version, whole.layout, whole.state, whole.stamp)
    return found


def statements(showtime):
    with CaptureQueriesContext(connection) as captured:
        read_state(showtime.pk, showtime.plan.hash)
    return [each["sql"] for each in captured]


def test_one_statement_reads_what_has_changed_since(alice):
    showtime = make_showtime()
    lock(showtime, alice, "A1")
    read(showtime)
    for change in (lambda: None, lambda: lock(showtime, alice, "A2", "B1")):
        change()
        [only] = statements(showtime)
        changes = ("booking_seatchange", "EXECUTE map_changes(")  # SQLite, a prepared statement of PostgreSQL
        assert any(name in only for name in changes) and "cinema_seatingplan" not in only, "the changes, not the map"
        read(showtime)


def test_after_any_changes_the_state_is_that_of_the_map(settings):
    settings.RATE_LIMITS = False
    rng, showtimes = random.Random(7), [make_showtime() for _ in range(3)]
    visitors = [new_visitor() for _ in range(4)]
    seen = set()
    for _ in range(120):
        showtime, visitor = rng.choice(showtimes), rng.choice(visitors)
        try:
            if rng.random() < 0.3:
                release_lock(showtime_id=showtime.pk, visitor=visitor, at=timezone.now())
            else:
                lock(showtime, visitor, *(f"{rng.choice('ABC')}{rng.randint(1, 8)}" for _ in range(rng.randint(1, 3))))
        except Refusal:
            pass
        if rng.random() < 0.6:
            seen.add((showtime.pk, read(showtime).version))
    assert len(seen) > 30


@pytest.mark.parametrize("again", [1, 2, 3])
@pytest.mark.sqlite_only
@pytest.mark.django_db(transaction=True)
def test_a_database_that_goes_back_and_on_again_is_read_as_a_whole(tmp_path, settings, again):
    """With fewer, as many, and more versions than were known: the same numbers, other seats."""
    settings.RATE_LIMITS = False
    showtime = make_showtime()
    lock(showtime, new_visitor(), "A1")
    with backup(tmp_path) as restore:
        for label in ("B1", "B2"):
            lock(showtime, new_visitor(), label)
        read(showtime)
        restore()
        for number in range(again):
            lock(showtime, new_visitor(), f"C{number + 1}")
        assert read(showtime).state[10:13] == "AAA", "seats of the future that was restored away"


def test_another_epoch_is_read_as_a_whole(alice):
    showtime = make_showtime()
    lock(showtime, alice, "A1")
    before = read(showtime)
    begin_epoch(showtime.pk, after=before.epoch)
    after = read(showtime)
    assert (after.epoch != before.epoch, after.state) == (True, before.state)
    rotate_epochs()
    assert read(showtime).epoch not in (before.epoch, after.epoch)


def test_a_version_without_a_stamp_is_never_taken_for_known(alice, bob):
    showtime = make_showtime()
    assert read(showtime).stamp is None and len(statements(showtime)) == 2
    lock(showtime, alice, "A1")
    read(showtime)
    lock(showtime, bob, "B1")
    # Two instants under one version: rows that a restore by hand has left are mixed with others.
    SeatChange.objects.create(
        showtime=showtime, version=2, index=30, before="available", after="locked", reason="lock", at=timezone.now()
    )
    assert read(showtime).stamp is None
    assert len(statements(showtime)) == 2


def test_a_showtime_that_has_another_layout_is_read_as_a_whole(alice):
    showtime = make_showtime()
    lock(showtime, alice, "A1")
    read(showtime)
    assert read_state(showtime.pk, "another").layout == showtime.plan.hash


def test_no_more_than_a_few_hundred_are_known(monkeypatch, alice):
    monkeypatch.setattr(shown_maps, "MOST", 2)
    showtimes = [make_showtime() for _ in range(3)]
    for showtime in (*showtimes[:2], showtimes[0], showtimes[2]):
        read(showtime)
    assert list(shown_maps._known) == [showtimes[0].pk, showtimes[2].pk]


def test_a_showtime_that_is_no_more_is_not_found(alice):
    showtime = make_showtime()
    lock(showtime, alice, "A1")
    read(showtime)
    missing = Showtime.objects.order_by("-pk").first().pk + 1
    with pytest.raises(NotFound):
        read_state(missing, showtime.plan.hash)
