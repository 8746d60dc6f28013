"""The front page of one moment: the films of a wish with their next times, and what stands beside them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import F, QuerySet, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from cinema.models import Cinema, Movie, Showtime
from cinema.whats_on.filters import Catalogue, Chip, Choice, Wish, read_catalogue
from cinema.whats_on.listings import Film, ShowtimeCard, card_state

PAGE = 24  # films
SOON = 12
TIMES = 3  # of a film that are read; a card shows two, the billboard three
NOT_ON_A_CARD = ("overview", "search_text", "cast", "spoken_languages", "director")
HURRY = 0.6  # of the seats gone: such a showing is named under "Filling up now"
HURRY_WITHIN = timedelta(hours=24)


@dataclass(frozen=True)
class Day:
    """A day of the strip and the address that asks for it; `date` None is any day."""

    date: date | None
    query: str
    is_chosen: bool
    is_today: bool


@dataclass(frozen=True)
class Front:
    """Everything that a front page says about films."""

    wish: Wish
    page: int
    films: Sequence[Film]
    soon: Sequence[Film]
    n_films: int
    n_times: int
    genres: Sequence[Choice]
    languages: Sequence[Choice]
    cinemas: Sequence[Cinema]
    cinema: Cinema | None
    chips: Sequence[Chip]
    days: Sequence[Day]
    at: datetime

    @property
    def next_page(self) -> str:
        """The address of the films that follow; "" at the end."""
        return _page_query(self.wish, self.page + 1) if self.page * PAGE < self.n_films else ""

    @property
    def previous_page(self) -> str:
        return "" if self.page == 1 else _page_query(self.wish, self.page - 1)

    @property
    def any_day(self) -> str:
        """The address of the same on any day; "" when that is asked for already."""
        return self.wish.but(day=None).query if self.wish.day else ""

    @property
    def is_plain(self) -> bool:
        """Nobody asks for anything in particular: there is room for what the house wants to show."""
        return self.wish.is_empty and self.page == 1

    @property
    def slots(self) -> list[ShowtimeCard]:
        return [slot for film in self.films for slot in film.slots]

    @property
    def hurry(self) -> list[ShowtimeCard]:
        fit = [s for s in self.slots if s.state == "open" and s.taken >= HURRY and s.starts_at < self.at + HURRY_WITHIN]
        return sorted(fit, key=lambda slot: slot.left)[:3]


def read_front(wish: Wish, page: int, at: datetime) -> Front:
    """A dozen questions, whatever the number of films."""
    catalogue = read_catalogue(wish, at)
    found = catalogue.timetable(wish)
    n_films = len(found.movies)
    page = max(1, min(page, -(-n_films // PAGE) or 1))
    shown = catalogue.showing(wish, found, first=(page - 1) * PAGE, most=PAGE)
    soon = catalogue.soon(wish, SOON) if page == 1 else []
    begins = {at for times in found.next_of(shown, TIMES).values() for at in times}
    films = _films(catalogue, wish, shown, begins, soon)
    chosen = catalogue.cinema_ids(wish.cinemas)
    return Front(
        wish=wish,
        page=page,
        films=[films[pk] for pk in shown if pk in films],
        soon=[films[pk] for pk in soon if pk in films],
        n_films=n_films,
        n_times=found.n_times,
        genres=catalogue.genre_choices(wish),
        languages=catalogue.language_choices(wish),
        cinemas=catalogue.cinemas,
        cinema=next((cinema for cinema in catalogue.cinemas if cinema.pk in chosen), None),
        chips=catalogue.chips(wish),
        days=_days(catalogue.days(wish), wish, timezone.localdate(at)),
        at=at,
    )


def _films(
    catalogue: Catalogue, wish: Wish, shown: Sequence[int], begins: Collection[datetime], soon: Sequence[int]
) -> dict[int, Film]:
    """The films with their next times: of those shown at these beginnings of the wish, of those to come at any."""
    movies = Movie.objects.defer(*NOT_ON_A_CARD).prefetch_related("genres").in_bulk([*shown, *soon])
    times = list(_with_rooms(catalogue.showtimes(wish, shown).filter(starts_at__in=begins)))
    if soon:
        nth = Window(RowNumber(), partition_by=F("movie_id"), order_by=[F("starts_at"), F("id")])
        far = Showtime.objects.filter(movie__in=soon, cancelled_at=None, starts_at__gt=catalogue.at)
        times += _with_rooms(far.annotate(nth=nth).filter(nth__lte=TIMES))
    found: dict[int, list[ShowtimeCard]] = {pk: [] for pk in movies}
    for showtime in times:
        slots = found.get(showtime.movie_id)
        if slots is not None and len(slots) < TIMES:
            showtime.movie = movies[showtime.movie_id]
            slots.append(ShowtimeCard(showtime, card_state(showtime, catalogue.at)))
    return {pk: Film(movie, found[pk]) for pk, movie in movies.items()}


def _with_rooms(showtimes: QuerySet[Showtime]) -> QuerySet[Showtime]:
    return showtimes.defer("prices").select_related("screen").order_by("starts_at", "id")


def _days(days: Sequence[date], wish: Wish, today: date) -> list[Day]:
    any_day = Day(None, wish.but(day=None).query, wish.day is None, False)
    return [any_day] + [Day(day, wish.but(day=day).query, day == wish.day, day == today) for day in days]


def _page_query(wish: Wish, page: int) -> str:
    query = wish.query
    return query if page == 1 else f"{query}{'&' if query else '?'}page={page}"


def read_left(ids: Sequence[int], at: datetime) -> list[ShowtimeCard]:
    """The slots of these showtimes, for who has them on a page already; unknown ones are left out. One question."""
    return [
        ShowtimeCard(showtime, card_state(showtime, at))
        for showtime in Showtime.objects.filter(pk__in=ids).order_by("pk")
    ]
