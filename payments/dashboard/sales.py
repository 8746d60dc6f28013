"""Sales figures: bookings, tickets, money, films, and the funnel from a lock to an admitted ticket.

Each figure is one aggregate query, whatever the amount of data. Definitions:

- A booking belongs to the local day of `Booking.confirmed_at`, set once, in the transaction that books the seats.
- Bookings: those with `status` confirmed; one that was refunded whole does not count.
- Tickets: `Ticket` rows of those bookings that are not cancelled.
- Taken: `Booking.total`, the sum of the prices fixed at checkout and, where a gateway was involved, exactly what it
  took (`settlement` confirms nothing else). Demo and free bookings need no `Payment` row to be counted.
- Refunded: `Booking.refunded`, requested and not failed: of whole bookings, of seats, or made at the gateway itself.
  The refund of a duplicate payment is not in it, as that payment is not in `total` either.
- Revenue: taken minus refunded; what is kept of a cancelled seat stays in it. `Showtime.revenue` is the price of the
  seats that are booked now: it has no day and does not include what was kept.

Money is in minor units, and amounts of different currencies are never added.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta, tzinfo
from functools import reduce
from operator import add
from typing import Any

from django.db.models import Case, Count, Exists, F, IntegerField, OuterRef, Q, QuerySet, Subquery, Sum, Value, When
from django.db.models.functions import Coalesce, TruncDate

from booking.models import Booking, Ticket
from cinema.models import picture_url

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Scope:
    """The rows that are counted: local days from `since` to `until`, both included, of one cinema, one film, or all.

    `at` is the instant of the request. Without `count_demo`, bookings paid with demo money are left out.
    """

    since: date
    until: date
    at: datetime
    zone: tzinfo
    cinema_id: int | None = None
    movie_id: int | None = None
    count_demo: bool = True

    @property
    def n_days(self) -> int:
        return (self.until - self.since).days + 1

    @property
    def days(self) -> list[date]:
        return [self.since + i * DAY for i in range(self.n_days)]

    @property
    def begins_at(self) -> datetime:
        """The first instant of the period."""
        return datetime.combine(self.since, time.min, self.zone)

    @property
    def ends_at(self) -> datetime:
        """The first instant after the period."""
        return datetime.combine(self.until + DAY, time.min, self.zone)

    @property
    def today(self) -> date:
        return self.at.astimezone(self.zone).date()

    @property
    def before(self) -> Scope:
        """The same number of days, directly before."""
        return replace(self, since=self.since - self.n_days * DAY, until=self.since - DAY)

    @property
    def compared_until(self) -> datetime:
        """Where the period before stops counting: an unfinished period is compared with as much of the one before."""
        local = self.at.astimezone(self.zone)
        if self.until < local.date():
            return self.begins_at
        return min(self.begins_at, datetime.combine(local.date() - self.n_days * DAY, local.time(), self.zone))

    def q(self, *, showtime: str = "showtime__") -> Q:
        """The condition of cinema and film; `showtime` is the lookup path to the showtime's columns."""
        wanted = Q()
        if self.cinema_id is not None:
            wanted &= Q(**{f"{showtime}screen__cinema_id": self.cinema_id})
        if self.movie_id is not None:
            wanted &= Q(**{f"{showtime}movie_id": self.movie_id})
        return wanted

    def compared(self, column: str) -> Case:
        """Whether a row counts in a comparison: it is of this period, or of the same part of the one before."""
        counts = Q(**{f"{column}__gte": self.begins_at}) | Q(**{f"{column}__lt": self.compared_until})
        return Case(When(counts, then=Value(True)), default=Value(False))


@dataclass(frozen=True)
class Sales:
    """Sums over bookings of one currency, amounts in minor units; can be added."""

    bookings: int = 0
    tickets: int = 0
    taken: int = 0
    refunded: int = 0

    @property
    def revenue(self) -> int:
        return self.taken - self.refunded

    def __add__(self, other: Sales) -> Sales:
        return Sales(
            self.bookings + other.bookings,
            self.tickets + other.tickets,
            self.taken + other.taken,
            self.refunded + other.refunded,
        )


@dataclass(frozen=True)
class Takings:
    """Sales by currency: bookings and tickets may be counted together, money only within one currency."""

    by_currency: dict[str, Sales] = field(default_factory=dict)

    @property
    def bookings(self) -> int:
        return sum(sales.bookings for sales in self.by_currency.values())

    @property
    def tickets(self) -> int:
        return sum(sales.tickets for sales in self.by_currency.values())

    def of(self, currency: str) -> Sales:
        """The sales in this currency; zeros where there are none."""
        return self.by_currency.get(currency, Sales())

    def __add__(self, other: Takings) -> Takings:
        currencies = self.by_currency.keys() | other.by_currency.keys()
        return Takings({currency: self.of(currency) + other.of(currency) for currency in sorted(currencies)})


@dataclass(frozen=True)
class Trend:
    """`days` and `days_before` have a value for every day, in order, also for those without sales.

    `compared` sums the part of the period before that is comparable; `demo` counts bookings with demo money.
    """

    days: Sequence[Takings]
    days_before: Sequence[Takings]
    total: Takings
    compared: Takings
    demo: int
    demo_left_out: int


@dataclass(frozen=True)
class FilmSales:
    """The sales of one film in the period."""

    movie_id: int
    title: str
    slug: str
    poster: str
    takings: Takings

    @property
    def poster_url(self) -> str:
        return picture_url(self.poster)


@dataclass(frozen=True)
class Funnel:
    """Bookings by the last step that they reached; those created in the period, not those paid in it."""

    begun: int = 0
    went_to_payment: int = 0
    paid: int = 0
    admitted: int = 0
    abandoned: int = 0

    @property
    def abandoned_share(self) -> float | None:
        """Of the payments that have ended, the share without money, 0 to 1; None when none has ended."""
        known = self.abandoned + self.paid
        return self.abandoned / known if known else None


def read_trend(scope: Scope) -> Trend:
    """Day by day, for the period and the one before it: one query."""
    rows = (
        _confirmed(scope, since=scope.before.begins_at)
        .annotate(day=TruncDate("confirmed_at", tzinfo=scope.zone), compared=scope.compared("confirmed_at"))
        .values("day", "currency", "demo", "compared")
        .annotate(**_sums())
        .order_by("day")
    )
    days: dict[date, Takings] = defaultdict(Takings)
    compared = Takings()
    demo = 0
    for row in _as_dicts(rows):
        if row["demo"] and row["day"] >= scope.since:
            demo += row["n"]
        if row["demo"] and not scope.count_demo:
            continue
        takings = _takings(row)
        days[row["day"]] += takings
        if row["day"] < scope.since and row["compared"]:
            compared += takings
    now = [days[day] for day in scope.days]
    return Trend(
        days=now,
        days_before=[days[day] for day in scope.before.days],
        total=reduce(add, now, Takings()),
        compared=compared,
        demo=demo if scope.count_demo else 0,
        demo_left_out=0 if scope.count_demo else demo,
    )


def read_films(scope: Scope) -> list[FilmSales]:
    """Films with tickets sold, the most tickets first: one query."""
    movie = "showtime__movie"
    rows = (
        _confirmed(scope, since=scope.begins_at)
        .filter(_money_that_counts(scope))
        .values(f"{movie}_id", f"{movie}__title", f"{movie}__slug", f"{movie}__poster", "currency")
        .annotate(**_sums())
        .order_by(f"{movie}__title", f"{movie}_id")
    )
    films: dict[int, FilmSales] = {}
    for row in _as_dicts(rows):
        key, takings = row[f"{movie}_id"], _takings(row)
        known = films.get(key)
        if known is not None:
            takings += known.takings
        films[key] = FilmSales(key, row[f"{movie}__title"], row[f"{movie}__slug"], row[f"{movie}__poster"], takings)
    return sorted((film for film in films.values() if film.takings.tickets), key=lambda film: -film.takings.tickets)


def read_funnel(scope: Scope) -> tuple[Funnel, Funnel]:
    """The funnel of the period and that of the same part of the period before: one query.

    By `created_at`; `checkout_at` is set when a booking goes to payment, `confirmed_at` when it is paid; a used ticket
    means admitted. Abandoned bookings went to payment and ended without money.
    """
    used = Ticket.objects.filter(booking=OuterRef("pk"), status=Ticket.Status.USED)
    is_abandoned = Q(checkout_at__isnull=False, confirmed_at=None, status__in=Booking.ENDED_UNPAID)
    rows = (
        Booking.objects.filter(scope.q(), _money_that_counts(scope))
        .filter(created_at__gte=scope.before.begins_at, created_at__lt=scope.ends_at)
        .annotate(is_now=_is_now(scope, "created_at"), compared=scope.compared("created_at"), has_come=Exists(used))
        .values("is_now", "compared")
        .annotate(
            begun=Count("pk"),
            went_to_payment=Count("pk", filter=Q(checkout_at__isnull=False)),
            paid=Count("pk", filter=Q(confirmed_at__isnull=False)),
            admitted=Count("pk", filter=Q(confirmed_at__isnull=False, has_come=True)),
            abandoned=Count("pk", filter=is_abandoned),
        )
        .order_by()
    )
    now = before = Funnel()
    for row in _as_dicts(rows):
        is_now, is_compared = row.pop("is_now"), row.pop("compared")
        if is_now:
            now = Funnel(**row)
        elif is_compared:
            before = Funnel(**row)
    return now, before


def read_recent(scope: Scope, limit: int = 20) -> list[Booking]:
    """The last confirmed bookings, newest first, with `revenue` as an attribute: total minus refunded, minor units."""
    found = (
        _confirmed(scope, since=scope.begins_at)
        .filter(_money_that_counts(scope))
        .annotate(revenue=F("total") - F("refunded"))
        .select_related("showtime__movie", "showtime__screen__cinema")
        .prefetch_related("tickets")
        .order_by("-confirmed_at", "-pk")
    )
    return list(found[:limit])


def _confirmed(scope: Scope, *, since: datetime) -> QuerySet[Booking, Any]:
    """Bookings confirmed from `since` to the end of the period, each with the number of its tickets not cancelled."""
    standing = Ticket.objects.filter(booking=OuterRef("pk")).exclude(status=Ticket.Status.CANCELLED)
    return Booking.objects.filter(scope.q(), confirmed_at__gte=since, confirmed_at__lt=scope.ends_at).annotate(
        standing=_count_of_each(standing)
    )


def _count_of_each(rows: QuerySet[Any, Any]) -> Coalesce:
    """How many rows each booking has."""
    found = rows.order_by().values("booking").annotate(figure=Count("pk")).values("figure")
    return Coalesce(Subquery(found, output_field=IntegerField()), 0)


def _sums() -> dict[str, Count | Sum]:
    return {
        "n": Count("pk"),
        "bookings": Count("pk", filter=Q(status=Booking.Status.CONFIRMED)),
        "tickets": Sum("standing"),
        "taken": Sum("total"),
        "back": Sum("refunded"),
    }


def _as_dicts(rows: QuerySet[Any, Any]) -> list[dict[str, Any]]:
    """The rows of `values()`, whose keys a type checker cannot know."""
    return list(rows)


def _takings(row: dict[str, Any]) -> Takings:
    sales = Sales(row["bookings"], row["tickets"], row["taken"], row["back"])
    return Takings({row["currency"]: sales})


def _money_that_counts(scope: Scope) -> Q:
    return Q() if scope.count_demo else Q(demo=False)


def _is_now(scope: Scope, column: str) -> Case:
    return Case(When(**{f"{column}__gte": scope.begins_at}, then=Value(True)), default=Value(False))
