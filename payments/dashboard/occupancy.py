"""How full showtimes were, at which hours, and which seats sell. One query per figure.

Occupancy reads the counters of `Showtime`, which are exact whenever the row is read: `n_booked` of `n_booked`,
`n_available` and `n_locked`. Blocked seats are not on sale; a cancelled showtime does not count.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Case, Count, F, Q, Sum, Value, When
from django.db.models.functions import ExtractHour, ExtractIsoWeekDay

from booking.models import Ticket
from cinema.models import Screen, Showtime
from payments.dashboard.sales import Scope

BAND = 2  # hours


@dataclass(frozen=True)
class Fill:
    """Seats sold of seats on sale, over some showtimes; can be added."""

    sold: int = 0
    on_sale: int = 0
    showtimes: int = 0

    @property
    def share(self) -> float | None:
        """Sold seats of seats on sale, 0 to 1; None when none was on sale."""
        return self.sold / self.on_sale if self.on_sale else None

    def __add__(self, other: Fill) -> Fill:
        return Fill(self.sold + other.sold, self.on_sale + other.on_sale, self.showtimes + other.showtimes)


@dataclass(frozen=True)
class Occupancy:
    """Over showtimes that start in the period, and in the one before; `cells` by ISO weekday and the first hour of a
    two-hour band.
    """

    total: Fill
    before: Fill
    cells: Mapping[tuple[int, int], Fill]

    @property
    def bands(self) -> list[int]:
        """The first hour of every band from the first to the last that has a showtime."""
        used = [hour for _, hour in self.cells]
        return list(range(min(used), max(used) + 1, BAND)) if used else []


@dataclass(frozen=True)
class WantedSeats:
    """How often each seat of one seating plan was sold; `tickets` by the seat's index."""

    plan_hash: str
    tickets: Mapping[int, int]


def read_occupancy(scope: Scope) -> Occupancy:
    """The period, the one before, and the weekdays and hours of the period: one query."""
    since = scope.begins_at
    rows = (
        Showtime.objects.filter(scope.q(showtime=""), cancelled_at=None)
        .filter(starts_at__gte=scope.before.begins_at, starts_at__lt=scope.ends_at)
        .annotate(
            is_now=Case(When(starts_at__gte=since, then=Value(True)), default=Value(False)),
            weekday=ExtractIsoWeekDay("starts_at", tzinfo=scope.zone),
            hour=ExtractHour("starts_at", tzinfo=scope.zone),
        )
        .values("is_now", "weekday", "hour")
        .annotate(
            sold=Sum("n_booked"),
            on_sale=Sum(F("n_booked") + F("n_available") + F("n_locked")),
            showtimes=Count("pk"),
        )
        .order_by()
    )
    total = before = Fill()
    cells: dict[tuple[int, int], Fill] = defaultdict(Fill)
    for row in rows:
        fill = Fill(row["sold"], row["on_sale"], row["showtimes"])
        if row["is_now"]:
            total += fill
            cells[row["weekday"], row["hour"] // BAND * BAND] += fill
        else:
            before += fill
    return Occupancy(total, before, dict(cells))


def read_wanted_seats(scope: Scope) -> dict[int, WantedSeats]:
    """By screen key, the seats of the tickets sold in the period; of several plans of a screen the one that sold most.
    One query.
    """
    money = Q() if scope.count_demo else Q(booking__demo=False)
    rows = (
        Ticket.objects.filter(scope.q(showtime="booking__showtime__"), money)
        .filter(booking__confirmed_at__gte=scope.begins_at, booking__confirmed_at__lt=scope.ends_at)
        .exclude(status=Ticket.Status.CANCELLED)
        .values_list("booking__showtime__screen_id", "booking__showtime__plan__hash", "seat__index")
        .annotate(n=Count("pk"))
        .order_by()
    )
    plans: dict[int, dict[str, Counter[int]]] = defaultdict(lambda: defaultdict(Counter))
    for screen_id, plan_hash, index, n in rows:
        plans[screen_id][plan_hash][index] += n
    return {screen_id: _most_sold(counts) for screen_id, counts in plans.items()}


def read_screens(scope: Scope) -> Sequence[Screen]:
    """The screens of the scope, by name of cinema and screen."""
    screens = Screen.objects.select_related("cinema").order_by("cinema__name", "name")
    return list(screens.filter(cinema_id=scope.cinema_id) if scope.cinema_id else screens)


def _most_sold(counts: Mapping[str, Counter[int]]) -> WantedSeats:
    plan_hash = max(counts, key=lambda plan: (counts[plan].total(), plan))
    return WantedSeats(plan_hash, dict(counts[plan_hash]))
