"""Halls whose stage is below or at a side: chairs, floor, screen and pictures turn with it."""

import json
import re
from math import cos, radians, sin
from xml.etree import ElementTree

import pytest

from booking.pages.hall_drawing import draw_hall
from cinema.demo.catalogue import HERE
from cinema.imports.bad_rows import BadFile
from cinema.models import Screen, SeatingPlan
from cinema.plans.building import build_plan
from cinema.plans.drawing import floor_svg
from cinema.plans.file import read_plan
from cinema.plans.layouts import layout_of
from cinema.plans.moved_stage import move_stage
from cinema.plans.stage import turn_back, turned_extent, with_stage_at, with_stage_on_top
from cinema.plans.store import import_plan
from cinema.plans.thumbnail import draw_thumbnail
from tests.cinema.plans.plan_files import plain_plan, plan, row, seat, write_plan

OTHERS = ("bottom", "left", "right")
FACING = {"top": (0, -1), "bottom": (0, 1), "left": (-1, 0), "right": (1, 0)}
HALLS = ("screen-1", "screen-2", "great-hall", "studio", "weaving-room")


def demo_hall(name, stage):
    """The demo's hall as somebody would draw it whose stage is at that side; its floor is left empty."""
    one = json.loads((HERE / f"{name}.json").read_bytes())
    one["bookmyseat"]["stage"] = stage
    for zone in one["zones"]:
        zone["areas"] = []
        for line in zone["rows"]:
            for place in line["seats"]:
                x, y = with_stage_at((place["position"]["x"], place["position"]["y"]), stage)
                place["position"] = {"x": x, "y": y}
    return build_plan(read_plan(write_plan(one)))


def stored(stage="top", **ours):
    one = {**plain_plan("ABCD"), "bookmyseat": {"stage": stage, **ours}}
    return import_plan(write_plan(one), cinema="Odeon", screen="1").plan


@pytest.mark.parametrize("stage", OTHERS)
@pytest.mark.parametrize("name", HALLS)
def test_a_hall_that_is_drawn_with_another_stage_is_the_same_hall_turned(name, stage):
    top, turned = demo_hall(name, "top"), demo_hall(name, stage)
    corner, width, height = turned_extent(turned.width, turned.height, stage)
    assert (width, height) == pytest.approx((top.width, top.height), abs=0.002)
    expected = {one.label: one for one in top.seats}
    assert [one.row for one in turned.seats] == [one.row for one in top.seats], "the front row comes first"
    for one in turned.seats:
        same = expected[one.label]
        x, y = with_stage_on_top((one.x, one.y), stage)
        assert (x - corner[0], y - corner[1]) == pytest.approx((same.x, same.y), abs=0.003)
        assert abs((one.turn - turn_back(same.turn, stage) + 180) % 360 - 180) < 0.02
        assert one.shape == same.shape


@pytest.mark.parametrize("stage", FACING)
def test_chairs_of_straight_rows_face_the_stage(stage):
    rows = {
        "top": lambda n, r: (20 * n, 25 * r), "bottom": lambda n, r: (20 * n, 25 * r),
        "left": lambda n, r: (25 * r, 20 * n), "right": lambda n, r: (25 * r, 20 * n),
    }[stage]  # fmt: skip
    lines = [row(name, 0, [seat(n + 1, *rows(n, r)) for n in range(5)]) for r, name in enumerate("ABC")]
    hall = build_plan(read_plan(write_plan({**plan(lines), "bookmyseat": {"stage": stage}})))
    for one in hall.seats:
        facing = sin(radians(one.turn)), -cos(radians(one.turn))
        assert facing == pytest.approx(FACING[stage], abs=0.01)
    front = {"top": "A", "left": "A", "bottom": "C", "right": "C"}[stage]
    assert hall.seats[0].row == front
    assert [one.index for one in hall.seats] == list(range(15))


def test_the_space_for_the_screen_is_at_the_stage():
    for stage, hall in ((stage, demo_hall("studio", stage)) for stage in FACING):
        gaps = {
            "top": min(one.y for one in hall.seats), "bottom": hall.height - max(one.y for one in hall.seats),
            "left": min(one.x for one in hall.seats), "right": hall.width - max(one.x for one in hall.seats),
        }  # fmt: skip
        assert max(gaps, key=gaps.get) == stage and gaps[stage] > 3.9, gaps


@pytest.mark.parametrize("stage", OTHERS)
@pytest.mark.parametrize("name", HALLS)
def test_the_floor_is_turned_and_everything_on_it_is_inside_the_drawing(name, stage):
    top, hall = demo_hall(name, "top"), demo_hall(name, stage)
    svg = floor_svg(hall.seats, hall.areas, hall.width, hall.height, stage)
    plain = floor_svg(top.seats, top.areas, top.width, top.height)
    root = ElementTree.fromstring(svg)
    assert root.get("viewBox") == f"0 0 {hall.width:g} {hall.height:g}"
    assert not re.search(r"[\s\",]-?(nan|inf)|style=|\son\w+=", svg)
    for kind in ("circle", "path", "rect"):
        assert svg.count(f"<{kind}") == plain.count(f"<{kind}")
    matrices = {group.get("transform") for group in root.findall("g") if group.get("transform")}
    assert len(matrices) == 1, "the room and what is on the floor are turned alike"
    a, b, c, d, e, f = map(float, re.findall(r"-?[\d.]+", matrices.pop()))
    seats = {(one.x, one.y) for one in hall.seats}
    for light in root.iter("circle"):
        x, y = float(light.get("cx")), float(light.get("cy"))
        x, y = a * x + c * y + e, b * x + d * y + f
        assert 0 < x < hall.width and 0 < y < hall.height
        assert min((x - sx) ** 2 + (y - sy) ** 2 for sx, sy in seats) < 1, "a light is behind its chair"


@pytest.mark.django_db
def test_a_hall_with_the_stage_at_the_top_loads_no_other_rules():
    css = layout_of(stored().hash).css.decode()
    assert ".screen " not in css and "hall__light" not in css


@pytest.mark.django_db
@pytest.mark.parametrize("stage", OTHERS)
def test_the_style_sheet_moves_the_screen_to_its_side(stage):
    layout = layout_of(stored(stage).hash)
    css = layout.css.decode()
    assert layout.stage == json.loads(layout.json)["stage"] == stage
    assert re.search(rf"\.screen {{ [^}}]*{stage}: calc\(\.3 \* var\(--u\)\)", css)
    corners = re.search(r"screen__picture { clip-path: polygon\(([^)]*%)\)", css).group(1).split(", ")
    assert len(corners) == 18
    assert all(0 <= float(n) <= 100 for corner in corners for n in corner.replace("%", "").split())
    assert css.count("{") == css.count("}")


@pytest.mark.django_db
@pytest.mark.parametrize("stage", FACING)
def test_small_pictures_of_a_hall_have_the_screen_at_its_side(stage):
    layout = layout_of(stored(stage).hash)
    drawing = draw_hall(layout, [0])
    left, top, width, height = map(float, drawing.view_box.split())
    points = [tuple(map(float, point)) for point in re.findall(r"(-?[\d.]+) (-?[\d.]+)", drawing.screen)]
    assert all(left <= x <= left + width and top <= y <= top + height for x, y in points)
    x, y = points[1]
    beyond = {
        "top": y < min(one.y for one in layout.seats), "bottom": y > max(one.y for one in layout.seats),
        "left": x < min(one.x for one in layout.seats), "right": x > max(one.x for one in layout.seats),
    }  # fmt: skip
    assert [side for side, is_beyond in beyond.items() if is_beyond] == [stage]
    where = {"top": "at the top", "bottom": "at the bottom", "left": "on the left", "right": "on the right"}
    picture = draw_thumbnail(layout.hash)
    assert f"the screen {where[stage]}" in picture
    ElementTree.fromstring(picture)


@pytest.mark.django_db
def test_a_stage_at_the_top_that_is_named_is_the_plan_that_names_none():
    unnamed = import_plan(write_plan(plain_plan("ABCD")), cinema="Odeon", screen="1").plan
    assert stored("top").pk == unnamed.pk
    assert len({stored(stage).hash for stage in FACING}) == 4


@pytest.mark.parametrize("stage", ["middle", 3, ["top"], "TOP"])
def test_a_stage_that_is_no_side_is_refused(stage):
    with pytest.raises(BadFile) as refusal:
        read_plan(write_plan({**plain_plan(), "bookmyseat": {"stage": stage}}))
    [problem] = refusal.value.problems
    assert str(problem) == "plan.bookmyseat: stage must be one of top, bottom, left, right"


@pytest.mark.django_db
@pytest.mark.parametrize("stage", OTHERS)
def test_moving_the_stage_gives_the_screens_the_plan_that_a_file_with_that_stage_makes(stage):
    before = stored(focal_point={"x": 40, "y": 22})
    facts = list(before.seats.order_by("index").values("label", "x", "y", "turn"))
    moved = move_stage(before, stage=stage, focal_point=(before.focal_x, before.focal_y))
    assert Screen.objects.get().plan == moved != before
    assert list(before.seats.order_by("index").values("label", "x", "y", "turn")) == facts, "plans are immutable"
    by_file = stored(stage, focal_point={"x": 40, "y": 22})
    assert (moved.stage, moved.width, moved.height) == (stage, by_file.width, by_file.height)
    for mine, theirs in zip(moved.seats.order_by("index"), by_file.seats.order_by("index"), strict=True):
        assert (mine.label, mine.guid, mine.segment, mine.turn) == (
            theirs.label, theirs.guid, theirs.segment, theirs.turn,
        )  # fmt: skip
        assert (mine.x, mine.y) == pytest.approx((theirs.x, theirs.y), abs=0.002)
    assert (moved.focal_x, moved.focal_y) == pytest.approx((by_file.focal_x, by_file.focal_y), abs=0.002)


@pytest.mark.django_db
def test_moving_the_stage_keeps_sofas_and_companions_together():
    ours = [
        {"shape": "sofa-start", "sofa": "A2"}, {"shape": "sofa-end"}, {"shape": "sofa-start", "sofa": False},
        {"kind": "wheelchair"}, {"kind": "companion", "companion_of": "B4"},
    ]  # fmt: skip
    lines = [
        row(name, 30 * y, [seat(n + 1, 25 * n, bookmyseat={k: str(v).replace("A2", f"{name}2") if k == "sofa" and v
            else v for k, v in one.items()}) for n, one in enumerate(ours)]) for y, name in enumerate("AB")
    ]  # fmt: skip
    before = import_plan(write_plan(plan(lines)), cinema="Odeon", screen="1").plan

    def together(layout):
        return {
            one.label: [layout.seats[i].label if i is not None else None for i in (one.sofa, one.companion_of)]
            for one in layout.seats
        }

    first = layout_of(before.hash)
    moved = layout_of(move_stage(before, stage="bottom", focal_point=None).hash)
    assert together(moved) == together(first)
    assert together(first)["A1"] == ["A2", None] and together(first)["A5"] == [None, "B4"]
    assert [one.label for one in moved.seats] == ["B1", "B2", "B3", "B4", "B5", "A1", "A2", "A3", "A4", "A5"]
    assert [moved.seats[i].shape for i in (0, 1)] == ["sofa-end", "sofa-start"], "the left end in its own sight"


@pytest.mark.django_db
def test_a_focal_point_alone_moves_no_chair_and_the_same_again_is_no_change():
    before = stored()
    moved = move_stage(before, stage="top", focal_point=(3, 5))
    assert layout_of(moved.hash).focal_point == (3, 5)
    assert layout_of(moved.hash).css == layout_of(before.hash).css
    assert move_stage(moved, stage="top", focal_point=(3, 5)) == moved
    assert move_stage(moved, stage="top", focal_point=None) == before, "the plan that was there before"
    assert SeatingPlan.objects.count() == 2


@pytest.mark.django_db
def test_a_focal_point_outside_the_drawing_changes_nothing():
    before = stored()
    with pytest.raises(ValueError, match="outside the drawing"):
        move_stage(before, stage="bottom", focal_point=(3, 0.1))
    assert Screen.objects.get().plan == before and SeatingPlan.objects.count() == 1


@pytest.mark.django_db
def test_an_import_that_moves_the_stage_back_says_so():
    moved = move_stage(stored(), stage="bottom", focal_point=(3, 5))
    again = import_plan(write_plan(plain_plan("ABCD")), cinema="Odeon", screen="1")
    assert again.plan != moved
    assert again.notes == (
        "the stage was at the bottom and is at the top by this file",
        "the focal point was set and is the default by this file",
    )
