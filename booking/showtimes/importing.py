"""Import showtimes from a file (CSV) and open their sales, in one transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
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
class RowMatch:
    """A row of the file with the film and the screen that it names.

    `existing`: the showtime of this film on this screen at this start, if it is stored. `changes`: what changes of it.
    """

    line: FileShowtime
    movie: Movie
    screen: Screen
    ends_at: datetime
    existing: Showtime | None = None
    changes: dict[str, object] = field(default_factory=dict)


@dataclass
class Catalogue:
    """Films, screens and price categories that rows may name, read once per file."""

    slugs: dict[str, Movie]
    titles: dict[str, list[Movie]]
    screens: dict[tuple[str, str], Screen]
    cinemas: set[str]
    prices: dict[int, dict[str, str]]  # by plan: category key to name
    sold: set[tuple[int, str]]  # plan and key of the categories that need a price


def import_showtimes(content: bytes, *, at: datetime, dry_run: bool = False) -> Summary:
    """Create or change the showtimes of a file and open their sales.

    A row with the film, screen and start of an existing showtime changes that one; an empty cell changes nothing. Two
    imports at once wait for each other at the row locks of the screens, so that together they create no overlap.

    Args:
        dry_run: check and write everything, then roll back.

    Raises:
        BadFile: names every bad row; nothing was changed.
    """
    file = read_showtimes(content, zone=timezone.get_default_timezone(), currency=settings.CURRENCY)
    with transaction.atomic():
        summary = _store(file, at)
        if dry_run:
            transaction.set_rollback(True)
    return summary


def _store(file: ShowtimeFile, at: datetime) -> Summary:
    problems = list(file.problems)
    matches = _find(file, problems)
    lock_screens({match.screen.pk for match in matches})
    _compare(matches, at, problems)
    if problems:
        raise BadFile(sorted(problems, key=lambda problem: int(problem.row.removeprefix("row "))))
    new = [match for match in matches if match.existing is None]
    changed = [match for match in matches if match.existing and (match.changes or not match.existing.n_seats)]
    created = Showtime.objects.bulk_create([_showtime(match) for match in new], batch_size=100)
    for match in changed:
        if match.changes:
            Showtime.objects.filter(pk=match.existing.pk).update(**match.changes)  # type: ignore[union-attr]
    for showtime in (*created, *(match.existing for match in changed if match.existing)):
        if not showtime.n_seats:
            open_sales(showtime_id=showtime.pk, at=at)
    return Summary(len(new), len(changed), len(matches) - len(new) - len(changed))


def _showtime(match: RowMatch) -> Showtime:
    said = {"language": match.movie.original_language, **match.line.said}
    return Showtime(
        movie=match.movie,
        screen=match.screen,
        plan=match.screen.plan,
        starts_at=match.line.starts_at,
        ends_at=match.ends_at,
        currency=settings.CURRENCY,
        prices=dict(match.line.prices),
        **said,
    )


# ---- Films, screens and prices of the rows ------------------------------------------------------------------------
def _find(file: ShowtimeFile, problems: list[BadRow]) -> list[RowMatch]:
    catalogue = _catalogue(file.lines)
    keys = {key for prices in catalogue.prices.values() for key in prices}
    unknown = [key for key in file.categories if keys and key not in keys]
    problems += [
        BadRow("row 1", f"price_{key}", "is for a category that no screen of this file has") for key in unknown
    ]
    matches = []
    for line in file.lines:
        movie, screen = _movie(line, catalogue, problems), _screen(line, catalogue, problems)
        if screen is not None:
            problems += _bad_prices(line, screen, catalogue, unknown)
            sold = {key: price for key, price in line.prices.items() if (screen.plan_id, key) in catalogue.sold}
            line = replace(line, prices=sold)
        if movie is not None and screen is not None and "starts_at" not in line.faulty:
            matches.append(RowMatch(line, movie, screen, line.starts_at + length_of(movie.runtime)))
    return matches


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
    sold = set(SeatCategory.objects.filter(plan__in=prices).sold().values_list("plan_id", "key"))
    return Catalogue(slugs, titles, screens, {screen.cinema.name for screen in found}, prices, sold)


def _movie(line: FileShowtime, catalogue: Catalogue, problems: list[BadRow]) -> Movie | None:
    if "movie" in line.faulty:
        return None
    if line.movie in catalogue.slugs:
        return catalogue.slugs[line.movie]
    movies = catalogue.titles.get(line.movie, [])
    if len(movies) == 1:
        return movies[0]
    if movies:
        slugs = ", ".join(movie.slug for movie in movies)
        problems.append(line.bad("movie", f"{shown(line.movie)} is the title of several films; write one of {slugs}"))
    else:
        problems.append(line.bad("movie", f"{shown(line.movie)} is neither the slug nor the title of a film"))
    return None


def _screen(line: FileShowtime, catalogue: Catalogue, problems: list[BadRow]) -> Screen | None:
    if {"cinema", "screen"} & line.faulty:
        return None
    screen = catalogue.screens.get((line.cinema, line.screen))
    if screen is None and line.cinema not in catalogue.cinemas:
        problems.append(line.bad("cinema", f"{shown(line.cinema)} is no cinema with screens"))
    elif screen is None:
        names = ", ".join(sorted(name for cinema, name in catalogue.screens if cinema == line.cinema))
        problems.append(line.bad("screen", f"{shown(line.screen)} is none of {names}"))
    elif screen.plan is None:
        problems.append(line.bad("screen", f"{shown(line.screen)} has no seating plan yet; import one first"))
    else:
        return screen
    return None


def _bad_prices(line: FileShowtime, screen: Screen, catalogue: Catalogue, unknown: Sequence[str]) -> Iterable[BadRow]:
    assert screen.plan_id is not None
    categories = catalogue.prices[screen.plan_id]
    for key, name in categories.items():
        is_sold = (screen.plan_id, key) in catalogue.sold
        if is_sold and key not in line.prices and f"price_{key}" not in line.faulty:
            yield line.bad(f"price_{key}", f"is empty, and {screen.name} has seats of the category {name}")
    for key in line.prices.keys() - categories.keys() - set(unknown):
        keys = ", ".join(f"price_{known_key}" for known_key in categories)
        yield line.bad(f"price_{key}", f"is for a category that {screen.name} has not; its prices are {keys}")


# ---- Existing showtimes and overlaps ------------------------------------------------------------------------------
def _compare(matches: Sequence[RowMatch], at: datetime, problems: list[BadRow]) -> None:
    """Find the existing showtime of each row, its changes, and every overlap."""
    by_screen: dict[int, list[RowMatch]] = defaultdict(list)
    for match in matches:
        by_screen[match.screen.pk].append(match)
    found = list(_existing_showtimes(matches))
    for showtime in sorted(found, key=lambda one: one.cancelled_at is not None):  # the cancelled ones last
        for match in by_screen[showtime.screen_id]:
            problems += _find_existing(match, showtime)
    for on_screen in by_screen.values():
        problems += _overlaps_in_file(on_screen)
    for match in matches:
        problems += _changes(match)
        if match.line.starts_at <= at and (match.existing is None or match.changes):
            problems.append(match.line.bad("starts_at", f"{_when(match.line.starts_at)} is in the past"))


def _existing_showtimes(matches: Sequence[RowMatch]) -> Iterable[Showtime]:
    """Every showtime on these screens between the first start and the last end of the file."""
    if not matches:
        return []
    return (
        Showtime.objects.filter(
            screen__in={match.screen.pk for match in matches},
            starts_at__lt=max(match.ends_at for match in matches),
            ends_at__gt=min(match.line.starts_at for match in matches),
        )
        .select_related("movie")
        .order_by("pk")
    )


def _find_existing(match: RowMatch, showtime: Showtime) -> Iterable[BadRow]:
    """Set `existing` if the row means this showtime; yield an error if it overlaps it."""
    is_cancelled = showtime.cancelled_at is not None
    is_same_start = showtime.starts_at == match.line.starts_at
    if is_same_start and is_cancelled and match.existing is None:
        yield match.line.bad(
            "starts_at", f"{_named(showtime.movie, showtime.starts_at, match)} was called off; take another start"
        )
    elif is_same_start and not is_cancelled and showtime.movie_id == match.movie.pk:
        match.existing, match.ends_at = showtime, showtime.ends_at
    elif not is_cancelled and showtime.starts_at < match.ends_at and match.line.starts_at < showtime.ends_at:
        yield match.line.bad("starts_at", f"overlaps {_named(showtime.movie, showtime.starts_at, match)}")


def _overlaps_in_file(matches: Sequence[RowMatch]) -> Iterable[BadRow]:
    """Overlaps between rows of the file; `_find_existing` has compared them with those stored."""
    running: RowMatch | None = None
    seen: dict[int, RowMatch] = {}
    for match in sorted(matches, key=lambda one: (one.line.starts_at, one.line.row)):
        other = seen.setdefault(match.existing.pk, match) if match.existing else running
        if other is not None and other is not match and match.line.starts_at < other.ends_at:
            name = _named(other.movie, other.line.starts_at, match)
            yield match.line.bad("starts_at", f"overlaps {name} (row {other.line.row})")
        if match.existing is None and (running is None or match.ends_at > running.ends_at):
            running = match


def _changes(match: RowMatch) -> Iterable[BadRow]:
    """Set `changes` of a row with an existing showtime. Its prices are fixed once a seat is locked or booked."""
    existing, line = match.existing, match.line
    if existing is None:
        return
    match.changes = {name: value for name, value in line.said.items() if getattr(existing, name) != value}
    keys = existing.prices.keys()
    prices = {key: line.prices.get(key, existing.prices[key]) for key in keys} or dict(line.prices)
    if existing.currency != settings.CURRENCY or prices != existing.prices:
        match.changes |= {"prices": prices, "currency": settings.CURRENCY}
        current = Showtime.objects.select_for_update().get(pk=existing.pk)  # row-locked: no seat is locked meanwhile
        if current.n_locked or current.n_booked:
            first = next((key for key in prices if prices[key] != existing.prices.get(key)), next(iter(prices), ""))
            yield line.bad(f"price_{first}", "differs, but seats of this showing are locked or sold at the old price")


def _named(movie: Movie, starts_at: datetime, match: RowMatch) -> str:
    return f"{movie.title}, {_when(starts_at)} on {match.screen.name}"


def _when(moment: datetime) -> str:
    return f"{timezone.localtime(moment, timezone.get_default_timezone()):%Y-%m-%d %H:%M}"
