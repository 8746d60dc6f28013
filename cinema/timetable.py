"""What is on sale, small enough to hold: which films begin when, in which language.

Counting it in the database would mean one walk over all showtimes for every group of choices; the ids of a walk, joined
by the database into one text a beginning, are counted here several times faster than their rows could be fetched.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
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

    instant: str  # UTC, as the database writes it: sorts like the instant
    day: date  # of the house
    language: str
    movies: Sequence[int]


@dataclass(frozen=True)
class Timetable:
    """Beginnings in order; `sold_out` are those of showtimes without a seat left, which `beginnings` name too."""

    beginnings: Sequence[Beginning]
    sold_out: Sequence[Beginning]

    def only(
        self,
        *,
        movies: Collection[int] | None = None,
        languages: Collection[str] | None = None,
        day: date | None = None,
    ) -> Timetable:
        """Of these films, languages and day; None is any."""

        def pick(beginnings: Iterable[Beginning]) -> list[Beginning]:
            kept = [each for each in beginnings if (languages is None or each.language in languages)]
            kept = [each for each in kept if day is None or each.day == day]
            return kept if movies is None else [_of(each, movies) for each in kept]

        return Timetable(pick(self.beginnings), pick(self.sold_out))

    @cached_property
    def n_times(self) -> int:
        return sum(len(each.movies) for each in self.beginnings)

    @cached_property
    def movies(self) -> dict[int, None]:
        """The films in the order of their next beginning: a set that keeps its order."""
        return dict.fromkeys(chain.from_iterable(each.movies for each in self.beginnings))

    def ordered_movies(self) -> list[int]:
        """What begins next comes first, what is sold out at all its times after the rest."""
        full = Counter(chain.from_iterable(each.movies for each in self.sold_out))
        times = Counter(movie for each in self.beginnings for movie in each.movies if movie in full) if full else full
        gone = {movie for movie in full if full[movie] == times[movie]}
        return [movie for movie in self.movies if movie not in gone] + [movie for movie in self.movies if movie in gone]

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


def read_timetable(showtimes: ShowtimeQuerySet, *, with_sold_out: bool = True) -> Timetable:
    """One question, and a second for what is sold out, whatever the number of showtimes."""
    return Timetable(_beginnings(showtimes), _beginnings(showtimes.filter(n_available=0)) if with_sold_out else [])


def read_tags() -> dict[int, frozenset[int]]:
    """Films by genre, of all films. One question."""
    tags: QuerySet[Any] = Movie.genres.through.objects.order_by()
    joined = tags.values_list("genre_id").annotate(movies=JoinedIds("movie_id"))
    return {genre: frozenset(map(int, movies.split(","))) for genre, movies in joined}


def _beginnings(showtimes: ShowtimeQuerySet) -> list[Beginning]:
    instant = Cast("starts_at", CharField())
    joined = showtimes.order_by().annotate(instant=instant).values_list("instant", "language")
    days: dict[str, date] = {}
    found = []
    for text, language, movies in sorted(joined.annotate(movies=JoinedIds("movie_id"))):
        if text not in days:
            days[text] = _day_of(text)
        found.append(Beginning(text, days[text], language, sorted(map(int, movies.split(",")))))
    return found


def _day_of(text: str) -> date:
    """Both databases write an instant in UTC as 2026-11-23 19:30:00, with what follows different."""
    return timezone.localdate(datetime.fromisoformat(text[:19]).replace(tzinfo=UTC))


def _of(beginning: Beginning, movies: Collection[int]) -> Beginning:
    kept = [movie for movie in beginning.movies if movie in movies]
    return Beginning(beginning.instant, beginning.day, beginning.language, kept)
