"""The content of the front page at one instant: the films that match the filters, with their next times."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import F, QuerySet, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from cinema.models import Cinema, Movie, Showtime
from cinema.whats_on.filters import Catalogue, Chip, Choice, Filters, read_catalogue
from cinema.whats_on.listings import Film, ShowtimeCard, card_state

PAGE = 24  # films
SOON = 12  # films
TIMES = 3  # read per film; the grid shows two, the billboard three
NOT_ON_A_CARD = ("search_text", "cast", "spoken_languages", "director")
FILLING_UP_SHARE = 0.6  # of the seats taken; such showtimes are listed under "Filling up now"
FILLING_UP_WITHIN = timedelta(hours=24)


@dataclass(frozen=True)
class Day:
    """A link in the row of days and its query string; `date` None is any day."""

    date: date | None
    query: str
    is_chosen: bool
    is_today: bool


@dataclass(frozen=True)
class FrontPage:
    """Everything that the front page shows about films."""

    filters: Filters
    page: int
    films: Sequence[Film]
    soon: Sequence[Film]
    n_films: int
    n_times: int
    genres: tuple[Choice, ...]
    languages: tuple[Choice, ...]
    cinemas: Sequence[Cinema]
    cinema: Cinema | None
    chips: Sequence[Chip]
    days: tuple[Day, ...]
    at: datetime

    @property
    def next_page(self) -> str:
        """The query string of the next page; "" on the last."""
        return _page_query(self.filters, self.page + 1) if self.page * PAGE < self.n_films else ""

    @property
    def previous_page(self) -> str:
        return "" if self.page == 1 else _page_query(self.filters, self.page - 1)

    @property
    def any_day(self) -> str:
        """The query string of the same filters without a day; "" if they have none."""
        return self.filters.with_changes(day=None).query if self.filters.day else ""

    @property
    def is_plain(self) -> bool:
        """Whether no filter is set and this is page 1: then the billboard and "Filling up now" are shown."""
        return self.filters.is_empty and self.page == 1

    @property
    def cards(self) -> list[ShowtimeCard]:
        return [card for film in self.films for card in film.cards]

    @property
    def filling_up(self) -> list[ShowtimeCard]:
        until = self.at + FILLING_UP_WITHIN
        fit = [c for c in self.cards if c.state == "open" and c.taken >= FILLING_UP_SHARE and c.starts_at < until]
        return sorted(fit, key=lambda card: card.left)[:3]


def read_front_page(filters: Filters, page: int, at: datetime) -> FrontPage:
    """A fixed number of queries, about a dozen, whatever the number of films."""
    catalogue = read_catalogue(filters, at)
    found = catalogue.timetable(filters)
    n_films = len(found.movies)
    page = max(1, min(page, -(-n_films // PAGE) or 1))
    shown = catalogue.select_films(filters, found, first=(page - 1) * PAGE, most=PAGE)
    soon = catalogue.soon(filters, SOON) if page == 1 else []
    starts = {at for times in found.next_of(shown, TIMES).values() for at in times}
    films = _films(catalogue, filters, shown, starts, soon)
    chosen = catalogue.cinema_ids(filters.cinemas)
    return FrontPage(
        filters=filters,
        page=page,
        films=[films[pk] for pk in shown if pk in films],
        soon=[films[pk] for pk in soon if pk in films],
        n_films=n_films,
        n_times=found.n_times,
        genres=tuple(catalogue.genre_choices(filters)),
        languages=tuple(catalogue.language_choices(filters)),
        cinemas=catalogue.cinemas,
        cinema=next((cinema for cinema in catalogue.cinemas if cinema.pk in chosen), None),
        chips=catalogue.chips(filters),
        days=_days(catalogue.days(filters), filters, timezone.localdate(at)),
        at=at,
    )


def _films(
    catalogue: Catalogue, filters: Filters, shown: Sequence[int], starts: Collection[datetime], soon: Sequence[int]
) -> dict[int, Film]:
    """The films with their next times: matching showtimes at these instants for `shown`, all to come for `soon`."""
    movies = Movie.objects.defer(*NOT_ON_A_CARD).in_bulk([*shown, *soon])
    times = list(_with_screens(catalogue.showtimes(filters, shown).filter(starts_at__in=starts)))
    if soon:
        nth = Window(RowNumber(), partition_by=F("movie_id"), order_by=[F("starts_at"), F("id")])
        far = Showtime.objects.filter(movie__in=soon, cancelled_at=None, starts_at__gt=catalogue.at)
        times += _with_screens(far.annotate(nth=nth).filter(nth__lte=TIMES))
    found: dict[int, list[ShowtimeCard]] = {pk: [] for pk in movies}
    for showtime in times:
        cards = found.get(showtime.movie_id)
        if cards is not None and len(cards) < TIMES:
            showtime.movie = movies[showtime.movie_id]
            cards.append(ShowtimeCard(showtime, card_state(showtime, catalogue.at)))
    return {pk: Film(movie, found[pk], catalogue.genre_of(pk)) for pk, movie in movies.items()}


def _with_screens(showtimes: QuerySet[Showtime]) -> QuerySet[Showtime]:
    return showtimes.defer("prices").select_related("screen").order_by("starts_at", "id")


def _days(days: Sequence[date], filters: Filters, today: date) -> tuple[Day, ...]:
    any_day = Day(None, filters.with_changes(day=None).query, filters.day is None, False)
    links = (Day(day, filters.with_changes(day=day).query, day == filters.day, day == today) for day in days)
    return (any_day, *links)


def _page_query(filters: Filters, page: int) -> str:
    query = filters.query
    return query if page == 1 else f"{query}{'&' if query else '?'}page={page}"


def read_left(ids: Sequence[int], at: datetime) -> list[ShowtimeCard]:
    """The cards of these showtimes, without unknown ids: a page that shows them refreshes its counts. One query."""
    return [
        ShowtimeCard(showtime, card_state(showtime, at))
        for showtime in Showtime.objects.filter(pk__in=ids).order_by("pk")
    ]
