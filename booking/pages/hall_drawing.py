"""A small drawing of a hall for SVG with some seats lit. Pure geometry; the unit is the distance of two seats."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import cos, radians, sin

from cinema.plans.layouts import PlanSeat, layout_of

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


def draw_hall(seats: Sequence[PlanSeat], lit: Iterable[int]) -> HallDrawing:
    """Draw these seats with the projection screen above them.

    Args:
        lit: the indices of the seats to highlight.
    """
    chosen = set(lit)
    left, right = min(seat.x for seat in seats) - 1, max(seat.x for seat in seats) + 1
    top, bottom = min(seat.y for seat in seats) - 2.4, max(seat.y for seat in seats) + 1
    middle, half = (left + right) / 2, (right - left) * 0.3
    screen = f"M{middle - half:.2f} {top + 0.9:.2f}Q{middle:.2f} {top + 0.1:.2f} {middle + half:.2f} {top + 0.9:.2f}"
    return HallDrawing(
        view_box=f"{left:.2f} {top:.2f} {right - left:.2f} {bottom - top:.2f}",
        screen=screen,
        others="".join(_outline(seat) for seat in seats if seat.index not in chosen),
        lit="".join(_outline(seat) for seat in seats if seat.index in chosen),
    )


@lru_cache(maxsize=64)
def minimap_of(layout_hash: str) -> tuple[HallDrawing, tuple[str, ...]]:
    """The drawing of a layout with no seat lit, and the outline of each seat in the order of `index`."""
    seats = layout_of(layout_hash).seats
    return draw_hall(seats, ()), tuple(_outline(seat) for seat in seats)


def _outline(seat: PlanSeat) -> str:
    """The path of a rectangle, rotated with its row."""
    along, across = cos(radians(seat.turn)), sin(radians(seat.turn))
    w, d = HALF_WIDTHS.get(seat.shape, HALF_WIDTH), HALF_DEPTH
    corners = [(x * along - y * across, x * across + y * along) for x, y in ((-w, -d), (w, -d), (w, d), (-w, d))]
    points = [f"{seat.x + x:.2f} {seat.y + y:.2f}" for x, y in corners]
    return f"M{'L'.join(points)}Z"
