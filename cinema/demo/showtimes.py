"""What the demo's screens show on a given day, and when. Pure: the same day always has the same showtimes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

DAYS = 8  # today and a week
AHEAD = 28  # days before its start at which a premiere is listed
ADVANCE = timedelta(days=14)  # time before its start at which a premiere goes on sale
TRAILERS, CLEANING = timedelta(minutes=15), timedelta(minutes=20)
EVENING = time(17)
WEEKEND, SATURDAY = (4, 5, 6), 5
SHORT = 30  # minutes; a shorter film costs half
ScreenKey = tuple[str, str]  # names of cinema and screen

HARBOURSIDE, OLD_MILL = "Lantern Harbourside", "Lantern Old Mill"

# One of them opens every Saturday in the Great Hall and runs until Thursday, so two are always announced.
PREMIERES = ("tokyo-story", "king-kong", "la-grande-illusion", "the-third-man", "la-belle-et-la-bete")

# One film for each evening on the main screen, Monday first; the other lists rotate.
STARS = ("the-general", "nosferatu", "sunrise", "m", "caligari", "metropolis", "the-gold-rush")
MATINEES = ("safety-last", "bringing-up-baby", "prince-achmed", "the-gold-rush", "stagecoach")
AFTERNOONS = ("sunrise", "metropolis", "it-happened-one-night", "the-lost-world", "pandoras-box", "nosferatu")
FAMILY = ("the-gold-rush", "prince-achmed", "the-general", "safety-last")
SHORTS = ("a-trip-to-the-moon", "man-with-a-movie-camera", "prince-achmed")
SOFAS = ("it-happened-one-night", "bringing-up-baby", "sunrise", "rashomon", "safety-last")
STUDIO = ("man-with-a-movie-camera", "bicycle-thieves", "caligari", "rashomon", "rome-open-city", "the-general", "m")
LATE = ("nosferatu", "caligari", "rashomon", "man-with-a-movie-camera")
GRAND = ("stagecoach", "bringing-up-baby", "metropolis", "it-happened-one-night", "the-lost-world")
WEAVING = ("bicycle-thieves", "pandoras-box", "rome-open-city", "m", "it-happened-one-night")


@dataclass(frozen=True)
class ScheduleEntry:
    """A showtime of a screen's day: its start, the films that rotate in it, and its weekdays (Monday is 0)."""

    clock: str
    films: Sequence[str]
    days: str = "0123456"
    format: str = ""
    is_main: bool = False  # also part of the shorter schedule of past days


SCHEDULE: Mapping[ScreenKey, Sequence[ScheduleEntry]] = {
    (HARBOURSIDE, "Screen 1"): (
        ScheduleEntry("10:45", FAMILY, "56", "Family"),
        ScheduleEntry("13:30", MATINEES),
        ScheduleEntry("16:15", AFTERNOONS, is_main=True),
        ScheduleEntry("19:30", STARS, format="Live piano", is_main=True),
        ScheduleEntry("22:30", LATE, "345"),
    ),
    (HARBOURSIDE, "Screen 2"): (
        ScheduleEntry("14:30", SOFAS, "23456"),
        ScheduleEntry("17:15", SOFAS),
        ScheduleEntry("20:15", SOFAS, is_main=True),
        ScheduleEntry("22:50", LATE, "45"),
    ),
    (HARBOURSIDE, "Studio"): (
        ScheduleEntry("14:00", SHORTS),
        ScheduleEntry("15:45", STUDIO),
        ScheduleEntry("18:00", STUDIO, is_main=True),
        ScheduleEntry("20:30", STUDIO),
        ScheduleEntry("23:10", LATE),
    ),
    (OLD_MILL, "Great Hall"): (
        ScheduleEntry("11:00", FAMILY, "6", "Family"),
        ScheduleEntry("14:20", GRAND, "256"),
        ScheduleEntry("19:00", GRAND, is_main=True),
    ),
    (OLD_MILL, "Weaving Room"): (
        ScheduleEntry("16:40", WEAVING, "12456"),
        ScheduleEntry("19:20", WEAVING, "012456", is_main=True),
        ScheduleEntry("19:20", WEAVING, "3", "Q&A", is_main=True),
        ScheduleEntry("22:00", LATE, "456"),
    ),
}

# Minor units by category key of the screen's plan: before 17:00, in the evening, on an evening from Friday to Sunday.
Tariff = Mapping[str, tuple[int, int, int]]
PRICES: Mapping[ScreenKey, Tariff] = {
    (HARBOURSIDE, "Screen 1"): {
        "standard": (900, 1150, 1250),
        "premium": (1150, 1450, 1550),
        "sofa-for-two": (1300, 1600, 1700),
        "recliner": (1550, 1900, 2000),
    },
    (HARBOURSIDE, "Screen 2"): {
        "wheelchair-place": (900, 1150, 1250),
        "sofa-for-two": (1350, 1650, 1800),
        "recliner": (1500, 1850, 2000),
        "standard": (900, 1150, 1250),
        "premium": (1150, 1450, 1550),
    },
    (HARBOURSIDE, "Studio"): {"standard": (700, 900, 950), "back-row": (800, 1050, 1100)},
    (OLD_MILL, "Great Hall"): {
        "front-stalls": (750, 950, 1050),
        "stalls": (950, 1250, 1400),
        "premium-stalls": (1200, 1600, 1800),
        "balcony-front": (850, 1100, 1200),
        "balcony": (600, 800, 900),
    },
    (OLD_MILL, "Weaving Room"): {"floor": (850, 1050, 1150), "loom-row": (1000, 1300, 1400), "wing": (700, 850, 950)},
}


@dataclass(frozen=True)
class PlannedShowtime:
    screen: ScreenKey
    movie: str
    starts_at: datetime
    ends_at: datetime
    format: str
    prices: Mapping[str, int]
    is_main: bool
    is_premiere: bool

    @property
    def sales_open_at(self) -> datetime | None:
        return self.starts_at - ADVANCE if self.is_premiere else None


def planned_showtimes_of(day: date, runtimes: Mapping[str, int], zone: tzinfo) -> Iterator[PlannedShowtime]:
    """The showtimes of one day, screen by screen, without overlaps; `runtimes` are minutes by slug."""
    for key in SCHEDULE:
        yield from _planned_in(key, day, runtimes, zone)


def _planned_in(key: ScreenKey, day: date, runtimes: Mapping[str, int], zone: tzinfo) -> Iterator[PlannedShowtime]:
    free = datetime.combine(day, time(9), zone)
    played: set[str] = set()
    for number, entry in enumerate(SCHEDULE[key]):
        if str(day.weekday()) not in entry.days:
            continue
        premiere = key == (OLD_MILL, "Great Hall") and entry.is_main and _premiere_of(day)
        movie = premiere or _pick(entry, day, number, played)
        played.add(movie)
        starts = max(datetime.combine(day, time.fromisoformat(entry.clock), zone), free)
        ends = starts + TRAILERS + timedelta(minutes=runtimes[movie])
        is_first = bool(premiere) and day.weekday() == SATURDAY
        yield PlannedShowtime(
            key, movie, starts, ends, entry.format or _format(movie), _prices(key, starts, runtimes[movie]),
            entry.is_main, is_first,
        )  # fmt: skip
        free = _next_quarter(ends + CLEANING)


def _premiere_of(day: date) -> str:
    """The premiere in the Great Hall on an evening from Saturday to Thursday; "" on Fridays."""
    days_in = (day.weekday() - SATURDAY) % 7
    week = (day - timedelta(days=days_in)).toordinal() // 7
    return PREMIERES[week % len(PREMIERES)] if days_in < 6 else ""


def _pick(entry: ScheduleEntry, day: date, number: int, played: set[str]) -> str:
    """The entry's film of the day, or the next one that this screen has not shown today."""
    first = day.weekday() if entry.films is STARS else day.toordinal() + 2 * number
    rotated = [entry.films[(first + n) % len(entry.films)] for n in range(len(entry.films))]
    return next((movie for movie in rotated if movie not in played), rotated[0])


def _next_quarter(moment: datetime) -> datetime:
    return moment + timedelta(minutes=-moment.minute % 15)


def _format(movie: str) -> str:
    return "35 mm" if movie in ("sunrise", "nosferatu", "the-third-man", "tokyo-story", "stagecoach") else "Digital"


def _prices(key: ScreenKey, starts: datetime, minutes: int) -> Mapping[str, int]:
    column = 0 if starts.time() < EVENING else 2 if starts.weekday() in WEEKEND else 1
    share = 2 if minutes < SHORT else 1
    return {category: prices[column] // share // 50 * 50 for category, prices in PRICES[key].items()}
