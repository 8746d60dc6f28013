"""What the demo's rooms play on a given day, and when. Pure: the same day always has the same programme."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

DAYS = 8  # today and a week
AHEAD = 28  # premieres are announced so many days before
ADVANCE = timedelta(days=14)  # and sold from so long before
TRAILERS, CLEANING = timedelta(minutes=15), timedelta(minutes=20)
EVENING = time(17)
WEEKEND, SATURDAY = (4, 5, 6), 5
SHORT = 30  # minutes; half the price
Place = tuple[str, str]  # cinema and screen

HARBOURSIDE, OLD_MILL = "Lantern Harbourside", "Lantern Old Mill"

# One of them opens every Saturday in the Great Hall and stays until Thursday; so two are always to come.
PREMIERES = ("tokyo-story", "king-kong", "la-grande-illusion", "the-third-man", "la-belle-et-la-bete")

# The one starring film of each evening in the big room, Monday first; the rest goes round.
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
class Turn:
    """One place in a room's day: from when, what goes round in it, on which weekdays (Monday is 0)."""

    clock: str
    reel: Sequence[str]
    days: str = "0123456"
    format: str = ""
    is_main: bool = False  # what a thinner programme keeps


ROOMS: Mapping[Place, Sequence[Turn]] = {
    (HARBOURSIDE, "Screen 1"): (
        Turn("10:45", FAMILY, "56", "Family"),
        Turn("13:30", MATINEES),
        Turn("16:15", AFTERNOONS, is_main=True),
        Turn("19:30", STARS, format="Live piano", is_main=True),
        Turn("22:30", LATE, "345"),
    ),
    (HARBOURSIDE, "Screen 2"): (
        Turn("14:30", SOFAS, "23456"),
        Turn("17:15", SOFAS),
        Turn("20:15", SOFAS, is_main=True),
        Turn("22:50", LATE, "45"),
    ),
    (HARBOURSIDE, "Studio"): (
        Turn("14:00", SHORTS),
        Turn("15:45", STUDIO),
        Turn("18:00", STUDIO, is_main=True),
        Turn("20:30", STUDIO),
        Turn("23:10", LATE),
    ),
    (OLD_MILL, "Great Hall"): (
        Turn("11:00", FAMILY, "6", "Family"),
        Turn("14:20", GRAND, "256"),
        Turn("19:00", GRAND, is_main=True),
    ),
    (OLD_MILL, "Weaving Room"): (
        Turn("16:40", WEAVING, "12456"),
        Turn("19:20", WEAVING, "012456", is_main=True),
        Turn("19:20", WEAVING, "3", "Q&A", is_main=True),
        Turn("22:00", LATE, "456"),
    ),
}

# Minor units by category key of the room's plan: before five, in the evening, on an evening from Friday to Sunday.
Tariff = Mapping[str, tuple[int, int, int]]
PRICES: Mapping[Place, Tariff] = {
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
    place: Place
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
    """The showings of one day, room by room; `runtimes` in minutes by slug. No two overlap in one room."""
    for place in ROOMS:
        yield from _planned_in(place, day, runtimes, zone)


def _planned_in(place: Place, day: date, runtimes: Mapping[str, int], zone: tzinfo) -> Iterator[PlannedShowtime]:
    free = datetime.combine(day, time(9), zone)
    played: set[str] = set()
    for number, turn in enumerate(ROOMS[place]):
        if str(day.weekday()) not in turn.days:
            continue
        premiere = place == (OLD_MILL, "Great Hall") and turn.is_main and _premiere_of(day)
        movie = premiere or _pick(turn, day, number, played)
        played.add(movie)
        starts = max(datetime.combine(day, time.fromisoformat(turn.clock), zone), free)
        ends = starts + TRAILERS + timedelta(minutes=runtimes[movie])
        is_first = bool(premiere) and day.weekday() == SATURDAY
        yield PlannedShowtime(
            place, movie, starts, ends, turn.format or _format(movie), _prices(place, starts, runtimes[movie]),
            turn.is_main, is_first,
        )  # fmt: skip
        free = _next_quarter(ends + CLEANING)


def _premiere_of(day: date) -> str:
    """What runs in the Great Hall of an evening from Saturday to Thursday; Fridays go round."""
    days_in = (day.weekday() - SATURDAY) % 7
    week = (day - timedelta(days=days_in)).toordinal() // 7
    return PREMIERES[week % len(PREMIERES)] if days_in < 6 else ""


def _pick(turn: Turn, day: date, number: int, played: set[str]) -> str:
    """The film whose turn it is, or the next one of the reel that this room has not had today."""
    first = day.weekday() if turn.reel is STARS else day.toordinal() + 2 * number
    reel = [turn.reel[(first + n) % len(turn.reel)] for n in range(len(turn.reel))]
    return next((movie for movie in reel if movie not in played), reel[0])


def _next_quarter(moment: datetime) -> datetime:
    return moment + timedelta(minutes=-moment.minute % 15)


def _format(movie: str) -> str:
    return "35 mm" if movie in ("sunrise", "nosferatu", "the-third-man", "tokyo-story", "stagecoach") else "Digital"


def _prices(place: Place, starts: datetime, minutes: int) -> Mapping[str, int]:
    column = 0 if starts.time() < EVENING else 2 if starts.weekday() in WEEKEND else 1
    share = 2 if minutes < SHORT else 1
    return {key: prices[column] // share // 50 * 50 for key, prices in PRICES[place].items()}
