"""A plan as it is drawn and stored, and the hash that names it. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from cinema.plans.geometry import Point

DRAWING = 1  # raise it when the same plan is drawn differently: browsers cache a layout for a year
FORMAT = 2  # raise it, with a migration of the stored hashes, when layouts get other keys or derive them differently


@dataclass(frozen=True)
class DrawnCategory:
    key: str
    name: str
    color: str
    seat_colour: str
    for_sale: bool


@dataclass
class DrawnSeat:
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
    kind: str
    shape: str
    guid: str
    for_sale: bool


@dataclass(frozen=True)
class DrawnPlan:
    hash: str
    name: str
    width: float
    height: float
    categories: tuple[DrawnCategory, ...]
    seats: tuple[DrawnSeat, ...]
    areas: tuple[dict[str, Any], ...]
    stage: str
    focal_point: Point | None  # None: `default_focal_point`
    links: dict[str, Any]
    notes: tuple[str, ...]


def hash_of(plan: DrawnPlan) -> str:
    """The name of the layout: of all that is drawn, and of what the plan says about it beyond the drawing."""
    content = [
        DRAWING, plan.width, plan.height, [_hashed(c) for c in plan.categories], [asdict(s) for s in plan.seats],
        list(plan.areas),
    ]  # fmt: skip
    stage = "" if plan.stage == "top" else plan.stage  # every layout had it there before there was a choice
    return name_layout(_digest(content), {"stage": stage, "focal_point": plan.focal_point, "links": plan.links})


def name_layout(drawing: str, facts: Mapping[str, Any]) -> str:
    """The hash of a layout from that of its drawing and what its plan says besides; facts that are not said are empty.

    A layout of which nothing is said is named by its drawing alone. That was the whole name of every layout before
    `FORMAT` 2, so the new name of an earlier one follows from its old name.
    """
    return _digest([FORMAT, drawing, {key: fact for key, fact in facts.items() if fact}])


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]


def _hashed(category: DrawnCategory) -> dict[str, Any]:
    """A category as layout hashes cover it. The keys are part of every stored hash, so they never change."""
    facts = asdict(category)
    return {"cloth": facts.pop("seat_colour"), **facts}
