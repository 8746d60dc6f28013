"""Bring a programme in: one transaction from a file to showtimes on sale."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from booking.showtimes.sales import open_sales
from cinema.imports.bad_rows import BadFile, BadRow, Summary, shown
from cinema.imports.showtime_file import FileShowtime, ShowtimeFile, read_showtimes
from cinema.models import Movie, Screen, SeatCategory, Showtime
from cinema.schedule import length_of, lock_screens


@dataclass
class Wish:
    """A row of the file with what it names in the database; `kept` is the same showing, if it is there."""

    line: FileShowtime
    movie: Movie
    screen: Screen
    ends_at: datetime
    kept: Showtime | None = None
    changes: dict[str, object] = field(default_factory=dict)


@dataclass
class Catalogue:
    """What rows may name, read once for a whole file."""

    slugs: dict[str, Movie]
    titles: dict[str, list[Movie]]
    screens: dict[tuple[str, str], Screen]
    cinemas: set[str]
    prices: dict[int, dict[str, str]]  # category names by plan and key


def import_showtimes(content: bytes, *, at: datetime, dry_run: bool = False) -> Summary:
    """Put the showings of a file into the programme and on sale.

    The same film on the same screen at the same time is the same showing; what an empty cell does not say stays. Two
    imports at once wait for each other on the screens' rows, so no overlap can slip through between them. With
    `dry_run` everything is tried and nothing is kept.

    Raises:
        BadFile: every bad row is named in it, and nothing has been changed.
    """
    file = read_showtimes(content, zone=timezone.get_default_timezone(), currency=settings.CURRENCY)
    with transaction.atomic():
        summary = _store(file, at)
        if dry_run:
            transaction.set_rollback(True)
    return summary


def _store(file: ShowtimeFile, at: datetime) -> Summary:
    problems = list(file.problems)
    wishes = _find(file, problems)
    lock_screens({wish.screen.pk for wish in wishes})
    _compare(wishes, at, problems)
    if problems:
        raise BadFile(sorted(problems, key=lambda problem: int(problem.row.removeprefix("row "))))
    new = [wish for wish in wishes if wish.kept is None]
    changed = [wish for wish in wishes if wish.kept and (wish.changes or not wish.kept.n_seats)]
    created = Showtime.objects.bulk_create([_showtime(wish) for wish in new], batch_size=100)
    for wish in changed:
        if wish.changes:
            Showtime.objects.filter(pk=wish.kept.pk).update(**wish.changes)  # type: ignore[union-attr]
    for showtime in (*created, *(wish.kept for wish in changed if wish.kept)):
        if not showtime.n_seats:
            open_sales(showtime_id=showtime.pk, at=at)
    return Summary(len(new), len(changed), len(wishes) - len(new) - len(changed))


def _showtime(wish: Wish) -> Showtime:
    said = {"language": wish.movie.original_language, **wish.line.said}
    return Showtime(
        movie=wish.movie,
        screen=wish.screen,
        plan=wish.screen.plan,
        starts_at=wish.line.starts_at,
        ends_at=wish.ends_at,
        currency=settings.CURRENCY,
        prices=dict(wish.line.prices),
        **said,
    )


# ---- What the rows name -------------------------------------------------------------------------------------------
def _find(file: ShowtimeFile, problems: list[BadRow]) -> list[Wish]:
    known = _catalogue(file.lines)
    keys = {key for prices in known.prices.values() for key in prices}
    strange = [key for key in file.categories if keys and key not in keys]
    problems += [
        BadRow("row 1", f"price_{key}", "is for a category that no screen of this file has") for key in strange
    ]
    wishes = []
    for line in file.lines:
        movie, screen = _movie(line, known, problems), _screen(line, known, problems)
        if screen is not None:
            problems += _bad_prices(line, screen, known, strange)
        if movie is not None and screen is not None and "starts_at" not in line.faulty:
            wishes.append(Wish(line, movie, screen, line.starts_at + length_of(movie.runtime)))
    return wishes


def _catalogue(lines: Sequence[FileShowtime]) -> Catalogue:
    names = {line.movie for line in lines}
    slugs = {movie.slug: movie for movie in Movie.objects.filter(slug__in=names)}
    titles: dict[str, list[Movie]] = defaultdict(list)
    for movie in Movie.objects.filter(title__in=names).order_by("slug"):
        titles[movie.title].append(movie)
    found = Screen.objects.select_related("cinema", "plan").filter(cinema__name__in={line.cinema for line in lines})
    screens = {(screen.cinema.name, screen.name): screen for screen in found}
    prices: dict[int, dict[str, str]] = defaultdict(dict)
    for category in SeatCategory.objects.filter(plan__screens__in=found).distinct().order_by("plan", "position"):
        prices[category.plan_id][category.key] = category.name
    return Catalogue(slugs, titles, screens, {screen.cinema.name for screen in found}, prices)


def _movie(line: FileShowtime, known: Catalogue, problems: list[BadRow]) -> Movie | None:
    if "movie" in line.faulty:
        return None
    if line.movie in known.slugs:
        return known.slugs[line.movie]
    movies = known.titles.get(line.movie, [])
    if len(movies) == 1:
        return movies[0]
    if movies:
        slugs = ", ".join(movie.slug for movie in movies)
        problems.append(line.bad("movie", f"{shown(line.movie)} is the title of several films; write one of {slugs}"))
    else:
        problems.append(line.bad("movie", f"{shown(line.movie)} is neither the slug nor the title of a film"))
    return None


def _screen(line: FileShowtime, known: Catalogue, problems: list[BadRow]) -> Screen | None:
    if {"cinema", "screen"} & line.faulty:
        return None
    screen = known.screens.get((line.cinema, line.screen))
    if screen is None and line.cinema not in known.cinemas:
        problems.append(line.bad("cinema", f"{shown(line.cinema)} is no cinema with screens"))
    elif screen is None:
        names = ", ".join(sorted(name for cinema, name in known.screens if cinema == line.cinema))
        problems.append(line.bad("screen", f"{shown(line.screen)} is none of {names}"))
    elif screen.plan is None:
        problems.append(line.bad("screen", f"{shown(line.screen)} has no seating plan yet; import one first"))
    else:
        return screen
    return None


def _bad_prices(line: FileShowtime, screen: Screen, known: Catalogue, strange: Sequence[str]) -> Iterable[BadRow]:
    assert screen.plan_id is not None
    categories = known.prices[screen.plan_id]
    for key, name in categories.items():
        if key not in line.prices and f"price_{key}" not in line.faulty:
            yield line.bad(f"price_{key}", f"is empty, and {screen.name} has seats of the category {name}")
    for key in line.prices.keys() - categories.keys() - set(strange):
        keys = ", ".join(f"price_{known_key}" for known_key in categories)
        yield line.bad(f"price_{key}", f"is for a category that {screen.name} has not; its prices are {keys}")


# ---- What is there already ----------------------------------------------------------------------------------------
def _compare(wishes: Sequence[Wish], at: datetime, problems: list[BadRow]) -> None:
    """Find the showing that each row means, what would change of it, and everything that it would run into."""
    by_screen: dict[int, list[Wish]] = defaultdict(list)
    for wish in wishes:
        by_screen[wish.screen.pk].append(wish)
    there = list(_there(wishes))
    for showtime in sorted(there, key=lambda one: one.cancelled_at is not None):  # what is called off comes last
        for wish in by_screen[showtime.screen_id]:
            problems += _meet(wish, showtime)
    for on_screen in by_screen.values():
        problems += _overlaps_in_file(on_screen)
    for wish in wishes:
        problems += _changes(wish)
        if wish.line.starts_at <= at and (wish.kept is None or wish.changes):
            problems.append(wish.line.bad("starts_at", f"{_when(wish.line.starts_at)} is in the past"))


def _there(wishes: Sequence[Wish]) -> Iterable[Showtime]:
    """Every showing on these screens in the time of the file."""
    if not wishes:
        return []
    return (
        Showtime.objects.filter(
            screen__in={wish.screen.pk for wish in wishes},
            starts_at__lt=max(wish.ends_at for wish in wishes),
            ends_at__gt=min(wish.line.starts_at for wish in wishes),
        )
        .select_related("movie")
        .order_by("pk")
    )


def _meet(wish: Wish, there: Showtime) -> Iterable[BadRow]:
    is_same_start = there.starts_at == wish.line.starts_at
    if is_same_start and there.cancelled_at is not None and wish.kept is None:
        yield wish.line.bad(
            "starts_at", f"{_named(there.movie, there.starts_at, wish)} was called off; take another start"
        )
    elif is_same_start and there.cancelled_at is None and there.movie_id == wish.movie.pk:
        wish.kept, wish.ends_at = there, there.ends_at
    elif there.cancelled_at is None and there.starts_at < wish.ends_at and wish.line.starts_at < there.ends_at:
        yield wish.line.bad("starts_at", f"overlaps {_named(there.movie, there.starts_at, wish)}")


def _overlaps_in_file(wishes: Sequence[Wish]) -> Iterable[BadRow]:
    """Rows of the file that run into each other; a showing that is there has been held against them before."""
    running: Wish | None = None
    seen: dict[int, Wish] = {}
    for wish in sorted(wishes, key=lambda one: (one.line.starts_at, one.line.row)):
        other = seen.setdefault(wish.kept.pk, wish) if wish.kept else running
        if other is not None and other is not wish and wish.line.starts_at < other.ends_at:
            name = _named(other.movie, other.line.starts_at, wish)
            yield wish.line.bad("starts_at", f"overlaps {name} (row {other.line.row})")
        if wish.kept is None and (running is None or wish.ends_at > running.ends_at):
            running = wish


def _changes(wish: Wish) -> Iterable[BadRow]:
    """Fill in what the row says differently of a showing that is there. Its prices are settled once seats are gone."""
    there, line = wish.kept, wish.line
    if there is None:
        return
    wish.changes = {name: value for name, value in line.said.items() if getattr(there, name) != value}
    keys = there.prices.keys()
    prices = {key: line.prices.get(key, there.prices[key]) for key in keys} or dict(line.prices)
    if there.currency != settings.CURRENCY or prices != there.prices:
        wish.changes |= {"prices": prices, "currency": settings.CURRENCY}
        held = Showtime.objects.select_for_update().get(pk=there.pk)  # nobody locks a seat meanwhile
        if held.n_locked or held.n_booked:
            first = next((key for key in prices if prices[key] != there.prices.get(key)), next(iter(prices), ""))
            yield line.bad(f"price_{first}", "differs, but seats of this showing are locked or sold at the old price")


def _named(movie: Movie, starts_at: datetime, wish: Wish) -> str:
    return f"{movie.title}, {_when(starts_at)} on {wish.screen.name}"


def _when(moment: datetime) -> str:
    return f"{timezone.localtime(moment, timezone.get_default_timezone()):%Y-%m-%d %H:%M}"
