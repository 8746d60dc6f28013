"""A payment that the database does not know is discovered without a person: by its event, or by the loop."""

import pytest
from django.utils import timezone

from payments.models import MoneyAlert, Payment
from payments.reconciliation import reconcile_all
from tests.payments.sales import post

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def lost(stripe, sale):
    """A session of this shop whose payment is not in the database. Its row is deleted by hand."""
    sale.start()
    session = sale.payment.session_id
    Payment.objects.all()._raw_delete("default")
    return session


@pytest.fixture(autouse=True)
def _without_ledger(monkeypatch):
    """A deleted row leaves its ledger entries, which a restore would not: let none be written."""
    monkeypatch.setattr("payments.ledger.record", lambda **entry: None)


def alerts():
    return list(MoneyAlert.objects.values_list("kind", "booking", "closed_at"))


def test_its_event_raises_an_alert_once(stripe, lost):
    paid = stripe.pay(lost)
    body = stripe.event("checkout.session.completed", paid)
    answer = post(body)
    assert (answer.status_code, answer.content) == (200, b"alerted\n")
    assert alerts() == [("unknown-payment", None, None)]
    text = MoneyAlert.objects.get().text
    assert paid["client_reference_id"] in text and "£23" in text and "reconcile_after_restore" in text
    assert post(body).content == b"duplicate\n"
    assert post(stripe.event("checkout.session.completed", paid)).status_code == 200 and len(alerts()) == 1


def test_so_does_the_event_of_a_delayed_payment_and_not_that_of_an_unpaid_one(stripe, lost):
    waiting = stripe.finish_unpaid(lost)
    assert post(stripe.event("checkout.session.completed", waiting)).content == b"unknown\n" and alerts() == []
    paid = stripe.finish_later(lost)
    assert post(stripe.event("checkout.session.async_payment_succeeded", paid)).content == b"alerted\n"
    assert len(alerts()) == 1


def test_the_loop_finds_it_too_and_says_so_once(stripe, lost):
    stripe.pay(lost)
    assert [found.after for found in reconcile_all(at=timezone.now()).changes] == ["alert raised"]
    assert reconcile_all(at=timezone.now()).changes == [] and len(alerts()) == 1
    assert not stripe.refunds, "money goes back only when a person says so"


def test_the_alert_is_on_the_page_of_money(stripe, lost, staff):
    post(stripe.event("checkout.session.completed", stripe.pay(lost)))
    assert MoneyAlert.objects.get().text.split(" (")[0] in staff.get("/staff/money/").content.decode()
