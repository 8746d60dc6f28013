import re
from xml.etree import ElementTree

import pytest

from cinema.demo.catalogue import HERE
from cinema.plans.building import build_plan
from cinema.plans.drawing import aisles_of, first_view, floor_svg, letter_spots, rows_of, top_of
from cinema.plans.file import read_plan
from tests.cinema.plans.plan_files import plain_plan, plan, plan_with_defects, row, seat, write_plan


def side_blocks():
    """Two upright blocks that face each other, each with an aisle in the middle."""
    return plan([
        row(name, 0, [seat(n + 1, x, 20 * n + (40 if n > 4 else 0)) for n in range(10)])
        for name, x in (("L", 0), ("R", 400))
    ])  # fmt: skip


HALLS = {
    "screen-1": lambda: (HERE / "screen-1.json").read_bytes(),
    "screen-2": lambda: (HERE / "screen-2.json").read_bytes(),
    "great hall": lambda: (HERE / "great-hall.json").read_bytes(),
    "weaving room": lambda: (HERE / "weaving-room.json").read_bytes(),
    "one seat": lambda: write_plan(plan([row("A", 0, [seat(1, 0)])])),
    "one row": lambda: write_plan(plain_plan("A")),
    "defects": lambda: write_plan(plan_with_defects()),
    "side blocks": lambda: write_plan(side_blocks()),
}


@pytest.fixture(params=HALLS)
def hall(request):
    return build_plan(read_plan(HALLS[request.param]()))


def test_the_floor_of_any_plan_is_well_formed_and_inside_its_walls(hall):
    svg = floor_svg(hall.seats, hall.areas, hall.width, hall.height)
    root = ElementTree.fromstring(svg)
    assert root.get("viewBox") == f"0 0 {hall.width:g} {hall.height:g}"
    assert not re.search(r"[\s\",]-?(nan|inf)|style=|\son\w+=", svg)
    for light in root.iter("circle"):
        assert 0 < float(light.get("cx")) < hall.width and 0 < float(light.get("cy")) < hall.height


def test_row_letters_are_on_free_floor_inside_the_drawing(hall):
    for one in rows_of(hall.seats):
        for x, y in letter_spots(one):
            assert 0.3 < x < hall.width - 0.3 and 0 < y < hall.height
            nearest = min(((other.x - x) ** 2 + (other.y - y) ** 2) ** 0.5 for other in hall.seats)
            assert nearest > 0.6, "a letter must not be under a chair"


def test_screen_1_has_two_aisles_in_every_row_but_the_first_and_doors_at_its_cross_aisle():
    hall = build_plan(read_plan(HALLS["screen-1"]()))
    assert [len(aisles_of(one)) for one in rows_of(hall.seats)] == [0] + [2] * 13
    assert floor_svg(hall.seats, hall.areas, hall.width, hall.height).count("floor__exit") == 2
    assert (hall.width, hall.height, len(hall.seats)) == (15.9, 21.5, 174)


def test_row_objects_that_touch_have_no_aisle_between_them():
    left, right = [seat(n + 1, 20 * n) for n in range(4)], [seat(n + 5, 80 + 20 * n) for n in range(4)]
    hall = build_plan(read_plan(write_plan(plan([row("A", 0, left), row("A", 0, right)]))))
    assert hall.seats[3].segment != hall.seats[4].segment
    assert aisles_of(hall.seats) == []


def test_the_space_for_the_screen_grows_with_the_width_of_a_wide_plan():
    """The space above the seats grows beyond a width of 20 pitches; that of a narrower plan is constant."""
    wide, narrow = build_plan(read_plan(HALLS["great hall"]())), build_plan(read_plan(HALLS["screen-1"]()))
    assert top_of(narrow.seats, narrow.areas) == pytest.approx(3.9, abs=0.01)
    assert top_of(wide.seats, wide.areas) == pytest.approx(3.9 + 0.15 * (wide.width - 20), abs=0.01)
    assert 0.71 * wide.width / (top_of(wide.seats, wide.areas) - 1.18) < 5.2


def test_the_first_view_has_every_chair_and_all_of_the_drawing_that_is_near(hall):
    left, top, right, bottom = first_view(hall.seats, hall.width, hall.height)
    assert top == 0
    for one in hall.seats:
        assert left <= one.x - 0.5 and one.x + 0.5 <= right
        assert one.y + 0.5 <= bottom
    for rest in (left, hall.width - right, hall.height - bottom):
        assert rest == 0 or rest > 4


def test_areas_far_from_the_chairs_are_not_in_the_first_view():
    far = plain_plan()
    corners = ((-2000, 0), (-2000, 900))
    circle = {"shape": "circle", "circle": {"radius": 10}, "color": "#123456", "border_color": "#123456"}
    far["zones"][0]["areas"] = [circle | {"position": {"x": x, "y": y}} for x, y in corners]
    built = build_plan(read_plan(write_plan(far)))
    left, top, right, bottom = first_view(built.seats, built.width, built.height)
    assert 0 < left < min(one.x for one in built.seats) and left <= built.width * 0.3
    assert top == 0 and right == built.width
    assert max(one.y for one in built.seats) < bottom < built.height - 10


@pytest.mark.parametrize("stage", ["top", "bottom", "left", "right"])
def test_the_side_with_the_screen_is_in_the_first_view(stage):
    seats = build_plan(read_plan(write_plan(plain_plan()))).seats
    for one in seats:
        one.x, one.y = one.x + 50, one.y + 50
    left, top, right, bottom = first_view(seats, 120, 120, stage)
    assert {"top": top == 0, "bottom": bottom == 120, "left": left == 0, "right": right == 120}[stage]
    assert [left > 0, top > 0, right < 120, bottom < 120].count(True) == 3
