"""Days as people mean them: from midnight to midnight where the house stands (TIME_ZONE)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from django.utils import timezone
from django.utils.dateparse import parse_date


def read_day(text: str) -> date | None:
    """`YYYY-MM-DD` as a day; None for what is none, and for days so far away that their midnights need not exist."""
    try:
        day = parse_date(text.strip())
    except ValueError:  # shaped like a date, but there is no such day
        return None
    return day if day and 1970 <= day.year <= 2999 else None


def bounds_of(day: date) -> tuple[datetime, datetime]:
    """When the day begins, and when the next one does, in UTC. Raises OverflowError at the ends of the calendar."""
    here = timezone.get_default_timezone()
    begins, ends = (datetime.combine(each, time(), here).astimezone(UTC) for each in (day, day + timedelta(days=1)))
    return begins, ends
