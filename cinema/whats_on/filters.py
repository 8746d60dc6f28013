"""Finding a film: what the address asks for, which films that is, and how many each other choice would give.

Values of one name are alternatives, names narrow each other: `?genre=drama&genre=crime&language=German` is a drama or a
crime film, in German. House, day and language must be those of one and the same showtime.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from urllib.parse import urlencode

from django.db.models import Max, Q, QuerySet
from django.http import QueryDict
from django.utils import timezone
from django.utils.text import slugify

from cinema.days import bounds_of, read_day
from cinema.films.languages import NAMES
from cinema.models import Cinema, Genre, Movie, Showtime, ShowtimeQuerySet
from cinema.search_text import words_of
from cinema.whats_on.listings import AHEAD, still_sold
from cinema.whats_on.timetable import Timetable, read_tags, read_timetable

MOST_VALUES = 30  # of one name; more is no question of a person
LONGEST = 120


@dataclass(frozen=True)
class Wish:
    """What an address asks for, as it was written, cleaned of what nobody means."""

    genres: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    cinemas: tuple[str, ...] = ()
    day: date | None = None
    q: str = ""
    bad_day: str = ""

    @classmethod
    def read(cls, query: QueryDict) -> Wish:
        asked = query.get("date", "").strip()
        day = read_day(asked)
        return cls(
            genres=_values(query, "genre"),
            languages=_values(query, "language"),
            cinemas=_values(query, "cinema"),
            day=day,
            q=_clean(query.get("q", "")),
            bad_day=_clean(asked) if asked and day is None else "",
        )

    @property
    def is_empty(self) -> bool:
        return not (self.genres or self.languages or self.cinemas or self.day or self.q)

    @property
    def words(self) -> list[str]:
        return words_of(self.q)

    @property
    def query(self) -> str:
        """The wish as the rest of an address, always in the same order; "" for none."""
        pairs = [("genre", value) for value in self.genres]
        pairs += [("language", value) for value in self.languages]
        pairs += [("cinema", value) for value in self.cinemas]
        pairs += [("date", self.day.isoformat())] if self.day else []
        pairs += [("q", self.q)] if self.q else []
        return f"?{urlencode(pairs)}" if pairs else ""

    def but(self, **changes: object) -> Wish:
        return replace(self, **changes)  # type: ignore[arg-type]  # names and types are those of the fields

    def without(self, name: str, value: str) -> Wish:
        kept = tuple(each for each in getattr(self, name) if each != value)
        return self.but(**{name: kept})


@dataclass(frozen=True)
class Choice:
    """One value that can be chosen, and how many films it would give beside all that is asked under other names."""

    value: str
    name: str
    count: int
    is_chosen: bool


@dataclass(frozen=True)
class Chip:
    """A part of the wish that can be taken away, and the address without it."""

    name: str
    query: str


@dataclass(frozen=True)
class Catalogue:
    """What the values of an address can mean, and what is on; read once a request. `at`: the instant of all answers."""

    at: datetime
    genres: Sequence[Genre]
    cinemas: Sequence[Cinema]
    tags: Mapping[int, Collection[int]]  # films by genre
    everywhere: Timetable  # all houses
    asked: Timetable  # the houses of the wish
    searched: Collection[int] | None  # films that the search of the wish finds; None: it has none

    @property
    def until(self) -> datetime:
        return self.at + AHEAD

    def genre_ids(self, wanted: Collection[str]) -> set[int]:
        return {genre.pk for genre in self.genres if _means(genre.slug, genre.name, wanted)}

    def cinema_ids(self, wanted: Collection[str]) -> set[int]:
        return _cinema_ids(self.cinemas, wanted)

    # ---- which showtimes, which films ----------------------------------------------------------------------------

    def timetable(self, wish: Wish) -> Timetable:
        """What can be bought now or later within the horizon and is what the wish asks for, its houses as read."""
        languages = languages_meant(wish.languages, self.everywhere.languages) if wish.languages else None
        return self.asked.only(movies=self._films_meant(wish), languages=languages, day=wish.day)

    def showtimes(self, wish: Wish, movies: Sequence[int]) -> ShowtimeQuerySet:
        """The showtimes of these films, which the wish found."""
        found = on_sale(self.at).filter(movie__in=movies)
        if wish.cinemas:
            found = found.filter(screen__cinema__in=self.cinema_ids(wish.cinemas))
        if wish.languages:
            found = found.filter(language__in=languages_meant(wish.languages, self.everywhere.languages))
        return found.filter(_on(wish.day)) if wish.day else found

    def showing(self, wish: Wish, found: Timetable, *, first: int, most: int) -> list[int]:
        """Films of the wish from the `first` on: what starts next comes first, what is sold out after the rest.

        Args:
            found: the timetable of the wish.
        """
        movies, free, full = list(found.movies), list[int](), list[int]()
        while movies and len(free) < first + most:  # nobody need know how full the films of later pages are
            some, movies = movies[: 2 * (first + most)], movies[2 * (first + most) :]
            left = dict(self.showtimes(wish, some).order_by().values_list("movie_id").annotate(n=Max("n_available")))
            for movie in some:
                (free if left.get(movie) else full).append(movie)
        return (free + full)[first : first + most]

    def soon(self, wish: Wish, most: int) -> list[int]:
        """Films that are not on yet: shown later than the horizon, or to be released."""
        if wish.day:
            return []
        later = Showtime.objects.filter(starts_at__gte=self.until, cancelled_at=None)
        if wish.cinemas:
            later = later.filter(screen__cinema__in=self.cinema_ids(wish.cinemas))
        coming = Q(pk__in=later.values("movie_id"))
        if not wish.cinemas:
            coming |= Q(release_date__gt=timezone.localdate(self.at))
        found = Movie.objects.filter(coming).exclude(pk__in=on_sale(self.at).order_by().values("movie_id"))
        if wish.genres:
            found = found.filter(pk__in=self._tagged(wish))
        if wish.languages:
            found = found.filter(_language_of_film(wish.languages))
        found = _searched(found, wish).order_by("release_date", "title")
        return list(found.values_list("pk", flat=True)[:most])

    def _films_meant(self, wish: Wish) -> Collection[int] | None:
        """Films by genre and search, on the programme or not; None is any."""
        searched = self.searched if wish.q else None
        if not wish.genres:
            return searched
        tagged = self._tagged(wish)
        return tagged if searched is None else tagged & set(searched)

    def _tagged(self, wish: Wish) -> set[int]:
        return {film for genre in self.genre_ids(wish.genres) for film in self.tags.get(genre, ())}

    # ---- how many ------------------------------------------------------------------------------------------------

    def genre_choices(self, wish: Wish) -> list[Choice]:
        """Every genre of the programme, also those that would give nothing now: choices do not come and go."""
        found, shown = self.timetable(wish.but(genres=())).movies.keys(), self.everywhere.movies.keys()
        chosen = self.genre_ids(wish.genres)
        films = {genre.pk: self.tags.get(genre.pk, ()) for genre in self.genres}
        listed = [each for each in self.genres if each.pk in chosen or not shown.isdisjoint(films[each.pk])]
        return [Choice(each.slug, each.name, len(found & films[each.pk]), each.pk in chosen) for each in listed]

    def language_choices(self, wish: Wish) -> list[Choice]:
        counts = self.timetable(wish.but(languages=())).languages
        chosen = languages_meant(wish.languages, self.everywhere.languages)
        names = sorted(name for name in self.everywhere.languages if name)
        return [Choice(name, name, counts.get(name, 0), name in chosen) for name in names]

    def days(self, wish: Wish) -> list[date]:
        """The days of the horizon on which something of the wish is shown, and the chosen one."""
        return sorted(self.timetable(wish.but(day=None)).days | ({wish.day} if wish.day else set()))

    def chips(self, wish: Wish) -> list[Chip]:
        """What is asked for, each with the address that asks for all but it."""
        genres = {genre.slug.casefold(): genre.name for genre in self.genres}
        houses = {cinema.slug.casefold(): cinema.name for cinema in self.cinemas}
        chips = [Chip(genres.get(v.casefold(), v), wish.without("genres", v).query) for v in wish.genres]
        chips += [Chip(_language_word(v), wish.without("languages", v).query) for v in wish.languages]
        chips += [Chip(houses.get(v.casefold(), v), wish.without("cinemas", v).query) for v in wish.cinemas]
        chips += [Chip(f"“{wish.q}”", wish.but(q="").query)] if wish.q else []
        return chips


def read_catalogue(wish: Wish, at: datetime) -> Catalogue:
    """A handful of questions, whatever the number of showtimes."""
    cinemas = list(Cinema.objects.all())
    everywhere = asked = read_timetable(on_sale(at))
    if wish.cinemas:
        asked = read_timetable(on_sale(at).filter(screen__cinema__in=_cinema_ids(cinemas, wish.cinemas)))
    searched = frozenset(_searched(Movie.objects.order_by(), wish).values_list("pk", flat=True)) if wish.q else None
    return Catalogue(at, list(Genre.objects.all()), cinemas, read_tags(), everywhere, asked, searched)


def on_sale(at: datetime) -> ShowtimeQuerySet:
    """What a guest can buy now or later, within the horizon."""
    return still_sold(Showtime.objects.all(), at).filter(ends_at__gt=at, starts_at__lt=at + AHEAD)


def _searched(movies: QuerySet[Movie], wish: Wish) -> QuerySet[Movie]:
    for word in wish.words:
        movies = movies.filter(search_text__contains=word)
    return movies


def _cinema_ids(cinemas: Iterable[Cinema], wanted: Collection[str]) -> set[int]:
    return {cinema.pk for cinema in cinemas if _means(cinema.slug, cinema.name, wanted)}


def languages_meant(wanted: Collection[str], known: Iterable[str]) -> set[str]:
    """Which of the known names these values mean: a name, its slug, or its ISO 639-1 code."""
    codes = {NAMES[value.casefold()] for value in wanted if value.casefold() in NAMES}
    return {name for name in known if name and (name in codes or _means(slugify(name), name, wanted))}


def _language_of_film(wanted: Collection[str]) -> Q:
    names = {NAMES.get(value.casefold(), value) for value in wanted}
    condition = Q()
    for name in names:
        condition |= Q(original_language__iexact=name.replace("-", " "))
    return condition


def _language_word(value: str) -> str:
    return NAMES.get(value.casefold(), value.replace("-", " ").capitalize() if value.islower() else value)


def _means(slug: str, name: str, wanted: Collection[str]) -> bool:
    return bool({slug.casefold(), name.casefold()} & {value.casefold() for value in wanted})


def _on(day: date) -> Q:
    begins, ends = bounds_of(day)
    return Q(starts_at__gte=begins, starts_at__lt=ends)


def _values(query: QueryDict, name: str) -> tuple[str, ...]:
    """Each once, in the order written."""
    values = (_clean(value) for value in query.getlist(name)[:MOST_VALUES])
    return tuple(dict.fromkeys(value for value in values if value))


def _clean(text: str) -> str:
    return " ".join(text.replace("\0", " ").split())[:LONGEST]
