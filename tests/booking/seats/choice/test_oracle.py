"""Best available, the seating rules and replacements agree with brute force in random halls."""

from collections import Counter

from tests.booking.seats.choice.check_halls import check_one
from tests.booking.seats.choice.halls import new_rng
from tests.report import report

HALLS = 300


def test_random_halls_agree_with_brute_force():
    rng, _ = new_rng()
    counts = Counter()
    for _ in range(HALLS):
        counts.update(check_one(rng.getrandbits(48)))
    report("choice", f"{HALLS} random halls agree with brute force: {dict(counts)}")
    assert min(counts.values()) > 10, counts
