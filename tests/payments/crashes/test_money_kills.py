"""A tenth of `make soak`: random kills of web process and worker while buyers pay, and nothing is lost."""

import pytest

from tests.report import report
from tests.soak.money_kills import kill_many


@pytest.mark.server
@pytest.mark.django_db(transaction=True)
def test_twenty_random_kills_lose_no_money_no_seat_and_no_mail(tmp_path):
    from django.db import connection

    from tests.payments.crashes.crashing_process import address
    from tests.payments.stripe.stand_in import StripeStandIn

    with StripeStandIn() as stripe:
        found = address(connection.settings_dict)
        report("money", kill_many(20, database=found, folder=tmp_path, stripe=stripe, seed=20))
