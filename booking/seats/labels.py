"""What visitors call seats, and what the database calls them."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings

from booking.refusals import TooManySeats, UnknownSeat
from cinema.plans.layouts import Layout

Wish = dict[str, int]  # label -> index


def find_indices(layout: Layout, labels: Iterable[str]) -> Wish:
    """Label to index of these seats, each once, in the order named.

    Raises:
        TooManySeats, UnknownSeat
    """
    wished = list(dict.fromkeys(labels))
    if len(wished) > settings.MAX_SEATS_PER_BOOKING:
        raise TooManySeats(settings.MAX_SEATS_PER_BOOKING)
    unknown = [label for label in wished if label not in layout.index_of]
    if unknown:
        raise UnknownSeat(unknown)
    return {label: layout.index_of[label] for label in wished}
