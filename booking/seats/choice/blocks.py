"""Blocks of seats side by side, and the nearest of them to a point. Pure.

A hall of 2,000 seats is searched in well under a millisecond: free seats are found as bytes, and runs that lie further
away than the block found so far are not looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from booking.seats.choice.hall import Hall, Point
from booking.seats.choice.seating import Seating

Accept = Callable[[range], bool]
CLOSE = 1e-9  # distances that differ by less are equal: sums of floats are not exact


def starts_in(seats: bytes, run: range, n: int) -> Iterator[int]:
    """The first seat of each block of `n` seats of the run; `seats` is a mask as bytes."""
    block, at = b"\1" * n, run.start
    while (at := seats.find(block, at, run.stop)) >= 0:
        yield at
        at += 1


def as_bytes(hall: Hall, mask: int) -> bytes:
    return mask.to_bytes(len(hall.places), "little")


def all_blocks(hall: Hall, mask: int, n: int) -> list[range]:
    """Every block of `n` seats of the mask, in the order of the seats."""
    seats = as_bytes(hall, mask)
    return [range(start, start + n) for run in hall.runs for start in starts_in(seats, run.seats, n)]


def nearest_block(hall: Hall, mask: int, n: int, point: Point, accept: Accept = lambda block: True) -> range | None:
    """The accepted block of `n` seats of the mask whose centre is nearest to `point`; of equal ones the first."""
    seats = as_bytes(hall, mask)
    best, least = None, float("inf")
    for distance, run in sorted(((run.distance(point), run) for run in hall.runs), key=lambda pair: pair[0]):
        if distance > least:
            break
        for start in starts_in(seats, run.seats, n):
            block_distance = hall.block_distance(start, n, point)
            if block_distance < least - CLOSE and accept(range(start, start + n)):
                best, least = range(start, start + n), block_distance
    return best


def better_block(seating: Seating, selection: Sequence[int]) -> range | None:
    """The nearest clean block that replaces the whole selection: as many seats of each class, side by side."""
    hall = seating.hall
    classes = sorted(hall.classes[index] for index in selection)

    def accept(block: range) -> bool:
        same = len(set(classes)) == 1 or sorted(hall.classes[block.start : block.stop]) == classes
        return same and seating.is_clean(block)

    mask = seating.free & hall.mask_of_classes(set(classes))
    return nearest_block(hall, mask, len(selection), hall.centre(selection), accept)
