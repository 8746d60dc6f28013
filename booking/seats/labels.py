"""The labels that visitors see on seats, and the indices that the database has."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings

from booking.refusals import Refusal, TooManySeats, UnknownSeat
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


def find_or_refuse(layout: Layout, labels: Iterable[str]) -> tuple[RequestedSeats, Refusal | None]:
    """`find_indices`, or nothing and the refusal, for a caller that has something else to refuse first."""
    try:
        return find_indices(layout, labels), None
    except (TooManySeats, UnknownSeat) as refusal:
        return {}, refusal
