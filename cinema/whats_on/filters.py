"""The film finder: filters read from an address, the films they match, and the number of films of every other choice.

Values of one name are alternatives, different names are combined: `?genre=drama&genre=crime&language=German` is a drama
or a crime film, in German. Cinema, day and language must be those of one and the same showtime.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import islice
from urllib.parse import urlencode

from django.db.models import Max, Q, QuerySet
from django.http import QueryDict
from django.utils import timezone
from django.utils.text import slugify

from cinema.database.row_mapping import columns_of, read_rows
from cinema.database.statements import Statement, run_queries
from cinema.days import bounds_of, read_day
from cinema.films.languages import NAMES
from cinema.models import Cinema, Genre, Movie, Showtime, ShowtimeQuerySet
from cinema.search_text import words_of
from cinema.whats_on.listings import AHEAD, still_sold
from cinema.whats_on.timetable import Timetable, read_tags, read_timetable

MAX_VALUES = 30  # of one name; no form sends more
MAX_LENGTH = 120  # characters of a value

GENRES = Statement("whats_on_genres", f"SELECT {columns_of(Genre)} FROM cinema_genre ORDER BY name")
CINEMAS = Statement("whats_on_cinemas", f"SELECT {columns_of(Cinema)} FROM cinema_cinema ORDER BY name")


@dataclass(frozen=True)
class Filters:
    """The filters of a page as the address has them, without control characters and needless spaces."""

    genres: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    cinemas: tuple[str, ...] = ()
    day: date | None = None
    q: str = ""
    bad_day: str = ""

    @classmethod
    def read(cls, query: QueryDict) -> Filters:
        date_text = query.get("date", "").strip()
        day = read_day(date_text)
        return cls(
            genres=_values(query, "genre"),
            languages=_values(query, "language"),
            cinemas=_values(query, "cinema"),
            day=day,
            q=_clean(query.get("q", "")),
            bad_day=_clean(date_text) if date_text and day is None else "",
        )

    @property
    def is_empty(self) -> bool:
        return not (self.genres or self.languages or self.cinemas or self.day or self.q)

    @property
    def words(self) -> list[str]:
        return words_of(self.q)

    @property
    def query(self) -> str:
        """The filters as a query string with its `?`, in a fixed order; "" for none."""
        pairs = [("genre", value) for value in self.genres]
        pairs += [("language", value) for value in self.languages]
        pairs += [("cinema", value) for value in self.cinemas]
        pairs += [("date", self.day.isoformat())] if self.day else []
        pairs += [("q", self.q)] if self.q else []
        return f"?{urlencode(pairs)}" if pairs else ""

    def with_changes(self, **changes: object) -> Filters:
        return replace(self, **changes)  # type: ignore[arg-type]  # names and types are those of the fields

    def without(self, name: str, value: str) -> Filters:
        kept = tuple(each for each in getattr(self, name) if each != value)
        return self.with_changes(**{name: kept})


@dataclass(frozen=True)
class Choice:
    """A value of one filter, and how many films it would give together with the filters of other names."""

    value: str
    name: str
    count: int
    is_chosen: bool


@dataclass(frozen=True)
class Chip:
    """One active filter, and the query string without it."""

    name: str
    query: str


@dataclass(frozen=True)
class Catalogue:
    """All choices and what is on sale, read once per request. `at` is the instant of all answers."""

    at: datetime
    on_sale: ShowtimeQuerySet  # at that instant: made once, as building a query costs as much as a small one
    genres: Sequence[Genre]
    cinemas: Sequence[Cinema]
    tags: Mapping[int, Collection[int]]  # ids of films by id of genre
    everywhere: Timetable  # of all cinemas
    filtered: Timetable  # of the cinemas of the filters
    searched: Collection[int] | None  # ids of films that match the search text; None if there is no text

    @property
    def until(self) -> datetime:
        return self.at + AHEAD

    def genre_ids(self, wanted: Collection[str]) -> set[int]:
        return {genre.pk for genre in self.genres if _matches(genre.slug, genre.name, wanted)}

    def cinema_ids(self, wanted: Collection[str]) -> set[int]:
        return _cinema_ids(self.cinemas, wanted)

    # ---- matching showtimes and films ---------------------------------------------------------------------------

    def timetable(self, filters: Filters) -> Timetable:
        """What can be bought now or later within the horizon and matches; cinemas are those of `read_catalogue`."""
        languages = matching_languages(filters.languages, self.everywhere.languages) if filters.languages else None
        return self.filtered.only(movies=self._matching_films(filters), languages=languages, day=filters.day)

    def showtimes(self, filters: Filters, movies: Sequence[int]) -> ShowtimeQuerySet:
        """The showtimes of these films that match the filters."""
        found = self.on_sale.filter(movie__in=movies)
        if filters.cinemas:
            found = found.filter(screen__cinema__in=self.cinema_ids(filters.cinemas))
        if filters.languages:
            found = found.filter(language__in=matching_languages(filters.languages, self.everywhere.languages))
        return found.filter(_on(filters.day)) if filters.day else found

    def select_films(self, filters: Filters, found: Timetable, *, first: int, most: int) -> list[int]:
        """Ids of at most `most` matching films from the `first` on: by next start, with sold-out films last.

        Args:
            found: the result of `timetable` for these filters.
        """
        movies, free, full = list(found.movies), list[int](), list[int]()
        while movies and len(free) < first + most:  # availability of later pages is not read
            some, movies = movies[: 2 * (first + most)], movies[2 * (first + most) :]
            left = dict(self.showtimes(filters, some).order_by().values_list("movie_id").annotate(n=Max("n_available")))
            for movie in some:
                (free if left.get(movie) else full).append(movie)
        return (free + full)[first : first + most]

    def soon(self, filters: Filters, most: int) -> list[int]:
        """Ids of films that are not on sale yet: shown later than the horizon, or to be released."""
        if filters.day:
            return []
        later = Showtime.objects.filter(starts_at__gte=self.until, cancelled_at=None)
        if filters.cinemas:
            later = later.filter(screen__cinema__in=self.cinema_ids(filters.cinemas))
        coming = Q(pk__in=later.values("movie_id"))
        if not filters.cinemas:
            coming |= Q(release_date__gt=timezone.localdate(self.at))
        found = Movie.objects.filter(coming).order_by("release_date", "title")
        if filters.languages:
            found = found.filter(_language_of_film(filters.languages))
        matching = self._matching_films(filters)
        ids = (pk for pk in found.values_list("pk", flat=True) if pk not in self.everywhere.movies)
        return list(islice((pk for pk in ids if matching is None or pk in matching), most))

    def genre_of(self, film: int) -> str:
        """The name of its first genre; "" without one."""
        return next((genre.name for genre in self.genres if film in self.tags.get(genre.pk, ())), "")

    def _matching_films(self, filters: Filters) -> Collection[int] | None:
        """Ids of films by genre and search text, with showtimes or without; None is any."""
        searched = self.searched if filters.q else None
        if not filters.genres:
            return searched
        tagged = self._tagged(filters)
        return tagged if searched is None else tagged & set(searched)

    def _tagged(self, filters: Filters) -> set[int]:
        return {film for genre in self.genre_ids(filters.genres) for film in self.tags.get(genre, ())}

    # ---- choices -----------------------------------------------------------------------------------------------

    def genre_choices(self, filters: Filters) -> list[Choice]:
        """Every genre with a film on sale, also with a count of 0: the list of choices stays stable."""
        found, shown = self.timetable(filters.with_changes(genres=())).movies.keys(), self.everywhere.movies.keys()
        chosen = self.genre_ids(filters.genres)
        films = {genre.pk: self.tags.get(genre.pk, ()) for genre in self.genres}
        listed = [each for each in self.genres if each.pk in chosen or not shown.isdisjoint(films[each.pk])]
        return [Choice(each.slug, each.name, len(found & films[each.pk]), each.pk in chosen) for each in listed]

    def language_choices(self, filters: Filters) -> list[Choice]:
        counts = self.timetable(filters.with_changes(languages=())).languages
        chosen = matching_languages(filters.languages, self.everywhere.languages)
        names = sorted(name for name in self.everywhere.languages if name)
        return [Choice(name, name, counts.get(name, 0), name in chosen) for name in names]

    def days(self, filters: Filters) -> list[date]:
        """The days within the horizon that have a matching showtime, and the chosen day."""
        return sorted(self.timetable(filters.with_changes(day=None)).days | ({filters.day} if filters.day else set()))

    def chips(self, filters: Filters) -> list[Chip]:
        """The active filters, each with the query string without it."""
        genres = {genre.slug.casefold(): genre.name for genre in self.genres}
        cinemas = {cinema.slug.casefold(): cinema.name for cinema in self.cinemas}
        chips = [Chip(genres.get(v.casefold(), v), filters.without("genres", v).query) for v in filters.genres]
        chips += [Chip(_language_label(v), filters.without("languages", v).query) for v in filters.languages]
        chips += [Chip(cinemas.get(v.casefold(), v), filters.without("cinemas", v).query) for v in filters.cinemas]
        chips += [Chip(f"“{filters.q}”", filters.with_changes(q="").query)] if filters.q else []
        return chips


def read_catalogue(filters: Filters, at: datetime) -> Catalogue:
    """A fixed number of queries, whatever the number of showtimes."""
    cinemas = read_cinemas()
    now = on_sale(at)
    everywhere = filtered = read_timetable(now)
    if filters.cinemas:
        filtered = read_timetable(now.filter(screen__cinema__in=_cinema_ids(cinemas, filters.cinemas)))
    searched = (
        frozenset(_searched(Movie.objects.order_by(), filters).values_list("pk", flat=True)) if filters.q else None
    )
    return Catalogue(at, now, read_genres(), cinemas, read_tags(), everywhere, filtered, searched)


def read_genres() -> list[Genre]:
    """All, by name. A prepared statement, as is the next one: compiling these two costs more than running them."""
    return [genre for genre, _ in read_rows(Genre, run_queries((GENRES, []))[0])]


def read_cinemas() -> list[Cinema]:
    """All, by name."""
    return [cinema for cinema, _ in read_rows(Cinema, run_queries((CINEMAS, []))[0])]


def on_sale(at: datetime) -> ShowtimeQuerySet:
    """Showtimes that can be bought now or later, within the horizon."""
    return still_sold(Showtime.objects.all(), at).filter(ends_at__gt=at, starts_at__lt=at + AHEAD)


def _searched(movies: QuerySet[Movie], filters: Filters) -> QuerySet[Movie]:
    for word in filters.words:
        movies = movies.filter(search_text__contains=word)
    return movies


def _cinema_ids(cinemas: Iterable[Cinema], wanted: Collection[str]) -> set[int]:
    return {cinema.pk for cinema in cinemas if _matches(cinema.slug, cinema.name, wanted)}


def matching_languages(wanted: Collection[str], known: Iterable[str]) -> set[str]:
    """The known languages that these values name: by name, slug, or ISO 639-1 code."""
    codes = {NAMES[value.casefold()] for value in wanted if value.casefold() in NAMES}
    return {name for name in known if name and (name in codes or _matches(slugify(name), name, wanted))}


def _language_of_film(wanted: Collection[str]) -> Q:
    names = {NAMES.get(value.casefold(), value) for value in wanted}
    condition = Q()
    for name in names:
        condition |= Q(original_language__iexact=name.replace("-", " "))
    return condition


def _language_label(value: str) -> str:
    return NAMES.get(value.casefold(), value.replace("-", " ").capitalize() if value.islower() else value)


def _matches(slug: str, name: str, wanted: Collection[str]) -> bool:
    return bool({slug.casefold(), name.casefold()} & {value.casefold() for value in wanted})


def _on(day: date) -> Q:
    begins, ends = bounds_of(day)
    return Q(starts_at__gte=begins, starts_at__lt=ends)


def _values(query: QueryDict, name: str) -> tuple[str, ...]:
    """The distinct values of a name, in the order of the address."""
    values = (_clean(value) for value in query.getlist(name)[:MAX_VALUES])
    return tuple(dict.fromkeys(value for value in values if value))


def _clean(text: str) -> str:
    return " ".join(text.replace("\0", " ").split())[:MAX_LENGTH]
