"""The demo's films, screens and schedule, without a database."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from cinema.demo import draw_plans
from cinema.demo.catalogue import CINEMAS, HERE, PLANS, read_movies
from cinema.demo.showtimes import (
    FAMILY,
    HARBOURSIDE,
    LATE,
    OLD_MILL,
    PREMIERES,
    PRICES,
    SCHEDULE,
    SHORTS,
    planned_showtimes_of,
)  # fmt: skip
from cinema.plans.building import build_plan
from cinema.plans.drawing import aisles_of, rows_of
from cinema.plans.file import read_plan

RUNTIMES = {film["slug"]: film["runtime"] for film in read_movies()}
MONDAY = date(2026, 6, 8)
LANGUAGES = {"No dialogue", "English", "French", "German", "Italian", "Japanese"}


def drawn(screen, cinema=HARBOURSIDE):
    return build_plan(read_plan((HERE / PLANS[cinema, screen]).read_bytes()))


def planned_showtimes(days, first=MONDAY, zone=UTC):
    return [planned for n in range(days) for planned in planned_showtimes_of(first + timedelta(days=n), RUNTIMES, zone)]


@pytest.mark.parametrize("first", [MONDAY, date(2026, 10, 12), date(2027, 3, 15)])
def test_no_two_showtimes_overlap_on_a_screen_in_six_weeks_with_a_clock_change(first):
    ends = {}
    for planned in planned_showtimes(42, first, ZoneInfo("Europe/London")):
        starts_at, ends_at = planned.starts_at.astimezone(UTC), planned.ends_at.astimezone(UTC)
        assert ends_at > starts_at >= ends.get(planned.screen, datetime(2020, 1, 1, tzinfo=UTC))
        ends[planned.screen] = ends_at


def test_every_evening_has_a_showtime_after_eleven():
    for n in range(14):
        last = max(planned.starts_at for planned in planned_showtimes(1, MONDAY + timedelta(days=n)))
        assert last.hour >= 23 and last.date() == MONDAY + timedelta(days=n)


def test_both_cinemas_have_showtimes_daily_at_different_times_and_every_film_is_shown():
    played = planned_showtimes(56)
    assert {(planned.screen[0], planned.starts_at.date()) for planned in played} == {
        (cinema, MONDAY + timedelta(days=n)) for cinema in (HARBOURSIDE, OLD_MILL) for n in range(56)
    }
    clocks = {
        cinema: {entry.clock for key in SCHEDULE if key[0] == cinema for entry in SCHEDULE[key]} for cinema in CINEMAS
    }
    assert not clocks[HARBOURSIDE] & clocks[OLD_MILL]
    assert {planned.movie for planned in played} == set(RUNTIMES)
    assert {planned.format for planned in played} == {"Digital", "35 mm", "Live piano", "Family", "Q&A"}


def test_a_screen_does_not_show_a_film_twice_a_day():
    shown = Counter((planned.screen, planned.starts_at.date(), planned.movie) for planned in planned_showtimes(56))
    assert max(shown.values()) == 1


def test_two_premieres_are_always_announced_and_not_shown_before():
    """On any day two films without a showtime in the next 15 days have a premiere in the 14 days after."""
    for n in range(28):
        today = MONDAY + timedelta(days=n)
        near = {planned.movie for planned in planned_showtimes(15, today)}
        later = {planned.movie for planned in planned_showtimes(14, today + timedelta(days=15)) if planned.is_premiere}
        assert len(later) == 2 and not later & near, today
    for planned in planned_showtimes(28):
        assert planned.sales_open_at == (planned.starts_at - timedelta(days=14) if planned.is_premiere else None)


def test_evenings_cost_more_than_afternoons_and_weekends_more_than_both():
    for tariff in PRICES.values():
        assert all(afternoon < evening < weekend for afternoon, evening, weekend in tariff.values())
    hall = PRICES[OLD_MILL, "Great Hall"]
    assert hall["balcony"] < hall["front-stalls"] < hall["balcony-front"] < hall["stalls"] < hall["premium-stalls"]
    studio, big = PRICES[HARBOURSIDE, "Studio"], PRICES[HARBOURSIDE, "Screen 1"]
    assert studio["standard"] < big["standard"]
    short = next(s for s in planned_showtimes(7) if s.movie == "a-trip-to-the-moon")
    assert short.prices["standard"] == 350


@pytest.mark.parametrize("key", SCHEDULE)
def test_every_screen_has_a_price_for_each_of_its_seats(key):
    cinema, screen = key
    hall = drawn(screen, cinema)
    assert {seat.category for seat in hall.seats} <= PRICES[key].keys()
    assert not hall.notes


def test_the_facts_of_every_film_are_complete():
    films = read_movies()
    assert len(films) == 24 == len({film["slug"] for film in films})
    for film in films:
        assert film["overview"] and film["tagline"] and film["director"] and film["genres"] and film["certificate"]
        assert 1 <= film["runtime"] <= 160 and 1900 < date.fromisoformat(film["release_date"]).year < 1955
        assert 5 < film["rating"] < 9
        assert film["language"] in LANGUAGES
        is_foreign = film["language"] not in ("English", "No dialogue")
        assert film["subtitles"] == ("English" if is_foreign else "")
        talks = film["release_date"] > "1930"
        assert bool(film["spoken_languages"]) == talks
        assert not talks or film["spoken_languages"][0] == film["original_language"] == film["language"]
        assert not {"!", "—"} & set(film["overview"] + film["tagline"])
    assert {*PREMIERES, *FAMILY, *LATE, *SHORTS} <= RUNTIMES.keys()


@pytest.mark.parametrize("file", draw_plans.DRAWINGS)
def test_the_generated_plan_files_are_up_to_date(file):
    assert (HERE / file).read_text() == draw_plans.to_json(draw_plans.DRAWINGS[file]()) + "\n"


@pytest.mark.parametrize("key", SCHEDULE)
def test_companion_seats_are_beside_wheelchair_spaces_and_sofas_have_both_halves(key):
    hall = drawn(key[1], key[0])
    seats = hall.seats
    wheelchairs = [seat for seat in seats if seat.kind == "wheelchair"]
    assert bool(wheelchairs) and len({seat.label for seat in seats}) == len(seats)
    for seat in wheelchairs:
        beside = [s for s in seats if abs(s.index - seat.index) == 1 and s.segment == seat.segment]
        assert any(s.kind == "companion" for s in beside)
    for seat in seats:
        if seat.shape == "sofa-start":
            other = seats[seat.index + 1]
            assert other.shape == "sofa-end" and other.segment == seat.segment and other.category == seat.category


def test_the_five_screens_differ():
    studio, lounge, big = drawn("Studio"), drawn("Screen 2"), drawn("Screen 1")
    hall, weaving = drawn("Great Hall", OLD_MILL), drawn("Weaving Room", OLD_MILL)
    assert [len(plan.seats) for plan in (studio, big, lounge, hall, weaving)] == [48, 174, 70, 602, 148]
    assert {seat.shape for seat in lounge.seats if seat.kind == "seat"} == {"recliner", "sofa-start", "sofa-end"}
    assert Counter(seat.zone for seat in hall.seats) == {"Stalls": 398, "Balcony": 204}
    assert all(len(aisles_of(row)) == 2 for row in rows_of(hall.seats))
    assert {seat.label for seat in hall.seats} >= {"A1", "R26", "AA1", "HH26"}
    assert min(s.y for s in hall.seats if s.zone == "Balcony") > max(s.y for s in hall.seats if s.zone == "Stalls")
    assert len({seat.zone for seat in weaving.seats}) == 3
    assert {area["shape"] for area in weaving.areas} >= {"polygon", "rectangle", "circle", "text", "ellipse"}


@pytest.mark.parametrize("key", [(OLD_MILL, "Great Hall"), (HARBOURSIDE, "Studio"), (HARBOURSIDE, "Screen 1")])
def test_rows_bend_towards_the_screen(key):
    """The ends of a row are nearer to it than the middle, and their chairs are rotated inwards."""
    for row in rows_of(drawn(key[1], key[0]).seats):
        middle = row[len(row) // 2]
        assert row[0].y < middle.y > row[-1].y
        assert row[0].turn > 0 > row[-1].turn
