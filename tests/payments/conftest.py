"""Fixtures: a buyer with two locked seats, Stripe's stand-in, and the ledger's check after a test.

Models are imported inside of fixtures: Django's settings are configured after this file.
"""

import pytest

from tests.payments.stripe.stand_in import KEY, SECRET, StripeStandIn


@pytest.fixture(scope="session")
def _stripe_server():
    with StripeStandIn() as server:
        yield server


@pytest.fixture
def stripe(_stripe_server, settings):
    """The product as with Stripe's keys set, and Stripe's stand-in."""
    settings.PAYMENTS, settings.DEMO_PAYMENTS = "stripe", False
    settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE = KEY, _stripe_server.url
    settings.STRIPE_WEBHOOK_SECRETS = [SECRET]
    _stripe_server.forget()
    _stripe_server.faults.clear()
    _stripe_server.calls.clear()
    _stripe_server.ahead, _stripe_server.refund_status = 0.0, "succeeded"
    _stripe_server.deliver_nowhere()
    return _stripe_server


@pytest.fixture
def sale(transactional_db):
    """Alice's two seats, locked."""
    from bench.support.factories import make_showtime, new_visitor
    from tests.payments.sales import Sale

    return Sale(make_showtime(), new_visitor(), ("A1", "A2")).lock()


@pytest.fixture
def open_sale(stripe, sale):
    """Alice's sale with an open payment at Stripe's stand-in."""
    sale.start()
    sale.session = sale.payment.session_id
    return sale


@pytest.fixture
def bob(sale):
    """A competing sale of the same seats."""
    from bench.support.factories import new_visitor
    from tests.payments.sales import Sale

    return Sale(sale.showtime, new_visitor(), sale.labels)


@pytest.fixture
def alice():
    """A visitor."""
    from bench.support.factories import new_visitor

    return new_visitor()


@pytest.fixture
def showtime(db):
    from bench.support.factories import make_movie, make_showtime

    return make_showtime(movie=make_movie("The Long Night"))


@pytest.fixture
def booking(showtime, alice):
    """Alice's confirmed booking of three seats."""
    from tests.payments.visits import buy

    return buy(showtime, alice)


@pytest.fixture
def buyer(client, alice):
    """Alice's browser."""
    from tests.payments.visits import be

    return be(client, alice)


@pytest.fixture
def staff(client):
    """The browser of a member of staff, ines@example.com."""
    from bench.support.factories import make_user

    client.force_login(make_user("ines@example.com", staff=True))
    return client


@pytest.fixture
def adds_up(transactional_db, settings):
    """At the end of the test, before the tables are emptied, the ledger's check finds no difference."""
    from payments.ledger_audit import find_differences

    settings.RATE_LIMITS = False
    yield
    assert find_differences(recheck_after=0) == []
