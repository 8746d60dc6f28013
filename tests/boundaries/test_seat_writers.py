"""Only `booking.seats.rows` writes rows of seats. Three guards, and for each what it must see."""

import ast

import pytest
from django.db import transaction

from bench.support.factories import make_showtime
from booking.models import ShowtimeSeat
from tests.boundaries.seat_writers import find_sql_writers, find_writers, writes_of, writes_seats
from tests.boundaries.source import ROOT, product_files
from tests.seat_guard import SeatsWrittenElsewhere

WRITER = {"booking/seats/rows.py"}
IMPORT = "from booking.models import ShowtimeSeat\n"


def test_only_one_module_calls_a_method_that_writes_seats():
    assert find_writers(product_files()) == WRITER


@pytest.mark.parametrize(
    "text",
    [
        IMPORT + "def free(at):\n  rows = ShowtimeSeat.objects.filter(locked_until__lte=at)\n  rows.update(version=1)",
        IMPORT + "def free():\n  for row in ShowtimeSeat.objects.all():\n    row.status = 'available'\n    row.save()",
        "from booking.models import ShowtimeSeat as Chair\nChair(index=1).save()",
        "from booking import models\nmodels.ShowtimeSeat._default_manager.bulk_create([])",
        "def free(booking):\n  booking.seats.update(status='available')",
        "def free(booking):\n  rows = booking.seats.select_for_update()\n  [row.delete() for row in rows]",
        "def free(pk):\n  first, *others = lock_rows_of(pk)\n  first.save(update_fields=['status'])",
        IMPORT + "def touch(rows):\n  rows.delete()\n\ndef free():\n  touch(ShowtimeSeat.objects.all())",
        IMPORT + "def found():\n  return ShowtimeSeat.objects.all()\n\ndef free():\n  found().update(version=1)",
        "def free(decision):\n  for seat in decision.free:\n    seat.save()",
        IMPORT + "def free(seat: ShowtimeSeat):\n  seat.delete()",
    ],
)
def test_a_planted_write_is_seen(text):
    assert writes_of(text, product_files())


@pytest.mark.parametrize(
    "text", ["def names(seats):\n  found = set()\n  found.add(1)", "seats = layout.seats\nseats.clear()"]
)
def test_what_is_no_seat_row_is_left_alone(text):
    assert not writes_of(text, product_files())


def test_only_one_module_has_sql_that_writes_seats():
    assert find_sql_writers(product_files()) == WRITER


@pytest.mark.parametrize(
    "text",
    [
        "'DELETE FROM booking_showtimeseat'",
        "'update BOOKING_SHOWTIMESEAT set version = 1'",
        "'INSERT INTO ' + 'booking_showtimeseat' + ' VALUES (1)'",
        "f'TRUNCATE {ShowtimeSeat._meta.db_table}'",
        "f'WITH gone AS (DELETE FROM booking_showtimeseat WHERE id = {pk} RETURNING id) SELECT 1'",
        "'DELETE FROM ' + ShowtimeSeat._meta.db_table",
    ],
)
def test_planted_sql_is_seen(text):
    assert find_sql_writers({"payments/pages/planted.py": ast.parse(f"TEXT = {text}")})


def test_sql_that_reads_and_row_locks_is_no_write():
    assert not writes_seats("SELECT id FROM booking_showtimeseat WHERE id = 1 FOR UPDATE OF s SKIP LOCKED")
    assert not writes_seats("SELECT id FROM booking_showtimeseat FOR NO KEY UPDATE")
    text = "def read():\n  'Why nobody may UPDATE booking_showtimeseat here.'"
    assert find_sql_writers({"payments/planted.py": ast.parse(text)}) == set()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "line",
    [
        "ShowtimeSeat.objects.filter(index=0).update(version=9)",
        "ShowtimeSeat.objects.get(index=0).save()",
        "connection.cursor().execute('DELETE FROM booking_showtimeseat')",
        "connection.cursor().executemany('UPDATE booking_showtimeseat SET version = %s', [(1,)])",
        "getattr(ShowtimeSeat.objects.all(), 'up' + 'date')(version=9)",
        "run_queries((Statement('planted', 'UPDATE booking_showtimeseat SET version = 9 WHERE version = %s'), [0]))",
    ],
)
def test_a_write_from_another_module_is_refused_while_tests_run(line):
    make_showtime()
    imports = "from django.db import connection\nfrom booking.models import ShowtimeSeat\n"
    imports += "from cinema.database.statements import Statement, run_queries\n"
    planted = compile(imports + line, str(ROOT / "payments" / "pages" / "planted.py"), "exec")
    with pytest.raises(SeatsWrittenElsewhere, match="payments/pages/planted"), transaction.atomic():
        exec(planted, {})
    assert not ShowtimeSeat.objects.exclude(version=0).exists()
