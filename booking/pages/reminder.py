"""The reminder of seats that are locked and not paid yet, for pages that are about something else."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from booking.models import Booking
from booking.visitors import visitor_of
from cinema.database import clock

REMINDED = (Booking.Status.LOCKED, Booking.Status.CHECKOUT)


@never_cache
@require_safe
def reminder(request: HttpRequest) -> HttpResponse:
    """The reminder as an HTML fragment, for a page that the browser has kept; empty without such a lock."""
    return render(request, "booking/_reminder.html", view_reminder(request))


def view_reminder(request: HttpRequest) -> dict[str, Any]:
    """What `booking/_reminder.html` shows: of the visitor's locks whose time has not passed that which ends first.

    A visitor without a session costs no query.
    """
    visitor, at = visitor_of(request), clock.now()
    if visitor is None:
        return {}
    live = Booking.objects.of_visitor(visitor).filter(status__in=REMINDED, locked_until__gt=at)
    booking = live.select_related("showtime__movie").prefetch_related("seats__seat").order_by("locked_until").first()
    if booking is None or booking.locked_until is None:
        return {}
    left = booking.locked_until - at
    minutes, seconds = divmod(int(left.total_seconds()), 60)
    return {
        "booking": booking,
        "labels": [row.seat.label for row in booking.seats.all()],
        "now": at,
        "clock": f"{minutes}:{seconds:02d}",
        "share": min(100, round(100 * left / settings.SEAT_LOCK)),
    }
