"""How a showtime looks in a list: when, where, how full. The one drawing of it.

In Python because a page has dozens: as templates these two took half of the front page's time.
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
    slot: ShowtimeCard, *, from_day: date | None = None, with_day: bool = False, with_price: bool = False
) -> SafeString:
    """A link to the seats.

    Args:
        from_day: name its day, and this one as today.
        with_day: name its day as it is.
    """
    showtime = slot.showtime
    return format_html(
        '<a class="slot" href="{}" data-state="{}"{}><b class="number">{}<time datetime="{}">{}</time></b>{}'
        "<span>{}{}{}</span>{}</a>",
        showtime.get_absolute_url(),
        slot.state,
        NOTHING if slot.state == "open" else mark_safe(" data-full"),
        _day(slot, from_day, with_day),
        slot.instant,
        slot.clock,
        _price(slot) if with_price else NOTHING,
        showtime.screen.name,
        " · " if slot.extra else NOTHING,
        slot.extra,
        draw_left(slot),
    )


def draw_left(slot: ShowtimeCard) -> SafeString:
    """How full a showtime is. The script swaps it when the server draws another."""
    return format_html(
        '<span class="meter number" data-left-of="{}" data-state="{}" data-left="{}" data-level="{}">{}{}</span>',
        slot.showtime.pk,
        slot.state,
        slot.left,
        slot.level if slot.state == "open" else "full",
        format_html('<svg viewBox="0 0 68 8" aria-hidden="true">{}</svg>', slot.meter) if slot.has_meter else NOTHING,
        slot.words,
    )


def _day(slot: ShowtimeCard, from_day: date | None, with_day: bool) -> SafeString:
    if from_day is None and not with_day:
        return NOTHING
    return format_html("<small>{}</small> ", gettext("Today") if slot.day == from_day else slot.day_words)


def _price(slot: ShowtimeCard) -> SafeString:
    if slot.lowest_price is None:
        return NOTHING
    start = NOTHING if slot.has_one_price else format_html("<small>{}</small> ", gettext("from"))
    return format_html('<em class="number">{}{}</em>', start, format_money(slot.lowest_price, slot.showtime.currency))
