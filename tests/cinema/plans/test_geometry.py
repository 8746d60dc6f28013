import math

from hypothesis import assume, given
from hypothesis import strategies as st

from cinema.plans.building import build_plan
from cinema.plans.file import read_plan
from cinema.plans.geometry import chair_rotations, order_along, pitch_of, split_at_aisles
from cinema.plans.seat_colours import SEAT_COLOURS, match_seat_colours
from tests.cinema.plans.plan_files import plan, row, seat, write_plan

coordinates = st.floats(-1e4, 1e4, allow_nan=False)
colors = st.from_regex(r"#[0-9a-f]{6}", fullmatch=True)


def line(n, angle, pitch=25.0, x=0.0, y=0.0):
    return [(x + i * pitch * math.cos(angle), y + i * pitch * math.sin(angle)) for i in range(n)]


@given(st.integers(2, 40), st.floats(-1.5, 1.5), coordinates, coordinates, st.randoms())
def test_a_shuffled_straight_row_is_ordered_at_any_angle(n, angle, x, y, rng):
    assume(abs(abs(angle) - math.pi / 4) > 0.01)  # at exactly 45 degrees both orders are right
    points = line(n, angle, x=x, y=y)
    shuffled = points[:]
    rng.shuffle(shuffled)
    ordered = [shuffled[i] for i in order_along(shuffled)]
    assert ordered in (points, points[::-1])
    level = abs(angle) < math.pi / 4
    assert (ordered[-1][0] > ordered[0][0]) if level else (ordered[-1][1] > ordered[0][1])


@given(st.lists(st.integers(2, 12), min_size=1, max_size=5), st.floats(0.01, 500), st.floats(1.75, 6))
def test_a_row_is_split_at_every_aisle_and_nowhere_else(blocks, pitch, aisle):
    assume(sum(blocks) - len(blocks) > len(blocks) + 1)  # most distances are between neighbours
    points, x, expected = [], 0.0, []
    for number, count in enumerate(blocks):
        for _ in range(count):
            points.append((x, 0.0))
            expected.append(number)
            x += pitch
        x += (aisle - 1) * pitch
    assert split_at_aisles(points, pitch) == expected


def test_two_chairs_far_apart_in_a_short_row_are_not_neighbours():
    assert split_at_aisles([(0, 0), (75, 0)], 25) == [0, 1]
    assert split_at_aisles([(0, 0), (37, 0)], 25) == [0, 0], "armchairs are wider than chairs"


@given(st.integers(3, 30), st.floats(0.001, 0.02))
def test_each_chair_of_a_bent_row_is_rotated_with_its_bend(n, bow):
    xs = [i - (n - 1) / 2 for i in range(n)]
    rotations = chair_rotations([(x, -bow * x * x) for x in xs], 0)
    assert all(
        abs(rotation - math.degrees(math.atan(-2 * bow * x))) < 0.01 for rotation, x in zip(rotations, xs, strict=True)
    )


def test_side_blocks_face_the_middle():
    left, right = line(5, math.pi / 2, x=0), line(5, math.pi / 2, x=1000)
    assert all(abs(rotation - 90) < 1e-6 for rotation in chair_rotations(left, 500))
    assert all(abs(rotation + 90) < 1e-6 for rotation in chair_rotations(right, 500))


@given(st.floats(0.5, 300), coordinates, coordinates)
def test_the_unit_and_the_origin_of_a_drawing_do_not_change_the_layout(unit, x, y):
    def drawn(unit, x, y):
        rows = [
            row(name, y + unit * r, [
                seat(n + 1, x + unit * n, seat_guid=f"{name}{n}") for n in range(6)
            ]) for r, name in enumerate("AB")
        ]  # fmt: skip
        return build_plan(read_plan(write_plan(plan(rows))))

    one, other = drawn(25, 0, 0), drawn(unit, x, y)
    assert (one.width, one.height) == (other.width, other.height)
    for a, b in zip(one.seats, other.seats, strict=True):
        assert (a.label, a.segment, a.turn) == (b.label, b.segment, b.turn)
        assert math.dist((a.x, a.y), (b.x, b.y)) < 0.002


@given(st.integers(1, 8), st.integers(1, 12), st.randoms())
def test_indices_labels_and_positions_obey_the_contract(rows, per_row, rng):
    made = [row(f"R{r}", 25 * r, [seat(n + 1, 25 * n) for n in range(per_row)]) for r in range(rows)]
    for one in made:
        rng.shuffle(one["seats"])
    rng.shuffle(made)
    drawn = build_plan(read_plan(write_plan(plan(made))))
    assert [one.index for one in drawn.seats] == list(range(rows * per_row))
    assert len({one.label for one in drawn.seats}) == rows * per_row
    assert all(0 < one.x < drawn.width and 3.9 < one.y < drawn.height for one in drawn.seats)
    for a, b in zip(drawn.seats, drawn.seats[1:], strict=False):
        if a.segment == b.segment:
            assert math.isclose(math.dist((a.x, a.y), (b.x, b.y)), 1, abs_tol=0.01)


def test_a_plan_without_neighbours_has_no_pitch():
    assert pitch_of([[(0, 0)], [(3, 3)]]) == 0


@given(st.lists(colors, max_size=12))
def test_no_seat_colour_is_used_twice_while_another_is_unused(chosen):
    found = match_seat_colours(chosen)
    assert set(found) <= set(SEAT_COLOURS)
    assert len(set(found)) == min(len(chosen), len(SEAT_COLOURS))


def test_a_plan_colour_that_equals_a_seat_colour_keeps_it():
    assert match_seat_colours(list(SEAT_COLOURS.values())) == list(SEAT_COLOURS)
