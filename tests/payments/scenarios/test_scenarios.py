"""The table of what may happen to money, each row with its end, through the real webhook and the real library.

After a scenario the loop runs until nothing is due; then payment, booking, seats, refunds, mails, alerts and Stripe's
balance are compared, and the ledger's check must find no difference. No row may answer 500, send a mail twice or leave
an outbox message.
"""

import pytest
from django.core import mail
from django.core.management import call_command

from booking.models import OutboxMessage
from payments.ledger_audit import find_differences
from tests.payments.scenarios import payments, refunds  # noqa: F401 each registers its scenarios
from tests.payments.scenarios.events import ROWS
from tests.payments.scenarios.scenario import SCENARIOS
from tests.payments.scenarios.world import World
from tests.report import report

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def seating_plan(django_db_setup, django_db_blocker):
    """A plan; real transactions, and the database is not emptied after each row, which has its own showtime."""
    from bench.support.factories import make_plan

    with django_db_blocker.unblock():
        yield make_plan(rows=2, per_row=3)
        differences = find_differences()
        call_command("flush", verbosity=0, interactive=False)
    assert differences == []


@pytest.fixture
def _django_db_helper(seating_plan):
    """Replaces pytest-django's fixture, which would empty every table after each row."""


@pytest.fixture
def world(stripe, settings, seating_plan):
    world = World(stripe, settings, seating_plan)
    yield world
    world.close()


@pytest.mark.parametrize("scenario", [*SCENARIOS, *ROWS], ids=str)
def test_money_ends_where_the_table_says(scenario, world):
    scenario.play(world)
    world.run(rounds=2)
    assert world.end() == scenario.end
    assert not OutboxMessage.objects.exclude(state="done").exists()
    assert len(mail.outbox) == len(scenario.end.mails.split())
    if world.is_settled():
        assert world.ledger_sum() == world.balance()
    if scenario in SCENARIOS:  # for the rows once, at the end of the module: it reads everything
        assert find_differences() == []


def test_the_table_is_reported():
    names = {str(scenario) for scenario in (*SCENARIOS, *ROWS)}
    assert len(SCENARIOS) >= 45 and len(names) == len(SCENARIOS) + len(ROWS)
    report("money scenarios", f"{len(SCENARIOS)} scenarios and {len(ROWS)} variants of events, on both databases")
