"""What is on sale, in memory: which films start when, in which language.

Counting in the database would scan all showtimes once for every group of choices. One scan that joins the ids of each
start into one text, counted here, is several times faster than fetching the rows.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from itertools import chain
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Aggregate, CharField, TextField
from django.db.models.functions import Cast
from django.db.models.sql.compiler import SQLCompiler
from django.utils import timezone

from cinema.database.statements import Statement, run_queries
from cinema.models import ShowtimeQuerySet

TAGS = Statement(
    "whats_on_tags",
    "SELECT genre_id, STRING_AGG(movie_id::text, ',') FROM cinema_movie_genres GROUP BY genre_id",
    sqlite="SELECT genre_id, GROUP_CONCAT(movie_id) FROM cinema_movie_genres GROUP BY genre_id",
)


class JoinedIds(Aggregate):
    """The integers of a group as one text, separated by commas: `GROUP_CONCAT`, or `STRING_AGG` on PostgreSQL."""

    function = "GROUP_CONCAT"
    output_field = TextField()

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **more: Any) -> Any:
        template = "STRING_AGG(%(expressions)s::text, ',')"
        return super().as_sql(compiler, connection, template=template, **more)


@dataclass(frozen=True)
class Start:
    """The films that start at one instant in one language. A film that starts on two screens is listed twice."""

    at: datetime
    day: date  # in TIME_ZONE
    language: str
    movies: Sequence[int]


@dataclass(frozen=True)
class Timetable:
    """Starts in order of time."""

    starts: Sequence[Start]

    def only(
        self,
        *,
        movies: Collection[int] | None = None,
        languages: Collection[str] | None = None,
        day: date | None = None,
    ) -> Timetable:
        """The part with these films, languages and day; None is any."""
        kept = [each for each in self.starts if languages is None or each.language in languages]
        kept = [each for each in kept if day is None or each.day == day]
        return Timetable(kept if movies is None else [_of(each, movies) for each in kept])

    @cached_property
    def n_times(self) -> int:
        return sum(len(each.movies) for each in self.starts)

    @cached_property
    def movies(self) -> dict[int, None]:
        """The films in the order of their next start: an ordered set."""
        return dict.fromkeys(chain.from_iterable(each.movies for each in self.starts))

    def next_of(self, movies: Collection[int], most: int) -> dict[int, list[datetime]]:
        """The first `most` starts of each of these films; a start on several screens counts once per screen."""
        found: dict[int, list[datetime]] = {movie: [] for movie in movies}
        for each in self.starts:
            for movie in each.movies:
                if movie in found and len(found[movie]) < most:
                    found[movie].append(each.at)
        return found

    @cached_property
    def languages(self) -> dict[str, int]:
        """The number of films by language."""
        found: dict[str, set[int]] = {}
        for each in self.starts:
            found.setdefault(each.language, set()).update(each.movies)
        return {language: len(movies) for language, movies in found.items() if movies}

    @cached_property
    def days(self) -> set[date]:
        return {each.day for each in self.starts if each.movies}


def read_timetable(showtimes: ShowtimeQuerySet) -> Timetable:
    """One query, whatever the number of showtimes."""
    instant = Cast("starts_at", CharField())
    joined = showtimes.order_by().annotate(instant=instant).values_list("instant", "language")
    known: dict[str, tuple[datetime, date]] = {}
    found = []
    for text, language, movies in sorted(joined.annotate(movies=JoinedIds("movie_id"))):
        if text not in known:
            at = _instant(text)
            known[text] = (at, timezone.localdate(at))
        found.append(Start(*known[text], language, sorted(map(int, movies.split(",")))))
    return Timetable(found)


def read_tags() -> dict[int, frozenset[int]]:
    """Ids of films by id of genre, of all films. One query."""
    [rows] = run_queries((TAGS, []))
    return {genre: frozenset(map(int, movies.split(","))) for genre, movies in rows}


def _instant(text: str) -> datetime:
    """Parse a UTC instant as the databases cast it: `2026-11-23 19:30:00`, optional fraction, +00 on PostgreSQL."""
    return datetime.fromisoformat(text.partition("+")[0]).replace(tzinfo=UTC)


def _of(start: Start, movies: Collection[int]) -> Start:
    kept = [movie for movie in start.movies if movie in movies]
    return Start(start.at, start.day, start.language, kept)
