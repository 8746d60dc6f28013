"""Read a pretix seating plan (JSON), or name every bad row. No database, no clock.

The format is described at pretix.eu. Unknown keys are ignored, because other exporters add some. Our own extension is
the key `bookmyseat`, which others ignore: on a seat `{"kind": "companion", "companion_of": "A1"}` or
`{"shape": "sofa-start", "sofa": "A2"}`, on the plan `{"pitch": 25, "stage": "left", "focal_point": {"x": 0, "y": 200}}`
(drawing units from seat to seat, the side of the drawing where the stage is, drawing units from its origin).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from cinema.imports.bad_rows import read_json
from cinema.plans.json_reader import BadPlan, JsonObject, Reader
from cinema.plans.stage import SIDES

MAX_BYTES = 10_000_000
MAX_SEATS, MAX_ROWS, MAX_ZONES, MAX_CATEGORIES = 10_000, 3_000, 200, 60
MAX_AREAS, MAX_POINTS, MAX_TEXT = 500, 500, 200
MAX_ALL_POINTS = 20_000
KINDS = ("seat", "wheelchair", "companion")
SHAPES = ("chair", "recliner", "sofa-start", "sofa-end")
Point = tuple[float, float]


@dataclass
class FileSeat:
    number: str
    at: Point
    category: str
    guid: str
    uuid: str
    kind: str
    shape: str
    sofa: str | None  # guid or label of the other half; "" for a seat without one; None when the file does not say
    companion_of: str | None  # the same, of its wheelchair place
    path: str


@dataclass
class FileRow:
    """One row object: seats side by side, apart from aisles."""

    zone: int
    zone_name: str
    name: str
    seats: list[FileSeat]
    path: str


@dataclass
class FileCategory:
    name: str
    color: str


@dataclass
class FileArea:
    """A decoration. `shape` is rectangle (`at` = top left), ellipse, circle (`at` = centre), polygon or text."""

    shape: str
    at: Point
    rotation: float
    color: str
    border: str
    size: Point = (0, 0)
    points: list[Point] = field(default_factory=list)
    text: str = ""
    text_at: Point = (0, 0)
    text_size: float = 16


@dataclass
class PlanFile:
    name: str
    categories: list[FileCategory]
    rows: list[FileRow]
    areas: list[FileArea]
    pitch: float | None
    stage: str
    focal_point: Point | None
    notes: list[str]

    def seats(self) -> Iterator[tuple[FileRow, FileSeat]]:
        return ((row, seat) for row in self.rows for seat in row.seats)


def read_plan(content: bytes) -> PlanFile:
    """The plan of a file, with absolute coordinates in drawing units. Raises BadFile with every bad row."""
    if len(content) > MAX_BYTES:
        raise BadPlan.whole(f"is larger than {MAX_BYTES:,} bytes")
    data = read_json(content)
    if not isinstance(data, dict):
        raise BadPlan.whole("must be a JSON object with name, categories and zones")
    read = Reader()
    _refuse_too_many(read, data)
    plan = _read_plan(read, data)
    if not read.problems:
        _make_guids_unique(read, plan)
    if read.problems:
        raise BadPlan(read.problems)
    return plan


def _refuse_too_many(read: Reader, data: JsonObject) -> None:
    """Count before anything is read, because each wrong entry is a line of the answer. Raises BadPlan."""
    zones = _entries(data, "zones")
    rows = [row for zone in zones for row in _entries(zone, "rows")]
    areas = [area for zone in zones for area in _entries(zone, "areas")]
    for what, count, most in (
        ("seats", sum(len(_entries(row, "seats")) for row in rows), MAX_SEATS),
        ("rows", len(rows), MAX_ROWS),
        ("areas", len(areas), MAX_AREAS),
        ("points", sum(len(_entries(_entry(area, "polygon"), "points")) for area in areas), MAX_ALL_POINTS),
    ):
        if count > most:
            read.refuse("plan", what, f"{count:,} of them; at most {most:,} are taken")
    if read.problems:
        raise BadPlan(read.problems)


def _entries(found: Any, key: str) -> list[Any]:
    value = _entry(found, key)
    return value if isinstance(value, list) else []


def _entry(found: Any, key: str) -> Any:
    return found.get(key) if isinstance(found, dict) else None


def _read_plan(read: Reader, data: JsonObject) -> PlanFile:
    plan = PlanFile(
        name=read.text(data, "name", "plan", most=120),
        categories=_read_categories(read, data),
        rows=[],
        areas=[],
        pitch=None,
        stage="top",
        focal_point=None,
        notes=[],
    )
    _read_sidecar(read, data, plan)
    names = {category.name for category in plan.categories}
    for index, zone in read.objects(data, "zones", "plan", most=MAX_ZONES):
        _read_zone(read, plan, zone, index, names)
    if not read.problems and not any(row.seats for row in plan.rows):
        read.refuse("plan", "zones", "there is not one seat")
    return plan


def _read_sidecar(read: Reader, data: JsonObject, plan: PlanFile) -> None:
    ours = data.get("bookmyseat")
    if not isinstance(ours, dict):
        return
    if "pitch" in ours:
        plan.pitch = read.number(ours, "pitch", "plan.bookmyseat", least=0.01)
    plan.stage = read.choice(ours, "stage", "plan.bookmyseat", SIDES) or "top"
    if ours.get("focal_point") is not None:
        at, path = read.object(ours, "focal_point", "plan.bookmyseat"), "plan.bookmyseat.focal_point"
        plan.focal_point = read.number(at, "x", path), read.number(at, "y", path)


def _read_categories(read: Reader, data: JsonObject) -> list[FileCategory]:
    categories: list[FileCategory] = []
    for index, entry in read.objects(data, "categories", "plan", most=MAX_CATEGORIES):
        path = f"categories[{index}]"
        name = read.text(entry, "name", path, most=120)
        if name in {category.name for category in categories}:
            read.refuse(path, "name", f"“{name}” is there twice")
        categories.append(FileCategory(name, read.color(entry, "color", path) or "#6b97de"))
    return categories


def _read_zone(read: Reader, plan: PlanFile, zone: JsonObject, index: int, categories: set[str]) -> None:
    path = f"zones[{index}]"
    name = read.text(zone, "name", path, most=60, required=False)
    zone_at = read.point(zone, "position", path)
    for number, row in read.objects(zone, "rows", path, most=MAX_ROWS):
        plan.rows.append(_read_row(read, row, f"{path}.rows[{number}]", (index, name), zone_at, categories))
    for number, area in read.objects(zone, "areas", path, most=MAX_AREAS, required=False):
        drawn = _read_area(read, area, f"{path}.areas[{number}]", zone_at)
        if drawn is None:
            plan.notes.append(f"{path}.areas[{number}]: a text without words is not drawn")
        else:
            plan.areas.append(drawn)


def _read_row(
    read: Reader, row: JsonObject, path: str, zone: tuple[int, str], zone_at: Point, categories: set[str]
) -> FileRow:
    name = read.text(row, "row_number", path, most=30, empty=True)
    for label in ("row_label", "seat_label", "row_number_position"):
        read.text(row, label, path, most=MAX_TEXT, required=False)
    origin = _add(zone_at, read.point(row, "position", path, required=False))
    seats = [
        _read_seat(read, seat, f"{path}.seats[{index}]", origin, categories)
        for index, seat in read.objects(row, "seats", path, most=MAX_SEATS)
    ]
    return FileRow(zone[0], zone[1], name, seats, path)


def _read_seat(read: Reader, seat: JsonObject, path: str, origin: Point, categories: set[str]) -> FileSeat:
    guid = read.text(seat, "seat_guid", path, most=120, strip=False)
    if guid != guid.strip():
        read.refuse(path, "seat_guid", "begins or ends with a space")
    category = read.text(seat, "category", path, most=120)
    if category and category not in categories:
        read.refuse(path, "category", f"“{category}” is none of the plan's categories")
    ours = seat.get("bookmyseat")
    sidecar: JsonObject = ours if isinstance(ours, dict) else {}
    return FileSeat(
        number=read.text(seat, "seat_number", path, most=10),
        at=_add(origin, read.point(seat, "position", path)),
        category=category,
        guid=guid,
        uuid=read.text(seat, "uuid", path, most=120, required=False),
        kind=read.choice(sidecar, "kind", f"{path}.bookmyseat", KINDS),
        shape=read.choice(sidecar, "shape", f"{path}.bookmyseat", SHAPES),
        sofa=read.reference(sidecar, "sofa", f"{path}.bookmyseat"),
        companion_of=read.reference(sidecar, "companion_of", f"{path}.bookmyseat"),
        path=path,
    )


def _read_area(read: Reader, area: JsonObject, path: str, origin: Point) -> FileArea | None:
    """None for a text area without words."""
    shape = read.choice(area, "shape", path, ("polygon", "rectangle", "ellipse", "circle", "text")) or "text"
    drawn = FileArea(
        shape=shape,
        at=_add(origin, read.point(area, "position", path, required=False)),
        rotation=read.number(area, "rotation", path, default=0),
        color=read.color(area, "color", path),
        border=read.color(area, "border_color", path),
    )
    _read_shape(read, area, path, drawn)
    words = read.object(area, "text", path, required=area.get("shape") == "text")
    drawn.text = read.text(words, "text", f"{path}.text", most=MAX_TEXT, required=False)
    if drawn.text:
        drawn.text_at = read.point(words, "position", f"{path}.text", required=False)
        drawn.text_size = read.number(words, "size", f"{path}.text", default=16, least=0.1)
    return None if shape == "text" and not drawn.text else drawn


def _read_shape(read: Reader, area: JsonObject, path: str, drawn: FileArea) -> None:
    if drawn.shape == "text":
        return
    inside = f"{path}.{drawn.shape}"
    values = read.object(area, drawn.shape, path)
    if not values:
        return
    if drawn.shape == "polygon":
        drawn.points = [
            (read.number(point, "x", f"{inside}.points[{i}]"), read.number(point, "y", f"{inside}.points[{i}]"))
            for i, point in read.objects(values, "points", inside, most=MAX_POINTS)
        ]
    elif drawn.shape == "rectangle":
        drawn.size = (read.number(values, "width", inside, least=0), read.number(values, "height", inside, least=0))
    elif drawn.shape == "circle":
        radius = read.number(values, "radius", inside, least=0)
        drawn.size = (radius, radius)
    else:
        radii = read.object(values, "radius", inside)
        drawn.size = (
            read.number(radii, "x", f"{inside}.radius", least=0),
            read.number(radii, "y", f"{inside}.radius", least=0),
        )


def _make_guids_unique(read: Reader, plan: PlanFile) -> None:
    """Replace guids that several seats share by the seat's uuid, or by zone, row and number."""
    shared = {guid for guid, count in Counter(seat.guid for _, seat in plan.seats()).items() if count > 1}
    uuids = Counter(seat.uuid for _, seat in plan.seats())
    replaced = Counter[str]()
    for row, seat in plan.seats():
        if seat.guid not in shared:
            continue
        by_uuid = bool(seat.uuid) and uuids[seat.uuid] == 1
        seat.guid = seat.uuid if by_uuid else f"{row.zone}/{row.name}/{seat.number}"
        replaced["its uuid" if by_uuid else "zone, row and number"] += 1
    if shared:
        how = ", ".join(f"{count} seats by {way}" for way, count in replaced.items())
        plan.notes.append(f"{len(shared)} seat_guid values are used more than once; told apart instead: {how}")
    seen: dict[str, str] = {}
    for _, seat in plan.seats():
        if seat.guid in seen:
            read.refuse(seat.path, "seat_guid", f"cannot be told apart from {seen[seat.guid]}")
        seen.setdefault(seat.guid, seat.path)


def _add(a: Point, b: Point) -> Point:
    return a[0] + b[0], a[1] + b[1]
