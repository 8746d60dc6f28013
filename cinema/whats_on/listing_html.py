"""The HTML of a showtime card: when, where, how full. The only place that renders it.

In Python because a page has dozens of them: as templates these two took half of the front page's time.
"""

from __future__ import annotations

from datetime import date

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from cinema.currencies import format_money
from cinema.whats_on.listings import ShowtimeCard

NOTHING = mark_safe("")


def draw_card(
    card: ShowtimeCard, *, from_day: date | None = None, with_day: bool = False, with_price: bool = False
) -> SafeString:
    """A link to the seat map.

    Args:
        from_day: show its day, and this day as "Today".
        with_day: show its day.
    """
    showtime = card.showtime
    return format_html(
        '<a class="showtime-card" href="{}" data-state="{}"{}><b class="number">{}<time datetime="{}">{}</time></b>{}'
        "<span>{}{}{}</span>{}</a>",
        showtime.get_absolute_url(),
        card.state,
        NOTHING if card.state == "open" else mark_safe(" data-full"),
        _day(card, from_day, with_day),
        card.instant,
        card.clock,
        _price(card) if with_price else NOTHING,
        showtime.screen.name,
        " · " if card.extra else NOTHING,
        card.extra,
        draw_left(card),
    )


def draw_left(card: ShowtimeCard) -> SafeString:
    """The availability of a showtime. The page's script replaces it by what `/showtimes/left/` answers."""
    return format_html(
        '<span class="meter number" data-left-of="{}" data-state="{}" data-left="{}" data-level="{}">{}{}</span>',
        card.showtime.pk,
        card.state,
        card.left,
        card.level if card.state == "open" else "full",
        format_html('<svg viewBox="0 0 68 8" aria-hidden="true">{}</svg>', card.meter) if card.has_meter else NOTHING,
        card.text,
    )


def _day(card: ShowtimeCard, from_day: date | None, with_day: bool) -> SafeString:
    if from_day is None and not with_day:
        return NOTHING
    return format_html("<small>{}</small> ", gettext("Today") if card.day == from_day else card.day_text)


def _price(card: ShowtimeCard) -> SafeString:
    if card.lowest_price is None:
        return NOTHING
    start = NOTHING if card.has_one_price else format_html("<small>{}</small> ", gettext("from"))
    return format_html('<em class="number">{}{}</em>', start, format_money(card.lowest_price, card.showtime.currency))
