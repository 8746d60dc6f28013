"""What is wrong with a selection, and what to take instead. Pure.

A selection that breaks a rule carries advice only if another one of the same number carries none. So nobody is refused
because of what others have left behind.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import chain

from booking.seats.choice.blocks import better_block
from booking.seats.choice.hall import Point
from booking.seats.choice.seating import Seating

COMPANION, SOFA, SINGLE = "companion-alone", "half-a-sofa", "leaves-single-seat"  # in the order of refusals


@dataclass(frozen=True)
class Advice:
    """`seats` are what it is about: companion places and half sofas of the selection, or seats that it leaves alone."""

    type: str
    seats: tuple[int, ...]
    suggestion: tuple[int, ...]  # a whole selection


def advise(seating: Seating, selection: Collection[int]) -> list[Advice]:
    """What speaks against this selection, the most important first; [] for nothing, or where nothing better is free.

    A suggestion has as many seats as the selection and carries no advice:

    - against a single seat: the nearest block side by side with as many seats of each category that leaves none;
    - against half a sofa or a lone companion place: such a block, else the selection with other seats in the place of
      those that offend, else other ordinary seats, of the same category where there are some. Nobody is sent to a
      wheelchair or companion place that he did not choose.
    """
    alone, halves, singles = (
        seating.lone_companions(selection),
        seating.half_sofas(selection),
        seating.singles(selection),
    )
    if not (alone or halves or singles):
        return []
    block = better_block(seating, sorted(selection))
    suggestion = tuple(block) if block else ()
    found = [Advice(SINGLE, tuple(singles), suggestion)] if singles and suggestion else []
    if (alone or halves) and not suggestion:
        suggestion = _replace(seating, set(selection), {*alone, *halves})
    if halves and suggestion:
        found.insert(0, Advice(SOFA, tuple(halves), suggestion))
    if alone and suggestion:
        found.insert(0, Advice(COMPANION, tuple(alone), suggestion))
    return found


def _replace(seating: Seating, selection: set[int], offending: set[int]) -> tuple[int, ...]:
    """A selection without advice in which other seats replace the offending ones, or all; () when there is none."""
    kept = selection - offending
    categories = {seating.hall.places[index].category for index in offending}
    tries: Iterable[tuple[set[int], set[int], set[str] | None]] = (
        (kept, offending, categories),
        (kept, offending, None),
        (set(), selection, categories),
        (set(), selection, None),
    )
    for stays, goes, only in tries:
        others = _units(seating, stays, len(goes), seating.hall.centre(goes), only)
        if others is not None:
            return _settle(seating, stays | others)
    return ()


def _settle(seating: Seating, selection: set[int]) -> tuple[int, ...]:
    """The selection, or, if it leaves a single seat without need, the block that leaves none."""
    block = better_block(seating, sorted(selection)) if seating.singles(selection) else None
    return tuple(block or sorted(selection))


def _units(seating: Seating, stays: set[int], n: int, point: Point, only: set[str] | None) -> set[int] | None:
    """The nearest `n` ordinary seats beside those that stay, of these categories: whole sofas, and seats without one.

    Seats without a sofa come first; as few sofas as possible, so that nobody pays for one who did not choose it.
    """
    singles, sofas = _choosable(seating, stays, only)
    centre = seating.hall.centre
    singles.sort(key=lambda index: seating.hall.distance(index, point))
    sofas.sort(key=lambda pair: math.dist(centre(pair), point))
    n_sofas = max(0, -(-(n - len(singles)) // 2))
    if n_sofas > len(sofas) or 2 * n_sofas > n:
        return None
    return {*singles[: n - 2 * n_sofas], *chain.from_iterable(sofas[:n_sofas])}


def _choosable(seating: Seating, stays: set[int], only: set[str] | None) -> tuple[list[int], list[tuple[int, int]]]:
    """Free ordinary seats beside those that stay: those that can be taken alone, and whole free sofas."""
    singles, sofas = [], []
    for index, place in enumerate(seating.hall.places):
        if place.kind != "seat" or index in stays or not seating.is_free(index):
            continue
        if only is not None and place.category not in only:
            continue
        if place.sofa is None or place.sofa in stays or not seating.is_free(place.sofa):
            singles.append(index)
        elif index < place.sofa:
            sofas.append((index, place.sofa))
    return singles, sofas
