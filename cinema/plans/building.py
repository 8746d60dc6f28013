"""Build the stored drawing of a read plan: seat pitches, segments, rotations, labels, categories, one hash. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import fmean
from typing import Any

from django.utils.text import slugify

from cinema.imports.bad_rows import BadRow
from cinema.plain_text import one_line
from cinema.plans import geometry
from cinema.plans.belonging import stored_links
from cinema.plans.drawing import box_of, letter_spots, rows_of, screen_depth, top_of
from cinema.plans.file import FileRow, FileSeat, PlanFile
from cinema.plans.json_reader import BadPlan
from cinema.plans.named_seats import read_links
from cinema.plans.seat_colours import match_seat_colours

SIDE, BACK, BEHIND = 0.69, 1.84, 1.3  # pitches to the edge: at the sides, behind the last chair, behind the last area
NO_SALE = re.compile(r"not[ _-]?(available|for[ _-]?sale)|unavailable|blocked", re.IGNORECASE)
WHEELCHAIR = re.compile(r"wheel[ -]?chair|accessible", re.IGNORECASE)
COMPANION = re.compile(r"companion|carer", re.IGNORECASE)
UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
SMALLEST_PITCH = 1e-4  # drawing units
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
    focal_point: geometry.Point | None
    links: dict[str, Any]
    notes: tuple[str, ...]


@dataclass
class _Run:
    """The seats of one row object, in order, with the number of the segment of each."""

    row: FileRow
    seats: list[FileSeat]
    parts: list[int]

    @property
    def points(self) -> list[geometry.Point]:
        return [seat.at for seat in self.seats]


def build_plan(plan: PlanFile, names: Mapping[str, str] | None = None) -> DrawnPlan:
    """The drawing of a plan; `names` renames categories. Raises BadPlan with every bad row."""
    categories = _categories(plan, names or {})
    runs = [_run(row) for row in plan.rows if row.seats]
    pitch = _pitch(plan, runs)
    for run in runs:
        run.parts = geometry.split_at_aisles(run.points, pitch)
    groups = _group(runs)
    _refuse_overlaps(plan, pitch)
    labels = _labels(groups)
    seats = _seats(groups, labels, categories)
    sofas, companions = read_links(seats, [seat for group in groups for run in group for seat in run.seats])
    left, top, width, height = _fit(seats, areas := _areas(plan, pitch), pitch)
    drawn = DrawnPlan(
        hash="",
        name=plan.name,
        width=width,
        height=height,
        categories=tuple(categories.values()),
        seats=tuple(seats),
        areas=tuple(areas),
        focal_point=_focal_point(plan, pitch, (left, top), (width, height)),
        links=stored_links(sofas, companions),
        notes=tuple(plan.notes),
    )
    return replace(drawn, hash=hash_of(drawn))


def hash_of(plan: DrawnPlan) -> str:
    """The name of the layout: of all that is drawn, and of what the plan says about it beyond the drawing."""
    content = [
        DRAWING, plan.width, plan.height, [_hashed(c) for c in plan.categories], [asdict(s) for s in plan.seats],
        list(plan.areas),
    ]  # fmt: skip
    return name_layout(_digest(content), {"focal_point": plan.focal_point, "links": plan.links})


def name_layout(drawing: str, facts: Mapping[str, Any]) -> str:
    """The hash of a layout from that of its drawing and what its plan says besides; facts that are not said are empty.

    A layout of which nothing is said is named by its drawing alone. That was the whole name of every layout before
    `FORMAT` 2, so the new name of an earlier one follows from its old name.
    """
    return _digest([FORMAT, drawing, {key: fact for key, fact in facts.items() if fact}])


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]


def _focal_point(plan: PlanFile, pitch: float, origin: geometry.Point, extent: geometry.Point) -> geometry.Point | None:
    """That of the file in seat pitches from the drawing's corner. Raises BadPlan for one outside the drawing."""
    if plan.focal_point is None:
        return None
    x, y = (round(at / pitch - start, 3) for at, start in zip(plan.focal_point, origin, strict=True))
    if not (0 <= x <= extent[0] and 0 <= y <= extent[1]):
        raise BadPlan([BadRow("plan.bookmyseat", "focal_point", "lies outside the drawing")])
    return x, y


def _pitch(plan: PlanFile, runs: Sequence[_Run]) -> float:
    """Raises BadPlan where chairs stand so close that the plan would have no end, measured in them."""
    pitch = plan.pitch or geometry.pitch_of([run.points for run in runs]) or 1.0
    if pitch < SMALLEST_PITCH:
        raise BadPlan([BadRow("plan", "zones", f"chairs stand {pitch:g} apart; at least {SMALLEST_PITCH:g} is taken")])
    return pitch


def _hashed(category: DrawnCategory) -> dict[str, Any]:
    """A category as layout hashes cover it. The keys are part of every stored hash, so they never change."""
    facts = asdict(category)
    return {"cloth": facts.pop("seat_colour"), **facts}


def _run(row: FileRow) -> _Run:
    order = geometry.order_along([seat.at for seat in row.seats])
    return _Run(row, [row.seats[i] for i in order], [])


def _categories(plan: PlanFile, names: Mapping[str, str]) -> dict[str, DrawnCategory]:
    """By the name in the file. A UUID as a name is replaced by one of `names`, or by “Category 1”."""
    unknown = set(names) - {category.name for category in plan.categories}
    if unknown:
        raise BadPlan([BadRow("--category", name, "is none of the plan's categories") for name in sorted(unknown)])
    seat_colours = match_seat_colours([category.color for category in plan.categories])
    drawn: dict[str, DrawnCategory] = {}
    keys: set[str] = set()
    for number, (category, seat_colour) in enumerate(zip(plan.categories, seat_colours, strict=True), start=1):
        name = names.get(category.name) or category.name
        name = f"Category {number}" if UUID.fullmatch(name) else one_line(name)
        stem = key = slugify(name)[:50] or f"category-{number}"
        while key in keys:  # another category's own name may look like this
            key, number = f"{stem}-{number}", number + 1
        keys.add(key)
        for_sale = not NO_SALE.fullmatch(category.name.strip()) and not NO_SALE.fullmatch(name)
        drawn[category.name] = DrawnCategory(key, name, category.color, seat_colour, for_sale)
    return drawn


def _group(runs: Sequence[_Run]) -> list[list[_Run]]:
    """Runs grouped by zone and row, from front to back; inside a row in order along it."""
    groups: dict[tuple[int, str], list[_Run]] = defaultdict(list)
    for run in runs:
        groups[run.row.zone, run.row.name].append(run)
    for group in groups.values():
        dx, dy = geometry.direction_of([point for run in group for point in run.points])
        group.sort(key=lambda run: fmean(x * dx + y * dy for x, y in run.points))

    def depth(group: list[_Run]) -> tuple[int, float, float]:
        points = [point for run in group for point in run.points]
        return group[0].row.zone, round(fmean(y for _, y in points), 1), fmean(x for x, _ in points)

    return sorted(groups.values(), key=depth)


def _refuse_overlaps(plan: PlanFile, pitch: float) -> None:
    """Raise BadPlan for chairs in the same position: only one of them could be clicked."""
    spots: dict[tuple[int, int], str] = {}
    problems = []
    for row, seat in plan.seats():
        spot = round(seat.at[0] / pitch * 20), round(seat.at[1] / pitch * 20)
        here = f"row {row.name}, seat {seat.number}"
        if spot in spots:
            problems.append(BadRow(seat.path, "position", f"{here} stands on the spot of {spots[spot]}"))
        spots.setdefault(spot, here)
    if problems:
        raise BadPlan(problems)


def _labels(groups: Sequence[Sequence[_Run]]) -> dict[int, str]:
    """Labels by id() of the seat: row and number, with a hyphen or the zone only for rows that would be ambiguous."""
    forms = [0] * len(groups)
    while True:
        owners: dict[str, list[tuple[int, FileSeat]]] = defaultdict(list)
        for g, group in enumerate(groups):
            for run in group:
                for seat in run.seats:
                    owners[_label(run.row, seat, forms[g])].append((g, seat))
        mixed = {label: found for label, found in owners.items() if len(found) > 1}
        if not mixed:
            break
        raised = {g for found in mixed.values() for g, _ in found if forms[g] < 2 and len({h for h, _ in found}) > 1}
        if not raised:
            raise BadPlan([
                BadRow(seat.path, "seat_number", f"“{label}” is a second time in the same row and zone")
                for label, found in mixed.items() for _, seat in found[1:]
            ])  # fmt: skip
        for g in raised:
            forms[g] += 1
    labels = {id(found[0][1]): label for label, found in owners.items()}
    too_long = [seat for found in owners.values() for _, seat in found if len(labels[id(seat)]) > 40]
    if too_long:
        raise BadPlan([BadRow(seat.path, "seat_number", "makes a label of over 40 characters") for seat in too_long])
    return labels


def _label(row: FileRow, seat: FileSeat, form: int) -> str:
    if form == 0:
        return f"{row.name}{seat.number}"
    if form == 1:
        return f"{row.name}-{seat.number}"
    return f"{row.zone_name or row.zone + 1} {row.name}-{seat.number}"


def _seats(
    groups: Sequence[Sequence[_Run]], labels: Mapping[int, str], categories: Mapping[str, DrawnCategory]
) -> list[DrawnSeat]:
    xs = [x for group in groups for run in group for x, _ in run.points]
    centre = (min(xs) + max(xs)) / 2
    seats: list[DrawnSeat] = []
    segment = -1
    for group in groups:
        rotations = geometry.chair_rotations([point for run in group for point in run.points], centre)
        position = 0
        for run in group:
            before = None
            for seat, part in zip(run.seats, run.parts, strict=True):
                segment += part != before
                before = part
                category = categories[seat.category]
                seats.append(_seat(len(seats), run.row, seat, labels[id(seat)], segment, rotations[position], category))
                position += 1
    return seats


def _seat(
    index: int, row: FileRow, seat: FileSeat, label: str, segment: int, turn: float, category: DrawnCategory
) -> DrawnSeat:
    named = "companion" if COMPANION.search(category.name) else "wheelchair"
    by_name = named if named == "companion" or WHEELCHAIR.search(category.name) else "seat"
    return DrawnSeat(
        index=index,
        label=label,
        row=row.name,
        number=seat.number,
        zone=row.zone_name,
        segment=segment,
        x=seat.at[0],
        y=seat.at[1],
        turn=round(turn, 2) + 0.0,
        category=category.key,
        kind=seat.kind or by_name,
        shape=seat.shape or "chair",
        guid=seat.guid,
        for_sale=category.for_sale,
    )


def _areas(plan: PlanFile, pitch: float) -> list[dict[str, Any]]:
    """Shapes and texts in seat pitches, in the origin of the file; `_fit` moves them."""
    areas = []
    for area in plan.areas:
        drawn: dict[str, Any] = {
            "shape": area.shape,
            "x": area.at[0] / pitch,
            "y": area.at[1] / pitch,
            "rotation": round(area.rotation, 2),
            "color": area.color,
            "border": area.border,
        }
        if area.shape in ("rectangle", "ellipse", "circle"):
            drawn["size"] = [round(value / pitch, 3) for value in area.size]
        if area.shape == "polygon":
            drawn["points"] = [[round(x / pitch, 3), round(y / pitch, 3)] for x, y in area.points]
        if area.text:
            x, y = area.text_at
            drawn["text"] = {
                "words": area.text,
                "x": round(x / pitch, 3),
                "y": round(y / pitch, 3),
                "size": round(max(area.text_size / pitch, 0.2), 3),
            }
        areas.append(drawn)
    return areas


def _fit(
    seats: Sequence[DrawnSeat], areas: Sequence[dict[str, Any]], pitch: float
) -> tuple[float, float, float, float]:
    """Scale seats to pitches, and move everything so that there is space for the screen.

    Returns left and top of the drawing in the file's origin, width and height, all in pitches.
    """
    for seat in seats:
        seat.x, seat.y = seat.x / pitch, seat.y / pitch
    boxes = [box_of(area) for area in areas]
    spots = [(x, y) for row in rows_of(seats) for x, y in letter_spots(row)]
    left = min([s.x - SIDE for s in seats] + [x - 0.4 for x, _ in spots] + [x0 - 0.2 for x0, _, _, _ in boxes])
    right = max([s.x + SIDE for s in seats] + [x + 0.4 for x, _ in spots] + [x1 + 0.2 for _, _, x1, _ in boxes])
    top = top_of(seats, areas) - screen_depth(right - left)
    bottom = max([s.y + BACK for s in seats] + [y1 + BEHIND for _, _, _, y1 in boxes])
    for seat in seats:
        seat.x, seat.y = round(seat.x - left, 3), round(seat.y - top, 3)
    for area in areas:
        area["x"], area["y"] = round(area["x"] - left, 3), round(area["y"] - top, 3)
    return left, top, round(right - left, 3), round(bottom - top, 3)
