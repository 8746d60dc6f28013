"""The demo's films, rooms and programme, without a database."""

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
    ROOMS,
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


def slots(days, first=MONDAY, zone=UTC):
    return [slot for n in range(days) for slot in planned_showtimes_of(first + timedelta(days=n), RUNTIMES, zone)]


@pytest.mark.parametrize("first", [MONDAY, date(2026, 10, 12), date(2027, 3, 15)])
def test_no_two_showings_overlap_in_a_room_in_six_weeks_also_when_the_clocks_change(first):
    ends = {}
    for slot in slots(42, first, ZoneInfo("Europe/London")):
        starts_at, ends_at = slot.starts_at.astimezone(UTC), slot.ends_at.astimezone(UTC)
        assert ends_at > starts_at >= ends.get(slot.place, datetime(2020, 1, 1, tzinfo=UTC))
        ends[slot.place] = ends_at


def test_every_evening_has_a_show_that_starts_after_eleven():
    for n in range(14):
        last = max(slot.starts_at for slot in slots(1, MONDAY + timedelta(days=n)))
        assert last.hour >= 23 and last.date() == MONDAY + timedelta(days=n)


def test_both_houses_play_daily_in_their_own_rhythm_and_every_film_has_its_turn():
    played = slots(56)
    assert {(slot.place[0], slot.starts_at.date()) for slot in played} == {
        (house, MONDAY + timedelta(days=n)) for house in (HARBOURSIDE, OLD_MILL) for n in range(56)
    }
    clocks = {house: {turn.clock for place in ROOMS if place[0] == house for turn in ROOMS[place]} for house in CINEMAS}
    assert not clocks[HARBOURSIDE] & clocks[OLD_MILL]
    assert {slot.movie for slot in played} == set(RUNTIMES)
    assert {slot.format for slot in played} == {"Digital", "35 mm", "Live piano", "Family", "Q&A"}


def test_a_room_does_not_show_a_film_twice_a_day():
    shown = Counter((slot.place, slot.starts_at.date(), slot.movie) for slot in slots(56))
    assert max(shown.values()) == 1


def test_two_premieres_are_always_to_come_and_are_not_played_before_them():
    """Whatever the day: two films that are nowhere in the coming fortnight open within the fortnight after it."""
    for n in range(28):
        today = MONDAY + timedelta(days=n)
        near = {slot.movie for slot in slots(15, today)}
        later = {slot.movie for slot in slots(14, today + timedelta(days=15)) if slot.is_premiere}
        assert len(later) == 2 and not later & near, today
    for slot in slots(28):
        assert slot.sales_open_at == (slot.starts_at - timedelta(days=14) if slot.is_premiere else None)


def test_the_evening_costs_more_than_the_afternoon_and_the_weekend_more_than_either():
    for tariff in PRICES.values():
        assert all(afternoon < evening < weekend for afternoon, evening, weekend in tariff.values())
    hall = PRICES[OLD_MILL, "Great Hall"]
    assert hall["balcony"] < hall["front-stalls"] < hall["balcony-front"] < hall["stalls"] < hall["premium-stalls"]
    studio, big = PRICES[HARBOURSIDE, "Studio"], PRICES[HARBOURSIDE, "Screen 1"]
    assert studio["standard"] < big["standard"]
    short = next(s for s in slots(7) if s.movie == "a-trip-to-the-moon")
    assert short.prices["standard"] == 350


@pytest.mark.parametrize("place", ROOMS)
def test_every_room_has_a_price_for_each_of_its_seats(place):
    cinema, screen = place
    hall = drawn(screen, cinema)
    assert {seat.category for seat in hall.seats} <= PRICES[place].keys()
    assert not hall.notes


def test_the_facts_of_every_film_are_complete_and_its_language_is_one_of_few():
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


@pytest.mark.parametrize("file", draw_plans.ROOMS)
def test_the_drawn_plan_files_are_as_their_drawing_says(file):
    assert (HERE / file).read_text() == draw_plans.written(draw_plans.ROOMS[file]()) + "\n"


@pytest.mark.parametrize("place", ROOMS)
def test_companions_sit_beside_the_wheelchair_place_and_sofas_are_whole(place):
    hall = drawn(place[1], place[0])
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


def test_the_five_rooms_differ():
    studio, lounge, big = drawn("Studio"), drawn("Screen 2"), drawn("Screen 1")
    hall, weaving = drawn("Great Hall", OLD_MILL), drawn("Weaving Room", OLD_MILL)
    assert [len(room.seats) for room in (studio, big, lounge, hall, weaving)] == [48, 174, 70, 602, 148]
    assert {seat.shape for seat in lounge.seats if seat.kind == "seat"} == {"recliner", "sofa-start", "sofa-end"}
    assert Counter(seat.zone for seat in hall.seats) == {"Stalls": 398, "Balcony": 204}
    assert all(len(aisles_of(row)) == 2 for row in rows_of(hall.seats))
    assert {seat.label for seat in hall.seats} >= {"A1", "R26", "AA1", "HH26"}
    assert min(s.y for s in hall.seats if s.zone == "Balcony") > max(s.y for s in hall.seats if s.zone == "Stalls")
    assert len({seat.zone for seat in weaving.seats}) == 3
    assert {area["shape"] for area in weaving.areas} >= {"polygon", "rectangle", "circle", "text", "ellipse"}


@pytest.mark.parametrize("place", [(OLD_MILL, "Great Hall"), (HARBOURSIDE, "Studio"), (HARBOURSIDE, "Screen 1")])
def test_rows_bend_to_the_screen(place):
    """The ends of a row are nearer to it than its middle, and their chairs turn inwards."""
    for row in rows_of(drawn(place[1], place[0]).seats):
        middle = row[len(row) // 2]
        assert row[0].y < middle.y > row[-1].y
        assert row[0].turn > 0 > row[-1].turn
