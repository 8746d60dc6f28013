"""Best available: what is nearest, what is never offered, how many who ask at once are spread."""

import random
from collections import Counter

from booking.seats.choice.best import Ask, best_block, best_split
from tests.booking.seats.choice.test_advice import seating_of, sofas

RNG = random.Random(1)


def picks(seating, ask, times=200):
    return Counter(tuple(best_block(seating, ask, RNG) or ()) for _ in range(times))


def test_the_block_nearest_to_the_focal_point_or_to_a_seat_wins():
    seating = seating_of("......", "......")  # the focal point is at the first seat
    assert set(picks(seating, Ask(3))) == {(0, 1, 2)}
    assert set(picks(seating, Ask(2, near=11))) == {(10, 11)}


def test_ties_are_broken_at_random():
    counts = picks(seating_of("......."), Ask(1, near=3))
    assert set(counts) == {(3,)}
    counts = picks(seating_of("...m..."), Ask(2, near=3))  # what is mine is free for another selection
    assert set(counts) == {(2, 3), (3, 4)}
    assert min(counts.values()) > 40


def test_a_wheelchair_place_is_offered_only_where_it_is_asked_for_and_then_always():
    places = {"i0": {"kind": "wheelchair"}, "i1": {"kind": "companion", "companion_of": 0}}
    seating = seating_of("......", **places)
    assert set(picks(seating, Ask(2))) == {(2, 3)}
    assert set(picks(seating, Ask(2, step_free=True))) == {(0, 1)}
    assert set(picks(seating, Ask(1, step_free=True))) == {(0,)}
    assert best_block(seating_of("x.....", **places), Ask(1, step_free=True), RNG) is None
    assert best_split(seating_of("x.....", **places), Ask(1, step_free=True)) is None


def test_no_half_sofa_while_the_hall_has_other_seats():
    pairs = sofas((0, 1), (2, 3))
    assert set(picks(seating_of("....", "....", **pairs), Ask(1))) == {(4,)}
    assert set(picks(seating_of("....", **pairs), Ask(1))) == {(0,)}


def test_a_party_that_cannot_sit_together_is_split_evenly():
    seating = seating_of("..xx", "..xx", "...x")
    assert best_block(seating, Ask(4), RNG) is None
    found = best_split(seating, Ask(4))
    assert found == [0, 1, 4, 5]
    assert best_split(seating, Ask(7)) == [0, 1, 4, 5, 8, 9, 10]
    assert best_split(seating, Ask(8)) is None


def test_while_selections_are_lost_visitors_are_sent_to_blocks_without_a_common_seat():
    seating = seating_of("........", "........", "........")
    assert len(picks(seating, Ask(2))) == 1
    found = picks(seating, Ask(2, spread=6), times=600)
    assert len(found) == 6
    assert min(found.values()) > 50
    assert len({seat for block in found for seat in block}) == 12
