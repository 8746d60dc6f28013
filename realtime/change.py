"""A committed change of a showtime's seats, as processes send it to each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Change:
    """The seats that one transaction changed, from version `before` to `version`: letter of new state -> indices.

    `stamp` is that of `version` (`booking.seats.stamps`).
    """

    showtime_id: int
    epoch: str
    before: int
    version: int
    seats: Mapping[str, Sequence[int]]
    stamp: int | None = None
