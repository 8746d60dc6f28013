"""The figures of the house, for staff: `/movies/admin-dashboard/`, and its day table as CSV."""

from __future__ import annotations

import csv
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from booking.models import Booking, Ticket
from cinema.accounts.staff import staff_page
from cinema.currencies import format_money, minor_digits
from cinema.models import Cinema, Movie, Showtime
from payments.dashboard.filters import RANGES, Wish, read_wish
from payments.dashboard.heatmap import choose_screen, draw_seats
from payments.dashboard.occupancy import read_occupancy, read_screens, read_wanted_seats
from payments.dashboard.sales import FilmSales, Takings, read_films, read_funnel, read_recent, read_trend
from payments.dashboard.texts import (
    day_cells,
    drawn_rows,
    film_chart,
    funnel_steps,
    heat_rows,
    tiles,
    trend_chart,
    trend_rows,
    trend_sentence,
)

POPULAR = 5
RISKY = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet takes a cell that begins so for a formula


@staff_page
@require_safe
def dashboard(request: HttpRequest) -> HttpResponse:
    wish = read_wish(request.GET.dict(), timezone.now())
    if request.GET.get("format") == "csv":
        return _csv(wish)
    return render(request, "staff/dashboard.html", _figures(wish, request.GET.get("screen", "")))


def _figures(wish: Wish, screen: str) -> dict[str, Any]:
    """Everything the page shows: a fixed number of queries, whatever the amount of data."""
    scope, currency = wish.scope, settings.CURRENCY
    trend, films, funnel = read_trend(scope), read_films(scope), read_funnel(scope)
    occupancy, wanted, screens = read_occupancy(scope), read_wanted_seats(scope), read_screens(scope)
    rows = trend_rows(scope, trend)
    drawn = drawn_rows(rows)
    steps = funnel_steps(funnel[0])
    room = choose_screen(screens, wanted, screen)
    recent = read_recent(scope)
    top = films[:POPULAR]
    return {
        **_choices(wish),
        "scope": scope,
        "currency": currency,
        "tiles": tiles(trend, occupancy, funnel, currency),
        "trend": trend,
        "sales": trend.total.of(currency),
        "is_unfinished": scope.until >= scope.today,
        "others": _other_currencies(trend.total, currency),
        "days": [day_cells(row, currency) for row in rows],
        "by_week": len(drawn) < len(rows),
        "trend_sentence": trend_sentence(drawn, trend.total, currency),
        "films": [_film_cells(film, wish, currency) for film in top],
        "steps": steps,
        "occupancy": occupancy,
        "sold": f"{occupancy.total.sold:,}",
        "on_sale": f"{occupancy.total.on_sale:,}",
        "heat": heat_rows(scope, occupancy),
        "screens": screens,
        "room": room,
        "seats": draw_seats(room, wanted) if room else None,
        "recent": [_recent(booking) for booking in recent],
        "mixed": len({booking.demo for booking in recent}) > 1,
        "demo": f"{trend.demo:,}",
        "charts": {
            "trend": trend_chart(drawn, currency),
            "films": film_chart(top),
            "funnel": [{"name": step.name, "count": step.count, "lost": step.lost} for step in steps],
        },
    }


def _choices(wish: Wish) -> dict[str, Any]:
    """What else might be asked for, and the wish itself."""
    return {
        "door": "figures",
        "wish": wish,
        "ranges": [(name, wish.link(range=name)) for name in RANGES],
        "csv": wish.link(format="csv"),
        "cinemas": Cinema.objects.all(),
        "movies": Movie.objects.filter(Exists(Showtime.objects.filter(movie=OuterRef("pk")))).only("title", "slug"),
    }


def _other_currencies(total: Takings, currency: str) -> list[tuple[str, int, str]]:
    """Currency, bookings and money of those that the page does not show."""
    others = [(other, sales) for other, sales in total.by_currency.items() if other != currency]
    return [(other, sales.bookings, format_money(sales.revenue, other)) for other, sales in others]


def _film_cells(film: FilmSales, wish: Wish, currency: str) -> tuple[FilmSales, str, str, str]:
    """The film, its tickets and money in words, and the way to its own figures."""
    money = format_money(film.takings.of(currency).revenue, currency)
    return film, f"{film.takings.tickets:,}", money, wish.link(film=film.slug)


def _recent(booking: Booking) -> dict[str, Any]:
    revenue: int = getattr(booking, "revenue")  # noqa: B009 the query's own column, unknown to the model
    tickets = booking.tickets.all()
    standing = [ticket for ticket in tickets if ticket.status != Ticket.Status.CANCELLED]
    status: str = booking.status
    if status == Booking.Status.CONFIRMED and (revenue < booking.total or len(standing) < len(tickets)):
        status = "part"
    return {"booking": booking, "seats": [ticket.label for ticket in tickets], "revenue": revenue, "status": status}


def _csv(wish: Wish) -> HttpResponse:
    """A line a day; amounts in whole units with a point, as spreadsheets read them."""
    scope, currency = wish.scope, settings.CURRENCY
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="figures-{scope.since}-to-{scope.until}.csv"'
    response.write("\ufeff")  # or a spreadsheet takes the names for Latin-1
    writer = csv.writer(response)
    writer.writerow(
        ["day", "cinema", "film", "bookings", "tickets", "currency", "taken", "given_back", "revenue", "revenue_before"]
    )
    cinema = plain_cell(wish.cinema.name) if wish.cinema else ""
    movie = plain_cell(wish.movie.title) if wish.movie else ""
    for row in trend_rows(scope, read_trend(scope)):
        sales, before = row.now.of(currency), row.before.of(currency)
        amounts = (sales.taken, sales.given_back, sales.revenue, before.revenue)
        writer.writerow(
            [row.since, cinema, movie, row.now.bookings, row.now.tickets, currency]
            + [_decimal(amount, currency) for amount in amounts]
        )
    return response


def plain_cell(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(RISKY) else text


def _decimal(amount: int, currency: str) -> str:
    digits = minor_digits(currency)
    whole, part = divmod(abs(amount), 10**digits)
    return f"{'-' if amount < 0 else ''}{whole}" + (f".{part:0{digits}d}" if digits else "")
