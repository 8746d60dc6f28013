"""Sections `choice…` of `make soak`: random halls against brute force, and suggestions taken by real requests."""

import random
from collections import Counter


def many(n):
    """Compare `n` halls. Raises AssertionError with the seed of the first that disagrees."""
    from tests.booking.seats.choice.check_halls import check_one

    counts = Counter()
    for seed in random.SystemRandom().sample(range(2**48), n):
        counts.update(check_one(seed))
    return f"{n} random halls agree with brute force: {dict(counts)}"


def granted(n):
    """Take `n` suggestions and `n` alternatives by real requests, on the database of Django's settings."""
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection

    from tests.booking.seats.choice.check_granted import check_granted

    call_command("migrate", verbosity=0)
    settings.ALLOWED_HOSTS, settings.RATE_LIMITS = ["testserver"], False
    seed = random.SystemRandom().getrandbits(48)
    requests = check_granted(n, random.Random(seed))
    return f"{n} suggestions and {n} alternatives granted on {connection.vendor}, of {requests} requests (seed {seed})"
