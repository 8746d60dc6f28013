"""The sales figures for staff: `/movies/admin-dashboard/`, and its table of days as CSV."""

from __future__ import annotations

import csv
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from booking.models import Booking, Ticket
from cinema.accounts.staff import staff_page
from cinema.currencies import format_money, minor_digits
from cinema.database import clock
from cinema.models import Cinema, Movie, Showtime
from cinema.plain_text import one_line
from payments.dashboard.filters import RANGES, Filters, read_filters
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
# A spreadsheet takes a cell with such a first character for a formula; the full-width ones in East Asian languages.
RISKY = tuple("=+-@＝＋－＠")


@staff_page
@require_safe
def dashboard(request: HttpRequest) -> HttpResponse:
    """The figures of the period that the query asks for; with `format=csv` the table of days."""
    filters = read_filters(request.GET.dict(), clock.now())
    if request.GET.get("format") == "csv":
        return _csv(filters)
    return render(request, "staff/dashboard.html", _figures(filters, request.GET.get("screen", "")))


def _figures(filters: Filters, screen: str) -> dict[str, Any]:
    """Everything the page shows: a fixed number of queries, whatever the amount of data."""
    scope, currency = filters.scope, settings.CURRENCY
    trend, films, funnel = read_trend(scope), read_films(scope), read_funnel(scope)
    occupancy, wanted, screens = read_occupancy(scope), read_wanted_seats(scope), read_screens(scope)
    rows = trend_rows(scope, trend)
    drawn = drawn_rows(rows)
    steps = funnel_steps(funnel[0])
    chosen_screen = choose_screen(screens, wanted, screen)
    recent = read_recent(scope)
    top = films[:POPULAR]
    return {
        **_choices(filters),
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
        "films": [_film_cells(film, filters, currency) for film in top],
        "steps": steps,
        "occupancy": occupancy,
        "sold": f"{occupancy.total.sold:,}",
        "on_sale": f"{occupancy.total.on_sale:,}",
        "heat": heat_rows(scope, occupancy),
        "screens": screens,
        "chosen_screen": chosen_screen,
        "seats": draw_seats(chosen_screen, wanted) if chosen_screen else None,
        "recent": [_recent(booking) for booking in recent],
        "mixed": len({booking.demo for booking in recent}) > 1,
        "demo": f"{trend.demo:,}",
        "charts": {
            "trend": trend_chart(drawn, currency),
            "films": film_chart(top),
            "funnel": [{"name": step.name, "count": step.count, "lost": step.lost} for step in steps],
        },
    }


def _choices(filters: Filters) -> dict[str, Any]:
    """The filters, and the other values that can be chosen."""
    return {
        "section": "figures",
        "filters": filters,
        "ranges": [(name, filters.link(range=name)) for name in RANGES],
        "csv": filters.link(format="csv"),
        "cinemas": Cinema.objects.all(),
        "movies": Movie.objects.filter(Exists(Showtime.objects.filter(movie=OuterRef("pk")))).only("title", "slug"),
    }


def _other_currencies(total: Takings, currency: str) -> list[tuple[str, int, str]]:
    """Currency, bookings and money of the currencies that the page does not show."""
    others = [(other, sales) for other, sales in total.by_currency.items() if other != currency]
    return [(other, sales.bookings, format_money(sales.revenue, other)) for other, sales in others]


def _film_cells(film: FilmSales, filters: Filters, currency: str) -> tuple[FilmSales, str, str, str]:
    """The film, its tickets and money as text, and the link to its own figures."""
    money = format_money(film.takings.of(currency).revenue, currency)
    return film, f"{film.takings.tickets:,}", money, filters.link(film=film.slug)


def _recent(booking: Booking) -> dict[str, Any]:
    revenue: int = getattr(booking, "revenue")  # noqa: B009 a column of the query, unknown to the model
    tickets = booking.tickets.all()
    standing = [ticket for ticket in tickets if ticket.status != Ticket.Status.CANCELLED]
    status: str = booking.status
    if status == Booking.Status.CONFIRMED and (revenue < booking.total or len(standing) < len(tickets)):
        status = "part"
    return {"booking": booking, "seats": [ticket.label for ticket in tickets], "revenue": revenue, "status": status}


def _csv(filters: Filters) -> HttpResponse:
    """A row per day; amounts in major units with a decimal point, as spreadsheets read them."""
    scope, currency = filters.scope, settings.CURRENCY
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="figures-{scope.since}-to-{scope.until}.csv"'
    response.write("\ufeff")  # without it a spreadsheet decodes the names as Latin-1
    writer = csv.writer(response)
    writer.writerow(
        ["day", "cinema", "film", "bookings", "tickets", "currency", "taken", "given_back", "revenue", "revenue_before"]
    )
    cinema = plain_cell(filters.cinema.name) if filters.cinema else ""
    movie = plain_cell(filters.movie.title) if filters.movie else ""
    for row in trend_rows(scope, read_trend(scope)):
        sales, before = row.now.of(currency), row.before.of(currency)
        amounts = (sales.taken, sales.refunded, sales.revenue, before.revenue)
        writer.writerow(
            [row.since, cinema, movie, row.now.bookings, row.now.tickets, currency]
            + [_decimal(amount, currency) for amount in amounts]
        )
    return response


def plain_cell(text: str) -> str:
    """The text on one line, with an apostrophe in front where a spreadsheet would take it for a formula."""
    text = one_line(text)
    return f"'{text}" if text.startswith(RISKY) else text


def _decimal(amount: int, currency: str) -> str:
    digits = minor_digits(currency)
    whole, part = divmod(abs(amount), 10**digits)
    return f"{'-' if amount < 0 else ''}{whole}" + (f".{part:0{digits}d}" if digits else "")
