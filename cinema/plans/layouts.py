"""A seating plan as browsers get it: seats as JSON, positions as a style sheet, the floor as SVG. All immutable.

The name of a layout is a hash of everything that is drawn, so each process caches the layouts it has built.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cinema.models import SeatingPlan
from cinema.plans.belonging import find_wheelchair_places, pair_sofas, read_stored_links
from cinema.plans.drawing import first_view, floor_svg, letter_spots, rows_of, screen_room
from cinema.plans.geometry import Point
from cinema.plans.stage import default_focal_point
from cinema.plans.stage_css import stage_css

PLAIN_NAME = re.compile(r"[A-Za-z0-9]{1,6}")


@dataclass(frozen=True)
class PlanCategory:
    key: str
    name: str
    color: str
    seat_colour: str
    for_sale: bool  # has a seat that is


@dataclass(frozen=True)
class PlanSeat:
    """A chair as drawn; `category` is a key, `x` and `y` are in seat pitches, `turn` in degrees clockwise."""

    index: int
    label: str
    row: str
    number: str
    zone: str
    segment: int
    x: float
    y: float
    turn: float
    category: str
    category_name: str
    seat_colour: str
    kind: str
    shape: str
    for_sale: bool
    sofa: int | None  # index of the other half
    companion_of: int | None  # index of the wheelchair place

    @property
    def drawn_as(self) -> str:
        """The value of `data-kind`: the kind of a wheelchair space or companion seat, else the shape of the chair."""
        if self.kind != "seat":
            return self.kind
        return "seat" if self.shape == "chair" else self.shape


@dataclass(frozen=True)
class PlanRow:
    """The seats of one row, in order. `key` is unique in the layout and safe in attributes and selectors."""

    key: str
    name: str
    zone: str
    seats: tuple[PlanSeat, ...]
    letters: tuple[Point, Point]


@dataclass(frozen=True)
class Layout:
    hash: str
    width: float
    height: float
    stage: str  # top, bottom, left or right
    focal_point: Point  # where the best seats are
    categories: tuple[PlanCategory, ...]
    seats: tuple[PlanSeat, ...]
    rows: tuple[PlanRow, ...]
    index_of: dict[str, int]
    json: bytes
    css: bytes
    floor_svg: str


@lru_cache(maxsize=256)
def layout_of(layout_hash: str) -> Layout:
    """The layout of that hash, built once per process. Raises SeatingPlan.DoesNotExist."""
    plan = SeatingPlan.objects.get(hash=layout_hash)
    seats = _seats(plan)
    sold = {seat.category for seat in seats if seat.for_sale}
    categories = tuple(
        PlanCategory(c.key, c.name, c.color, c.seat_colour, c.key in sold) for c in plan.categories.order_by("position")
    )
    rows = _rows(seats)
    focal_point = _focal_point(plan, seats)
    return Layout(
        hash=plan.hash,
        width=plan.width,
        height=plan.height,
        stage=plan.stage,
        focal_point=focal_point,
        categories=categories,
        seats=seats,
        rows=rows,
        index_of={seat.label: seat.index for seat in seats},
        json=_json(plan, focal_point, categories, seats),
        css=_css(plan, seats, rows),
        floor_svg=floor_svg(seats, plan.areas, plan.width, plan.height, plan.stage),
    )


def _focal_point(plan: SeatingPlan, seats: Sequence[PlanSeat]) -> Point:
    """That of the plan, or `default_focal_point`."""
    if plan.focal_x is None or plan.focal_y is None:
        return default_focal_point([(seat.x, seat.y) for seat in seats], plan.stage)
    return plan.focal_x, plan.focal_y


def _seats(plan: SeatingPlan) -> tuple[PlanSeat, ...]:
    stored = list(plan.seats.select_related("category").order_by("index"))
    named_sofas, named_places = read_stored_links(plan.links)
    sofas, places = pair_sofas(stored, named_sofas), find_wheelchair_places(stored, named_places)
    return tuple(
        PlanSeat(
            index=seat.index,
            label=seat.label,
            row=seat.row,
            number=seat.number,
            zone=seat.zone,
            segment=seat.segment,
            x=seat.x,
            y=seat.y,
            turn=seat.turn,
            category=seat.category.key,
            category_name=seat.category.name,
            seat_colour=seat.category.seat_colour,
            kind=seat.kind,
            shape=seat.shape,
            for_sale=seat.for_sale,
            sofa=sofa,
            companion_of=place,
        )
        for seat, sofa, place in zip(stored, sofas, places, strict=True)
    )


def _rows(seats: Sequence[PlanSeat]) -> tuple[PlanRow, ...]:
    rows: list[PlanRow] = []
    used: set[str] = set()
    for number, row in enumerate(rows_of(seats)):
        name = row[0].row
        key = name if PLAIN_NAME.fullmatch(name) and name not in used else f"row-{number}"
        used.add(key)
        rows.append(PlanRow(key, name, row[0].zone, tuple(row), letter_spots(row)))
    return tuple(rows)


def _json(
    plan: SeatingPlan, focal_point: Point, categories: Sequence[PlanCategory], seats: Sequence[PlanSeat]
) -> bytes:
    body: dict[str, Any] = {
        "layout": plan.hash,
        "width": plan.width,
        "height": plan.height,
        "stage": plan.stage,
        "focal_point": dict(zip("xy", focal_point, strict=True)),
        "categories": [{"key": c.key, "name": c.name, "color": c.color} for c in categories],
        "areas": plan.areas,
        "seats": [
            {
                "i": seat.index,
                "label": seat.label,
                "row": seat.row,
                "number": seat.number,
                "segment": seat.segment,
                "x": seat.x,
                "y": seat.y,
                "category": seat.category,
                "kind": seat.kind,
                "sofa": seat.sofa,
                "companion_of": seat.companion_of,
            }
            for seat in seats
        ],
    }
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _css(plan: SeatingPlan, seats: Sequence[PlanSeat], rows: Sequence[PlanRow]) -> bytes:
    """Only numbers and safe keys: no text of the plan is in a style sheet."""
    room = screen_room(seats, plan.areas, (plan.width, plan.height), plan.stage)
    sides = zip(("left", "top", "right", "bottom"), first_view(seats, plan.width, plan.height, plan.stage), strict=True)
    fit = " ".join(f"--fit-{side}: {value:.3f};" for side, value in sides)
    lines = [
        "/* Where every seat of this layout stands, in seat pitches. Generated; cached for a year. */",
        "@layer pages {",
        f"  .hall-window {{ --hall-width: {plan.width:g}; --hall-depth: {plan.height:g}; }}",
        f"  .hall {{ --screen-room: {room:.3f}; }}",
        f"  .hall-window {{ {fit} }}",
        *stage_css(plan.stage),
    ]
    # A class of its own for each seat: browsers find rules by class, and would try each of 10,000 rules on each seat.
    lines += [f"  .s{s.index} {{ --x: {s.x:.3f}; --y: {s.y:.3f}; --turn: {s.turn:.2f}deg; }}" for s in seats]
    lines += [
        f'  .row-letter[data-row="{row.key}"][data-side="{side}"] {{ --x: {x:.3f}; --y: {y:.3f}; }}'
        for row in rows
        for side, (x, y) in zip(("start", "end"), row.letters, strict=True)
    ]
    return "\n".join([*lines, "}", ""]).encode()
