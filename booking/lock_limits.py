"""How many locks one visitor may begin, so that nobody can lock a whole screen."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings

from booking.models import IN_LIVE, Booking
from booking.refusals import RateLimited
from cinema.database.row_mapping import columns_of, read_rows
from cinema.database.statements import Query, Rows, Statement

MOST_SHOWTIMES = 2
MOST_LOCKS = 3
WINDOW = timedelta(minutes=15)

COUNTED = ("id", "showtime_id", "status", "locked_until", "created_at")
BEGUN = Statement(
    "lock_limits_begun",
    f"""
SELECT {columns_of(Booking, only=COUNTED)} FROM booking_booking
 WHERE visitor = %s AND (status IN {IN_LIVE} OR created_at > %s)
""",
)


def lock_limit_queries(*, visitor: uuid.UUID, at: datetime) -> list[Query]:
    """The query for `check_lock_limits`; the caller has the visitor's advisory lock. None with RATE_LIMITS=0."""
    return [(BEGUN, [visitor, at - WINDOW])] if settings.RATE_LIMITS else []


def check_lock_limits(answers: Sequence[Rows], *, showtime_id: int, at: datetime) -> None:
    """Refuse a visitor who may not begin another booking of this showtime. Pure.

    Raises:
        RateLimited: there are locks of two other showtimes, or this would be the fourth lock here in 15 minutes.
    """
    if not answers:
        return
    bookings = [booking for booking, _ in read_rows(Booking, answers[-1], COUNTED)]
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


def _seconds(wait: timedelta) -> int:
    return max(1, round(wait.total_seconds()))
