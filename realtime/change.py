"""What one transaction did to a showtime, as the processes tell each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Change:
    """What one transaction did to a showtime's seats: letter of the map -> indices, absolute."""

    showtime_id: int
    epoch: str
    before: int
    version: int
    seats: Mapping[str, Sequence[int]]
