"""Prices of seats: arithmetic, without a clock."""

from __future__ import annotations

from collections.abc import Iterable

from booking.models import Booking, BookingSeat, ShowtimeSeat
from cinema.models import Showtime
from cinema.plans.layouts import PlanSeat, layout_of


def price_of(showtime: Showtime, seat: PlanSeat) -> int:
    """Minor units. A category without a price costs as much as the dearest one, so that no seat is sold too cheaply."""
    prices: dict[str, int] = showtime.prices
    return prices.get(seat.category, max(prices.values(), default=0))


def price_seats(booking: Booking, rows: Iterable[ShowtimeSeat]) -> list[BookingSeat]:
    """The booking's seats with label, category and price: unsaved, in the order of the map."""
    showtime = booking.showtime
    seats = layout_of(showtime.plan.hash).seats
    chosen = sorted(rows, key=lambda row: row.index)
    return [
        BookingSeat(
            booking=booking,
            seat=row,
            label=seats[row.index].label,
            category=seats[row.index].category_name,
            price=price_of(showtime, seats[row.index]),
        )
        for row in chosen
    ]
