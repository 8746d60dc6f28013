"""A stored plan with another stage or focal point: its chairs turn, its screens use the result."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from django.db import transaction

from cinema.models import Seat, SeatingPlan
from cinema.plans.belonging import Links, pair_sofas, read_stored_links, stored_links
from cinema.plans.drawing import rows_of
from cinema.plans.drawn import DrawnCategory, DrawnPlan, DrawnSeat, hash_of
from cinema.plans.geometry import Point
from cinema.plans.placing import depth_of, fit, rotations, shape_sofas
from cinema.plans.store import store_plan


def move_stage(plan: SeatingPlan, *, stage: str, focal_point: Point | None) -> SeatingPlan:
    """Give all screens of a plan the same seats with that stage and focal point. One transaction.

    Plans are immutable: the result is another plan, and showtimes keep the one that they are sold from. A plan that has
    that stage and focal point already is returned unchanged.

    Args:
        focal_point: in seat pitches of the plan as it is drawn now; None for the default.

    Raises:
        ValueError: the focal point lies outside the drawing, in words for the operator.
    """
    if (plan.stage, plan.focal_x, plan.focal_y) == (stage, *(focal_point or (None, None))):
        return plan
    drawn = replace(_read(plan), focal_point=focal_point)
    if stage != plan.stage:
        drawn = _redraw(drawn, stage)
    if drawn.focal_point is not None:
        x, y = drawn.focal_point
        if not (0 <= x <= drawn.width and 0 <= y <= drawn.height):
            raise ValueError("The focal point would lie outside the drawing.")
    with transaction.atomic():
        moved, _ = store_plan(replace(drawn, hash=hash_of(drawn)))
        plan.screens.update(plan=moved)
    return moved


def _read(plan: SeatingPlan) -> DrawnPlan:
    """A stored plan as `build_plan` returned it. A category without seats counts as for sale."""
    rows = list(plan.seats.select_related("category").order_by("index"))
    sold = {seat.category_id: seat.for_sale for seat in rows}
    categories = tuple(
        DrawnCategory(c.key, c.name, c.color, c.seat_colour, sold.get(c.pk, True))
        for c in plan.categories.order_by("position")
    )
    return DrawnPlan(
        hash=plan.hash,
        name=plan.name,
        width=plan.width,
        height=plan.height,
        categories=categories,
        seats=tuple(_seat(seat) for seat in rows),
        areas=tuple(plan.areas),
        stage=plan.stage,
        focal_point=None if plan.focal_x is None or plan.focal_y is None else (plan.focal_x, plan.focal_y),
        links=plan.links,
        notes=(),
    )


def _seat(seat: Seat) -> DrawnSeat:
    names = DrawnSeat.__dataclass_fields__
    return DrawnSeat(**{name: getattr(seat, name) for name in names if name != "category"}, category=seat.category.key)


def _redraw(plan: DrawnPlan, stage: str) -> DrawnPlan:
    """The plan with every chair turned to that stage, its rows from front to back, and space for the screen there."""
    rows = _rows(plan, stage)
    hall = [(seat.x, seat.y) for row in rows for seat in row]
    for row in rows:
        for seat, turn in zip(row, rotations([(seat.x, seat.y) for seat in row], hall, stage), strict=True):
            seat.turn = round(turn, 2) + 0.0
    seats = [seat for row in rows for seat in row]
    sofas, companions = (_moved(links, seats) for links in read_stored_links(plan.links))
    _number(seats)
    areas: list[dict[str, Any]] = [dict(area) for area in plan.areas]
    left, top, width, height = fit(seats, areas, 1, stage)
    shape_sofas(seats, pair_sofas(seats, sofas))
    x, y = plan.focal_point or (0, 0)
    return replace(
        plan,
        width=width,
        height=height,
        seats=tuple(seats),
        areas=tuple(areas),
        stage=stage,
        focal_point=(round(x - left, 3), round(y - top, 3)) if plan.focal_point else None,
        links=stored_links(sofas, companions),
    )


def _rows(plan: DrawnPlan, stage: str) -> list[list[DrawnSeat]]:
    """Copies of the seats, by row: zones in the order that they have, rows from front to back."""
    zones = {zone: order for order, zone in enumerate(dict.fromkeys(seat.zone for seat in plan.seats))}
    rows = rows_of([DrawnSeat(**asdict(seat)) for seat in plan.seats])
    return sorted(rows, key=lambda row: (zones[row[0].zone], *depth_of([(seat.x, seat.y) for seat in row], stage)))


def _moved(links: Links, seats: list[DrawnSeat]) -> Links:
    """The links by the places of the seats in the list, which have their earlier index."""
    place = {seat.index: number for number, seat in enumerate(seats)}
    return {place[index]: None if other is None else place[other] for index, other in links.items()}


def _number(seats: list[DrawnSeat]) -> None:
    """Index and segment of each seat, in order and without gaps."""
    segment, before = -1, None
    for index, seat in enumerate(seats):
        segment += seat.segment != before
        before = seat.segment
        seat.index, seat.segment = index, segment
