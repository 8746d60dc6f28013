"""The HTML of a showtime card (when, where, how full) and of a film in the grid. The only place that renders them.

Cards in Python because a page has dozens of them: as templates they took half of the front page's time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext

from cinema.currencies import format_money
from cinema.web.parts import Remembered, render_part
from cinema.whats_on.listings import Film, ShowtimeCard

NOTHING = mark_safe("")
CARDS = Remembered()
AT_ONCE = 6  # posters of a grid that are loaded with the page


@dataclass(frozen=True)
class FilmShown:
    """What a film in the grid shows, and no more: the markup is remembered by it."""

    slug: str
    title: str
    address: str
    poster: str
    is_lazy: bool
    badge: str
    certificate: str
    runtime: int | None
    genre: str
    begins: date | None  # the release, for a film that is not out yet
    cards: tuple[SafeString, ...]


def draw_film(film: Film, today: date, place: int) -> SafeString:
    """An item of the grid.

    Args:
        today: shown as "Today".
        place: in the grid, from 1 on; 0 for the grid below it.
    """
    movie = film.movie
    begins = movie.release_date if movie.release_date and movie.release_date > today else None
    shown = FilmShown(
        slug=movie.slug,
        title=movie.title,
        address=movie.get_absolute_url(),
        poster=movie.poster_url if movie.poster else "",
        is_lazy=not 0 < place <= AT_ONCE,
        badge=film.badge,
        certificate=movie.certificate,
        runtime=movie.runtime,
        genre=film.genre,
        begins=begins,
        cards=tuple(draw_card(card, from_day=today) for card in film.next_two),
    )
    return render_part("cinema/_film.html", film=shown)


def draw_card(
    card: ShowtimeCard, *, from_day: date | None = None, with_day: bool = False, with_price: bool = False
) -> SafeString:
    """A link to the seat map.

    Args:
        from_day: show its day, and this day as "Today".
        with_day: show its day.
    """
    showtime = card.showtime
    price = (card.lowest_price, card.has_one_price, showtime.currency) if with_price else None
    own = (showtime.pk, showtime.starts_at, showtime.sales_open_at, showtime.format, showtime.screen.name, price)
    key = (own, card.state, card.left, card.on_sale, from_day, with_day, get_language())
    return CARDS.get(key, lambda: _draw_card(card, from_day, with_day=with_day, with_price=with_price))


def _draw_card(card: ShowtimeCard, from_day: date | None, *, with_day: bool, with_price: bool) -> SafeString:
    return format_html(
        '<a class="showtime-card" href="{}" data-state="{}"{}><b class="number">{}<time datetime="{}">{}</time></b>{}'
        "<span>{}{}{}</span>{}</a>",
        card.showtime.get_absolute_url(),
        card.state,
        NOTHING if card.state == "open" else mark_safe(" data-full"),
        _day(card, from_day, with_day),
        card.instant,
        card.clock,
        _price(card) if with_price else NOTHING,
        card.showtime.screen.name,
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
