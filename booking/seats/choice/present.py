"""A visitor's seating at this moment, from the known map and the rules of the cinema, and advice on it."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from booking.models import Booking, Ticket
from booking.seats.choice.advice import advise
from booking.seats.choice.hall import NOBODY, Hall, Place
from booking.seats.choice.policy import is_released, refuses_single_seats
from booking.seats.choice.replacement import replace_lost
from booking.seats.choice.seating import Rules, Seating
from booking.seats.known_map import KnownMap, find_takings, read_known
from cinema.models import Showtime
from cinema.plans.layouts import layout_of


@dataclass(frozen=True)
class LabelledAdvice:
    """As the API writes it: a type of problem, the seats that it is about, and what to request instead of all."""

    type: str
    seats: list[str]
    suggestion: list[str]


@lru_cache(maxsize=256)
def hall_of(layout_hash: str) -> Hall:
    """The hall of this layout, built once per process. Raises SeatingPlan.DoesNotExist."""
    layout = layout_of(layout_hash)
    places = (
        Place(seat.segment, seat.x, seat.y, seat.category, seat.kind, seat.sofa, seat.companion_of)
        for seat in layout.seats
    )
    return Hall(tuple(places), layout.focal_point)


def seating_of(
    known: KnownMap,
    showtime: Showtime,
    mine: Iterable[int],
    at: datetime,
    *,
    places: Iterable[int] = (),
    away: Iterable[int] = (),
) -> Seating | None:
    """What this visitor may choose, and by which rules; None while the showtime has no seats to sell.

    Args:
        mine: what the visitor has locked.
        places: wheelchair places in confirmed bookings of the visitor.
        away: seats that others are taking at this moment.
    """
    hall = hall_of(known.layout)
    if len(known.state) != len(hall.places):
        return None
    rules = Rules(refuses_single_seats(showtime), not is_released(showtime, at), frozenset(places))
    return Seating(hall, known.state, known.since, frozenset(mine), rules, frozenset(away))


def advise_visitor(
    known: KnownMap, showtime: Showtime, mine: Collection[int], visitor: uuid.UUID, at: datetime
) -> list[LabelledAdvice]:
    """What speaks against the visitor's seats, the most important first; the map has them as his.

    Without a query, except where a companion place is alone, or where a seat beyond a gap was paid since he took his.
    """
    hall = hall_of(known.layout)
    if paid := _paid_since(known, hall, mine):
        known = find_takings(known, sorted(paid), after=min(known.since[index] for index in mine))
    seating = seating_of(known, showtime, mine, at)
    if seating is None or seating.is_clean(mine):
        return []
    if seating.lone_companions(mine):
        seating = seating_of(known, showtime, mine, at, places=_confirmed_seats(showtime.pk, visitor))
        assert seating is not None
    seats = layout_of(known.layout).seats
    return [
        LabelledAdvice(found.type, [seats[i].label for i in found.seats], [seats[i].label for i in found.suggestion])
        for found in advise(seating, mine)
    ]


def _paid_since(known: KnownMap, hall: Hall, mine: Collection[int]) -> set[int]:
    """Booked seats, one seat away from mine, of which the map may know the payment in the place of the taking."""
    found = set()
    for index in mine if len(known.state) == len(hall.places) else ():
        for side in (0, 1):
            seat = hall.neighbours[index][side]
            beyond = NOBODY if seat == NOBODY else hall.neighbours[seat][side]
            if beyond == NOBODY or known.state[beyond] != "B":
                continue
            if known.since[index] < known.since[beyond] <= known.read_at:
                found.add(beyond)
    return found


def _confirmed_seats(showtime_id: int, visitor: uuid.UUID) -> list[int]:
    tickets = Ticket.objects.filter(
        booking__showtime=showtime_id, booking__visitor=visitor, booking__status=Booking.Status.CONFIRMED
    ).exclude(status=Ticket.Status.CANCELLED)
    return list(tickets.values_list("seat__index", flat=True))


def find_alternative(
    known: KnownMap | None,
    showtime: Showtime,
    requested: Collection[int],
    lost: Collection[int],
    mine: Iterable[int],
    at: datetime,
) -> list[str]:
    """Labels of what to request instead of seats of which some were lost to others; [] when there is none."""
    known = known or read_known(showtime.pk)
    seating = seating_of(known, showtime, mine, at, away=lost)
    seats = layout_of(known.layout).seats
    return [seats[index].label for index in replace_lost(seating, requested, lost)] if seating else []
