"""How full the houses are: the counters of every showtime that staff look at."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from cinema.database.statements import ask
from cinema.models import Showtime, ShowtimeQuerySet

ENDED_AGO = timedelta(hours=3)
AHEAD = timedelta(days=7)


class Occupancy(NamedTuple):
    """The counters of one showtime as they were at version `v`; `revenue` in minor units."""

    showtime: int
    v: int
    available: int
    locked: int
    booked: int
    blocked: int
    arrived: int
    revenue: int


def on_the_board(at: datetime) -> ShowtimeQuerySet:
    """Showtimes that ended less than three hours ago or start within a week, in the order of their start."""
    shown = Showtime.objects.filter(ends_at__gt=at - ENDED_AGO, starts_at__lt=at + AHEAD)
    return shown.order_by("starts_at", "id")


def read_occupancy(at: datetime) -> list[Occupancy]:
    """One query, whatever the number of showtimes; every row is exact at its own version, which no crash can undo."""
    counters = ("n_available", "n_locked", "n_booked", "n_blocked", "n_arrived", "revenue")
    rows = [Occupancy(*row) for row in on_the_board(at).values_list("pk", "version", *counters)]
    ask(settled=True)
    return rows
