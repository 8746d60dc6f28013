"""Template context of every page."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, Any]:
    return {"demo_payments": settings.DEMO_PAYMENTS, "lock_minutes": duration_text(settings.SEAT_LOCK.seconds)}


def duration_text(seconds: int) -> str:
    """`5 minutes`, `1 minute`, `90 seconds`."""
    if seconds % 60:
        return f"{seconds} second{'s' if seconds != 1 else ''}"
    minutes = seconds // 60
    return f"{minutes} minute{'s' if minutes != 1 else ''}"
