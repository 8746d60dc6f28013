"""Generate four of the demo's seating plans: `python -m cinema.demo.draw_plans` writes the same files, byte for byte.

Not part of the running product, which only reads the files. A row is a string with one letter per chair and spaces for
aisles; it is laid on a parabola that bends towards the screen. Lengths are seat pitches, converted at the end.
"""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PITCH = 25  # drawing units
AISLE = 0.6  # free floor of one space
WING_AT = 9.5  # from the middle of the Weaving Room to its wings
STEP = 1.05  # from row to row
NAMESPACE = uuid.UUID("6f1f4a1e-6a44-5d0c-9d8b-0a5ac2b6c1de")
RECLINER, WHEELCHAIR, COMPANION = "recliner", "wheelchair", "companion"
Json = dict[str, Any]
Point = tuple[float, float]


@dataclass(frozen=True)
class Chair:
    """The meaning of a letter: a chair, and the floor to the left and right of its centre."""

    category: str
    sidecar: Mapping[str, str]
    left: float = 0.5
    right: float = 0.5


@dataclass(frozen=True)
class Block:
    """The rows of one zone, with their bend and position. `rows` are (name, letters), the front one first."""

    zone: str
    rows: Sequence[tuple[str, str]]
    at: Point = (0, 0)
    step: float = STEP
    bend: float = 0.0
    turn: float = 0.0  # degrees clockwise, about `at`


def chair(category: str) -> Chair:
    return Chair(category, {})


def wheelchair(category: str) -> Chair:
    return Chair(category, {"kind": WHEELCHAIR})


def companion(category: str) -> Chair:
    return Chair(category, {"kind": COMPANION})


def recliner(category: str, **sidecar: str) -> Chair:
    return Chair(category, {**sidecar, "shape": RECLINER}, 0.8, 0.8)


def sofa(category: str) -> dict[str, Chair]:
    return {
        "<": Chair(category, {"shape": "sofa-start"}, 0.58, 0.465),
        ">": Chair(category, {"shape": "sofa-end"}, 0.465, 0.58),
    }


def _plan(
    name: str,
    categories: Mapping[str, str],
    chairs: Mapping[str, Chair],
    blocks: Sequence[Block],
    areas: Sequence[Json] = (),
) -> Json:
    """`areas` belong to the first zone."""
    zones = [_zone(name, block, chairs, areas if n == 0 else ()) for n, block in enumerate(blocks)]
    xs = [seat["position"]["x"] for zone in zones for row in zone["rows"] for seat in row["seats"]]
    ys = [seat["position"]["y"] for zone in zones for row in zone["rows"] for seat in row["seats"]]
    return {
        "name": name,
        "bookmyseat": {"pitch": PITCH},
        "size": {"width": math.ceil(max(xs) - min(xs)) + PITCH, "height": math.ceil(max(ys) - min(ys)) + PITCH},
        "categories": [{"name": category, "color": color} for category, color in categories.items()],
        "zones": zones,
    }


def _zone(plan: str, block: Block, chairs: Mapping[str, Chair], areas: Sequence[Json]) -> Json:
    rows = [row for n, (name, line) in enumerate(block.rows) for row in _row(plan, block, n, name, line, chairs)]
    return {
        "name": block.zone,
        "zone_id": block.zone.lower().replace(" ", "-"),
        "uuid": _uuid(plan, block.zone),
        "position": {"x": 0, "y": 0},
        "areas": list(areas),
        "rows": rows,
    }


def _row(plan: str, block: Block, depth: int, name: str, line: str, chairs: Mapping[str, Chair]) -> list[Json]:
    """One row object for each run of chairs between two aisles; the seat numbers continue across them."""
    rows: list[Json] = []
    x, number, new_run = -_length(line, chairs) / 2, 0, True
    for letter in line:
        if letter == " ":
            x, new_run = x + AISLE, True
            continue
        one = chairs[letter]
        if new_run:
            rows.append({
                "row_number": name,
                "row_number_position": "both",
                "position": {"x": 0, "y": 0},
                "uuid": _uuid(plan, block.zone, name, str(len(rows))),
                "seats": [],
            })  # fmt: skip
            new_run = False
        number += 1
        place = _place(block, x + one.left, depth)
        rows[-1]["seats"].append(_seat(plan, name, number, one, place))
        x += one.left + one.right
    return rows


def _length(line: str, chairs: Mapping[str, Chair]) -> float:
    return sum(AISLE if letter == " " else chairs[letter].left + chairs[letter].right for letter in line)


def _place(block: Block, x: float, depth: int) -> Point:
    """In drawing units. The ends of a row bend towards the screen."""
    y = depth * block.step - block.bend * x * x
    sine, cosine = math.sin(math.radians(block.turn)), math.cos(math.radians(block.turn))
    turned = block.at[0] + x * cosine - y * sine, block.at[1] + x * sine + y * cosine
    return round(turned[0] * PITCH, 2) + 0.0, round(turned[1] * PITCH, 2) + 0.0


def _seat(plan: str, row: str, number: int, one: Chair, place: Point) -> Json:
    seat: Json = {
        "seat_guid": f"{_stem(plan)}-{row}-{number}",
        "seat_number": str(number),
        "category": one.category,
        "position": {"x": place[0], "y": place[1]},
        "uuid": _uuid(plan, row, str(number)),
    }
    return {**seat, "bookmyseat": dict(one.sidecar)} if one.sidecar else seat


def _area(shape: str, at: Point, color: str, words: str = "", size: float = 0.5, **more: Any) -> Json:
    """`more` has the geometry of the shape, in drawing units; the text is at `at`, shifted by `text_at`."""
    dx, dy = more.pop("text_at", (0, 0))
    text = {"text": words, "position": {"x": dx * PITCH, "y": dy * PITCH}, "size": size * PITCH, "color": color}
    return {
        "shape": shape,
        "position": {"x": round(at[0] * PITCH, 2), "y": round(at[1] * PITCH, 2)},
        "color": color,
        "border_color": color,
        "rotation": more.pop("rotation", 0),
        "text": text,
        "uuid": _uuid(shape, words, str(at)),
        **more,
    }


def _polygon(at: Point, points: Sequence[Point], color: str, words: str = "", **more: Any) -> Json:
    corners = [{"x": round(x * PITCH, 2), "y": round(y * PITCH, 2)} for x, y in points]
    return _area("polygon", at, color, words, polygon={"points": corners}, **more)


def _box(at: Point, extent: Point, color: str, words: str, **more: Any) -> Json:
    """A rectangle with its text in the middle."""
    sides = {"width": extent[0] * PITCH, "height": extent[1] * PITCH}
    return _area("rectangle", at, color, words, rectangle=sides, text_at=(extent[0] / 2, extent[1] / 2), **more)


def _stem(name: str) -> str:
    return name.lower().replace(" ", "-")


def _uuid(*parts: str) -> str:
    return str(uuid.uuid5(NAMESPACE, "/".join(parts)))


def lounge() -> Json:
    """Recliners and sofas for two, without plain chairs."""
    chairs = {
        "r": recliner("Recliner"),
        "w": Chair("Wheelchair place", {"kind": WHEELCHAIR}, 0.8, 0.6),
        "c": Chair("Wheelchair place", {"kind": COMPANION}, 0.6, 0.8),
        "W": Chair("Wheelchair place", {"kind": WHEELCHAIR}, 0.6, 0.8),
        "C": Chair("Wheelchair place", {"kind": COMPANION}, 0.8, 0.6),
        **sofa("Sofa for two"),
    }
    rows = [
        ("A", "<><>  <><>"), ("B", "<><><>  <><><>"), ("C", "wcrr  rrCW"), ("D", "rrrr  rrrr"),
        ("E", "rrrr  rrrr"), ("F", "<><><>  <><><>"), ("G", "<><><><><><><>"),
    ]  # fmt: skip
    categories = {"Sofa for two": "#e87f98", "Recliner": "#6fd0c2", "Wheelchair place": "#6b97de"}
    return _plan("Screen 2", categories, chairs, [Block("Lounge", rows, step=1.62, bend=0.012)])


def studio() -> Json:
    """48 seats in six rows, one aisle off the middle."""
    chairs = {
        "s": chair("Standard"), "p": chair("Back row"), "w": wheelchair("Standard"), "c": companion("Standard"),
    }  # fmt: skip
    rows = [("A", "wcs   sssss"), *((name, "sss   sssss") for name in "BCDE"), ("F", "ppp   ppppp")]
    categories = {"Standard": "#6b97de", "Back row": "#e2c598"}
    return _plan("Studio", categories, chairs, [Block("Studio", rows, step=1.12, bend=0.02)])


def great_hall() -> Json:
    """Stalls and a balcony, two aisles each, about six hundred seats."""
    chairs = {
        "f": chair("Front stalls"), "s": chair("Stalls"), "p": chair("Premium stalls"),
        "b": chair("Balcony"), "v": chair("Balcony front"), "w": wheelchair("Stalls"), "c": companion("Stalls"),
    }  # fmt: skip
    sides = {"A": 3, "B": 4, "C": 4, "D": 5, "E": 5}
    stalls = []
    for name in "ABCDEFGHJKLMNPQR":
        side, middle = ("f", "f") if name < "D" else ("s", "p" if "E" < name < "P" else "s")
        wing, centre = side * sides.get(name, 6), middle * 14
        stalls.append((name, f"{wing}  {centre}  {wing}"))
    stalls[-1] = ("R", "wcwcss  " + "s" * 14 + "  sscwcw")
    balcony = [
        (2 * name, "  ".join(("v" if name < "C" else "b") * n for n in (wing, 14, wing)))
        for name, wing in zip("ABCDEFGH", (5, 5, 6, 6, 6, 6, 6, 6), strict=True)
    ]
    bend, behind = 0.011, len(stalls) * STEP + 1.5
    edge = [(x / 2, -bend * x * x / 4) for x in range(-28, 29, 4)]
    front = [*edge, *((x, y + 0.34) for x, y in reversed(edge))]
    rail = _polygon((0, behind - 0.95), front, "#e2c598", "Balcony", size=0.5, text_at=(0, -0.42))
    categories = {
        "Front stalls": "#8db664", "Stalls": "#6b97de", "Premium stalls": "#cba6f0",
        "Balcony front": "#e2c598", "Balcony": "#6fd0c2",
    }  # fmt: skip
    blocks = [Block("Stalls", stalls, bend=bend), Block("Balcony", balcony, at=(0, behind), bend=bend)]
    return _plan("Great Hall", categories, chairs, blocks, [rail])


def weaving_room() -> Json:
    """A floor between two wings, with a stage, a piano, columns and a bar at the back."""
    chairs = {
        "s": chair("Floor"), "t": chair("Loom row"), "g": chair("Wing"), "w": wheelchair("Floor"),
        "c": companion("Floor"),
    }  # fmt: skip
    floor = [("A", "ssss  ssss"), *((name, "sssss  sssss") for name in "BCDEF")]
    floor += [("G", "ttttt  ttttt"), ("H", "ttttt  ttttt"), ("J", "sssss  sssss"), ("K", "wcsss  ssscw")]
    blocks = [Block("Floor", floor, bend=0.006, step=1.1)]
    for zone, letter, side in (("Left wing", "L", -1), ("Right wing", "R", 1)):
        rows = [(f"{letter}{row}", "ggggg") for row in "ABCDE"]
        blocks.append(Block(zone, rows, at=(side * WING_AT, 1.5), step=1.15, turn=-side * 28))
    mirror = [(-3.0, -1.0), (3.1, -1.0), (3.1, 5.4), (-3.0, 5.4)]
    areas = [
        _polygon(
            (0, -2.0), [(-4.6, -0.9), (4.6, -0.9), (3.7, 0.5), (-3.7, 0.5)], "#e2c598", "Stage", text_at=(0, -0.2)
        ),
        _box((-6.9, -2.9), (1.5, 0.9), "#c9c3bb", "Piano", size=0.34),
        *(_wing(side, mirror) for side in (-1, 1)),
        *(_area("circle", (x, y), "#9a938a", circle={"radius": 0.26 * PITCH}) for x in (-7, 7) for y in (8, 10.8)),
        _box((-3.2, 11.3), (6.4, 1.1), "#cba6f0", "Bar", size=0.5),
        _area("text", (-10.2, 10.4), "#c9c3bb", "Looms", size=0.45),
        _area("ellipse", (10.2, 10.4), "#6fd0c2", "Foyer", size=0.45, ellipse={"radius": {"x": 45, "y": 22}}),
    ]
    categories = {"Floor": "#6b97de", "Loom row": "#cba6f0", "Wing": "#8db664"}
    return _plan("Weaving Room", categories, chairs, blocks, areas)


def _wing(side: int, corners: Sequence[Point]) -> Json:
    """The platform under a wing, rotated like its rows."""
    angle = math.radians(-side * 28)
    turned = [
        (x * math.cos(angle) - y * math.sin(angle), x * math.sin(angle) + y * math.cos(angle))
        for x, y in ((side * px, py) for px, py in corners)
    ]
    return _polygon((side * WING_AT, 1.5), turned, "#8db664")


DRAWINGS = {
    "screen-2.json": lounge,
    "studio.json": studio,
    "great-hall.json": great_hall,
    "weaving-room.json": weaving_room,
}


def to_json(value: Any, depth: int = 0) -> str:
    """JSON with every value that fits on one line, so that a changed seat is one changed line in a diff."""
    flat = json.dumps(value, ensure_ascii=False)
    if len(flat) < 300 or not isinstance(value, dict | list):
        return flat
    pad, end = " " * (depth + 1), " " * depth
    if isinstance(value, list):
        return "[\n" + ",\n".join(pad + to_json(one, depth + 1) for one in value) + f"\n{end}]"
    lines = (f"{pad}{json.dumps(key)}: {to_json(one, depth + 1)}" for key, one in value.items())
    return "{\n" + ",\n".join(lines) + f"\n{end}}}"


if __name__ == "__main__":
    for file, draw in DRAWINGS.items():
        (HERE / file).write_text(to_json(draw()) + "\n", encoding="utf-8")
