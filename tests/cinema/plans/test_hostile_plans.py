"""Plans that somebody made to break the import, or another program wrote by mistake."""

import pytest

from cinema.plans.building import build_plan
from cinema.plans.file import read_plan
from cinema.plans.json_reader import BadPlan
from tests.cinema.plans.plan_files import plan, row, seat, write_plan


def zone(**more):
    return {"name": "Stalls", "position": {"x": 0, "y": 0}, "rows": [], **more}


def polygon(points):
    return {"shape": "polygon", "polygon": {"points": [{}] * points}}


def refusal(content):
    with pytest.raises(BadPlan) as refused:
        build_plan(read_plan(write_plan(content)))
    return [str(problem) for problem in refused.value.problems]


@pytest.mark.parametrize(
    "zones, sentence",
    [
        ([zone(rows=[{}] * 1501)] * 2, "plan: rows 3,002 of them; at most 3,000 are taken"),
        ([zone(rows=[row("A", 0, [{}] * 5001)] * 2)], "plan: seats 10,002 of them; at most 10,000 are taken"),
        ([zone(rows=[row("A", 0, [0] * 5001)] * 2)], "plan: seats 10,002 of them; at most 10,000 are taken"),
        ([zone(areas=[{}] * 251)] * 2, "plan: areas 502 of them; at most 500 are taken"),
        ([zone(areas=[polygon(500)] * 41)], "plan: points 20,500 of them; at most 20,000 are taken"),
    ],
)
def test_too_many_entries_are_one_bad_row_however_wrong_each_of_them_is(zones, sentence):
    assert refusal(plan([], zones=zones)) == [sentence]


@pytest.mark.parametrize("zones", [None, 1, "x", {}, [1, None, "x"], [{"rows": 1}], [{"rows": [{"seats": "x"}]}]])
def test_what_is_no_list_of_objects_is_named(zones):
    assert refusal({**plan([]), "zones": zones})


@pytest.mark.parametrize("apart", [5e-324, 1e-200, 1e-5])
def test_chairs_that_stand_in_one_another_are_refused(apart):
    near = row("A", 0, [seat(1, 0), seat(2, apart)])
    far = row("B", 1_000_000, [seat(1, 1_000_000)])
    [sentence] = refusal(plan([near, far]))
    assert sentence == f"plan: zones chairs stand {apart:g} apart; at least 0.0001 is taken"


def test_categories_have_different_keys_whatever_their_names_look_like():
    names = ("B 3", "B", "b!", "B-3-3", "b?")
    rows = [row(letter, 20 * n, [seat(1, 0, category=names[n])]) for n, letter in enumerate("ABCDE")]
    drawn = build_plan(read_plan(write_plan(plan(rows, categories=names))))
    assert len({category.key for category in drawn.categories}) == 5
    assert len({seat.category for seat in drawn.seats}) == 5
