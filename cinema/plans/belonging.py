"""Which seats belong together: the halves of a sofa, and a companion seat and its wheelchair place. Pure.

A plan may name them; for every seat that it says nothing about, they are derived here from what is drawn. The rules are
part of what a layout's hash stands for: raise `FORMAT` in `cinema/plans/drawn.py` when one changes.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

Links = Mapping[int, int | None]  # index of a seat: index of the seat that the plan names, None when it names none
SOFA = ("sofa-start", "sofa-end")


def stored_links(sofas: Links, companions: Links) -> dict[str, list[list[int | None]]]:
    """Links as `SeatingPlan.links` has them: pairs of indices, because keys of JSON are texts. Empty without any."""
    named = {"sofa": sofas, "companion_of": companions}
    return {key: [[index, links[index]] for index in sorted(links)] for key, links in named.items() if links}


def read_stored_links(stored: Mapping[str, Sequence[tuple[int, int | None]]]) -> tuple[Links, Links]:
    """Sofas and companions of what `stored_links` made."""
    return dict(stored.get("sofa", ())), dict(stored.get("companion_of", ()))


class DrawnChair(Protocol):
    """What these rules need of a seat."""

    @property
    def zone(self) -> str: ...
    @property
    def row(self) -> str: ...
    @property
    def segment(self) -> int: ...
    @property
    def x(self) -> float: ...
    @property
    def y(self) -> float: ...
    @property
    def kind(self) -> str: ...
    @property
    def shape(self) -> str: ...


def pair_sofas(seats: Sequence[DrawnChair], named: Links) -> list[int | None]:
    """Per seat the index of the other half of its sofa, or None. `named` has both halves of each pair.

    Sofa seats that are side by side in a segment pair up two by two, in order; wheelchair and companion places do not.
    """
    halves: list[int | None] = [named.get(index) for index in range(len(seats))]
    for run in _sofa_runs(seats, named):
        while len(run) > 1:
            first, second = run[:2]
            shapes = seats[first].shape, seats[second].shape
            if len(run) % 2 and shapes == SOFA[::-1]:
                run = run[1:]  # one seat is left over: the one whose other half would be on its far side
                continue
            halves[first], halves[second] = second, first
            run = run[2:]
    return halves


def _sofa_runs(seats: Sequence[DrawnChair], named: Links) -> list[list[int]]:
    """The indices of neighbouring sofa seats of one segment that the plan says nothing about."""
    runs: list[list[int]] = []
    before = None
    for index, seat in enumerate(seats):
        if seat.kind != "seat" or seat.shape not in SOFA or index in named:
            before = None
            continue
        if before is None or before.segment != seat.segment:
            runs.append([])
        runs[-1].append(index)
        before = seat
    return runs


def find_wheelchair_places(seats: Sequence[DrawnChair], named: Links) -> list[int | None]:
    """Per seat the index of the wheelchair place that it accompanies; None for all but companion seats.

    Of the wheelchair places in its row: one in its own segment before others, then the nearest, then the one with the
    fewest companions so far, then the first. None when the row has none.
    """
    found: list[int | None] = [None] * len(seats)
    places: dict[tuple[str, str], list[int]] = {}
    for index, seat in enumerate(seats):
        if seat.kind == "wheelchair":
            places.setdefault((seat.zone, seat.row), []).append(index)
    served = Counter[int | None](place for place in named.values() if place is not None)
    for index, seat in enumerate(seats):
        if seat.kind != "companion":
            continue
        found[index] = named[index] if index in named else _nearest(seats, seat, places, served)
        if index not in named:
            served[found[index]] += 1
    return found


def _nearest(
    seats: Sequence[DrawnChair],
    seat: DrawnChair,
    places: Mapping[tuple[str, str], Iterable[int]],
    served: Mapping[int | None, int],
) -> int | None:
    def order(place: int) -> tuple[bool, float, int, int]:
        other = seats[place]
        distance = round(math.dist((seat.x, seat.y), (other.x, other.y)), 1)
        return other.segment != seat.segment, distance, served.get(place, 0), place

    return min(places.get((seat.zone, seat.row), ()), key=order, default=None)
