"""Build the stored drawing of a read plan: seat pitches, segments, rotations, labels, categories, one hash. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any

from django.utils.text import slugify

from cinema.imports.bad_rows import BadRow
from cinema.plain_text import one_line
from cinema.plans import geometry
from cinema.plans.belonging import pair_sofas, stored_links
from cinema.plans.drawn import DrawnCategory, DrawnPlan, DrawnSeat, hash_of
from cinema.plans.file import FileRow, FileSeat, PlanFile
from cinema.plans.json_reader import BadPlan
from cinema.plans.named_seats import read_links
from cinema.plans.placing import depth_of, fit, rotations, shape_sofas
from cinema.plans.seat_colours import match_seat_colours

NO_SALE = re.compile(r"not[ _-]?(available|for[ _-]?sale)|unavailable|blocked", re.IGNORECASE)
WHEELCHAIR = re.compile(r"wheel[ -]?chair|accessible", re.IGNORECASE)
COMPANION = re.compile(r"companion|carer", re.IGNORECASE)
UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
SMALLEST_PITCH = 1e-4  # drawing units


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
    groups = _group(runs, plan.stage)
    _refuse_overlaps(plan, pitch)
    labels = _labels(groups)
    seats = _seats(groups, labels, categories, plan.stage)
    sofas, companions = read_links(seats, [seat for group in groups for run in group for seat in run.seats])
    left, top, width, height = fit(seats, areas := _areas(plan, pitch), pitch, plan.stage)
    if plan.stage != "top":
        shape_sofas(seats, pair_sofas(seats, sofas))
    drawn = DrawnPlan(
        hash="",
        name=plan.name,
        width=width,
        height=height,
        categories=tuple(categories.values()),
        seats=tuple(seats),
        areas=tuple(areas),
        stage=plan.stage,
        focal_point=_focal_point(plan, pitch, (left, top), (width, height)),
        links=stored_links(sofas, companions),
        notes=tuple(plan.notes),
    )
    return replace(drawn, hash=hash_of(drawn))


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


def _group(runs: Sequence[_Run], stage: str) -> list[list[_Run]]:
    """Runs grouped by zone and row, from front to back; inside a row in order along it."""
    groups: dict[tuple[int, str], list[_Run]] = defaultdict(list)
    for run in runs:
        groups[run.row.zone, run.row.name].append(run)
    for group in groups.values():
        dx, dy = geometry.direction_of([point for run in group for point in run.points])
        group.sort(key=lambda run: fmean(x * dx + y * dy for x, y in run.points))

    def depth(group: list[_Run]) -> tuple[int, float, float]:
        points = [point for run in group for point in run.points]
        return group[0].row.zone, *depth_of(points, stage)

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
    groups: Sequence[Sequence[_Run]], labels: Mapping[int, str], categories: Mapping[str, DrawnCategory], stage: str
) -> list[DrawnSeat]:
    hall = [point for group in groups for run in group for point in run.points]
    seats: list[DrawnSeat] = []
    segment = -1
    for group in groups:
        turns = rotations([point for run in group for point in run.points], hall, stage)
        position = 0
        for run in group:
            before = None
            for seat, part in zip(run.seats, run.parts, strict=True):
                segment += part != before
                before = part
                category = categories[seat.category]
                seats.append(_seat(len(seats), run.row, seat, labels[id(seat)], segment, turns[position], category))
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
