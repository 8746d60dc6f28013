"""Reads of the map: one statement each, stored rows only."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bench.support.factories import make_showtime, new_visitor
from booking.locks import lock_seats
from booking.seats.map import read_changes, read_map

pytestmark = pytest.mark.django_db


def test_a_state_and_its_version_are_one_statement():
    showtime = make_showtime()
    for read in (lambda: read_map(showtime.pk), lambda: read_changes(showtime.pk, 0)):
        with CaptureQueriesContext(connection) as captured:
            read()
        assert len(captured) == 1


def test_a_lock_whose_time_has_passed_stays_on_the_map_until_it_is_written():
    showtime = make_showtime()
    lock_seats(showtime_id=showtime.pk, visitor=new_visitor(), labels=["A1"], at=timezone.now() - timedelta(hours=1))
    assert read_map(showtime.pk).state.startswith("LA")
    assert read_changes(showtime.pk, 0).seats == {0: "L"}
