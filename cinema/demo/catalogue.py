"""Put the demo's houses and films into the catalogue. What is there already is left as it is."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.text import slugify

from cinema import artwork
from cinema.demo.showtimes import AHEAD, DAYS, HARBOURSIDE, OLD_MILL, Place, PlannedShowtime, planned_showtimes_of
from cinema.models import Cinema, Genre, Movie, Screen, Showtime
from cinema.plans.store import import_plan

HERE = Path(__file__).parent
CINEMAS = {
    HARBOURSIDE: {"slug": "lantern-harbourside", "city": "Bristol", "address": "4 Lantern Quay, Bristol"},
    OLD_MILL: {"slug": "lantern-old-mill", "city": "Bath", "address": "12 Weir Lane, Bath"},
}
PLANS: dict[Place, str] = {
    (HARBOURSIDE, "Screen 1"): "screen-1.json",
    (HARBOURSIDE, "Screen 2"): "screen-2.json",
    (HARBOURSIDE, "Studio"): "studio.json",
    (OLD_MILL, "Great Hall"): "great-hall.json",
    (OLD_MILL, "Weaving Room"): "weaving-room.json",
}
DRAWN_BY_HAND = Path(settings.BASE_DIR) / "static" / "posters"


def add_cinemas() -> dict[Place, Screen]:
    """The cinemas and their rooms, with the seats of the plan files unless a room has a plan of its own by now."""
    for name, facts in CINEMAS.items():
        Cinema.objects.get_or_create(name=name, defaults=facts)
    ready = _rooms()
    for place, file in PLANS.items():
        if place not in ready:
            import_plan((HERE / file).read_bytes(), cinema=place[0], screen=place[1])
    return _rooms() if len(ready) < len(PLANS) else ready


def _rooms() -> dict[Place, Screen]:
    rooms = Screen.objects.filter(cinema__name__in=CINEMAS, plan__isnull=False).select_related("cinema", "plan")
    return {place: room for room in rooms if (place := (room.cinema.name, room.name)) in PLANS}


def add_movies() -> dict[str, Movie]:
    """The films by the slug that the demo knows them by."""
    films = read_movies()
    known = {(movie.title, movie.release_date): movie for movie in Movie.objects.all()}
    slugs = {movie.slug: movie for movie in known.values()}
    return {
        film["slug"]: known.get((film["title"], date.fromisoformat(film["release_date"])))
        or slugs.get(film["slug"])
        or _add_movie(film)
        for film in films
    }


@cache
def read_movies() -> list[dict[str, Any]]:
    movies: list[dict[str, Any]] = json.loads((HERE / "movies.json").read_text(encoding="utf-8"))
    return movies


def _add_movie(facts: dict[str, Any]) -> Movie:
    plain = (
        "slug", "title", "tagline", "overview", "original_language", "spoken_languages", "director", "cast", "runtime",
        "certificate", "rating",
    )  # fmt: skip
    movie = Movie.objects.create(
        **{name: facts[name] for name in plain}, release_date=date.fromisoformat(facts["release_date"])
    )
    movie.genres.set(_genre(name) for name in facts["genres"])
    if (DRAWN_BY_HAND / f"{movie.slug}.svg").is_file():
        movie.poster, movie.picture = f"posters/{movie.slug}.svg", f"posters/{movie.slug}-screen.svg"
    else:
        artwork.draw(movie)
    movie.save(update_fields=["poster", "picture"])
    return movie


def _genre(name: str) -> Genre:
    return Genre.objects.get_or_create(name=name, defaults={"slug": slugify(name)})[0]


def missing_showtimes(
    screens: dict[Place, Screen], at: datetime, history: int
) -> dict[tuple[Place, date], list[PlannedShowtime]]:
    """What is to be added, by room and day: the coming week, premieres further ahead, and `history` thinner days back.

    A room's day that has a showing in it already is left to whoever runs the house; a premiere alone does not count.
    """
    wanted = [slot for slot in _planned_showtimes(at, history) if slot.place in screens]
    places = {screen.pk: place for place, screen in screens.items()}
    first, last = at - timedelta(days=history + 2), at + timedelta(days=AHEAD + 2)
    there = Showtime.objects.filter(screen__in=places, starts_at__range=(first, last))
    spans = [(places[room], start, end) for room, start, end in there.values_list("screen_id", "starts_at", "ends_at")]
    premieres = {(slot.place, slot.starts_at) for slot in wanted if slot.is_premiere}
    full = {(place, timezone.localdate(start)) for place, start, _ in spans if (place, start) not in premieres}
    missing: dict[tuple[Place, date], list[PlannedShowtime]] = {}
    for slot in wanted:
        key = slot.place, timezone.localdate(slot.starts_at)
        if key not in full and not _is_taken(slot, spans):
            missing.setdefault(key, []).append(slot)
    return missing


def _planned_showtimes(at: datetime, history: int) -> Iterator[PlannedShowtime]:
    """Of what has begun, and of long ago, only the main showings; of what is far ahead, only premieres."""
    zone = timezone.get_default_timezone()
    today = timezone.localdate(at, zone)
    runtimes = {film["slug"]: film["runtime"] for film in read_movies()}
    for days in range(-history, AHEAD + 1):
        for slot in planned_showtimes_of(today + timedelta(days=days), runtimes, zone):
            has_begun = slot.starts_at <= at
            if (slot.is_main and history > 0) if has_begun else (days < DAYS or slot.is_premiere):
                yield slot


def _is_taken(slot: PlannedShowtime, spans: Iterable[tuple[Place, datetime, datetime]]) -> bool:
    return any(place == slot.place and start < slot.ends_at and end > slot.starts_at for place, start, end in spans)


def add_showtime(screen: Screen, movie: Movie, slot: PlannedShowtime) -> Showtime:
    """A showing with nothing sold and no seats on sale yet; the caller opens its sales."""
    assert screen.plan is not None
    facts = next(film for film in read_movies() if film["slug"] == slot.movie)
    lowest = min(slot.prices.values())
    keys = screen.plan.categories.values_list("key", flat=True)
    return Showtime.objects.create(
        movie=movie,
        screen=screen,
        plan=screen.plan,
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        language=facts["language"],
        subtitles=facts["subtitles"],
        format=slot.format,
        currency=settings.CURRENCY,
        prices={key: slot.prices.get(key, lowest) for key in keys},
        sales_open_at=slot.sales_open_at,
    )
