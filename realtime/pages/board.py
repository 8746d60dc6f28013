"""The page of the live board. The server renders the state of the moment; the script keeps it current."""

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
    """`?day=YYYY-MM-DD` (today), `?cinema=<slug>` (all), `?view=wall` (nine rows, to be read from five metres)."""
    at = timezone.now()
    today = timezone.localdate(at)
    lines = read_lines(at)
    wall = request.GET.get("view") == "wall"
    days, cinemas = days_of(lines, today), cinemas_of(lines)
    day = _chosen_day(request, days, today)
    cinema = next((each for each in cinemas if each.slug == request.GET.get("cinema")), None)
    here = [line for line in lines if cinema is None or line.showtime.screen.cinema_id == cinema.pk]
    shown = _coming(here) if wall else [line for line in here if day_of(line, today) == day]
    context = {
        "section": "board",
        "wall": wall,
        "now": at,
        "today": today,
        "day": day,
        "days": days,
        "cinema": cinema,
        "cinemas": cinemas,
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
    """The day of `?day=` if it is on the board, else today."""
    requested = read_day(request.GET.get("day", ""))
    return requested if requested in days else today


def _coming(lines: list[BoardLine]) -> list[BoardLine]:
    return [line for line in lines if line.phase not in ("over", "cancelled")][:LONGEST_WALL]
