"""The labels that visitors see on seats, and the indices that the database has."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings

from booking.refusals import TooManySeats, UnknownSeat
from cinema.plans.layouts import Layout

RequestedSeats = dict[str, int]  # label -> index


def find_indices(layout: Layout, labels: Iterable[str]) -> RequestedSeats:
    """The index of each label, in the order named; a label that is named twice counts once.

    Raises:
        TooManySeats, UnknownSeat
    """
    requested = list(dict.fromkeys(labels))
    if len(requested) > settings.MAX_SEATS_PER_BOOKING:
        raise TooManySeats(settings.MAX_SEATS_PER_BOOKING)
    unknown = [label for label in requested if label not in layout.index_of]
    if unknown:
        raise UnknownSeat(unknown)
    return {label: layout.index_of[label] for label in requested}
