"""What is on sale, small enough to hold: which films begin when, in which language.

Counting it in the database would mean one walk over all showtimes for every group of choices; the ids of a walk, joined
by the database into one text a beginning, are counted here several times faster than their rows could be fetched.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from itertools import chain
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Aggregate, CharField, QuerySet, TextField
from django.db.models.functions import Cast
from django.db.models.sql.compiler import SQLCompiler
from django.utils import timezone

from cinema.models import Movie, ShowtimeQuerySet


class JoinedIds(Aggregate):
    """Whole numbers of a group as one text, with commas between: `GROUP_CONCAT`, or `STRING_AGG` of PostgreSQL."""

    function = "GROUP_CONCAT"
    output_field = TextField()

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **more: Any) -> Any:
        template = "STRING_AGG(%(expressions)s::text, ',')"
        return super().as_sql(compiler, connection, template=template, **more)


@dataclass(frozen=True)
class Beginning:
    """What begins at one instant in one language. A film that begins in two rooms is there twice."""

    at: datetime
    day: date  # of the house
    language: str
    movies: Sequence[int]


@dataclass(frozen=True)
class Timetable:
    """Beginnings in order."""

    beginnings: Sequence[Beginning]

    def only(
        self,
        *,
        movies: Collection[int] | None = None,
        languages: Collection[str] | None = None,
        day: date | None = None,
    ) -> Timetable:
        """Of these films, languages and day; None is any."""
        kept = [each for each in self.beginnings if languages is None or each.language in languages]
        kept = [each for each in kept if day is None or each.day == day]
        return Timetable(kept if movies is None else [_of(each, movies) for each in kept])

    @cached_property
    def n_times(self) -> int:
        return sum(len(each.movies) for each in self.beginnings)

    @cached_property
    def movies(self) -> dict[int, None]:
        """The films in the order of their next beginning: a set that keeps its order."""
        return dict.fromkeys(chain.from_iterable(each.movies for each in self.beginnings))

    def next_of(self, movies: Collection[int], most: int) -> dict[int, list[datetime]]:
        """The first `most` beginnings of each of these films; in several rooms at once counts as often."""
        found: dict[int, list[datetime]] = {movie: [] for movie in movies}
        for each in self.beginnings:
            for movie in each.movies:
                if movie in found and len(found[movie]) < most:
                    found[movie].append(each.at)
        return found

    @cached_property
    def languages(self) -> dict[str, int]:
        """Films by language."""
        found: dict[str, set[int]] = {}
        for each in self.beginnings:
            found.setdefault(each.language, set()).update(each.movies)
        return {language: len(movies) for language, movies in found.items() if movies}

    @cached_property
    def days(self) -> set[date]:
        return {each.day for each in self.beginnings if each.movies}


def read_timetable(showtimes: ShowtimeQuerySet) -> Timetable:
    """One question, whatever the number of showtimes."""
    instant = Cast("starts_at", CharField())
    joined = showtimes.order_by().annotate(instant=instant).values_list("instant", "language")
    begun: dict[str, tuple[datetime, date]] = {}
    found = []
    for text, language, movies in sorted(joined.annotate(movies=JoinedIds("movie_id"))):
        if text not in begun:
            at = _instant(text)
            begun[text] = (at, timezone.localdate(at))
        found.append(Beginning(*begun[text], language, sorted(map(int, movies.split(",")))))
    return Timetable(found)


def read_tags() -> dict[int, frozenset[int]]:
    """Films by genre, of all films. One question."""
    tags: QuerySet[Any] = Movie.genres.through.objects.order_by()
    joined = tags.values_list("genre_id").annotate(movies=JoinedIds("movie_id"))
    return {genre: frozenset(map(int, movies.split(","))) for genre, movies in joined}


def _instant(text: str) -> datetime:
    """As the databases write it in UTC: 2026-11-23 19:30:00, perhaps with a fraction, on PostgreSQL with +00."""
    return datetime.fromisoformat(text.partition("+")[0]).replace(tzinfo=UTC)


def _of(beginning: Beginning, movies: Collection[int]) -> Beginning:
    kept = [movie for movie in beginning.movies if movie in movies]
    return Beginning(beginning.at, beginning.day, beginning.language, kept)
