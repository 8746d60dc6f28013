"""Add the demo's cinemas, films and showtimes. Existing rows are not changed."""

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

from cinema.demo.showtimes import AHEAD, DAYS, HARBOURSIDE, OLD_MILL, PlannedShowtime, ScreenKey, planned_showtimes_of
from cinema.models import Cinema, Genre, Movie, Screen, Showtime
from cinema.plans.store import import_plan

HERE = Path(__file__).parent
CINEMAS = {
    HARBOURSIDE: {"slug": "lantern-harbourside", "city": "Bristol", "address": "4 Lantern Quay, Bristol"},
    OLD_MILL: {"slug": "lantern-old-mill", "city": "Bath", "address": "12 Weir Lane, Bath"},
}
PLANS: dict[ScreenKey, str] = {
    (HARBOURSIDE, "Screen 1"): "screen-1.json",
    (HARBOURSIDE, "Screen 2"): "screen-2.json",
    (HARBOURSIDE, "Studio"): "studio.json",
    (OLD_MILL, "Great Hall"): "great-hall.json",
    (OLD_MILL, "Weaving Room"): "weaving-room.json",
}


def add_cinemas() -> dict[ScreenKey, Screen]:
    """The screens of the demo's cinemas. A screen that has no plan yet gets the one of its file."""
    for name, facts in CINEMAS.items():
        Cinema.objects.get_or_create(name=name, defaults=facts)
    ready = _screens()
    for key, file in PLANS.items():
        if key not in ready:
            import_plan((HERE / file).read_bytes(), cinema=key[0], screen=key[1])
    return _screens() if len(ready) < len(PLANS) else ready


def _screens() -> dict[ScreenKey, Screen]:
    screens = Screen.objects.filter(cinema__name__in=CINEMAS, plan__isnull=False).select_related("cinema", "plan")
    return {key: screen for screen in screens if (key := (screen.cinema.name, screen.name)) in PLANS}


def add_movies() -> dict[str, Movie]:
    """The demo's films by their slug in the demo's file; a film may have another one in the database."""
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
    """The film with its hand-drawn pictures, which are static files: a genre's template would not show this film."""
    plain = (
        "slug", "title", "tagline", "overview", "original_language", "spoken_languages", "director", "cast", "runtime",
        "certificate", "rating",
    )  # fmt: skip
    slug = facts["slug"]
    movie = Movie.objects.create(
        **{name: facts[name] for name in plain},
        release_date=date.fromisoformat(facts["release_date"]),
        poster=f"posters/{slug}.svg",
        picture=f"posters/{slug}-screen.svg",
    )
    movie.genres.set(_genre(name) for name in facts["genres"])
    return movie


def _genre(name: str) -> Genre:
    return Genre.objects.get_or_create(name=name, defaults={"slug": slugify(name)})[0]


def missing_showtimes(
    screens: dict[ScreenKey, Screen], at: datetime, history: int
) -> dict[tuple[ScreenKey, date], list[PlannedShowtime]]:
    """The showtimes to add, by screen and day: a week, premieres further ahead, main showtimes of `history` past days.

    A screen's day that has a showtime already is left to the staff, unless its only showtime is a premiere.
    """
    wanted = [planned for planned in _planned_showtimes(at, history) if planned.screen in screens]
    keys = {screen.pk: key for key, screen in screens.items()}
    first, last = at - timedelta(days=history + 2), at + timedelta(days=AHEAD + 2)
    there = Showtime.objects.filter(screen__in=keys, starts_at__range=(first, last))
    spans = [(keys[pk], start, end) for pk, start, end in there.values_list("screen_id", "starts_at", "ends_at")]
    premieres = {(planned.screen, planned.starts_at) for planned in wanted if planned.is_premiere}
    full = {(key, timezone.localdate(start)) for key, start, _ in spans if (key, start) not in premieres}
    missing: dict[tuple[ScreenKey, date], list[PlannedShowtime]] = {}
    for planned in wanted:
        day = planned.screen, timezone.localdate(planned.starts_at)
        if day not in full and not _is_taken(planned, spans):
            missing.setdefault(day, []).append(planned)
    return missing


def _planned_showtimes(at: datetime, history: int) -> Iterator[PlannedShowtime]:
    """All of the coming week; of what has started only the main showtimes, of what is further ahead only premieres."""
    zone = timezone.get_default_timezone()
    today = timezone.localdate(at, zone)
    runtimes = {film["slug"]: film["runtime"] for film in read_movies()}
    for days in range(-history, AHEAD + 1):
        for planned in planned_showtimes_of(today + timedelta(days=days), runtimes, zone):
            has_started = planned.starts_at <= at
            if (planned.is_main and history > 0) if has_started else (days < DAYS or planned.is_premiere):
                yield planned


def _is_taken(planned: PlannedShowtime, spans: Iterable[tuple[ScreenKey, datetime, datetime]]) -> bool:
    return any(
        key == planned.screen and start < planned.ends_at and end > planned.starts_at for key, start, end in spans
    )


def add_showtime(screen: Screen, movie: Movie, planned: PlannedShowtime) -> Showtime:
    """Create the showtime without seats on sale; the caller opens its sales."""
    assert screen.plan is not None
    facts = next(film for film in read_movies() if film["slug"] == planned.movie)
    lowest = min(planned.prices.values())
    keys = screen.plan.categories.values_list("key", flat=True)
    return Showtime.objects.create(
        movie=movie,
        screen=screen,
        plan=screen.plan,
        starts_at=planned.starts_at,
        ends_at=planned.ends_at,
        language=facts["language"],
        subtitles=facts["subtitles"],
        format=planned.format,
        currency=settings.CURRENCY,
        prices={key: planned.prices.get(key, lowest) for key in keys},
        sales_open_at=planned.sales_open_at,
    )
