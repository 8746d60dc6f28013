"""The best seats that are free for a party. Pure; the source of randomness is passed in.

1. The block side by side, of the categories asked for, whose centre is nearest to the focal point or to a seat that was
   named, among the blocks that leave no single seat, take no half of a free sofa and no companion place alone.
2. Where there is none: among those that leave a single seat, which then carries no advice, because nothing better is
   free.
3. Where the whole hall has no seats for this number without half a sofa: also among those that take one.

Ties are broken at random. While selections are lost, a visitor is sent to one of several blocks instead (`Ask.spread`).
Wheelchair and companion places are offered only where a place without steps is asked for, and then one wheelchair place
is among them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import partial
from random import Random

from booking.seats.choice.advice import advise
from booking.seats.choice.blocks import CLOSE, Accept, all_blocks, as_bytes, nearest_block
from booking.seats.choice.hall import Hall, Point, mask_of
from booking.seats.choice.seating import Seating

WHEELCHAIR = "wheelchair"


@dataclass(frozen=True)
class Ask:
    """`n` seats, of any category where none is named. `near` is an index.

    `spread`: of so many blocks, none of which has a seat of another one, each is as likely as the nearest.
    """

    n: int
    categories: frozenset[str] = frozenset()
    near: int | None = None
    step_free: bool = False
    spread: int = 1

    def target(self, hall: Hall) -> Point:
        return hall.focal_point if self.near is None else (hall.places[self.near].x, hall.places[self.near].y)

    def allows(self, category: str, kind: str) -> bool:
        return (not self.categories or category in self.categories) and (self.step_free or kind == "seat")

    def fits(self, hall: Hall, seats: Collection[int]) -> bool:
        return not self.step_free or any(hall.places[index].kind == WHEELCHAIR for index in seats)


def best_block(seating: Seating, ask: Ask, rng: Random) -> list[int] | None:
    """The seats for this party, side by side and free of advice; None when there are none."""
    hall, target = seating.hall, ask.target(seating.hall)
    blocks = [block for block in all_blocks(hall, _mask(seating, ask), ask.n) if ask.fits(hall, block)]
    ranked = sorted(((hall.block_distance(block.start, ask.n, target), block) for block in blocks), key=lambda b: b[0])
    for accept in (seating.is_clean, partial(_is_whole, seating), lambda block: not advise(seating, block)):
        if found := _nearest(ranked, accept, ask.spread):
            return list(rng.choice(found))
    return None


def best_split(seating: Seating, ask: Ask) -> list[int] | None:
    """As many seats in few blocks near each other, for a party that cannot sit side by side; None if too few are free.

    As few blocks as possible and as equal as possible, so that nobody sits alone without need; the largest is nearest
    to the target and the others to it. No half of a free sofa, unless too little else is free.
    """
    hall, mask = seating.hall, _mask(seating, ask)
    seats = [index for index in range(len(hall.places)) if mask >> 8 * index & 1]
    if len(seats) < ask.n or not ask.fits(hall, seats):
        return None
    for sizes in _splits(_lengths(hall, mask), ask.n):
        if (found := _place(seating, ask, mask, sizes)) is not None:
            return sorted(found)
    seats.sort(key=lambda index: hall.distance(index, ask.target(hall)))
    first = next(index for index in seats if ask.fits(hall, [index]))
    return sorted([first, *[index for index in seats if index != first][: ask.n - 1]])


def _mask(seating: Seating, ask: Ask) -> int:
    """The free seats that may be offered."""
    hall = seating.hall
    return seating.free & hall.mask_of_classes(kind for kind in hall.masks if ask.allows(*kind))


def _is_whole(seating: Seating, seats: Collection[int]) -> bool:
    return not (seating.half_sofas(seats) or seating.lone_companions(seats))


def _nearest(ranked: list[tuple[float, range]], accept: Accept, spread: int) -> list[range]:
    """The accepted blocks that are as near as the nearest, and the next ones that share no seat, `spread` in all."""
    found: list[range] = []
    used: set[int] = set()
    least = float("inf")
    for distance, block in ranked:
        is_tie = distance <= least + CLOSE
        if found and not is_tie and len(found) >= spread:
            break
        if (is_tie or used.isdisjoint(block)) and accept(block):
            least = min(least, distance)
            found.append(block)
            used.update(block)
    return found


def _lengths(hall: Hall, mask: int) -> list[int]:
    """How many seats side by side each gap has, the largest first."""
    seats = as_bytes(hall, mask)
    gaps = (gap for run in hall.runs for gap in seats[run.seats.start : run.seats.stop].split(b"\0"))
    return sorted((len(gap) for gap in gaps if gap), reverse=True)


def _splits(lengths: list[int], n: int) -> Iterator[list[int]]:
    """Sizes of blocks that sum to `n`, the largest first: fewer blocks first, each split as equal as the gaps allow."""
    for count in range(1, n + 1):
        sizes = lengths[:count] if count <= len(lengths) else [1] * count
        if count > len(lengths) or sum(sizes) >= n:
            yield _level(sizes, n)


def _level(sizes: list[int], n: int) -> list[int]:
    """Cut the largest down, or raise the smallest, until the sum is `n`."""
    sizes = list(sizes)
    while sum(sizes) > n:
        sizes[sizes.index(max(sizes))] -= 1
    while sum(sizes) < n:
        sizes[sizes.index(min(sizes))] += 1
    return sorted((size for size in sizes if size), reverse=True)


def _place(seating: Seating, ask: Ask, mask: int, sizes: list[int]) -> list[int] | None:
    """Blocks of these sizes; None when one finds no place. The largest has the wheelchair place that is asked for."""
    hall, target = seating.hall, ask.target(seating.hall)
    found: list[int] = []
    for size in sizes:
        needs_place = not found

        def accept(block: range, taken: list[int] = found, needs: bool = needs_place) -> bool:
            return (not needs or ask.fits(hall, block)) and _is_whole(seating, [*taken, *block])

        block = nearest_block(hall, mask, size, target, accept)
        if block is None:
            return None
        target = target if found else hall.centre(block)
        found += block
        mask &= ~mask_of(block)
    return found
