"""The poll asks for the last few versions of a showtime: it must not read the rest of its history each time."""

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from bench.support.factories import make_showtime
from booking.models import SeatChange
from booking.seats.map import VERSIONS, read_versions
from cinema.models import Showtime

pytestmark = pytest.mark.django_db

N_VERSIONS = 2000


@pytest.fixture
def long_sold():
    """A showtime whose history has a row for each of 2,000 versions."""
    showtime, at = make_showtime(), timezone.now()
    SeatChange.objects.bulk_create(
        SeatChange(
            showtime=showtime,
            version=version,
            index=0,
            before="available",
            after="locked",
            reason="lock",
            at=at + timedelta(seconds=version),
        )
        for version in range(1, N_VERSIONS + 1)
    )
    Showtime.objects.filter(pk=showtime.pk).update(version=N_VERSIONS)
    return showtime


def scans(plan):
    """The scans of the history in a plan of PostgreSQL, with those of its parts."""
    own = [plan] if plan.get("Relation Name") == "booking_seatchange" else []
    return own + [scan for part in plan.get("Plans", ()) for scan in scans(part)]


@pytest.mark.postgresql_only
@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
@pytest.mark.parametrize("analyzed", [False, True], ids=["statistics are old", "statistics are new"])
def test_a_poll_reads_only_the_history_it_asks_for(long_sold, mode, analyzed):
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL plan_cache_mode = {mode}")
        if analyzed:
            cursor.execute("ANALYZE booking_seatchange")
        cursor.execute("DEALLOCATE ALL")
        cursor.connection.planned.clear()
        cursor.connection.execute(VERSIONS.prepare())
        asked = f"ARRAY[{long_sold.pk}]::bigint[], ARRAY[{N_VERSIONS - 2}]::bigint[]"
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE {VERSIONS.name}({asked})")
        found = cursor.fetchone()[0]
        cursor.execute("DEALLOCATE ALL")
    [plan] = json.loads(found) if isinstance(found, str) else found
    read = [scan["Actual Rows"] * scan["Actual Loops"] for scan in scans(plan["Plan"])]
    assert read == [3], plan


@pytest.mark.sqlite_only
def test_a_poll_of_sqlite_searches_the_index_for_both_ends_of_what_it_asks_for(long_sold):
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {VERSIONS.sqlite}", [f"[{long_sold.pk}]", f"[{N_VERSIONS - 2}]"])
        plan = [row[3] for row in cursor.fetchall()]
    assert any("(showtime_id=? AND version>? AND version<?)" in line for line in plan), plan


def test_the_poll_gives_the_stamps_it_asks_for(long_sold):
    known = read_versions({long_sold.pk: N_VERSIONS - 2})[long_sold.pk]
    assert known.version == N_VERSIONS and sorted(known.stamps) == [N_VERSIONS - 2, N_VERSIONS - 1, N_VERSIONS]
