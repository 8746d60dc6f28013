"""The JSON API of best available: the best seats that are free for a party, as the map is now. It locks nothing."""

from __future__ import annotations

import random
from datetime import datetime

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse

from booking.bookings import find_live
from booking.lock_statements import find_showtime
from booking.refusals import Invalid, NoSeatsTogether, TooManySeats, UnknownSeat
from booking.seats.choice.best import Ask, best_block, best_split
from booking.seats.choice.lost_races import spread_now
from booking.seats.choice.present import seating_of
from booking.seats.known_map import read_known
from booking.visitors import visitor_of
from cinema.database import clock
from cinema.plans.layouts import Layout, layout_of
from cinema.web.problems import api

RANDOM = random.SystemRandom()


@api("GET")
def best(request: HttpRequest, showtime_id: int) -> HttpResponse:
    """The best `seats` seats side by side. What the visitor has locked counts as free: a request replaces it.

    Raises:
        NotFound, Invalid, TooManySeats, UnknownSeat
        NoSeatsTogether: no such block; it names the best split when that many seats are free.
    """
    at = clock.now()
    showtime, layout_hash = find_showtime(showtime_id)
    layout = layout_of(layout_hash)
    ask = read_ask(request, layout, spread_now(showtime_id))
    seating = seating_of(read_known(showtime_id), showtime, _mine(request, showtime_id, at), at)
    found = best_block(seating, ask, RANDOM) if seating else None
    if found is None:
        split = best_split(seating, ask) if seating else None
        raise NoSeatsTogether(ask.n, [layout.seats[index].label for index in split or ()])
    response = JsonResponse({"seats": [layout.seats[index].label for index in found]})
    response["Cache-Control"] = "no-store"
    return response


def read_ask(request: HttpRequest, layout: Layout, spread: int) -> Ask:
    """What is asked for; an empty parameter counts as none. Raises Invalid, TooManySeats, UnknownSeat."""
    number, near = request.GET.get("seats", ""), request.GET.get("near", "")
    if not (number.isascii() and number.isdecimal() and len(number) <= 6 and int(number)):
        raise Invalid("Say how many seats.", errors={"seats": "must be a number from 1 on"})
    if int(number) > settings.MAX_SEATS_PER_BOOKING:
        raise TooManySeats(settings.MAX_SEATS_PER_BOOKING)
    categories = {key for key in request.GET.getlist("category") if key}
    if not categories <= {category.key for category in layout.categories}:
        raise Invalid("The hall has no such category.", errors={"category": "must be a key of the layout"})
    if near and near not in layout.index_of:
        raise UnknownSeat([near])
    step_free = request.GET.get("step_free", "") or "0"
    if step_free not in ("0", "1"):
        raise Invalid("`step_free` is 1 or 0.", errors={"step_free": "must be 1 or 0"})
    at_seat = layout.index_of[near] if near else None
    return Ask(int(number), frozenset(categories), near=at_seat, step_free=step_free == "1", spread=spread)


def _mine(request: HttpRequest, showtime_id: int, at: datetime) -> list[int]:
    booking = find_live(showtime_id=showtime_id, visitor=visitor_of(request), at=at)
    return list(booking.seats.values_list("index", flat=True)) if booking else []
