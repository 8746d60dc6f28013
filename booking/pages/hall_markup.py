"""The markup of a hall's seats: rendered once for a layout, and filled with the states of one page.

What is kept for a layout has gaps in the place of everything that changes: no showtime, no price, no version and no
visitor. Besides, the halls that were last drawn for visitors without seats are kept by all that they show. The seats
of a visitor are put in for one page only, so nothing of one visitor can be in the page of another.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.template.loader import render_to_string
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from booking.pages.hall_drawing import minimap_of
from booking.pages.hall_view import CHOOSABLE, STATUS, WORDS, what_is
from cinema.plans.layouts import Layout, PlanSeat, layout_of

MARK = "\0"  # around each gap: no text of a database or a plan has it (`cinema.plain_text`)
GAPS = ("status", "flags", "price", "word")
FLAGS = {"mine": " checked"} | {status: " disabled" for status in WORDS if status not in CHOOSABLE}
LAYOUTS, STATES = 64, 32  # kept in a process; each of 602 seats takes a third of a megabyte

Look = tuple[str, ...]
"""The text of each gap of a seat, in the order of `GAPS`, escaped."""


@dataclass(frozen=True)
class SeatWithGaps:
    """A seat for a template. The attributes named in `GAPS` are marks, in whose place `fill` puts texts."""

    seat: PlanSeat
    outline: str
    status: str
    flags: str
    price: str
    word: str

    @property
    def what(self) -> str:
        return what_is(self.seat)


@dataclass(frozen=True)
class MarkupWithGaps:
    """Fixed texts, and between each two of them a gap: its number in `GAPS` and the index of the seat."""

    fixed: Sequence[str]
    gaps: Sequence[tuple[int, int]]

    def fill(self, looks: Sequence[Look]) -> SafeString:
        """The markup of seats that look so, in the order of the index."""
        pieces = [""] * (len(self.fixed) + len(self.gaps))
        pieces[::2] = self.fixed
        pieces[1::2] = [looks[index][gap] for gap, index in self.gaps]
        return mark_safe("".join(pieces))


@dataclass(frozen=True, eq=False)
class HallMarkup:
    rows: MarkupWithGaps
    minimap: MarkupWithGaps


def draw_seats(
    layout: Layout, state: str, mine: Collection[int], prices: Mapping[str, str]
) -> tuple[SafeString, SafeString]:
    """The markup of the rows of the hall, and of the seats of its minimap.

    Args:
        state: the letters of the map.
        mine: the indices of the visitor's own seats, which look so whatever their letter is.
        prices: the result of `price_words`.
    """
    markup = markup_of(layout)
    if not mine:
        return _draw_for_all(markup, layout.hash, state, tuple(prices.items()))
    looks = looks_of(layout, state, mine, prices)
    return markup.rows.fill(looks), markup.minimap.fill(looks)


def markup_of(layout: Layout) -> HallMarkup:
    """The markup of a layout with its gaps, in the active language; made once in a process."""
    return _markup(layout.hash, get_language() or "")


def looks_of(layout: Layout, state: str, mine: Collection[int], prices: Mapping[str, str]) -> list[Look]:
    """How each seat looks, in the order of the index; arguments as those of `draw_seats`."""
    looks = {category: {status: _look(status, price) for status in WORDS} for category, price in prices.items()}
    statuses = [STATUS[letter] for letter in state]
    for index in mine:
        statuses[index] = "mine"
    return [looks[seat.category][status] for seat, status in zip(layout.seats, statuses, strict=True)]


@lru_cache(maxsize=STATES)
def _draw_for_all(
    markup: HallMarkup, layout_hash: str, state: str, prices: tuple[tuple[str, str], ...]
) -> tuple[SafeString, SafeString]:
    """For visitors without seats: the same to all of them, until a seat changes."""
    looks = looks_of(layout_of(layout_hash), state, (), dict(prices))
    return markup.rows.fill(looks), markup.minimap.fill(looks)


def _look(status: str, price: str) -> Look:
    return status, FLAGS.get(status, ""), escape(price), escape(WORDS[status])


@lru_cache(maxsize=LAYOUTS)
def _markup(layout_hash: str, language: str) -> HallMarkup:
    layout = layout_of(layout_hash)
    gaps = [
        SeatWithGaps(seat, outline, *(f"{MARK}{number},{seat.index}{MARK}" for number in range(len(GAPS))))
        for seat, outline in zip(layout.seats, minimap_of(layout_hash)[1], strict=True)
    ]
    rows = [(row, [gaps[seat.index] for seat in row.seats]) for row in layout.rows]
    return HallMarkup(_split("booking/_rows.html", {"rows": rows}), _split("booking/_minimap.html", {"seats": gaps}))


def _split(template: str, context: dict[str, Any]) -> MarkupWithGaps:
    pieces = render_to_string(template, context).split(MARK)
    pairs = (piece.split(",") for piece in pieces[1::2])
    return MarkupWithGaps(pieces[::2], [(int(number), int(index)) for number, index in pairs])
