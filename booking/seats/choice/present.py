"""A visitor's seating of a showtime, from the map that this process knows. No query but for a layout."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from booking.seats.choice.hall import Hall, Place
from booking.seats.choice.seating import Seating
from booking.seats.known_map import KnownMap
from cinema.plans.layouts import Layout, layout_of


@lru_cache(maxsize=256)
def hall_of(layout_hash: str) -> Hall:
    """The hall of this layout, built once per process. Raises SeatingPlan.DoesNotExist."""
    layout: Layout = layout_of(layout_hash)
    places = (
        Place(seat.segment, seat.x, seat.y, seat.category, seat.kind, seat.sofa, seat.companion_of)
        for seat in layout.seats
    )
    return Hall(tuple(places), layout.focal_point)


def seating_of(known: KnownMap, mine: Iterable[int]) -> Seating | None:
    """What a visitor who has locked the seats `mine` may choose, by all rules; None while no seats are on sale."""
    hall = hall_of(known.layout)
    if len(known.state) != len(hall.places):
        return None
    return Seating(hall, known.state, known.since, frozenset(mine))
