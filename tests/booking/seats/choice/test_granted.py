"""Each suggestion and each alternative is granted by a real request; a suggestion then carries no advice."""

import pytest

from tests.booking.seats.choice.check_granted import check_granted
from tests.booking.seats.choice.halls import new_rng
from tests.report import report

pytestmark = pytest.mark.django_db

TIMES = 30


def test_each_suggestion_and_each_alternative_is_granted(settings):
    settings.RATE_LIMITS, settings.SINGLE_SEATS = False, "refuse"
    rng, seed = new_rng()
    requests = check_granted(TIMES, rng)
    report("choice", f"{TIMES} suggestions and {TIMES} alternatives granted, of {requests} requests (seed {seed})")
