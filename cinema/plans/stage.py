"""A drawing whose screen or stage is not at the top, seen as if it were. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from cinema.plans.geometry import Point


def with_stage_on_top(at: Point, stage: str) -> Point:
    """The point after the quarter turns that bring that side of the drawing to the top."""
    x, y = at
    return {"top": (x, y), "bottom": (-x, -y), "left": (-y, x), "right": (y, -x)}[stage]


def with_stage_at(at: Point, stage: str) -> Point:
    """The inverse of `with_stage_on_top`."""
    x, y = at
    return {"top": (x, y), "bottom": (-x, -y), "left": (y, -x), "right": (-y, x)}[stage]


def default_focal_point(seats: Sequence[Point], stage: str) -> Point:
    """On the middle line of the seats, two thirds of the way from the front row to the back, seen from the stage."""
    turned = [with_stage_on_top(at, stage) for at in seats]
    xs, ys = [x for x, _ in turned], [y for _, y in turned]
    x, y = with_stage_at(((min(xs) + max(xs)) / 2, min(ys) + (max(ys) - min(ys)) * 2 / 3), stage)
    return round(x, 3) + 0.0, round(y, 3) + 0.0
