"""What the demo house plays on a given day, and when. Pure: the same day always has the same programme."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

DAYS = 8  # today and a week
TRAILERS, CLEANING = timedelta(minutes=15), timedelta(minutes=20)
EVENING = time(17)

# Prices in minor units by category key of the room's plan.
EVENING_PRICES = {"standard": 1150, "premium": 1450, "sofa-for-two": 1600, "recliner": 1900}
MATINEE_PRICES = {"standard": 900, "premium": 1150, "sofa-for-two": 1300, "recliner": 1550}
SHORT_PRICES = {"standard": 500, "premium": 650, "sofa-for-two": 750, "recliner": 900}

# The one starring film of each evening in the big room, Monday first; the rest goes round.
STARS = ("the-general", "nosferatu", "sunrise", "pandoras-box", "caligari", "metropolis", "the-gold-rush")
MATINEES = ("safety-last", "the-lost-world", "prince-achmed", "the-gold-rush", "the-general")
AFTERNOONS = ("sunrise", "metropolis", "caligari", "the-lost-world", "pandoras-box", "nosferatu")
SHORTS = ("a-trip-to-the-moon", "man-with-a-movie-camera", "prince-achmed")
SMALL = ("man-with-a-movie-camera", "safety-last", "caligari", "prince-achmed", "nosferatu", "the-general", "sunrise")
LATE = ("nosferatu", "caligari")


@dataclass(frozen=True)
class Slot:
    screen: str
    movie: str
    starts_at: datetime
    ends_at: datetime
    format: str
    prices: Mapping[str, int]


def slots_of(day: date, runtimes: Mapping[str, int], zone: tzinfo) -> Iterator[Slot]:
    """The showings of one day; `runtimes` in minutes by slug. No two overlap in one room."""
    n = day.toordinal()
    star = STARS[day.weekday()]
    big = [("13:30", MATINEES[n % 5]), ("16:15", AFTERNOONS[n % 6]), ("19:30", star)]
    if day.weekday() in (4, 5):
        big.append(("22:15", next(film for film in LATE if film != star)))
    small = [
        ("14:00", SHORTS[n % 3]),
        ("15:45", SMALL[n % 7]),
        ("18:00", SMALL[(n + 3) % 7]),
        ("20:30", SMALL[(n + 5) % 7]),
    ]
    for screen, plays in (("Screen 1", big), ("Screen 2", small)):
        free = datetime.combine(day, time(9), zone)
        for clock, movie in plays:
            starts = max(datetime.combine(day, time.fromisoformat(clock), zone), free)
            ends = starts + TRAILERS + timedelta(minutes=runtimes[movie])
            yield Slot(screen, movie, starts, ends, _format(movie, screen, starts), _prices(starts, runtimes[movie]))
            free = _next_quarter(ends + CLEANING)


def _next_quarter(moment: datetime) -> datetime:
    return moment + timedelta(minutes=-moment.minute % 15)


def _format(movie: str, screen: str, starts: datetime) -> str:
    if screen == "Screen 1" and starts.time() >= EVENING:
        return "Live piano"
    return "35 mm" if movie in ("sunrise", "the-general", "nosferatu") else "Digital"


def _prices(starts: datetime, minutes: int) -> Mapping[str, int]:
    if minutes < 30:
        return SHORT_PRICES
    return EVENING_PRICES if starts.time() >= EVENING else MATINEE_PRICES
