"""Occupancy: the counters of the showtimes on the staff's board."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from cinema.database.statements import run_queries
from cinema.models import Showtime, ShowtimeQuerySet

ENDED_AGO = timedelta(hours=3)
AHEAD = timedelta(days=7)


class Occupancy(NamedTuple):
    """The counters of one showtime as they were at version `v` of `epoch`; `revenue` in minor units."""

    showtime: int
    v: int
    available: int
    locked: int
    booked: int
    blocked: int
    arrived: int
    revenue: int
    epoch: str = ""


def on_the_board(at: datetime) -> ShowtimeQuerySet:
    """Showtimes that ended less than three hours ago or start within a week, in the order of their start."""
    shown = Showtime.objects.filter(ends_at__gt=at - ENDED_AGO, starts_at__lt=at + AHEAD)
    return shown.order_by("starts_at", "id")


def read_occupancy(at: datetime) -> list[Occupancy]:
    """The counters of all showtimes on the board, in one query. Each row is exact at its version, and settled."""
    counters = ("n_available", "n_locked", "n_booked", "n_blocked", "n_arrived", "revenue")
    rows = [Occupancy(*row) for row in on_the_board(at).values_list("pk", "version", *counters, "epoch")]
    run_queries(settled=True)
    return rows
