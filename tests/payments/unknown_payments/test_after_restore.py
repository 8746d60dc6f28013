"""A backup is restored: `reconcile_after_restore` ends, refunds and names what only Stripe still knows."""

import os
import re
import time
from datetime import timedelta
from io import StringIO

import pytest
from django.core import mail
from django.core.mail import EmailMessage
from django.core.management import CommandError, call_command
from django.utils import timezone

from booking.mail.files import EmlFileBackend
from booking.models import Booking, Ticket
from booking.tickets.codes import find_ticket, ticket_code
from payments.ledger import BUYER
from payments.models import MoneyAlert, Payment, Refund
from payments.refunds import cancel_booking
from tests.payments.sales import at_once, post, run_loop
from tests.payments.stripe.rules import ApiError
from tests.restoring import backup

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.sqlite_only, pytest.mark.usefixtures("adds_up")]


@pytest.fixture
def restore(stripe, sale, tmp_path):
    """Brings the database back to the moment at which Alice had locked her seats."""
    with backup(tmp_path) as restore:
        yield restore


def reconcile(*options, since=None):
    out = StringIO()
    since = since or (timezone.now() - timedelta(minutes=5)).isoformat()
    call_command("reconcile_after_restore", "--since", since, *options, stdout=out)
    return out.getvalue()


def pay(stripe, sale):
    """The sale is paid at Stripe, and its event has come. Returns the session."""
    session = stripe.pay(sale.payment.session_id)
    assert post(stripe.event("checkout.session.completed", session)).content == b"confirmed\n"
    return session


def open_alerts():
    return sorted(MoneyAlert.objects.filter(closed_at=None).values_list("text", flat=True))


def test_what_was_paid_since_goes_back_once_and_its_buyer_is_named(stripe, sale, restore):
    sale.start()
    session, reference = pay(stripe, sale), sale.booking.reference
    restore()
    assert not Payment.objects.exists()
    said = reconcile()
    assert re.search(rf"payment of {reference}, £23 +unknown, paid +paid, £23 given back \(re_\w+\)", said)
    assert re.search(rf"tickets that open no door.*\n  {reference}  alice@example.com  £23\n", said)
    [refund] = stripe.refunds.values()
    assert (refund["amount"], refund["payment_intent"]) == (2300, session["payment_intent"])
    [alert] = open_alerts()
    assert reference in alert and "went back to the buyer" in alert and "Write to the buyer" in alert
    assert "alice@example.com" not in alert, "alerts are logged"
    again = reconcile()
    assert "paid, given back before" in again and len(stripe.refunds) == 1 and open_alerts() == [alert]


def test_a_dry_run_says_the_same_and_changes_nothing(stripe, sale, restore):
    sale.start()
    pay(stripe, sale)
    reference = sale.booking.reference
    restore()
    stripe.calls.clear()
    said = reconcile("--dry-run")
    assert reference in said and "alice@example.com" in said and "nothing was done" in said
    assert not stripe.refunds and not MoneyAlert.objects.exists()
    assert {call[0] for call in stripe.calls} == {"GET"}


def test_an_open_session_is_ended_so_that_nobody_pays_it_any_more(stripe, sale, restore):
    sale.start()
    session = sale.payment.session_id
    restore()
    assert "ended, nothing was paid" in reconcile()
    assert stripe.sessions[session]["status"] == "expired" and open_alerts() == []


def test_one_that_is_paid_while_it_is_being_ended_goes_back(stripe, sale, restore):
    sale.start()
    session = sale.payment.session_id
    restore()
    real = stripe.expire_session

    def pay_first(found):
        stripe.pay(session)
        return real(found)

    stripe.expire_session = pay_first
    try:
        assert "paid, £23 given back" in reconcile()
    finally:
        del stripe.expire_session
    assert [refund["amount"] for refund in stripe.refunds.values()] == [2300]


def test_what_went_back_in_part_before_the_restore_is_completed(stripe, sale, restore):
    sale.start()
    pay(stripe, sale)
    cancel_booking(booking_id=sale.booking.pk, labels=["A1"], by=BUYER, at=timezone.now())
    run_loop(rounds=1)
    restore()
    assert "£11.50 given back" in reconcile()
    assert sorted(refund["amount"] for refund in stripe.refunds.values()) == [1150, 1150]


def test_two_runs_at_once_give_back_once(stripe, sale, restore):
    sale.start()
    pay(stripe, sale)
    restore()
    results = at_once(reconcile, reconcile)
    assert all(isinstance(each, str) for each in results), results
    assert [refund["amount"] for refund in stripe.refunds.values()] == [2300]


def test_money_that_cannot_go_back_is_an_alert(stripe, sale, restore):
    sale.start()
    session = pay(stripe, sale)
    stripe.dispute(session["id"])
    restore()
    assert "not given back" in reconcile()
    [alert] = open_alerts()
    assert "could not be given back" in alert and session["payment_intent"] in alert


def test_a_bank_that_has_not_decided_is_said(stripe, sale, restore):
    sale.start()
    stripe.finish_unpaid(sale.payment.session_id)
    restore()
    assert "the bank has not decided" in reconcile() and not stripe.refunds


def test_hundreds_of_sessions_are_all_looked_at(stripe, sale, restore):
    for i in range(230):
        stripe.create_session(a_session(f"BBB-BBB-{i:03}".replace("0", "B").replace("1", "C"), f"{i:032x}"))
    stripe.calls.clear()
    assert "230 sessions at the gateway, 230 of them not in the database" in reconcile("--dry-run")
    assert len(stripe.calls) == 3


@pytest.mark.parametrize(
    "change",
    [
        {"success_url": "https://tests.example.com/payments/return/BBB-BBB-BBB/?session=x"},
        {"success_url": "http://testserver/thanks/"},
        {"success_url": "http://[/payments/return/BBB-BBB-BBB/"},
        {"metadata": {}},
        {"metadata": {"payment": "pay_" + "0" * 32, "reference": "a b"}},
    ],
)
def test_sessions_of_other_shops_in_the_same_account_are_left_alone(stripe, sale, restore, change):
    session = stripe.create_session(a_session("BBB-BBB-BBB", "0" * 32))
    session |= change
    paid = stripe.pay(session["id"])
    assert "1 sessions at the gateway, 0 of them not in the database" in reconcile()
    assert not stripe.refunds and open_alerts() == []
    assert post(stripe.event("checkout.session.completed", paid)).content == b"unknown\n" and open_alerts() == []


def test_without_a_named_host_no_session_is_known_to_be_ours_and_nothing_goes_back(stripe, sale, restore, settings):
    sale.start()
    pay(stripe, sale)["success_url"] = f"https://other.example.org/payments/return/{sale.booking.reference}/"
    restore()
    settings.ALLOWED_HOSTS = ["*"]
    assert "nothing was done" in reconcile("--dry-run")
    with pytest.raises(CommandError, match="Name the hosts"):
        reconcile()
    assert not stripe.refunds


def test_a_booking_of_before_is_confirmed_anew_and_named(stripe, sale, tmp_path):
    sale.start()
    with backup(tmp_path) as restore:
        pay(stripe, sale)
        run_loop(rounds=1)
        old = [ticket_code(ticket) for ticket in sale.booking.tickets.all()]
        restore()
    assert sale.booking.status == "checkout"
    Payment.objects.update(created_at=timezone.now() - timedelta(minutes=3))
    said = reconcile()
    assert sale.booking.status == "confirmed" and not stripe.refunds
    assert "These are confirmed anew and get a new mail; the codes of an earlier one open no door:\n  " in said
    assert f"{sale.booking.reference}  alice@example.com" in said
    for code in old:
        with pytest.raises(ValueError, match="not one of our tickets"):
            find_ticket(code)
    run_loop(rounds=1)
    first, second = [each.extra_headers["Message-ID"] for each in mail.outbox]
    assert first != second, "mail programs would hide the second"


def test_refunds_made_since_are_recorded_and_not_made_again(stripe, sale, tmp_path):
    sale.start()
    pay(stripe, sale)
    with backup(tmp_path) as restore:
        cancel_booking(booking_id=sale.booking.pk, labels=["A1"], by=BUYER, at=timezone.now())
        run_loop(rounds=1)
        [made] = stripe.refunds
        restore()
    assert not Refund.objects.exists() and sale.booking.tickets.filter(status="valid").count() == 2
    reconcile()
    assert [(each.refund_id, each.amount, each.status) for each in Refund.objects.all()] == [(made, 1150, "succeeded")]
    assert sale.booking.refunded == 1150 and "Its tickets stand as they were" in open_alerts()[0]
    stripe.forget_keys()  # a day has passed
    cancel_booking(booking_id=sale.booking.pk, labels=["A1"], by=BUYER, at=timezone.now())
    run_loop()
    assert list(stripe.refunds) == [made], "the same ticket is not paid back twice"
    assert any("gave it back before" in alert for alert in open_alerts())
    assert sale.booking.refunded == 1150


def test_the_refund_of_another_ticket_is_not_taken_for_this_one(stripe, sale, tmp_path):
    """After a restore the numbers of tickets move: the key of a refund must not follow them."""
    sale.start()
    session = sale.payment.session_id
    with backup(tmp_path) as restore:
        pay(stripe, sale)
        second = sale.booking.tickets.get(label="A2")
        cancel_booking(booking_id=sale.booking.pk, labels=["A2"], by=BUYER, at=timezone.now())
        run_loop(rounds=1)
        restore()
    other = Ticket(booking=sale.booking, seat=sale.showtime.seats.last(), label="Z", category="standard", price=1)
    other.save()  # another booking has taken a number meanwhile
    Ticket.objects.filter(pk=other.pk).delete()
    post(stripe.event("checkout.session.completed", stripe.sessions[session]))
    first = sale.booking.tickets.get(label="A1")
    assert first.pk == second.pk, "this test needs the number of the refunded ticket"
    cancel_booking(booking_id=sale.booking.pk, labels=["A1"], by=BUYER, at=timezone.now())
    run_loop(rounds=1)
    assert sorted(refund["amount"] for refund in stripe.refunds.values()) == [1150, 1150]
    assert Refund.objects.get(reason="buyer").status == "succeeded"
    reconcile()


def test_a_session_whose_id_was_never_stored_is_found_when_stripe_has_forgotten_the_key(stripe, sale, restore):
    sale.start()
    session = sale.payment.session_id
    sale.forget_session()
    stripe.pay(session)
    stripe.forget_keys()
    said = reconcile()
    assert re.search(rf"payment of {sale.booking.reference} +without a session +confirmed", said)
    assert sale.booking.status == "confirmed" and len(stripe.sessions) == 1


def test_the_mails_of_lost_bookings_are_named(stripe, sale, restore, settings, tmp_path):
    settings.DATA_DIR, settings.EMAIL_HOST = tmp_path, ""
    lost = {"X-Booking": "BBB-BBB-BBC"}
    known = {"X-Booking": Booking.objects.get().reference}
    EmlFileBackend().send_messages(
        [EmailMessage("Your tickets", "text", to=["bob@example.com"], headers=headers) for headers in (lost, known, {})]
    )
    for file in (tmp_path / "mail").iterdir():
        os.utime(file, (time.time(), time.time()))  # by the clock of the test
    assert "bookings that are not in the database:\n  BBB-BBB-BBC  bob@example.com  Your tickets\n" in reconcile()


def test_a_gateway_that_does_not_answer_changes_nothing(stripe, sale, restore):
    sale.start()
    pay(stripe, sale)
    restore()
    stripe.fault("429", "/sessions", times=10)
    with pytest.raises(CommandError, match=r"does not list its sessions.*Nothing was changed"):
        reconcile()
    stripe.clear_faults()
    stripe.fault("drop", "/refunds", times=10)
    with pytest.raises(CommandError, match="Some questions got no answer"):
        reconcile()
    stripe.clear_faults()
    assert not stripe.refunds and "given back" in reconcile()


def test_an_answer_that_is_lost_after_the_refund_gives_nothing_back_twice(stripe, sale, restore, monkeypatch):
    sale.start()
    pay(stripe, sale)
    restore()
    real = stripe.create_refund

    def make_and_fail(given):
        real(given)
        raise ApiError(500, "after the effect", kind="api_error")

    monkeypatch.setattr(stripe, "create_refund", make_and_fail)
    with pytest.raises(CommandError, match="no answer"):
        reconcile()
    monkeypatch.undo()
    stripe.forget_keys()
    assert "given back before" in reconcile()
    assert [refund["amount"] for refund in stripe.refunds.values()] == [2300]


def test_a_bad_instant_is_a_sentence(stripe, sale):
    with pytest.raises(CommandError, match="invalid read_instant value"):
        reconcile(since="yesterday")
    with pytest.raises(CommandError, match="lies in the future"):
        reconcile(since=(timezone.now() + timedelta(days=1)).isoformat())


def test_the_demo_says_that_nobody_else_knows_of_any(sale, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    said = reconcile()
    assert "Demo payments are kept in the same database" in said and "0 sessions" in said


def a_session(reference, number):
    """The parameters of a session of this shop, as the API takes them."""
    metadata = {"payment": f"pay_{number}", "reference": reference}
    price = {"currency": "gbp", "unit_amount": "1000", "product_data": {"name": "Seat"}}
    return {
        "mode": "payment",
        "line_items": {"0": {"quantity": "1", "price_data": price}},
        "client_reference_id": reference,
        "metadata": metadata,
        "customer_email": "carol@example.com",
        "success_url": f"http://testserver/payments/return/{reference}/?session=x",
    }
