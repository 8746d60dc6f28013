"""`decide` compared with a small model on generated situations, without a database."""

import time
from pathlib import Path
from random import Random
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from booking import locks
from tests.booking.model.lock_model import N_BYTES, World, expect, outcome_of
from tests.report import report

SITUATIONS = 20_000


def test_decide_does_what_the_model_says_in_every_situation():
    seen, begun = {}, time.perf_counter()

    @settings(max_examples=SITUATIONS, database=None, deadline=None)
    @given(st.binary(min_size=N_BYTES, max_size=N_BYTES))
    def compare(drawn):
        world = World.from_bytes(drawn)
        expected = expect(world)
        seen[expected[0]] = seen.get(expected[0], 0) + 1
        assert outcome_of(locks.decide, world) == expected, world

    compare()
    assert sum(seen.values()) >= SITUATIONS
    assert len(seen) == 13 and min(seen.values()) >= 10, seen  # every outcome, and the rarest not by chance
    report("decide", f"{sum(seen.values()):,} situations without a database in {time.perf_counter() - begun:.0f} s")


MUTANTS = {
    "the tag is not compared": ("if situation.expected is not None and", "if False and"),
    "labels are looked at before the tag": (
        "    refuse_changed(situation, at)\n    if situation.unlockable:\n        raise situation.unlockable\n",
        "    if situation.unlockable:\n        raise situation.unlockable\n    refuse_changed(situation, at)\n",
    ),
    "labels that no seat has are not looked at": ("    if situation.unlockable:\n", "    if False:\n"),
    "the payment of one's own is not looked at": ("if own and own.status in Booking.PAYING:", "if False:"),
    "another wish is granted during a payment": ("if own.status == Booking.Status.RELEASING or", "if False and"),
    "sales are not looked at": ("    check_sales(showtime, at)\n", "    pass\n"),
    "a row that another transaction holds is not missed": ("if row is None or not row.seat", "if row and not row.seat"),
    "a locked seat may be taken": ("not row.seat.may_be_taken(at, by=mine)", "row.seat.status == SeatStatus.BOOKED"),
    "a lapsed lock goes on": ("    if own and own.is_live(at):\n        take", "    if own:\n        take"),
    "seats that are not requested stay locked": ("if seat.index not in indices]", "if False]"),
    "what others of the client have is not looked at": ("    if grows:\n        check", "    if False:\n        check"),
    "an exchange counts as growth": ("    if grows:\n        check", "    if True:\n        check"),
    "an open payment hides the limit": (
        "            check_client_seats(situation.others",
        "            dict(()",
    ),
    "a lapsed lock is no growth": ("(len(own_seats) if own and own.is_live(at) else 0)", "len(own_seats)"),
    "seats stay with the client that asked first": ("situation.hashes if grows else", "None if False else"),
    "a payment that is being ended counts as taken": ("if row is None or not row.is_being_released]", "if True]"),
}  # fmt: skip


@pytest.mark.parametrize("mutant", MUTANTS)
def test_one_wrong_line_is_found(mutant):
    line, broken = MUTANTS[mutant]
    text = Path(locks.__file__).read_text()
    assert text.count(line) == 1, line
    module = ModuleType("booking.locks")
    module.__file__ = locks.__file__
    exec(compile(text.replace(line, broken), locks.__file__, "exec"), module.__dict__)
    dice = Random(mutant)
    worlds = (World.from_bytes(dice.randbytes(N_BYTES)) for _ in range(SITUATIONS))
    assert any(differs(module.decide, world) for world in worlds)


def differs(decide, world):
    try:
        return outcome_of(decide, world) != expect(world)
    except (AssertionError, AttributeError, KeyError):
        return True
