"""The one table of what may happen to money, each row with its end, through the real webhook and the real library.

After a scenario the loop runs until nothing is due; then payment, booking, seats, refunds, mails, alerts and what
Stripe holds are compared, and the ledger must add up. No row may answer 500, send a mail twice or leave a promise.
"""

import pytest
from django.core import mail
from django.core.management import call_command

from booking.models import OutboxMessage
from payments.ledger_audit import find_differences
from tests.payments.scenarios import refunds, trouble  # noqa: F401 each registers its stories
from tests.payments.scenarios.events import ROWS
from tests.payments.scenarios.stories import STORIES
from tests.payments.scenarios.world import World
from tests.report import report

pytestmark = pytest.mark.django_db(transaction=True)

SCENARIOS = [*STORIES, *ROWS]


@pytest.fixture(scope="module")
def open_house(django_db_setup, django_db_blocker):
    """A hall; and real transactions without emptying the database after each row, which has its own showtime."""
    from bench.support.factories import make_plan

    with django_db_blocker.unblock():
        yield make_plan(rows=2, per_row=3)
        differences = find_differences()
        call_command("flush", verbosity=0, interactive=False)
    assert differences == []


@pytest.fixture
def _django_db_helper(open_house):
    """pytest-django's own, which would empty every table after each row."""


@pytest.fixture
def world(stripe, settings, open_house):
    world = World(stripe, settings, open_house)
    yield world
    world.close()


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_money_ends_where_the_table_says(scenario, world):
    scenario.live(world)
    world.run(rounds=2)
    assert world.end() == scenario.end
    assert not OutboxMessage.objects.exclude(state="done").exists()
    assert len(mail.outbox) == len(scenario.end.mails.split())
    if world.is_settled():
        assert world.ledger_sum() == world.held()
    if scenario in STORIES:  # for the others once, at the end of all: it reads everything
        assert find_differences() == []


def test_the_table_is_reported():
    assert len(STORIES) >= 45 and len({str(scenario) for scenario in SCENARIOS}) == len(SCENARIOS)
    report("money scenarios", f"{len(STORIES)} stories and {len(ROWS)} variants of events, on SQLite and on PostgreSQL")
