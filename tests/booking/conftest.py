"""Two visitors, alice and bob, one showtime and one moment.

Models are imported when a fixture runs: this file is read before Django has its settings.
"""

import uuid
from datetime import UTC, datetime

import pytest


@pytest.fixture
def now():
    return datetime.now(UTC)


@pytest.fixture
def showtime(now):
    from bench.support.factories import make_showtime

    return make_showtime(at=now)


@pytest.fixture
def alice():
    return uuid.uuid4()


@pytest.fixture
def bob():
    return uuid.uuid4()
