"""The seats of a hall as choosing sees them: who sits beside whom, what is equal, what is near. Pure.

Seats are side by side when their indices are consecutive and their segments equal; printed numbers say nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, groupby

Point = tuple[float, float]
NOBODY = -1  # in the place of a neighbour's index, where a segment ends


@dataclass(frozen=True)
class Place:
    """One seat. `kind` is `seat`, `wheelchair` or `companion`; `sofa` and `companion_of` are indices."""

    segment: int
    x: float
    y: float
    category: str
    kind: str = "seat"
    sofa: int | None = None  # the other half
    companion_of: int | None = None  # its wheelchair place


@dataclass(frozen=True)
class Run:
    """The seats of one segment, side by side, and the rectangle that they lie in."""

    seats: range
    left: float
    right: float
    top: float
    bottom: float

    def distance(self, point: Point) -> float:
        """No block of this run has its centre nearer to `point`."""
        x, y = point
        return math.hypot(max(self.left - x, 0, x - self.right), max(self.top - y, 0, y - self.bottom))


@dataclass(frozen=True)
class Hall:
    """All seats in the order of their indices, and the point where the best seats are."""

    places: tuple[Place, ...]
    focal_point: Point

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        runs = []
        for _, group in groupby(range(len(self.places)), key=lambda index: self.places[index].segment):
            indices = list(group)
            xs, ys = [self.places[i].x for i in indices], [self.places[i].y for i in indices]
            seats = range(indices[0], indices[-1] + 1)
            runs.append(Run(seats, min(xs), max(xs), min(ys), max(ys)))
        return tuple(runs)

    @cached_property
    def neighbours(self) -> tuple[tuple[int, int], ...]:
        """By index: the seats to both sides, or NOBODY."""
        found = [(NOBODY, NOBODY)] * len(self.places)
        for run in self.runs:
            for index in run.seats:
                before = index - 1 if index > run.seats.start else NOBODY
                found[index] = before, index + 1 if index + 1 < run.seats.stop else NOBODY
        return tuple(found)

    @cached_property
    def classes(self) -> tuple[tuple[str, str], ...]:
        """By index: category and kind. Seats of one class replace each other: they cost the same."""
        return tuple((place.category, place.kind) for place in self.places)

    @cached_property
    def masks(self) -> dict[tuple[str, str], int]:
        """By class: a number with a byte of 1 for each seat of the class, as `mask_of` makes it."""
        kinds = set(self.classes)
        return {kind: int.from_bytes(bytes(own == kind for own in self.classes), "little") for kind in kinds}

    @cached_property
    def _sums(self) -> tuple[list[float], list[float]]:
        xs = list(accumulate((place.x for place in self.places), initial=0.0))
        ys = list(accumulate((place.y for place in self.places), initial=0.0))
        return xs, ys

    def block_distance(self, start: int, n: int, point: Point) -> float:
        """From the centre of the `n` seats from `start` on to `point`, in seat pitches."""
        xs, ys = self._sums
        return math.hypot((xs[start + n] - xs[start]) / n - point[0], (ys[start + n] - ys[start]) / n - point[1])

    def distance(self, index: int, point: Point) -> float:
        place = self.places[index]
        return math.hypot(place.x - point[0], place.y - point[1])

    def centre(self, indices: Iterable[int]) -> Point:
        """Of at least one seat."""
        places = [self.places[index] for index in indices]
        return sum(place.x for place in places) / len(places), sum(place.y for place in places) / len(places)

    def is_block(self, indices: Sequence[int]) -> bool:
        """Whether these seats, in order, are side by side."""
        return all(self.neighbours[a][1] == b for a, b in zip(indices, indices[1:], strict=False))

    def mask_of_classes(self, classes: Iterable[tuple[str, str]]) -> int:
        """All seats of these classes; unknown ones have none."""
        whole = 0
        for kind in classes:
            whole |= self.masks.get(kind, 0)
        return whole


def mask_of(indices: Iterable[int]) -> int:
    """A number with a byte of 1 at each index. Masks are joined by `|` and `&`, and searched as bytes."""
    whole = 0
    for index in indices:
        whole |= 1 << (8 * index)
    return whole
