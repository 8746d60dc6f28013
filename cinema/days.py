"""Calendar days in TIME_ZONE, from midnight to midnight."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from django.utils import timezone
from django.utils.dateparse import parse_date


def read_day(text: str) -> date | None:
    """`YYYY-MM-DD` as a day; None for anything else, and for years outside 1970 to 2999."""
    try:
        day = parse_date(text.strip())
    except ValueError:  # the shape of a date, but no such day
        return None
    return day if day and 1970 <= day.year <= 2999 else None


def bounds_of(day: date) -> tuple[datetime, datetime]:
    """The start of the day and of the next one, in UTC. Raises OverflowError at the ends of the calendar."""
    zone = timezone.get_default_timezone()
    begins, ends = (datetime.combine(each, time(), zone).astimezone(UTC) for each in (day, day + timedelta(days=1)))
    return begins, ends
