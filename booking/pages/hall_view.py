"""The seat map of a showtime as a page shows it: state, price and words of each seat, and the visitor's basket."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from booking.models import Booking
from booking.refusals import join_labels
from booking.seats.choice.present import hall_of
from booking.seats.pricing import price_of
from booking.seats.rows import LETTERS
from cinema.currencies import format_money
from cinema.models import Showtime
from cinema.plans.layouts import Layout, PlanCategory, PlanSeat, layout_of

# The state of a seat as a page shows it: that of its row, and "mine" for a seat that this visitor has locked.
STATUS = {letter: str(status) for status, letter in LETTERS.items()}
WORDS = {
    "available": "available",
    "mine": "yours",
    "locked": "being chosen by someone else",
    "booked": "taken",
    "blocked": "not for sale",
}
CHOOSABLE = ("available", "mine")
# The page carries these for `static/js/hall.js`, which has no list of its own.
SEAT_STATES = {"letters": STATUS, "words": WORDS, "choosable": CHOOSABLE}
KINDS = {"wheelchair": "wheelchair space", "companion": "companion seat"}


@dataclass(frozen=True)
class SeatView:
    seat: PlanSeat
    status: str
    price: str

    @property
    def word(self) -> str:
        return WORDS[self.status]

    @property
    def what(self) -> str:
        return what_is(self.seat)


@dataclass(frozen=True)
class PriceLine:
    category: PlanCategory
    shapes: tuple[str, ...]
    price: str


@dataclass(frozen=True)
class Basket:
    """The visitor's locked seats; `left` is the share of the lock's time that is left, in percent of a full lock."""

    booking: Booking
    seats: Sequence[SeatView]
    total: str
    left: int
    clock: str
    seconds: int  # that are left
    last: bool

    @property
    def labels(self) -> str:
        return ", ".join(view.seat.label for view in self.seats)

    @property
    def wheelchairs(self) -> str:
        """The labels of the spaces for wheelchairs, about which the page asks; "" without any."""
        labels = [view.seat.label for view in self._wheelchairs]
        return join_labels(labels) if labels else ""

    @property
    def n_wheelchairs(self) -> int:
        return len(self._wheelchairs)

    @property
    def _wheelchairs(self) -> list[SeatView]:
        return [view for view in self.seats if view.seat.kind == "wheelchair"]


@dataclass(frozen=True)
class LayoutFacts:
    """Of the seats of a layout: the first of each category, the shapes of its legend, the kinds that there are, the
    number of spaces for wheelchairs and the seats of the longest row.

    `segments`: the index with which each segment begins, as text for the page; from one to the next, seats are side by
    side.
    """

    first: Mapping[str, PlanSeat]
    shapes: Mapping[str, tuple[str, ...]]
    kinds: frozenset[str]
    segments: str
    n_wheelchairs: int
    longest_row: int


@lru_cache(maxsize=256)
def facts_of(layout_hash: str) -> LayoutFacts:
    """Made once in a process."""
    layout = layout_of(layout_hash)
    seats, kinds = layout.seats, [seat.kind for seat in layout.seats]
    shapes: dict[str, tuple[str, ...]] = {}
    for seat in seats:
        if seat.kind == "seat":
            pair = ("sofa-start", "sofa-end") if seat.shape.startswith("sofa") else (seat.drawn_as,)
            shapes.setdefault(seat.category, pair)
    return LayoutFacts(
        first={seat.category: seat for seat in reversed(seats)},
        shapes=shapes,
        kinds=frozenset(kinds),
        segments=" ".join(str(run.seats.start) for run in hall_of(layout_hash).runs),
        n_wheelchairs=kinds.count("wheelchair"),
        longest_row=max((len(row.seats) for row in layout.rows), default=0),
    )


def what_is(seat: PlanSeat) -> str:
    """The kind of a wheelchair space or companion seat, else the category, in words."""
    return KINDS.get(seat.kind, seat.category_name.lower())


def price_words(showtime: Showtime, layout: Layout) -> dict[str, str]:
    """Category key to price in words: formatted once for a category, not for each seat."""
    first = facts_of(layout.hash).first
    return {key: format_money(price_of(showtime, seat), showtime.currency) for key, seat in first.items()}


def price_range(showtime: Showtime, layout: Layout) -> tuple[str, ...]:
    """The lowest and the highest price of the categories that are sold, in words; one where they are equal."""
    first = facts_of(layout.hash).first
    sold = [first[category.key] for category in layout.categories if category.for_sale and category.key in first]
    prices = sorted({price_of(showtime, seat) for seat in sold})
    return tuple(format_money(price, showtime.currency) for price in dict.fromkeys((*prices[:1], *prices[-1:])))


def price_lines(layout: Layout, prices: Mapping[str, str]) -> list[PriceLine]:
    """The legend: each category that is sold, with the shape of its first ordinary seat.

    Args:
        prices: the result of `price_words`.
    """
    shapes = facts_of(layout.hash).shapes
    return [
        PriceLine(category, shapes.get(category.key, ("seat",)), prices[category.key])
        for category in layout.categories
        if category.for_sale and category.key in prices
    ]


def view_basket(
    booking: Booking | None, showtime: Showtime, layout: Layout, mine: set[int], lock: timedelta, at: datetime
) -> Basket | None:
    """The basket of a live booking, or None."""
    if booking is None or booking.locked_until is None or not mine:
        return None
    prices = price_words(showtime, layout)
    views = [SeatView(layout.seats[i], "mine", prices[layout.seats[i].category]) for i in sorted(mine)]
    total = sum(price_of(showtime, view.seat) for view in views)
    left = max(timedelta(0), booking.locked_until - at)
    minutes, seconds = divmod(int(left.total_seconds()), 60)
    return Basket(
        booking=booking,
        seats=views,
        total=format_money(total, showtime.currency),
        left=min(100, round(100 * left / lock)),
        clock=f"{minutes}:{seconds:02d}",
        seconds=60 * minutes + seconds,
        last=left <= timedelta(seconds=30),
    )
