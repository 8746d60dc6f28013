"""A state machine drives every use case against a small model of a house, and checks everything after each step."""

import pytest
from django.db import connection
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.booking.model.seat_model import HouseMachine, steps
from tests.report import report


@pytest.mark.django_db(transaction=True)
def test_every_use_case_keeps_every_promise(settings_off_limits):
    steps["count"] = 0
    run_state_machine_as_test(
        HouseMachine,
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
def settings_off_limits(settings):
    settings.RATE_LIMITS = False
