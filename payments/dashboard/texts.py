"""The figures as texts of the page: tiles, comparisons, rows of tables. No query, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import ceil
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cinema.currencies import format_money, minor_digits
from payments.dashboard.occupancy import Occupancy
from payments.dashboard.sales import DAY, FilmSales, Funnel, Scope, Takings, Trend

WEEKEND = (4, 5, 6)  # Friday to Sunday, the usual cinema weekend
DAILY_UP_TO = 92  # days; a longer period is drawn by weeks
HEAT_LEVELS = 5


@dataclass(frozen=True)
class Change:
    """The difference to the period before. `way` is up, down or same; `kind` is good, bad or same, for the colour."""

    way: str
    kind: str
    words: str


@dataclass(frozen=True)
class Tile:
    """One large number and the words under it; `change` is None when there is nothing to compare with."""

    value: str
    words: str
    change: Change | None


@dataclass(frozen=True)
class DayRow:
    """A day of the trend, or a week of seven: its sales, and those of the same day or week in the period before."""

    since: date
    until: date
    now: Takings
    before: Takings
    is_today: bool

    @property
    def is_weekend(self) -> bool:
        """A single day from Friday to Sunday."""
        return self.since == self.until and self.since.weekday() in WEEKEND

    @property
    def words(self) -> str:
        """The day, or the first and last day."""
        first = date_format(self.since, "D j M Y")
        return first if self.since == self.until else f"{first} – {date_format(self.until, 'D j M Y')}"


@dataclass(frozen=True)
class Step:
    """A step of the funnel; `share` of the step before as text, `lost` is the number that did not reach this step."""

    name: str
    count: int
    lost: int
    share: str

    @property
    def words(self) -> str:
        return f"{self.count:,}"


def tiles(trend: Trend, occupancy: Occupancy, funnel: tuple[Funnel, Funnel], currency: str) -> list[Tile]:
    """The five numbers at the top of the page."""
    now, before = trend.total, trend.compared
    revenue, revenue_before = now.of(currency).revenue, before.of(currency).revenue
    return [
        Tile(format_money(revenue, currency), _("revenue"), compare(revenue, revenue_before)),
        Tile(f"{now.bookings:,}", _("bookings"), compare(now.bookings, before.bookings)),
        Tile(f"{now.tickets:,}", _("tickets"), compare(now.tickets, before.tickets)),
        Tile(
            percent(occupancy.total.share),
            _("of seats sold") if occupancy.total.on_sale else _("no seats on sale"),
            compare_shares(occupancy.total.share, occupancy.before.share),
        ),
        Tile(
            percent(funnel[0].abandoned_share),
            _("of payments given up") if funnel[0].abandoned_share is not None else _("nobody went to payment"),
            compare_shares(funnel[0].abandoned_share, funnel[1].abandoned_share, less_is_good=True),
        ),
    ]


def compare(now: int, before: int) -> Change | None:
    """The difference in percent of `before`; None when `before` is not positive."""
    if before <= 0:
        return None
    percent_more = round(100 * (now - before) / before)
    if percent_more == 0:
        return Change("same", "same", _("as before"))
    words = _("%(n)s %% more") if percent_more > 0 else _("%(n)s %% less")
    way, kind = ("up", "good") if percent_more > 0 else ("down", "bad")
    return Change(way, kind, words % {"n": f"{abs(percent_more):,}"})


def compare_shares(now: float | None, before: float | None, *, less_is_good: bool = False) -> Change | None:
    """The difference in percentage points of the rounded numbers that are shown; None when one is unknown."""
    if now is None or before is None:
        return None
    points = round(100 * now) - round(100 * before)
    if points == 0:
        return Change("same", "same", _("as before"))
    if points > 0:
        words = ngettext("%(n)s point more", "%(n)s points more", points)
    else:
        words = ngettext("%(n)s point less", "%(n)s points less", -points)
    kind = "bad" if (points > 0) == less_is_good else "good"
    return Change("up" if points > 0 else "down", kind, words % {"n": abs(points)})


def percent(share: float | None) -> str:
    """A share of 0 to 1 in whole percent; a dash when unknown."""
    return "–" if share is None else f"{round(100 * share)} %"


def trend_rows(scope: Scope, trend: Trend) -> list[DayRow]:
    """Every day of the period, first to last."""
    pairs = zip(scope.days, trend.days, trend.days_before, strict=True)
    return [DayRow(day, day, now, before, day == scope.today) for day, now, before in pairs]


def drawn_rows(rows: Sequence[DayRow]) -> list[DayRow]:
    """What the chart draws: days, or weeks when there are more than DAILY_UP_TO days."""
    if len(rows) <= DAILY_UP_TO:
        return list(rows)
    weeks = [rows[i : i + 7] for i in range(0, len(rows), 7)]
    return [
        DayRow(
            since=week[0].since,
            until=week[-1].until,
            now=sum((row.now for row in week), Takings()),
            before=sum((row.before for row in week), Takings()),
            is_today=any(row.is_today for row in week),
        )
        for week in weeks
    ]


def day_cells(row: DayRow, currency: str) -> dict[str, str]:
    """A row of the table of days."""
    return {
        "words": row.words,
        "bookings": f"{row.now.bookings:,}",
        "tickets": f"{row.now.tickets:,}",
        "revenue": format_money(row.now.of(currency).revenue, currency),
        "before": format_money(row.before.of(currency).revenue, currency),
    }


def trend_chart(rows: Sequence[DayRow], currency: str) -> dict[str, Any]:
    """What the script draws: plain numbers, and each value as text for the tooltip."""

    def series(of: Any, text: Any) -> dict[str, Any]:
        return {
            "now": [of(row.now) for row in rows],
            "before": [of(row.before) for row in rows],
            "words": [text(of(row.now)) for row in rows],
            "wordsBefore": [text(of(row.before)) for row in rows],
        }

    return {
        "labels": [date_format(row.since, "j M") for row in rows],
        "days": [row.words for row in rows],
        "weekend": [row.is_weekend for row in rows],
        "today": next((i for i, row in enumerate(rows) if row.is_today), -1),
        "todayWord": _("Today") if rows and rows[0].since == rows[0].until else _("Now"),
        "beforeWord": _("Before"),
        "currency": currency,
        "minor": 10 ** minor_digits(currency),
        "series": {
            "revenue": series(lambda t: t.of(currency).revenue, lambda n: format_money(n, currency)),
            "tickets": series(lambda t: t.tickets, lambda n: f"{n:,}"),
            "bookings": series(lambda t: t.bookings, lambda n: f"{n:,}"),
        },
    }


def trend_sentence(rows: Sequence[DayRow], total: Takings, currency: str) -> str:
    """The chart as one sentence, for screen readers."""
    best = max(rows, key=lambda row: (row.now.of(currency).revenue, row.now.tickets))
    best_is = format_money(best.now.of(currency).revenue, currency)
    return _(
        "Sales from %(since)s to %(until)s: %(total)s in all, %(tickets)s tickets; most on %(best)s, %(money)s."
    ) % {
        "since": date_format(rows[0].since, "j F Y"),
        "until": date_format(rows[-1].until, "j F Y"),
        "total": format_money(total.of(currency).revenue, currency),
        "tickets": f"{total.tickets:,}",
        "best": best.words,
        "money": best_is,
    }


def funnel_steps(funnel: Funnel) -> list[Step]:
    """From lock to admission; the last step only when a ticket was admitted."""
    counts = [(_("Bookings begun"), funnel.begun), (_("Went to payment"), funnel.went_to_payment)]
    counts.append((_("Paid"), funnel.paid))
    if funnel.admitted:
        counts.append((_("Came"), funnel.admitted))
    shares = (_("every first lock"), _("of those begun"), _("of those who went to payment"), _("of those who paid"))
    steps = []
    for i, (name, count) in enumerate(counts):
        earlier = counts[i - 1][1] if i else count
        share = f"{percent(count / earlier)} {shares[i]}" if i and earlier else shares[i] if not i else ""
        steps.append(Step(name, count, max(0, earlier - count), share))
    return steps


def film_chart(films: Sequence[FilmSales]) -> dict[str, Any]:
    """Titles and tickets for the chart."""
    return {"labels": [film.title for film in films], "tickets": [film.takings.tickets for film in films]}


def heat_level(value: float, most: float) -> int:
    """0 for nothing, then HEAT_LEVELS equal steps up to `most`."""
    if value <= 0 or most <= 0:
        return 0
    return min(HEAT_LEVELS, ceil(HEAT_LEVELS * value / most))


def heat_rows(scope: Scope, occupancy: Occupancy) -> list[dict[str, Any]]:
    """Monday to Sunday; a cell is None where nothing was shown. Levels are relative to the fullest cell."""
    most = max((fill.share or 0 for fill in occupancy.cells.values()), default=0)
    monday = scope.since - scope.since.weekday() * DAY
    rows = []
    for weekday in range(1, 8):
        cells: list[dict[str, Any] | None] = []
        for band in occupancy.bands:
            fill = occupancy.cells.get((weekday, band))
            share = fill.share if fill else None
            if fill is None or share is None:
                cells.append(None)
            else:
                cells.append({"percent": round(100 * share), "level": heat_level(share, most), "fill": fill})
        day = monday + (weekday - 1) * DAY
        rows.append({"name": date_format(day, "D"), "full_name": date_format(day, "l"), "cells": cells})
    return rows
