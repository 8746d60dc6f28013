"""Halves of sofas, companion seats and their wheelchair places, the focal point: named by a plan, or derived."""

import json

import pytest

from cinema.demo.catalogue import HERE, PLANS
from cinema.imports.bad_rows import BadFile
from cinema.models import SeatingPlan
from cinema.plans.building import build_plan
from cinema.plans.file import read_plan
from cinema.plans.layouts import layout_of
from cinema.plans.stage import default_focal_point, with_stage_at, with_stage_on_top
from cinema.plans.store import import_plan
from tests.cinema.plans.plan_files import plain_plan, plan, row, seat, write_plan

LETTERS = {
    "<": {"shape": "sofa-start"}, ">": {"shape": "sofa-end"}, "s": {}, "w": {"kind": "wheelchair"},
    "c": {"kind": "companion"}, "W": {"kind": "wheelchair", "shape": "sofa-start"},
}  # fmt: skip
pytestmark = pytest.mark.django_db


def line(name, letters, y=0, **sidecars):
    """A row with a letter per seat, and two pitches for each space; the n-th seat has the label `name` + n."""
    seats, x = [], 0
    for letter in letters:
        if letter != " ":
            label = f"{name}{len(seats) + 1}"
            ours = {**LETTERS[letter], **sidecars.get(label, {})}
            seats.append(seat(len(seats) + 1, x, seat_guid=f"guid-{label}", bookmyseat=ours))
        x += 25 if letter != " " else 50
    return row(name, y, seats)


def hall(*lines, **ours):
    """The layout of a plan of these rows."""
    one = plan([dict(line, position={"x": 0, "y": 30 * y}) for y, line in enumerate(lines)])
    return layout_of(import_plan(write_plan({**one, "bookmyseat": ours}), cinema="Odeon", screen="1").plan.hash)


def pairs(layout):
    return {layout.seats[s.sofa].label: s.label for s in layout.seats if s.sofa is not None and s.sofa > s.index}


def places(layout):
    return {s.label: layout.seats[s.companion_of].label for s in layout.seats if s.companion_of is not None}


def sofas(*labels):
    return {second: first for first, second in zip(labels[::2], labels[1::2], strict=True)}


@pytest.mark.parametrize(
    ("letters", "paired"),
    [
        ("<>", "A1 A2"),
        ("<><>", "A1 A2 A3 A4"),
        ("<> <>", "A1 A2 A3 A4"),
        ("<<>>", "A1 A2 A3 A4"),
        ("s<>s<", "A2 A3"),
        ("sss< >sss", ""),
        ("<s>", ""),
        ("<><", "A1 A2"),
        ("><>", "A2 A3"),
        ("><>s<>", "A2 A3 A5 A6"),
        ("><", "A1 A2"),
        ("W>", ""),
        ("<W>", ""),
        ("ssss", ""),
    ],
)
def test_sofa_seats_that_are_side_by_side_pair_up_two_by_two(letters, paired):
    layout = hall(line("A", letters))
    assert pairs(layout) == sofas(*paired.split())
    assert all(s.sofa is None or layout.seats[s.sofa].sofa == s.index for s in layout.seats)


def test_sofas_of_different_rows_are_not_paired():
    assert pairs(hall(line("A", "<"), line("B", ">"))) == {}


def test_a_plan_may_name_a_pair_by_label_or_guid_and_by_one_half_or_both():
    by_label, by_guid = {"A2": {"sofa": "A3"}}, {"A3": {"sofa": "guid-A2"}}
    for sidecars in (by_label, by_guid, {**by_label, **by_guid}):
        assert pairs(hall(line("A", "<><>", **sidecars))) == {"A3": "A2"}, "A1 and A4 are no longer side by side"
    assert pairs(hall(line("A", "ss<>", A1={"sofa": "A2"}))) == {"A2": "A1", "A4": "A3"}


def test_a_plan_may_say_that_a_sofa_seat_has_no_other_half():
    assert pairs(hall(line("A", "<><>", A1={"sofa": False}, A2={"sofa": False}))) == {"A4": "A3"}
    assert pairs(hall(line("A", "<><>", A1={"sofa": None}))) == {"A2": "A1", "A4": "A3"}


@pytest.mark.parametrize(
    ("letters", "expected"),
    [
        ("wcss", {"A2": "A1"}),
        ("wcwcss", {"A2": "A1", "A4": "A3"}),
        ("sscwcw", {"A3": "A4", "A5": "A6"}),
        ("cwc", {"A1": "A2", "A3": "A2"}),
        ("wssc", {"A4": "A1"}),
        ("c w", {"A1": "A2"}),
        ("wsssc w", {"A5": "A1"}),
        ("sscs", {}),
    ],
)
def test_a_companion_seat_belongs_to_the_nearest_wheelchair_place_of_its_row(letters, expected):
    assert places(hall(line("A", letters))) == expected


def test_a_plan_may_name_the_wheelchair_place_of_a_companion_seat():
    assert places(hall(line("A", "wcw", A2={"companion_of": "A3"}))) == {"A2": "A3"}
    assert places(hall(line("A", "cc"), line("B", "w"))) == {}
    assert places(hall(line("A", "cc", A1={"companion_of": "guid-B1"}), line("B", "w"))) == {"A1": "B1"}
    assert places(hall(line("A", "wc", A2={"companion_of": False}))) == {}


@pytest.mark.parametrize(
    ("sidecars", "reason"),
    [
        ({"A1": {"sofa": "A9"}}, "“A9” is neither the seat_guid nor the label of a seat"),
        ({"A1": {"sofa": "A3"}}, "A3 is not beside this seat"),
        ({"A1": {"sofa": "A1"}}, "A1 is not beside this seat"),
        ({"A4": {"sofa": "A5"}}, "A5 is not beside this seat"),
        ({"A1": {"sofa": "A2"}, "A2": {"sofa": "A3"}}, "A2 cannot be the other half"),
        ({"A1": {"sofa": "A2"}, "A3": {"sofa": "A2"}}, "A2 cannot be the other half"),
        ({"A1": {"sofa": "A2"}, "A2": {"sofa": False}}, "A2 cannot be the other half"),
        ({"A1": {"sofa": 2}}, "must be the seat_guid or the label of a seat, or false"),
        ({"A1": {"sofa": ""}}, "must be the seat_guid or the label of a seat, or false"),
        ({"A1": {"sofa": True}}, "must be the seat_guid or the label of a seat, or false"),
        ({"A1": {"companion_of": "A3"}}, "this seat is no companion seat"),
        ({"A4": {"companion_of": "A1"}}, "A1 is no wheelchair place"),
        ({"A4": {"companion_of": ["A3"]}}, "must be the seat_guid or the label of a seat, or false"),
    ],
)
def test_a_reference_that_cannot_be_meant_is_refused_with_its_place_and_nothing_is_changed(sidecars, reason):
    with pytest.raises(BadFile) as refusal:
        hall(line("A", "sswc s", **sidecars))
    reasons = [str(bad) for bad in refusal.value.problems]
    assert any(bad.startswith("zones[0].rows[0].seats[") and reason in bad for bad in reasons), reasons
    assert not SeatingPlan.objects.exists()


def test_every_sofa_and_companion_seat_of_the_demo_has_its_other():
    found = {}
    for key, file in PLANS.items():
        layout = layout_of(import_plan((HERE / file).read_bytes(), cinema=key[0], screen=key[1]).plan.hash)
        for s in layout.seats:
            is_half = s.kind == "seat" and s.shape.startswith("sofa")
            assert (s.sofa is not None) == is_half and (s.companion_of is not None) == (s.kind == "companion")
            if is_half:
                other = layout.seats[s.sofa]
                assert {s.shape, other.shape} == {"sofa-start", "sofa-end"} and abs(s.index - other.index) == 1
        served = [s.companion_of for s in layout.seats if s.companion_of is not None]
        assert len(served) == len(set(served)), "no wheelchair place has two companions while another has none"
        found[key[1]] = (len(pairs(layout)), len(served))
    assert found["Screen 2"] == (23, 2) and found["Great Hall"] == (0, 4)


def test_the_default_focal_point_is_two_thirds_back_on_the_middle_line():
    layout = hall(*(line(name, "sssss", 30 * n) for n, name in enumerate("ABCD")))
    xs, ys = [s.x for s in layout.seats], [s.y for s in layout.seats]
    assert layout.stage == "top"
    assert layout.focal_point == pytest.approx((sum(xs) / len(xs), min(ys) + (max(ys) - min(ys)) * 2 / 3), abs=0.002)


@pytest.mark.parametrize(
    ("stage", "expected"), [("top", (4, 8)), ("bottom", (4, 4)), ("left", (16 / 3, 6)), ("right", (8 / 3, 6))]
)
def test_the_default_focal_point_is_measured_from_the_stage(stage, expected):
    corners = [(0, 0), (8, 0), (0, 12), (8, 12)]
    assert default_focal_point(corners, stage) == pytest.approx(expected, abs=0.001)


@pytest.mark.parametrize("stage", ["top", "bottom", "left", "right"])
def test_turning_the_stage_to_the_top_and_back_is_no_change(stage):
    side = {"top": (0, -1), "bottom": (0, 1), "left": (-1, 0), "right": (1, 0)}[stage]
    assert with_stage_on_top(side, stage) == (0, -1)
    assert with_stage_at(with_stage_on_top((2, 5), stage), stage) == (2, 5)


def test_a_plan_may_give_its_focal_point_in_its_own_units_and_origin():
    plain, given = hall(line("A", "ssss")), hall(line("A", "ssss"), focal_point={"x": 25, "y": 0})
    second = given.seats[1]
    assert given.focal_point == (second.x, second.y)
    assert given.hash != plain.hash
    body = json.loads(given.json)
    assert body["focal_point"] == {"x": second.x, "y": second.y} and body["stage"] == "top"


@pytest.mark.parametrize(
    ("point", "reason"),
    [
        ({"x": 9000, "y": 0}, "lies outside the drawing"),
        ({"x": 25}, "is missing"),
        ([25, 0], "must be an object"),
        ({"x": "left", "y": 0}, "must be a number"),
    ],
)
def test_a_focal_point_that_is_no_place_of_the_drawing_is_refused(point, reason):
    with pytest.raises(BadFile) as refusal:
        hall(line("A", "ssss"), focal_point=point)
    assert reason in str([bad.reason for bad in refusal.value.problems])


@pytest.mark.parametrize("sidecar", [{"sofa": "A2"}, {"sofa": False}])
def test_what_a_plan_names_changes_its_hash_and_the_same_again_does_not(sidecar):
    def imported(**sidecars):
        return hall(line("A", "<><>", **sidecars))

    plain, named = imported(), imported(A1=sidecar)
    assert plain.hash != named.hash
    assert SeatingPlan.objects.count() == 2
    assert imported(A1=sidecar).hash == named.hash and imported().hash == plain.hash
    assert SeatingPlan.objects.count() == 2


def test_names_of_seats_and_the_focal_point_are_read_before_anything_is_stored():
    one = plain_plan()
    one["bookmyseat"] = {"focal_point": {"x": 20, "y": 20}}
    drawn = build_plan(read_plan(write_plan(one)))
    assert drawn.focal_point is not None and drawn.links == {}
