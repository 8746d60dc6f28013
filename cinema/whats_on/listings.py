"""Listings as pages show them: films, times, and how many seats are left."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache, cached_property, lru_cache
from typing import Literal

from django.db.models import Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext, ngettext

from cinema.models import Cinema, Movie, Showtime, ShowtimeQuerySet

AHEAD = timedelta(days=14)  # the horizon of the listings
PROJECTIONS = {"", "2d", "3d", "digital", "35 mm", "70 mm", "imax"}  # any other format is an event
FEW = 0.15  # of the seats on sale; from here on the count is shown as "seats left"
CardState = Literal["open", "sold-out", "upcoming", "closed", "cancelled"]


@dataclass(frozen=True)
class ShowtimeCard:
    """One showtime as the listings show it: when, how full, and whether it can be bought."""

    showtime: Showtime
    state: CardState

    @property
    def left(self) -> int:
        return self.showtime.n_available

    @property
    def on_sale(self) -> int:
        """The number of seats for sale, sold or not: all but the blocked ones."""
        return self.showtime.n_seats - self.showtime.n_blocked

    @property
    def level(self) -> Literal["many", "few", "full"]:
        if self.left == 0:
            return "full"
        return "few" if self.left <= FEW * self.on_sale else "many"

    @property
    def taken(self) -> float:
        """The share of seats that are taken, 0 to 1."""
        return 1 - self.left / self.on_sale if self.on_sale else 0

    @property
    def meter(self) -> SafeString:
        free = 10 * self.left / self.on_sale if self.on_sale else 0
        return meter_seats(max(1, int(free)) if self.left else 0)

    @property
    def text(self) -> str:
        """The availability, such as `12 seats left`."""
        if self.state == "cancelled":
            return gettext("Cancelled")
        if self.state == "closed":
            return gettext("Sales are over")
        if self.state == "upcoming":
            at = date_format(timezone.localtime(self.showtime.sales_open_at), "D j M, H:i")
            return gettext("On sale %(at)s") % {"at": at}
        if self.state == "sold-out":
            return gettext("Sold out")
        if self.level == "few":
            return ngettext("%(n)s seat left", "%(n)s seats left", self.left) % {"n": self.left}
        return ngettext("%(n)s seat", "%(n)s seats", self.left) % {"n": self.left}

    @property
    def has_meter(self) -> bool:
        return self.state in ("open", "sold-out")

    @property
    def lowest_price(self) -> int | None:
        return min(self.showtime.prices.values(), default=None)

    @property
    def has_one_price(self) -> bool:
        return len(set(self.showtime.prices.values())) == 1

    @property
    def starts_at(self) -> datetime:
        return self.showtime.starts_at

    @cached_property
    def local_start(self) -> datetime:
        """The start in TIME_ZONE, converted once; Django's `date` filter would convert it again for every part."""
        return timezone.localtime(self.showtime.starts_at)

    @property
    def day(self) -> date:
        return self.local_start.date()

    @property
    def day_text(self) -> str:
        return short_day(self.day, get_language() or "")

    @property
    def clock(self) -> str:
        return f"{self.local_start:%H:%M}"

    @property
    def instant(self) -> str:
        return self.local_start.isoformat()

    @property
    def extra(self) -> str:
        """The format; "" for a plain projection."""
        return "" if self.showtime.format.lower() in ("", "2d", "digital") else self.showtime.format

    @property
    def event(self) -> str:
        """The event besides the film, such as live music; "" for none."""
        return "" if self.showtime.format.lower() in PROJECTIONS else self.showtime.format


@dataclass(frozen=True)
class Film:
    """A movie with its listed showtimes, in order of time."""

    movie: Movie
    cards: Sequence[ShowtimeCard]
    genre: str  # the first one's name; "" without one

    @property
    def next_two(self) -> Sequence[ShowtimeCard]:
        return self.cards[:2]

    @property
    def badge(self) -> str:
        return next((card.event for card in self.next_two if card.event), "")


@dataclass(frozen=True)
class CinemaListing:
    """A cinema with its showtimes of one film."""

    cinema: Cinema
    cards: Sequence[ShowtimeCard]


def read_cards(showtimes: ShowtimeQuerySet, at: datetime) -> list[ShowtimeCard]:
    """The cards of those that have not ended, in order of time. A fixed number of queries, whatever their number."""
    coming = showtimes.not_ended(at).order_by("starts_at", "id")
    return [
        ShowtimeCard(one, card_state(one, at)) for one in coming.prefetch_related("movie__genres", "screen__cinema")
    ]


def still_sold(showtimes: ShowtimeQuerySet, at: datetime) -> ShowtimeQuerySet:
    """Those that can be bought now or later: not cancelled, sales not closed. The SQL form of `Showtime.sales`."""
    started = Q(sales_close_at=None, starts_at__gt=at - timedelta(minutes=15))
    return showtimes.filter(Q(sales_close_at__gt=at) | started, cancelled_at=None)


def card_state(showtime: Showtime, at: datetime) -> CardState:
    state = showtime.sales(at)
    return "sold-out" if state == "open" and showtime.n_available == 0 else state


def group_by_cinema(cards: Iterable[ShowtimeCard]) -> list[CinemaListing]:
    """By name of the cinema; order of time inside each."""
    found: dict[str, list[ShowtimeCard]] = {}
    for card in cards:
        found.setdefault(card.showtime.screen.cinema.name, []).append(card)
    return [CinemaListing(found[name][0].showtime.screen.cinema, found[name]) for name in sorted(found)]


def pick_billboard(cards: Sequence[ShowtimeCard]) -> ShowtimeCard | None:
    """The showtime for the billboard: with a picture and seats left; the largest screen first, then the fullest."""
    fit = [card for card in cards if card.state == "open" and card.showtime.movie.picture]
    return max(fit, key=lambda card: (card.on_sale, card.taken, -card.starts_at.timestamp()), default=None)


def first_sentences(text: str, most: int = 250) -> str:
    """As many whole sentences as fit into `most` characters; the whole text if not even one does."""
    kept = ""
    for sentence in re.findall(r".+?[.?!](?=\s|$)", text):
        if len(kept) + len(sentence) > most:
            break
        kept += sentence
    return kept.strip() or text


@lru_cache(maxsize=200)
def short_day(day: date, language: str) -> str:
    """Such as `Mon 23 Nov`. `language` must be the active language: it is the key of the cache."""
    return date_format(day, "D j M")


@cache
def meter_seats(free: int) -> SafeString:
    """SVG of ten small seats, `free` of them lit."""
    return format_html_join(
        "",
        '<rect class="{}" x="{}" width="5" height="8" rx="1.5"/>',
        (("free" if place < free else "gone", place * 7) for place in range(10)),
    )
