"""Put the demo house and its films into the catalogue. What is there already is left as it is."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.text import slugify

from cinema.demo.programme import DAYS, Slot, slots_of
from cinema.models import Cinema, Genre, Movie, Screen, Showtime
from cinema.plans import import_plan

HERE = Path(__file__).parent
HOUSE = "Lantern Harbourside"
ROOMS = {"Screen 1": "screen-1.json", "Screen 2": "screen-2.json"}


def add_house() -> dict[str, Screen]:
    """The cinema and its rooms, with the seats of the plan files unless a room has a plan of its own by now."""
    Cinema.objects.get_or_create(
        name=HOUSE, defaults={"slug": "lantern-harbourside", "city": "Bristol", "address": "4 Lantern Quay, Bristol"}
    )
    for name, file in ROOMS.items():
        if not Screen.objects.filter(cinema__name=HOUSE, name=name, plan__isnull=False).exists():
            import_plan((HERE / file).read_bytes(), cinema=HOUSE, screen=name)
    return {screen.name: screen for screen in Screen.objects.filter(cinema__name=HOUSE).select_related("plan")}


def add_movies() -> dict[str, Movie]:
    """The films by slug."""
    return {facts["slug"]: _add_movie(facts) for facts in read_movies()}


def read_movies() -> list[dict[str, Any]]:
    movies: list[dict[str, Any]] = json.loads((HERE / "movies.json").read_text(encoding="utf-8"))
    return movies


def _add_movie(facts: dict[str, Any]) -> Movie:
    released = date.fromisoformat(facts["release_date"])
    known = Movie.objects.filter(title=facts["title"], release_date=released).first()
    if known is not None:
        return known
    plain = ("title", "tagline", "overview", "original_language", "director", "cast", "runtime", "certificate")
    movie, is_new = Movie.objects.get_or_create(
        slug=facts["slug"],
        defaults={
            **{name: facts[name] for name in plain},
            "release_date": released,
            "poster": f"posters/{facts['slug']}.svg",
            "picture": f"posters/{facts['slug']}-screen.svg",
        },
    )
    if is_new:
        movie.genres.set(Genre.objects.get_or_create(name=g, defaults={"slug": slugify(g)})[0] for g in facts["genres"])
    return movie


def add_showtimes(screens: dict[str, Screen], movies: dict[str, Movie], at: datetime) -> list[Showtime]:
    """The showings of today and the coming week that lie ahead and are not there yet; returns the new ones."""
    zone = timezone.get_default_timezone()
    today = timezone.localdate(at, zone)
    facts = {film["slug"]: film for film in read_movies()}
    runtimes = {slug: film["runtime"] for slug, film in facts.items()}
    added = []
    for day in (today + timedelta(days=n) for n in range(DAYS)):
        for slot in slots_of(day, runtimes, zone):
            screen = screens.get(slot.screen)
            if screen is not None and slot.starts_at > at and not _is_taken(screen, slot):
                added.append(_add_showtime(screen, movies[slot.movie], slot, facts[slot.movie]))
    return added


def _is_taken(screen: Screen, slot: Slot) -> bool:
    return Showtime.objects.filter(screen=screen, starts_at__lt=slot.ends_at, ends_at__gt=slot.starts_at).exists()


def _add_showtime(screen: Screen, movie: Movie, slot: Slot, facts: dict[str, Any]) -> Showtime:
    assert screen.plan is not None
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
    )
