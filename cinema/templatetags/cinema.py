"""Filters and tags for money, durations, showtime cards and parts. Loaded into every template."""

from __future__ import annotations

from datetime import date

from django import template
from django.utils.safestring import SafeString

from cinema.currencies import format_money
from cinema.web.parts import render_part
from cinema.whats_on.listing_html import draw_card, draw_film
from cinema.whats_on.listings import Film, ShowtimeCard

register = template.Library()


@register.filter
def money(amount: int | None, currency: str) -> str:
    """`{{ 1250|money:"GBP" }}` is £12.50; a whole amount has no decimals."""
    return "" if amount is None else format_money(amount, currency)


@register.filter
def hours_and_minutes(minutes: int | None) -> str:
    """153 is `2 h 33 min`."""
    if not minutes:
        return ""
    hours, rest = divmod(minutes, 60)
    return " ".join(filter(None, [f"{hours} h" if hours else "", f"{rest} min" if rest else ""]))


@register.simple_tag
def showtime_card(
    card: ShowtimeCard, from_day: date | None = None, *, with_day: bool = False, with_price: bool = False
) -> SafeString:
    """`{% showtime_card card today %}`: see `cinema.whats_on.listing_html.draw_card`."""
    return draw_card(card, from_day=from_day, with_day=with_day, with_price=with_price)


@register.simple_tag
def part(template_name: str, **values: object) -> SafeString:
    """`{% part "cinema/_strip.html" days=days %}`: see `cinema.web.parts.render_part`."""
    return render_part(template_name, **values)


@register.simple_tag
def film_item(film: Film, today: date, place: int = 0) -> SafeString:
    """`{% film_item film today forloop.counter %}`: see `cinema.whats_on.listing_html.draw_film`."""
    return draw_film(film, today, place)
