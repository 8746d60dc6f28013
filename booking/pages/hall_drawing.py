"""A small drawing of a hall for SVG with some seats lit. Pure geometry; the unit is the distance of two seats."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from math import cos, radians, sin

from cinema.plans.layouts import Layout, PlanSeat, layout_of
from cinema.plans.stage import box_at, seats_on_top, with_stage_at

HALF_DEPTH = 0.25  # of a seat, without the stroke that rounds its corners
HALF_WIDTHS = {"recliner": 0.55, "sofa-start": 0.36, "sofa-end": 0.36}
HALF_WIDTH = 0.27


@dataclass(frozen=True)
class HallDrawing:
    """The view box, and one path each for the projection screen, the lit seats and the other seats."""

    view_box: str
    screen: str
    others: str
    lit: str


def draw_hall(layout: Layout, lit: Iterable[int]) -> HallDrawing:
    """Draw the seats of a layout, and the projection screen on its side of them.

    Args:
        lit: the indices of the seats to highlight.
    """
    chosen, stage = set(lit), layout.stage
    turned = seats_on_top(layout.seats, stage)
    left, right = min(seat.x for seat in turned) - 1, max(seat.x for seat in turned) + 1
    top, bottom = min(seat.y for seat in turned) - 2.4, max(seat.y for seat in turned) + 1
    middle, half = (left + right) / 2, (right - left) * 0.3
    curve = ((middle - half, top + 0.9), (middle, top + 0.1), (middle + half, top + 0.9))
    start, bow, end = (f"{x:.2f} {y:.2f}" for x, y in (with_stage_at(point, stage) for point in curve))
    x0, y0, x1, y1 = box_at((left, top, right, bottom), stage)
    return HallDrawing(
        view_box=f"{x0:.2f} {y0:.2f} {x1 - x0:.2f} {y1 - y0:.2f}",
        screen=f"M{start}Q{bow} {end}",
        others="".join(_outline(seat) for seat in layout.seats if seat.index not in chosen),
        lit="".join(_outline(seat) for seat in layout.seats if seat.index in chosen),
    )


@lru_cache(maxsize=64)
def minimap_of(layout_hash: str) -> tuple[HallDrawing, tuple[str, ...]]:
    """The drawing of a layout with no seat lit, and the outline of each seat in the order of `index`."""
    layout = layout_of(layout_hash)
    return draw_hall(layout, ()), tuple(_outline(seat) for seat in layout.seats)


def _outline(seat: PlanSeat) -> str:
    """The path of a rectangle, rotated with its row."""
    along, across = cos(radians(seat.turn)), sin(radians(seat.turn))
    w, d = HALF_WIDTHS.get(seat.shape, HALF_WIDTH), HALF_DEPTH
    corners = [(x * along - y * across, x * across + y * along) for x, y in ((-w, -d), (w, -d), (w, d), (-w, d))]
    points = [f"{seat.x + x:.2f} {seat.y + y:.2f}" for x, y in corners]
    return f"M{'L'.join(points)}Z"
