"""A visitor's seating of a showtime at this moment, from the map that is known and the rules of the cinema. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache

from booking.seats.choice.hall import Hall, Place
from booking.seats.choice.seating import Rules, Seating
from booking.seats.known_map import KnownMap
from cinema.models import Showtime
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


def seating_of(
    known: KnownMap, showtime: Showtime, mine: Iterable[int], at: datetime, places: Iterable[int] = ()
) -> Seating | None:
    """What this visitor may choose, and by which rules; None while the showtime has no seats to sell.

    Args:
        mine: what the visitor has locked.
        places: wheelchair places in confirmed bookings of the visitor.
    """
    hall = hall_of(known.layout)
    if len(known.state) != len(hall.places):
        return None
    rules = Rules(single_seats=True, companions=True, places=frozenset(places))
    return Seating(hall, known.state, known.since, frozenset(mine), rules)
