"""`make soak ONLY=choice`: thousands of random halls against brute force (`tests.booking.seats.choice.oracle`)."""

import random
from collections import Counter


def many(n):
    """Compare `n` halls. Raises AssertionError with the seed of the first that disagrees."""
    from tests.booking.seats.choice.check_halls import check_one

    counts = Counter()
    for seed in random.SystemRandom().sample(range(2**48), n):
        counts.update(check_one(seed))
    return f"{n} random halls agree with brute force: {dict(counts)}"
