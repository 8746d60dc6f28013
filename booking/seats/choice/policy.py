"""What a cinema refuses at checkout, and until when: its own choice where it has made one, else the settings."""

from __future__ import annotations

import time
from datetime import datetime

from django.conf import settings

from cinema.models import Cinema, Showtime

KEPT_FOR = 60.0  # seconds until a change in the admin counts in this process
MOST_KEPT = 4096
_kept: dict[int, tuple[str, float]] = {}


def refuses_single_seats(showtime: Showtime) -> bool:
    """Whether a selection may leave no single seat behind.

    Asked with every lock request, so the cinema's choice is read once a minute for each showtime and process.
    """
    chosen, until = _kept.get(showtime.pk, ("", 0.0))
    if time.monotonic() >= until:
        cinemas = Cinema.objects.filter(screens__showtimes=showtime.pk)
        chosen = cinemas.values_list("single_seats", flat=True).first() or ""
        if len(_kept) >= MOST_KEPT:
            _kept.clear()
        _kept[showtime.pk] = chosen, time.monotonic() + KEPT_FOR
    return (chosen or settings.SINGLE_SEATS) == "refuse"


def is_released(showtime: Showtime, at: datetime) -> bool:
    """Whether wheelchair and companion places sell to all at that instant: `WHEELCHAIR_RELEASE_MINUTES`, 0 is never."""
    return bool(settings.WHEELCHAIR_RELEASE) and at >= showtime.starts_at - settings.WHEELCHAIR_RELEASE


def forget_policies() -> None:
    """Empty the cache, for tests."""
    _kept.clear()
