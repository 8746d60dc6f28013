"""The seating rules, each in a row that can be read: `.` free, `m` mine, `x` taken before mine, `y` taken after."""

import pytest

from booking.seats.choice.advice import advise
from booking.seats.choice.hall import Hall, Place
from booking.seats.choice.seating import Rules, Seating


def seating_of(*rows, rules=None, **fields):
    """Each text is a segment; rows lie behind each other. `fields`: of a place, by its index, as `i3={"kind": …}`."""
    letters = "".join(rows)
    places = [Place(row, float(x), float(row), "standard") for row, text in enumerate(rows) for x in range(len(text))]
    for name, more in fields.items():
        places[int(name[1:])] = Place(**{**vars(places[int(name[1:])]), **more})
    state = "".join({".": "A", "m": "L", "x": "B", "y": "B"}[letter] for letter in letters)
    since = tuple({".": 0, "x": 1, "m": 2, "y": 3}[letter] for letter in letters)
    mine = frozenset(i for i, letter in enumerate(letters) if letter == "m")
    return Seating(Hall(tuple(places), (0.0, 0.0)), state, since, mine, rules or Rules())


def advice(seating):
    return [(found.type, found.seats, found.suggestion) for found in advise(seating, seating.mine)]


@pytest.mark.parametrize(
    ("row", "alone", "suggestion"),
    [
        (".m....", (0,), (0,)),
        ("...m.x", (4,), (2,)),
        ("x.mm...", (1,), (1, 2)),
        ("m.m...", (1,), (0, 1)),
        (".m.m.", (0, 2, 4), (0, 1)),
    ],
)
def test_a_seat_left_alone_is_advised_against_with_the_nearest_block_that_leaves_none(row, alone, suggestion):
    assert advice(seating_of(row)) == [("leaves-single-seat", alone, suggestion)]


@pytest.mark.parametrize("row", ["m.....", "..mm..", "x.mx", "x.mmx", "xm.x"])
def test_what_cannot_be_better_carries_no_advice(row):
    assert advice(seating_of(row)) == []


def test_who_took_the_seat_beyond_later_has_left_it_alone():
    assert advice(seating_of("x.mm...")) == [("leaves-single-seat", (1,), (1, 2))]
    assert advice(seating_of("y.mm...")) == []


def test_a_better_place_in_another_row_counts_but_not_one_of_another_category():
    assert advice(seating_of("x.mx", "....")) == [("leaves-single-seat", (1,), (7,))]
    dearer = {f"i{i}": {"category": "premium"} for i in range(4, 8)}
    assert advice(seating_of("x.mx", "....", **dearer)) == []


def test_a_selection_of_two_categories_is_replaced_by_as_many_of_each():
    premium = {f"i{i}": {"category": "premium"} for i in (0, 1, 2, 6, 7, 8)}
    assert advice(seating_of("x.mm..", "......", **premium)) == [("leaves-single-seat", (1,), (8, 9))]
    assert advice(seating_of("x.mm..", "......", i0={"category": "premium"}, i3={"category": "premium"})) == []


def test_a_wheelchair_or_companion_place_may_be_left_alone():
    assert advice(seating_of(".m....", i0={"kind": "wheelchair"})) == []
    assert advice(seating_of(".m....", i0={"kind": "companion"})) == []


def test_where_single_seats_are_allowed_nothing_is_said():
    assert advice(seating_of(".m....", rules=Rules(single_seats=False))) == []


def sofas(*pairs):
    return {f"i{a}": {"sofa": b} for pair in pairs for a, b in (pair, pair[::-1])}


def test_half_a_sofa_is_advised_against_while_its_other_half_is_free():
    assert advice(seating_of("..m.x.", **sofas((2, 3)))) == [
        ("half-a-sofa", (2,), (0,)),
        ("leaves-single-seat", (3,), (0,)),
    ]
    assert advice(seating_of("x.mxxx", **sofas((2, 3)))) == []
    assert advice(seating_of("..mmxx", **sofas((2, 3)))) == []


def test_two_halves_become_one_sofa():
    assert advice(seating_of(".mm.", **sofas((0, 1), (2, 3)))) == [
        ("half-a-sofa", (1, 2), (0, 1)),
        ("leaves-single-seat", (0, 3), (0, 1)),
    ]


def test_a_party_of_three_among_sofas_only_may_take_a_half():
    assert advice(seating_of("mmm.", **sofas((0, 1), (2, 3)))) == []


def test_a_companion_place_needs_its_wheelchair_place_until_it_sells_to_all():
    places = {"i0": {"kind": "wheelchair"}, "i1": {"kind": "companion", "companion_of": 0}}
    assert advice(seating_of(".m....", **places)) == [("companion-alone", (1,), (2,))]
    assert advice(seating_of("mm....", **places)) == []
    assert advice(seating_of(".m....", rules=Rules(places=frozenset({0})), **places)) == []
    assert advice(seating_of(".m....", rules=Rules(companions=False), **places)) == []
    assert advice(seating_of("m.....", **places)) == []
    assert advice(seating_of(".mxxxx", **places)) == []  # there is no ordinary seat to send anybody to


def test_several_rules_at_once_are_in_the_order_of_refusals_with_one_suggestion():
    places = {"i0": {"kind": "wheelchair"}, "i1": {"kind": "companion", "companion_of": 0}, **sofas((3, 4))}
    found = advice(seating_of(".m.m.....", **places))
    assert [kind for kind, _, _ in found] == ["companion-alone", "half-a-sofa"]
    assert len({suggestion for _, _, suggestion in found}) == 1
