"""What is offered in place of a selection that lost a race."""

from dataclasses import replace

from booking.seats.choice.replacement import replace_lost
from tests.booking.seats.choice.test_advice import seating_of


def test_what_is_not_lost_stays_in_a_block_also_when_another_row_is_nearer():
    assert replace_lost(seating_of("....xxx", "......."), (3, 4, 5, 6), (4, 5, 6)) == (0, 1, 2, 3)
    assert replace_lost(seating_of("..xx...", "......."), (2, 3), (2, 3)) == (9, 10)


def test_all_move_when_they_could_not_sit_together_otherwise():
    assert replace_lost(seating_of("xx.x..", "......"), (2, 3), (3,)) == (8, 9)


def test_seats_apart_stay_apart_and_only_what_is_lost_moves():
    assert replace_lost(seating_of("..x....."), (0, 2, 6), (2,)) in ((0, 1, 6), (0, 3, 6))


def test_who_cannot_sit_together_any_more_is_offered_seats_apart():
    assert replace_lost(seating_of(".x.x"), (0, 1), (1,)) == (0, 2)


def test_a_seat_that_is_being_taken_at_this_moment_is_not_offered():
    seating = seating_of("...")
    assert replace_lost(replace(seating, away=frozenset({1})), (1,), (1,)) == (0,)
    assert replace_lost(replace(seating, away=frozenset({0, 1})), (1,), (1,)) == (2,)


def test_only_seats_of_the_same_category_and_kind_replace_what_is_lost():
    premium = {f"i{i}": {"category": "premium"} for i in range(1, 4)}
    assert replace_lost(seating_of("x...", **premium), (0,), (0,)) == ()
    assert replace_lost(seating_of("x..", i1={"kind": "wheelchair"}), (0,), (0,)) == (2,)
    assert replace_lost(seating_of("xxx"), (0,), (0,)) == ()
