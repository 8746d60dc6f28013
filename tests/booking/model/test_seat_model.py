"""A state machine runs every use case beside a small model of the seats, and checks everything after each step."""

import pytest
from django.db import connection
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.booking.model.seat_model import SeatMachine, steps
from tests.report import report


@pytest.mark.django_db(transaction=True)
def test_every_use_case_keeps_every_invariant(without_rate_limits):
    steps["count"] = 0
    run_state_machine_as_test(
        SeatMachine,
        settings=settings(
            max_examples=25,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
            derandomize=False,
        ),
    )
    assert steps["count"] > 500
    report("model", f"{steps['count']} steps of every use case on {connection.vendor}, all invariants after each")


@pytest.fixture
def without_rate_limits(settings):
    settings.RATE_LIMITS = False
