"""The drawing behind the seats: walls, steps, aisle lights, doors, row letters, the plan's own areas. Pure.

Everything is computed from the positions of the seats, in seat pitches, so any imported plan gets a floor. Texts of a
plan are escaped here, its numbers are floats, and its colours matched a strict pattern when they were read.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, pairwise
from statistics import median
from typing import Any, TypeVar

from django.utils.html import escape

from cinema.plans.geometry import Point, direction_of
from cinema.plans.stage import PlacedSeat, TurnedSeat, box_on_top, seats_on_top, svg_turn, turned_extent

FRONT = 0.347  # from the middle of a chair to its front edge
SCREEN_DEPTH = 3.9  # pitches kept free for the screen, above the first row
WIDE, DEPTH_PER_WIDTH = 20, 0.15  # a wider plan has a deeper screen, not only a longer one
NARROWEST_AISLE, WIDEST_AISLE = 0.4, 4.0  # of free floor between two chairs; two row objects may touch
AROUND = 1.2  # pitches from the middle of an outermost chair to the edge of what a map shows first
FAR = 4.0  # pitches beyond that edge up to which the rest of a drawing is shown with it
HALF_WIDTHS = {"recliner": 0.73, "sofa-start": 0.47, "sofa-end": 0.47}


S = TypeVar("S", bound=PlacedSeat)


def rows_of(seats: Sequence[S]) -> list[list[S]]:
    return [list(row) for _, row in groupby(seats, key=lambda seat: (seat.zone, seat.row))]


def segments_of(row: Sequence[S]) -> list[list[S]]:
    return [list(part) for _, part in groupby(row, key=lambda seat: seat.segment)]


def aisles_of(row: Sequence[S]) -> list[tuple[S, S]]:
    """The two chairs beside each aisle in the row."""
    gaps = [(a[-1], b[0]) for a, b in pairwise(segments_of(row))]
    return [(a, b) for a, b in gaps if NARROWEST_AISLE <= _free_floor(a, b) <= WIDEST_AISLE]


def _free_floor(a: PlacedSeat, b: PlacedSeat) -> float:
    return math.dist((a.x, a.y), (b.x, b.y)) - _half(a) - _half(b)


def letter_spots(row: Sequence[PlacedSeat]) -> tuple[Point, Point]:
    """The positions of the row's letter at both ends: in its outer aisles, or outside a row without two aisles."""
    aisles = aisles_of(row)
    if len(aisles) > 1:
        (a, b), (c, d) = aisles[0], aisles[-1]
        return ((a.x + b.x) / 2, (a.y + b.y) / 2), ((c.x + d.x) / 2, (c.y + d.y) / 2)
    first, last = row[0], row[-1]
    return _beside(first, last, -1), _beside(last, first, 1)


def _beside(seat: PlacedSeat, other: PlacedSeat, side: int) -> Point:
    """A point beside a seat, on the side away from the other end of its row."""
    tx, ty = along(seat)
    away = (seat.x - other.x) * tx + (seat.y - other.y) * ty
    reach = math.copysign(_half(seat) + 0.38, away if abs(away) > 1e-6 else side)
    return seat.x + tx * reach, seat.y + ty * reach


def _half(seat: PlacedSeat) -> float:
    return HALF_WIDTHS.get(seat.shape, 0.5)


def along(seat: PlacedSeat) -> Point:
    """The direction to the right of a chair, in its own sight: a unit vector."""
    angle = math.radians(seat.turn)
    return math.cos(angle), math.sin(angle)


def _shift(seat: PlacedSeat, right: float, back: float) -> Point:
    """A point `right` to the right of and `back` behind a chair, in the chair's own directions."""
    tx, ty = along(seat)
    return seat.x + tx * right - ty * back, seat.y + ty * right + tx * back


def floor_svg(
    seats: Sequence[PlacedSeat], areas: Sequence[Mapping[str, Any]], width: float, height: float, stage: str = "top"
) -> str:
    """The floor as one SVG, to be shown under the seats; without interaction and without inline style."""
    corner, w, h = turned_extent(width, height, stage)
    rows = [_in_order(row) for row in rows_of(seats_on_top(seats, stage, corner))]
    room = [f'<path class="floor__room" d="{_wall(w, h, screen_room(seats, areas, (width, height), stage))}"/>']
    floor = [f'<path class="floor__step" d="{"".join(_steps(row))}"/>' for row in rows[:-1]]
    lights = "".join(f'<circle cx="{x:.2f}" cy="{y:.2f}" r=".05"/>' for row in rows for x, y in _lights(row))
    floor.append(f'<g class="floor__lights">{lights}</g>')
    floor += _exits(rows, w)
    turn = svg_turn(width, height, stage)
    parts = [_group(room, turn), *(_area(area) for area in areas), _group(floor, turn)]
    return f'<svg class="floor" viewBox="0 0 {width:g} {height:g}" aria-hidden="true">{"".join(parts)}</svg>'


def _in_order(row: list[TurnedSeat]) -> list[TurnedSeat]:
    """A row from left to right, or from front to back, of the turned drawing: turning may have reversed it."""
    dx, dy = direction_of([(seat.x, seat.y) for seat in row])
    is_reversed = (row[-1].x - row[0].x) * dx + (row[-1].y - row[0].y) * dy < 0
    return row[::-1] if is_reversed else row


def _group(parts: Sequence[str], turn: str) -> str:
    inside = "".join(parts)
    return f'<g transform="{turn}">{inside}</g>' if turn else inside


def screen_room(
    seats: Sequence[PlacedSeat], areas: Sequence[Mapping[str, Any]], extent: Point, stage: str = "top"
) -> float:
    """The depth of the free floor for the screen, from the edge of the drawing at the stage."""
    corner, _, _ = turned_extent(*extent, stage)
    return top_of(seats, areas, stage) - corner[1]


def screen_depth(width: float) -> float:
    """The depth of the floor that a plan of this width keeps free for its screen."""
    return round(SCREEN_DEPTH + max(0.0, width - WIDE) * DEPTH_PER_WIDTH, 3)


def first_view(
    seats: Sequence[PlacedSeat], width: float, height: float, stage: str = "top"
) -> tuple[float, float, float, float]:
    """Left, top, right, bottom of what a map shows first: all chairs, their letters, and the middle of the screen.

    A drawing of this width and height that is hardly larger is shown whole. Areas far from the chairs are left out.
    """
    along, across = (width, height) if stage in ("top", "bottom") else (height, width)
    screen = [(share * along, across if stage in ("bottom", "right") else 0.0) for share in (0.3, 0.7)]
    spots = [spot for row in rows_of(seats) for spot in letter_spots(row)] + [(seat.x, seat.y) for seat in seats]
    spots += screen if stage in ("top", "bottom") else [(y, x) for x, y in screen]
    xs, ys = [x for x, _ in spots], [y for _, y in spots]
    left, top, right, bottom = min(xs) - AROUND, min(ys) - AROUND, max(xs) + AROUND, max(ys) + AROUND
    return (
        left if left > FAR else 0.0,
        top if top > FAR else 0.0,
        right if width - right > FAR else width,
        bottom if height - bottom > FAR else height,
    )


def top_of(seats: Sequence[PlacedSeat], areas: Sequence[Mapping[str, Any]], stage: str = "top") -> float:
    """The smallest y of all chairs, letters and areas of the turned drawing: the end of the space for the screen."""
    turned = seats_on_top(seats, stage)
    spots = [y - 0.2 for row in rows_of(turned) for _, y in letter_spots(row)]
    boxes = [box_on_top(box_of(area), stage) for area in areas]
    return min([seat.y - FRONT for seat in turned] + spots + [top - 0.1 for _, top, _, _ in boxes])


def _wall(w: float, h: float, top: float) -> str:
    """The walls: widening from the screen to the sides, closed by a shallow curve. `top` is that of `top_of`."""
    mid, edge, bend, low = w / 2, w * 0.327, w * 0.415, h - 1.79
    deep = top - SCREEN_DEPTH
    start, bow, shoulder, side = (y + deep for y in (2.6, 2.9, 4.0, 5.1))
    return (
        f"M{mid - edge:.2f} {start:.2f}C{mid - bend:.2f} {bow:.2f} .12 {shoulder:.2f} .1 {side:.2f}"
        f"L.1 {low:.2f}Q.12 {low + 0.65:.2f} .8 {low + 0.75:.2f}"
        f"Q{mid:.2f} {low + 1.57:.2f} {w - 0.8:.2f} {low + 0.75:.2f}"
        f"Q{w - 0.12:.2f} {low + 0.65:.2f} {w - 0.1:.2f} {low:.2f}"
        f"L{w - 0.1:.2f} {side:.2f}C{w - 0.12:.2f} {shoulder:.2f} {mid + bend:.2f} {bow:.2f} "
        f"{mid + edge:.2f} {start:.2f}Z"
    )


def _steps(row: Sequence[PlacedSeat]) -> Iterator[str]:
    """A line behind each segment of the row, with the same bend."""
    for part in segments_of(row):
        upright = abs(part[0].turn) > 60
        first, last = (part[0], part[-1]) if not upright or part[0].turn > 0 else (part[-1], part[0])
        (ax, ay), (bx, by) = _shift(first, -_half(first), 0.515), _shift(last, _half(last), 0.515)
        middle = part[len(part) // 2]
        inner = 0.0 if len(part) % 2 else -_half(middle)
        mx, my = _shift(middle, inner, 0.515)
        yield f"M{ax:.2f} {ay:.2f}Q{2 * mx - (ax + bx) / 2:.2f} {2 * my - (ay + by) / 2:.2f} {bx:.2f} {by:.2f}"


def _lights(row: Sequence[PlacedSeat]) -> Iterator[Point]:
    """A light behind each chair beside an aisle, on the edge of the aisle."""
    for a, b in aisles_of(row):
        way = 1 if (b.x - a.x) * along(a)[0] + (b.y - a.y) * along(a)[1] > 0 else -1
        yield _shift(a, way * (_half(a) + 0.03), 0.5)
        yield _shift(b, -way * (_half(b) + 0.03), 0.5)


def _exits(rows: Sequence[Sequence[PlacedSeat]], width: float) -> list[str]:
    """Doors on both sides, where there is free floor: at the cross aisle, or beside the front row without one.

    The cross aisle is a gap between rows of at least 1.4 times their median gap.
    """
    flat = [row for row in rows if abs(row[0].turn) < 60 and row[-1].x - row[0].x > width / 3]
    depths = [max(seat.y for seat in row) for row in flat]
    gaps = [b - a for a, b in pairwise(depths)]
    if len(gaps) < 3 or max(gaps) < 1.4 * median(gaps):
        front = flat[0] if flat else rows[0]
        spots = [(-1, 0.72, front[0].y), (1, width - 0.72, front[-1].y)]
    else:
        before, after = flat[gaps.index(max(gaps))], flat[gaps.index(max(gaps)) + 1]
        left, right = min(row[0].x for row in flat), max(row[-1].x for row in flat)
        spots = [(-1, left, (before[0].y + after[0].y) / 2), (1, right, (before[-1].y + after[-1].y) / 2)]
    taken = [(seat.x, seat.y) for row in rows for seat in row] + [spot for row in rows for spot in letter_spots(row)]
    return [_exit(side, x, y) for side, x, y in spots if all(math.dist((x, y), spot) > 0.7 for spot in taken)]


def _exit(side: int, x: float, y: float) -> str:
    return (
        f'<g class="floor__exit" transform="translate({x:.2f} {y:.2f})">'
        '<rect x="-.42" y="-.26" width=".84" height=".52" rx=".12"/>'
        f'<path d="M{-0.16 * side:.2f} 0h{0.34 * side:.2f}'
        f'M{0.04 * side:.2f} -.13l{0.14 * side:.2f} .13l{-0.14 * side:.2f} .13"/></g>'
    )


def _area(area: Mapping[str, Any]) -> str:
    """A shape of the plan, faint because its colours are not made for the dark floor; then its text."""
    paint = f'fill="{area["color"] or "none"}" fill-opacity=".14" stroke="{area["border"] or "none"}"'
    turn = f' transform="{_rotation(area)}"' if area["rotation"] % 360 else ""
    style = f'class="floor__area" {paint} stroke-opacity=".45" stroke-width=".04"{turn}'
    return _shape(area, style) + (_words(area, turn) if area.get("text") else "")


def _shape(area: Mapping[str, Any], style: str) -> str:
    x, y = area["x"], area["y"]
    w, h = area.get("size", (0, 0))
    if area["shape"] == "rectangle":
        return f'<rect x="{x:g}" y="{y:g}" width="{w:g}" height="{h:g}" {style}/>'
    if area["shape"] in ("circle", "ellipse"):
        return f'<ellipse cx="{x:g}" cy="{y:g}" rx="{w:g}" ry="{h:g}" {style}/>'
    if area["shape"] == "polygon":
        points = " ".join(f"{x + px:g},{y + py:g}" for px, py in area["points"])
        return f'<polygon points="{points}" {style}/>'
    return ""


def _rotation(area: Mapping[str, Any]) -> str:
    return f"rotate({area['rotation']:g} {area['x']:g} {area['y']:g})"


def _words(area: Mapping[str, Any], turn: str) -> str:
    text = area["text"]
    place = f'x="{area["x"] + text["x"]:g}" y="{area["y"] + text["y"]:g}" font-size="{text["size"]:g}"'
    return (
        f'<text class="floor__text" {place} fill="#c9c3bb" fill-opacity=".75" text-anchor="middle" '
        f'dominant-baseline="central"{turn}>{escape(text["words"])}</text>'
    )


def box_of(area: Mapping[str, Any]) -> tuple[float, float, float, float]:
    """Left, top, right, bottom of an area as drawn; of a rotated one, the box of its enclosing circle."""
    x, y = area["x"], area["y"]
    w, h = area.get("size", (0, 0))
    if area["shape"] == "polygon" and area["points"]:
        xs, ys = [p[0] for p in area["points"]], [p[1] for p in area["points"]]
        box = (x + min(xs), y + min(ys), x + max(xs), y + max(ys))
    elif area["shape"] == "rectangle":
        box = (x, y, x + w, y + h)
    else:
        box = (x - w, y - h, x + w, y + h)
    if area["rotation"] % 360:
        reach = max(math.dist((x, y), corner) for corner in ((box[i], box[j]) for i in (0, 2) for j in (1, 3)))
        box = (x - reach, y - reach, x + reach, y + reach)
    return box
