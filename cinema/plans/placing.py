"""Where the chairs of a drawing stand: facing the stage, and moved so that there is space for the screen. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Any

from cinema.plans import geometry
from cinema.plans.belonging import SOFA
from cinema.plans.drawing import along, box_of, letter_spots, rows_of, screen_depth, top_of
from cinema.plans.drawn import DrawnSeat
from cinema.plans.stage import Box, box_at, box_on_top, seats_on_top, turn_back, with_stage_on_top

SIDE, BACK, BEHIND = 0.69, 1.84, 1.3  # pitches to the edge: at the sides, behind the last chair, behind the last area


def depth_of(points: Sequence[geometry.Point], stage: str) -> tuple[float, float]:
    """By which rows are sorted from front to back: the mean distance from the stage, then the place along it."""
    turned = [with_stage_on_top(at, stage) for at in points]
    return round(fmean(y for _, y in turned), 1), fmean(x for x, _ in turned)


def rotations(row: Sequence[geometry.Point], hall: Sequence[geometry.Point], stage: str) -> list[float]:
    """The rotation of each chair of a row, in degrees clockwise, facing the stage; `hall` has all chairs."""
    xs = [with_stage_on_top(at, stage)[0] for at in hall]
    centre = (min(xs) + max(xs)) / 2
    if stage == "top":
        return geometry.chair_rotations(row, centre)
    turned = [with_stage_on_top(at, stage) for at in row]
    order = geometry.order_along(turned)
    turns = geometry.chair_rotations([turned[i] for i in order], centre)
    found = dict(zip(order, turns, strict=True))
    return [turn_back(found[i], stage) for i in range(len(row))]


def shape_sofas(seats: Sequence[DrawnSeat], halves: Sequence[int | None]) -> None:
    """Give the halves of each sofa the shapes of its left and right end, as its chairs stand now."""
    for index, other in enumerate(halves):
        if other is None or other < index or not {seats[index].shape, seats[other].shape} <= set(SOFA):
            continue
        first, second = seats[index], seats[other]
        dx, dy = along(first)
        is_left = (second.x - first.x) * dx + (second.y - first.y) * dy >= 0
        first.shape, second.shape = SOFA if is_left else SOFA[::-1]


def fit(
    seats: Sequence[DrawnSeat], areas: Sequence[dict[str, Any]], pitch: float, stage: str
) -> tuple[float, float, float, float]:
    """Scale seats to pitches, and move everything so that there is space for the screen at the stage.

    Returns left and top of the drawing in the origin of before, width and height, all in pitches.
    """
    for seat in seats:
        seat.x, seat.y = seat.x / pitch, seat.y / pitch
    left, top, right, bottom = box_at(_turned_box(seats, areas, stage), stage)
    for seat in seats:
        seat.x, seat.y = round(seat.x - left, 3), round(seat.y - top, 3)
    for area in areas:
        area["x"], area["y"] = round(area["x"] - left, 3), round(area["y"] - top, 3)
    return left, top, round(right - left, 3), round(bottom - top, 3)


def _turned_box(seats: Sequence[DrawnSeat], areas: Sequence[dict[str, Any]], stage: str) -> Box:
    """The edges of the drawing that has its stage at the top, in pitches."""
    turned = seats_on_top(seats, stage)
    boxes = [box_on_top(box_of(area), stage) for area in areas]
    spots = [(x, y) for row in rows_of(turned) for x, y in letter_spots(row)]
    left = min([s.x - SIDE for s in turned] + [x - 0.4 for x, _ in spots] + [x0 - 0.2 for x0, _, _, _ in boxes])
    right = max([s.x + SIDE for s in turned] + [x + 0.4 for x, _ in spots] + [x1 + 0.2 for _, _, x1, _ in boxes])
    top = top_of(seats, areas, stage) - screen_depth(right - left)
    bottom = max([s.y + BACK for s in turned] + [y1 + BEHIND for _, _, _, y1 in boxes])
    return left, top, right, bottom
