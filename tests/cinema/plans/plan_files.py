"""Seating plans in pretix's format, also with the defects of real exports."""

import json
import uuid

PARQUET, GALLERY = str(uuid.UUID(int=7)), str(uuid.UUID(int=8))


def write_plan(plan):
    return json.dumps(plan).encode()


def seat(number, x, y=0.0, category="Standard", **more):
    return {
        "seat_guid": f"guid-{uuid.uuid4()}",
        "seat_number": str(number),
        "position": {"x": x, "y": y},
        "category": category,
        **more,
    }


def row(name, y, seats, **more):
    return {"row_number": name, "position": {"x": 0, "y": y}, "seats": seats, **more}


def plan(rows, *, categories=("Standard",), areas=(), zones=None, **more):
    zone = {"name": "Stalls", "position": {"x": 0, "y": 0}, "rows": rows, "areas": list(areas)}
    return {
        "name": "Hall",
        "size": {"width": 500, "height": 400},
        "categories": [{"name": name, "color": "#6b97de"} for name in categories],
        "zones": [zone] if zones is None else zones,
        **more,
    }


def plain_plan(rows="ABC", per_row=6, pitch=20):
    return plan([
        row(name, pitch * 1.1 * index, [
            seat(n + 1, pitch * n, seat_guid=f"{name}-{n + 1}", uuid=f"uuid-{name}-{n + 1}") for n in range(per_row)
        ])
        for index, name in enumerate(rows)
    ])  # fmt: skip


def plan_with_defects():
    """Duplicate guids, null labels, UUIDs as names of categories, a category that is not for sale, areas without text,
    unknown keys, fractional and negative positions, rows from right to left, one row number in two objects."""
    front = [
        seat(6 - n, -3.25 + 20.5 * n, 0.6, PARQUET, seat_guid=f"G-A-{n // 2}", uuid=f"a{n}", status="free", label=None)
        for n in range(6)
    ]
    left = [seat(n + 1, 20.5 * n, 0, GALLERY, seat_guid=f"G-B-{n}", uuid=f"b{n}") for n in range(3)]
    right = [seat(n + 4, 110 + 20.5 * n, 0, GALLERY, seat_guid=f"G-B-{n}", uuid=None) for n in range(2)]
    shut = [seat(1, 0, 0, "NOT AVAILABLE"), seat(2, 20.5, 0, "NOT AVAILABLE")]
    empty = {"text": "", "position": {"x": 1, "y": 1}, "color": "#333333"}
    floor = {"shape": "rectangle", "color": "#DAB486", "border_color": "#815719", "rotation": 0, "text": empty,
             "position": {"x": 10.5, "y": 90}, "rectangle": {"width": 120, "height": 30}, "nodes": []}  # fmt: skip
    words = {"text": "<script>alert(1)</script>", "position": {"x": 0, "y": 0}, "size": 24}
    bar = {"shape": "circle", "color": "#abc", "border_color": None, "position": {"x": 40, "y": 130},
           "circle": {"radius": 12.5}, "text": words}  # fmt: skip
    wordless = {"shape": "text", "text": empty, "position": {"x": 0, "y": 0}}
    nulls = {"row_number_position": None, "row_label": None, "seat_label": None, "section_break": 1}
    return plan(
        [row("A", 0, front, **nulls), row("B", 22, left, **nulls), row("B", 22, right), row("C", 44.5, shut)],
        categories=(PARQUET, GALLERY, "NOT AVAILABLE"),
        areas=[floor, bar, wordless],
        exported_by="another tool",
    )
