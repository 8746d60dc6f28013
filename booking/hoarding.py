"""Nobody keeps a house to themselves: how many locks one visitor may begin."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.db.models import Q

from booking.models import Booking
from booking.refusals import RateLimited

MOST_SHOWTIMES = 2
MOST_LOCKS = 3
WINDOW = timedelta(minutes=15)


def check_hoarding(*, showtime_id: int, visitor: uuid.UUID, at: datetime) -> None:
    """To be asked before a visitor's next booking of this showtime is written, in the same transaction.

    Raises:
        RateLimited: seats of two other showtimes are held already, or this would be the fourth lock here in 15 minutes.
    """
    if not settings.RATE_LIMITS:
        return
    _one_at_a_time(visitor)
    counted = Q(status__in=Booking.LIVE) | Q(created_at__gt=at - WINDOW)
    bookings = list(Booking.objects.of_visitor(visitor).filter(counted).order_by())
    others = [booking for booking in bookings if booking.showtime_id != showtime_id and booking.is_live(at)]
    if len(others) >= MOST_SHOWTIMES:
        ends = min((other.locked_until for other in others if other.locked_until), default=at)
        raise RateLimited(
            "You are holding seats of two other showtimes. Pay for them or give them back first.", _seconds(ends - at)
        )
    here = (booking.created_at for booking in bookings if booking.showtime_id == showtime_id)
    times = sorted(begun for begun in here if begun > at - WINDOW)
    if len(times) >= MOST_LOCKS:
        raise RateLimited(
            "You have begun three times for this showtime in a quarter of an hour. Let others have a turn.",
            _seconds(times[-MOST_LOCKS] + WINDOW - at),
        )


def _one_at_a_time(visitor: uuid.UUID) -> None:
    """Two requests of one visitor count each other. SQLite has one writer anyway."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [int.from_bytes(visitor.bytes[:7], "big")])


def _seconds(wait: timedelta) -> int:
    return max(1, round(wait.total_seconds()))
