"""A drawing whose screen or stage is not at the top, seen as if it were. Pure.

Everything about a hall is computed with the stage at the top. A hall with another stage is turned by quarters until its
stage is there, computed, and turned back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from cinema.plans.geometry import Point

SIDES = ("top", "bottom", "left", "right")
TURNS = {"top": 0, "bottom": 180, "left": -90, "right": 90}  # degrees clockwise from the top
Box = tuple[float, float, float, float]  # left, top, right, bottom


def with_stage_on_top(at: Point, stage: str) -> Point:
    """The point after the quarter turns that bring that side of the drawing to the top."""
    x, y = at
    return {"top": (x, y), "bottom": (-x, -y), "left": (-y, x), "right": (y, -x)}[stage]


def with_stage_at(at: Point, stage: str) -> Point:
    """The inverse of `with_stage_on_top`."""
    x, y = at
    return {"top": (x, y), "bottom": (-x, -y), "left": (y, -x), "right": (-y, x)}[stage]


def turn_to_top(turn: float, stage: str) -> float:
    """The rotation of a chair in the turned drawing, from -180 to 180 degrees."""
    return turn if stage == "top" else (turn - TURNS[stage] + 180) % 360 - 180


def turn_back(turn: float, stage: str) -> float:
    """The inverse of `turn_to_top`, in hundredths of a degree, so that a chair has one rotation and not also -180."""
    turned = round((turn + TURNS[stage] + 180) % 360 - 180, 2)
    return turn if stage == "top" else 180.0 if turned == -180 else turned


def box_on_top(box: Box, stage: str) -> Box:
    """The box after the quarter turns of `with_stage_on_top`."""
    return _box_of(with_stage_on_top(corner, stage) for corner in (box[:2], box[2:]))


def box_at(box: Box, stage: str) -> Box:
    """The inverse of `box_on_top`."""
    return _box_of(with_stage_at(corner, stage) for corner in (box[:2], box[2:]))


def _box_of(corners: Iterable[Point]) -> Box:
    (x0, y0), (x1, y1) = corners
    return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)


def default_focal_point(seats: Sequence[Point], stage: str) -> Point:
    """On the middle line of the seats, two thirds of the way from the front row to the back, seen from the stage."""
    turned = [with_stage_on_top(at, stage) for at in seats]
    xs, ys = [x for x, _ in turned], [y for _, y in turned]
    x, y = with_stage_at(((min(xs) + max(xs)) / 2, min(ys) + (max(ys) - min(ys)) * 2 / 3), stage)
    return round(x, 3) + 0.0, round(y, 3) + 0.0


class PlacedSeat(Protocol):
    """What a drawing needs of a seat."""

    @property
    def x(self) -> float: ...
    @property
    def y(self) -> float: ...
    @property
    def turn(self) -> float: ...
    @property
    def segment(self) -> int: ...
    @property
    def row(self) -> str: ...
    @property
    def zone(self) -> str: ...
    @property
    def shape(self) -> str: ...


@dataclass(frozen=True)
class TurnedSeat:
    """A seat in the turned drawing."""

    x: float
    y: float
    turn: float
    segment: int
    row: str
    zone: str
    shape: str


def seats_on_top(seats: Iterable[PlacedSeat], stage: str, origin: Point = (0, 0)) -> list[TurnedSeat]:
    """The seats of the turned drawing, shifted by `origin`, in the same order."""
    turned = []
    for seat in seats:
        x, y = with_stage_on_top((seat.x, seat.y), stage)
        turn = turn_to_top(seat.turn, stage)
        turned.append(TurnedSeat(x - origin[0], y - origin[1], turn, seat.segment, seat.row, seat.zone, seat.shape))
    return turned


def turned_extent(width: float, height: float, stage: str) -> tuple[Point, float, float]:
    """Of the turned drawing: its top left corner, its width and its height."""
    left, top, right, bottom = box_on_top((0, 0, width, height), stage)
    return (left, top), right - left, bottom - top


def svg_turn(width: float, height: float, stage: str) -> str:
    """The value of SVG's `transform` that turns the drawing back, from a turned one whose corner is at 0, 0."""
    return {
        "top": "",
        "bottom": f"matrix(-1 0 0 -1 {width:g} {height:g})",
        "left": f"matrix(0 -1 1 0 0 {height:g})",
        "right": f"matrix(0 1 -1 0 {width:g} 0)",
    }[stage]
