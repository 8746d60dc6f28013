"""The page of the live board. What it shows without a script was true when it was made; the script keeps it true."""

from __future__ import annotations

from datetime import date

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from cinema.accounts.staff import staff_page
from cinema.currencies import SIGNS, minor_digits
from cinema.days import read_day
from realtime.pages.board_view import LONGEST_WALL, BoardLine, cinemas_of, day_of, days_of, read_lines, totals_of


@staff_page
@require_safe
def board(request: HttpRequest) -> HttpResponse:
    """`?day=YYYY-MM-DD` (today), `?cinema=<slug>` (all), `?view=wall` (nine rows to be read from five metres)."""
    at = timezone.now()
    today = timezone.localdate(at)
    lines = read_lines(at)
    wall = request.GET.get("view") == "wall"
    days, houses = days_of(lines, today), cinemas_of(lines)
    day = _chosen_day(request, days, today)
    house = next((each for each in houses if each.slug == request.GET.get("cinema")), None)
    here = [line for line in lines if house is None or line.showtime.screen.cinema_id == house.pk]
    shown = _coming(here) if wall else [line for line in here if day_of(line, today) == day]
    context = {
        "door": "board",
        "wall": wall,
        "now": at,
        "today": today,
        "day": day,
        "days": days,
        "house": house,
        "houses": houses,
        "lines": shown,
        "totals": totals_of(shown),
        "known": [line.showtime.pk for line in lines],
        "currency": settings.CURRENCY,
        "sign": SIGNS.get(settings.CURRENCY, f"{settings.CURRENCY} "),
        "digits": minor_digits(settings.CURRENCY),
        "zone": settings.TIME_ZONE,
    }
    return render(request, "staff/board.html", context)


def _chosen_day(request: HttpRequest, days: list[date], today: date) -> date:
    """What `?day=` says when that day is on the board, else today."""
    asked = read_day(request.GET.get("day", ""))
    return asked if asked in days else today


def _coming(lines: list[BoardLine]) -> list[BoardLine]:
    return [line for line in lines if line.phase not in ("over", "cancelled")][:LONGEST_WALL]
