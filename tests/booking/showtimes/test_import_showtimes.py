"""`import_showtimes`: what a file changes, and what is refused."""

import csv
import io
import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.core.management import CommandError
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.support.factories import make_movie, make_plan, new_visitor
from booking.locks import lock_seats
from booking.models import ShowtimeSeat
from booking.showtimes.importing import import_showtimes
from cinema.imports.bad_rows import BadFile, Summary
from cinema.imports.showtime_file import read_showtimes
from cinema.models import Cinema, Movie, Screen, Showtime
from tests.booking.test_races import together
from tests.import_command import import_file
from tests.report import report

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
COLUMNS = ("movie", "cinema", "screen", "starts_at", "language", "format", "price_standard", "price_premium")
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _at_noon():
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def screen(db):
    cinema = Cinema.objects.create(name="Odeon", slug="odeon")
    return Screen.objects.create(cinema=cinema, name="Screen 1", plan=make_plan())


@pytest.fixture
def metropolis(db):
    return make_movie("Metropolis")  # 90 minutes, and 15 before


@pytest.fixture
def run(tmp_path, screen, metropolis):
    """Imports rows (or raw bytes) as a file, and returns what was printed."""

    def run(content, *arguments):
        given = content if isinstance(content, bytes) else write(content)
        return import_file("import_showtimes", tmp_path / "showtimes.csv", given, *arguments)

    return run


def line(starts_at="2026-03-03 19:30", **more):
    return {
        "movie": "Metropolis", "cinema": "Odeon", "screen": "Screen 1", "starts_at": starts_at,
        "language": "German", "format": "35 mm", "price_standard": "12.50", "price_premium": "15", **more,
    }  # fmt: skip


def write(rows, columns=COLUMNS):
    out = io.StringIO()
    writer = csv.DictWriter(out, columns)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def everything():
    return [list(model.objects.order_by("pk").values()) for model in (Showtime, ShowtimeSeat)]


def refused(run, content):
    """The error message; asserts that nothing was changed."""
    before = everything()
    with pytest.raises(CommandError) as refusal:
        run(content)
    assert everything() == before
    return str(refusal.value)


def test_a_row_is_a_showtime_on_sale(run, screen, metropolis):
    assert "created 1, updated 0, unchanged 0" in run([line()])
    showtime = Showtime.objects.get()
    assert (showtime.movie, showtime.screen, showtime.plan) == (metropolis, screen, screen.plan)
    assert showtime.starts_at == datetime(2026, 3, 3, 19, 30, tzinfo=UTC)
    assert showtime.ends_at - showtime.starts_at == timedelta(minutes=105)
    assert (showtime.language, showtime.format, showtime.currency) == ("German", "35 mm", "GBP")
    assert showtime.prices == {"standard": 1250, "premium": 1500}
    assert showtime.n_available == showtime.seats.count() == 40


def test_two_hundred_showtimes_are_imported_quickly_and_a_second_import_changes_nothing(run):
    first = datetime(2026, 3, 3, 8)
    rows = [line(f"{first + timedelta(hours=2) * n:%Y-%m-%d %H:%M}", price_standard=f"1{n % 9}.00") for n in range(200)]
    begun = time.perf_counter()
    assert "created 200, updated 0, unchanged 0" in run(rows)
    took, before = time.perf_counter() - begun, everything()
    begun = time.perf_counter()
    assert "created 0, updated 0, unchanged 200" in run(rows)
    assert everything() == before
    assert len(before[1]) == 200 * 40
    report("import", f"200 showtimes of 40 seats in {took:.1f} s, again in {time.perf_counter() - begun:.1f} s")


def test_columns_may_be_in_any_order_or_missing(run):
    columns = ("price_premium", "starts_at", "subtitles", "screen", "cinema", "movie", "price_standard")
    row = {name: value for name, value in line().items() if name in columns}
    Movie.objects.update(original_language="German")
    run(b"\xef\xbb\xbf" + write([row | {"subtitles": "English"}], columns).replace(b",", b";"))
    showtime = Showtime.objects.get()
    assert (showtime.language, showtime.subtitles, showtime.format) == ("German", "English", "")


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-07-01 19:30", "2026-07-01T18:30+00:00"),
        ("2026-07-01T19:30", "2026-07-01T18:30+00:00"),
        ("2026-07-01T19:30:00Z", "2026-07-01T19:30+00:00"),
        ("2026-07-01T19:30:00.000+02:00", "2026-07-01T17:30+00:00"),
        ("2026-10-25T01:30:00+01:00", "2026-10-25T00:30+00:00"),
    ],
)
def test_a_start_is_an_instant_or_a_local_time(run, text, instant):
    run([line(text)])
    assert Showtime.objects.get().starts_at == datetime.fromisoformat(instant)


def test_a_film_of_unknown_length_takes_two_hours_and_a_quarter(run):
    Movie.objects.update(runtime=None)
    run([line()])
    showtime = Showtime.objects.get()
    assert showtime.ends_at - showtime.starts_at == timedelta(minutes=135)


def test_a_film_is_named_by_its_slug_or_by_a_unique_title(run):
    Movie.objects.create(title="Nosferatu", slug="nosferatu", release_date="1922-03-04")
    Movie.objects.create(title="Nosferatu", slug="nosferatu-1979", release_date="1979-01-17")
    Movie.objects.create(title="Heart of Glass", slug="herz-aus-glas")
    run([line(movie="nosferatu-1979"), line("2026-03-04 19:30", movie="Heart of Glass")])
    said = refused(run, [line("2026-03-05 19:30", movie="Nosferatu")])
    assert "row 2: movie “Nosferatu” is the title of several films; write one of nosferatu, nosferatu-1979" in said


def test_a_changed_row_updates_its_showtime_and_an_empty_cell_changes_nothing(run):
    run([line(), line("2026-03-04 19:30")])
    assert "created 0, updated 1, unchanged 1" in run([
        line(language="", format="Digital", price_premium="16"), line("2026-03-04 19:30", format=""),
    ])  # fmt: skip
    showtime = Showtime.objects.earliest("starts_at")
    assert (showtime.language, showtime.format) == ("German", "Digital")
    assert showtime.prices == {"standard": 1250, "premium": 1600}


def test_prices_cannot_change_once_a_seat_is_locked(run):
    run([line()])
    lock_seats(showtime_id=Showtime.objects.get().pk, visitor=new_visitor(), labels=["A1"], at=timezone.now())
    assert "row 2: price_premium differs" in refused(run, [line(price_premium="16")])
    assert "updated 1" in run([line(format="Digital")])


def test_a_showtime_that_was_never_opened_is_opened(run, screen, metropolis):
    run([line()])
    showtime = Showtime.objects.get()
    ShowtimeSeat.objects.all()._raw_delete(ShowtimeSeat.objects.db)
    Showtime.objects.update(n_available=0)
    assert "created 0, updated 1" in run([line()])
    assert showtime.seats.count() == 40


def test_overlaps_within_the_file_are_refused(run):
    said = refused(run, [
        line("2026-03-03 22:30"), line("2026-03-03 19:30"), line("2026-03-03 21:00"), line("2026-03-03 21:15"),
    ])  # fmt: skip
    assert "row 4: starts_at overlaps Metropolis, 2026-03-03 19:30 on Screen 1 (row 3)" in said
    assert "row 2: starts_at overlaps Metropolis, 2026-03-03 21:15 on Screen 1 (row 5)" in said
    assert "row 5: starts_at overlaps Metropolis, 2026-03-03 21:00 on Screen 1 (row 4)" in said
    assert "3 bad rows" in said


def test_a_repeated_row_is_refused(run):
    assert "row 3: starts_at overlaps" in refused(run, [line(), line()])
    run([line()])
    assert "row 3: starts_at overlaps" in refused(run, [line(), line()])


def test_overlaps_with_stored_showtimes_are_refused(run):
    make_movie("Sunrise")
    run([line()])
    for start in ("2026-03-03 19:30", "2026-03-03 20:00", "2026-03-03 18:00"):
        said = refused(run, [line(start, movie="Sunrise")])
        assert "row 2: starts_at overlaps Metropolis, 2026-03-03 19:30 on Screen 1" in said


def test_adjacent_showtimes_and_other_screens_are_no_overlap(run, screen):
    Screen.objects.create(cinema=screen.cinema, name="Screen 2", plan=screen.plan)
    rows = [line(), line("2026-03-03 21:15"), line("2026-03-03 17:45"), line(screen="Screen 2")]
    assert "created 4" in run(rows)


def test_the_time_of_a_cancelled_showtime_is_free(run):
    run([line()])
    Showtime.objects.update(cancelled_at=timezone.now())
    assert "created 1" in run([line("2026-03-03 20:00")])
    assert "called off" in refused(run, [line()])


def test_the_replacement_of_a_cancelled_showtime_is_found_by_the_next_import(run):
    run([line()])
    Showtime.objects.update(cancelled_at=timezone.now())
    anew = Showtime.objects.get()
    anew.pk, anew.cancelled_at = None, None
    anew.save()
    assert "unchanged 1" in run([line()])
    with pytest.raises(IntegrityError), transaction.atomic():
        Showtime.objects.update(cancelled_at=None)


def test_a_past_start_is_refused_unless_the_row_changes_nothing(run):
    assert "row 2: starts_at 2026-03-02 11:59 is in the past" in refused(run, [line("2026-03-02 11:59")])
    rows = [line(), line("2026-03-05 19:30")]
    run(rows)
    with time_machine.travel(NOON + timedelta(days=2), tick=False):
        assert "created 0, updated 0, unchanged 2" in run(rows)
        assert "in the past" in refused(run, [line(format="Digital")])


@pytest.mark.parametrize(
    ("fault", "field"),
    [
        ({"movie": ""}, "movie"),
        ({"movie": "No such film"}, "movie"),
        ({"movie": "x" * 301}, "movie"),
        ({"cinema": "Elsewhere"}, "cinema"),
        ({"screen": "Screen 9"}, "screen"),
        ({"screen": "Bare"}, "screen"),
        ({"starts_at": ""}, "starts_at"),
        ({"starts_at": "tomorrow"}, "starts_at"),
        ({"starts_at": "2026-02-30 19:30"}, "starts_at"),
        ({"starts_at": "2026-03-03 24:30"}, "starts_at"),
        ({"starts_at": "03/03/2026 19:30"}, "starts_at"),
        ({"starts_at": "0001-01-01T00:00:00+14:00"}, "starts_at"),
        ({"starts_at": "9999-12-31 23:59"}, "starts_at"),
        ({"starts_at": "2026-03-29 01:30"}, "starts_at"),
        ({"starts_at": "2026-10-25 01:30"}, "starts_at"),
        ({"language": "x" * 61}, "language"),
        ({"format": "a\x00b"}, "format"),
        ({"language": "Eng\u2066lish"}, "language"),
        ({"movie": "a\u202eb"}, "movie"),
        ({"cinema": "\u200b"}, "cinema"),
        ({"price_standard": ""}, "price_standard"),
        ({"price_standard": "12,50"}, "price_standard"),
        ({"price_standard": "£12"}, "price_standard"),
        ({"price_standard": "12.505"}, "price_standard"),
        ({"price_standard": "-1"}, "price_standard"),
        ({"price_standard": "0"}, "price_standard"),
        ({"price_standard": "999999999999"}, "price_standard"),
        ({"price_standard": "1e3"}, "price_standard"),
        ({"price_standard": "١٢"}, "price_standard"),
    ],
)
def test_a_bad_row_is_named_with_its_field_and_nothing_changes(run, screen, fault, field):
    Screen.objects.create(cinema=screen.cinema, name="Bare")
    said = refused(run, [line("2026-03-04 19:30"), line() | fault, line("2026-03-05 19:30")])
    assert f"row 3: {field} " in said
    assert "1 bad row. Nothing was changed" in said


def test_every_bad_row_is_named_at_once_in_the_order_of_the_file(run):
    said = refused(run, [
        line("2026-03-03 20:00", price_standard="dear", movie="Nobody"), line("2026-03-03 20:00"),
        line("2026-03-03 21:00"), line("never", screen="Screen 9"), line("2026-03-01 20:00", format="x" * 31),
    ])  # fmt: skip
    named = [line.split(" ", 3)[1:3] for line in said.splitlines() if line.startswith("row")]
    assert named == [
        ["2:", "price_standard"], ["2:", "movie"], ["4:", "starts_at"], ["5:", "starts_at"], ["5:", "screen"],
        ["6:", "format"], ["6:", "starts_at"],
    ]  # fmt: skip


@pytest.mark.parametrize(("text", "reason"), [("2026-03-29 01:30", "does not exist"), ("2026-10-25 01:30", "twice")])
def test_a_time_at_a_change_of_the_clocks_is_refused_with_the_reason(run, text, reason):
    assert reason in refused(run, [line(text)])


def test_a_price_for_a_category_of_another_screen_is_refused(run, screen):
    hall = Screen.objects.create(cinema=screen.cinema, name="Hall", plan=make_plan())
    hall.plan.categories.filter(key="premium").update(key="box", name="Box")
    columns = (*COLUMNS, "price_box")
    said = refused(run, write([line(price_box="9"), line(screen="Hall", price_box="20")], columns))
    assert "row 2: price_box is for a category that Screen 1 has not" in said
    assert "row 3: price_premium is for a category that Hall has not" in said
    assert "created 2" in run(write([line(), line(screen="Hall", price_box="20", price_premium="")], columns))


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"", "row 1: movie is missing"),
        (b"movie,cinema,screen\n", "row 1: starts_at is missing"),
        (b"movie,cinema,screen,starts_at,certificate\n", "“certificate” is no column"),
        (b"movie,cinema,screen,starts_at,movie\n", "“movie” is there twice"),
        (b"movie,cinema,screen,starts_at,price_\n", "“price_” is no column"),
        (b"\xff\xfem\x00", "is not UTF-8"),
        (b'movie,cinema,screen,starts_at\n"open', "is not CSV"),
        (b"movie,cinema,screen,starts_at\n" + b"x" * 200_000, "is not CSV"),
        (write([line(price_royal="")], (*COLUMNS, "price_royal")), "row 1: price_royal is for a category that no"),
        (write([line()]).rstrip() + b",more\r\n", "row 2: row has 9 cells"),
    ],
)
def test_a_file_that_is_no_list_of_showtimes_is_refused_with_the_reason(run, content, named):
    assert named in refused(run, content)


def test_blank_rows_are_skipped_and_counted(run):
    assert "created 0" in run(write([]))
    said = refused(run, write([line()]) + b"\r\n,,,,,,,\r\n" + write([line("2026-03-03 20:00")]).partition(b"\n")[2])
    assert "row 5: starts_at overlaps" in said


def test_a_dry_run_prints_the_same_and_stores_nothing(run):
    run([line()])
    before = everything()
    said = run([line(format="Digital"), line("2026-03-04 19:30")], "--dry-run")
    assert "created 1, updated 1, unchanged 0" in said and "nothing was kept" in said
    assert everything() == before


@pytest.mark.django_db(transaction=True)
def test_two_imports_at_once_never_create_an_overlap(screen, metropolis):
    make_movie("Sunrise")
    for day in range(10, 14):
        files = [write([line(f"2026-03-{day} 19:30")]), write([line(f"2026-03-{day} 20:00", movie="Sunrise")])] * 2
        results = together([lambda file=file: import_showtimes(file, at=NOON) for file in files])
        assert all(isinstance(result, Summary | BadFile) for result in results), results
        assert sum(isinstance(result, Summary) and result.created for result in results) == 1
    assert Showtime.objects.count() == 4
    report("import", f"two files that overlap, imported at once on {connection.vendor}: one succeeds each time")


@settings(max_examples=100)
@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=30), min_size=8, max_size=8))
def test_any_text_in_the_cells_is_read_or_refused_and_never_a_traceback(cells):
    row = dict(zip(COLUMNS, cells, strict=True))
    try:
        found = read_showtimes(write([row]), zone=ZoneInfo("Europe/London"), currency="JPY")
    except BadFile as bad:
        assert bad.problems
    else:
        assert len(found.lines) <= 1
        assert all(problem.row == "row 2" for problem in found.problems)


def test_of_a_file_with_a_million_lines_no_more_are_read_than_are_taken(monkeypatch):
    real, read = csv.reader, []

    def reader(*args, **options):
        for cells in real(*args, **options):
            read.append(1)
            yield cells

    monkeypatch.setattr(csv, "reader", reader)
    with pytest.raises(BadFile) as refused:
        read_showtimes(write([]) + b"\n" * 1_000_000, zone=UTC, currency="GBP")
    assert str(refused.value.problems[0]).startswith("file: content has more than 20,000 rows")
    assert len(read) < 20_010


def test_a_header_of_very_many_columns_is_one_bad_row():
    columns = [*COLUMNS, *(f"price_{n}" for n in range(1_000))]
    with pytest.raises(BadFile) as refused:
        read_showtimes(write([], columns), zone=UTC, currency="GBP")
    assert [str(row) for row in refused.value.problems] == ["file: content has 1,008 columns; at most 1,000 are taken"]
