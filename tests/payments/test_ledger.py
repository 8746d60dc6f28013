"""The ledger: what each step writes, that no entry is changed, and that the check names every planted fault."""

import importlib
import io
import re
from datetime import timedelta

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.urls import reverse
from django.utils import timezone

from bench.support.factories import make_showtime, new_visitor
from booking.models import Booking, ShowtimeSeat, Ticket
from cinema.models import Showtime
from payments import ledger, ledger_audit
from payments.ledger import BUYER
from payments.ledger_audit import find_differences
from payments.models import AppendOnly, LedgerEntry, MoneyAlert, Payment, Refund, RefundSeat
from tests.payments.money import (
    STAFF,
    buy,
    cancel,
    refunds,
    state,
)
from tests.payments.sales import Sale, lock_ends, post, run_loop
from tests.report import report

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("adds_up")]


def entries(booking):
    found = LedgerEntry.objects.filter(booking=booking)
    return list(found.values_list("kind", "amount", "before", "after", "actor"))


def start(stripe):
    sale = Sale(make_showtime(), new_visitor(), ("A1", "A2")).lock()
    sale.start()
    return sale


# ---- What each step writes -------------------------------------------------------------------------------------------


def test_every_step_of_a_sale_and_its_refund_is_recorded(stripe):
    sale = start(stripe)
    body = stripe.event("checkout.session.completed", stripe.pay(sale.payment.session_id), id="evt_paid")
    for _ in range(2):
        assert post(body).status_code == 200
    cancel(sale, "A2", by=BUYER)
    run_loop()
    assert entries(sale.booking) == [
        ("payment.created", 0, "", "created", "buyer"),
        ("payment.opened", 0, "created", "open", "stripe"),
        ("payment.paid", 2300, "open", "paid", "stripe"),
        ("refund.requested", 0, "", "requested", "buyer"),
        ("refund.succeeded", -1150, "requested", "succeeded", "stripe"),
    ]
    paid, back = LedgerEntry.objects.filter(booking=sale.booking).exclude(amount=0)
    assert (paid.gateway_id, paid.event_id) == (sale.payment.payment_intent, "evt_paid")
    assert (back.gateway_id, back.refund) == (refunds(sale)[0].refund_id, refunds(sale)[0])
    assert {paid.currency, back.currency} == {"GBP"}


def test_a_payment_that_ends_without_money_is_recorded(stripe, settings):
    declined = start(stripe)
    assert post(stripe.event("payment_intent.payment_failed", stripe.decline(declined.payment.session_id)))
    run_loop()
    assert entries(declined.booking)[2:] == [
        ("payment.declined", 0, "open", "", "stripe"),
        ("payment.expired", 0, "open", "expired", "stripe"),
    ]
    delayed = start(stripe)
    post(stripe.event("checkout.session.completed", stripe.finish_unpaid(delayed.payment.session_id)))
    failed = stripe.finish_later(delayed.payment.session_id, paid=False)
    post(stripe.event("checkout.session.async_payment_failed", failed))
    assert [line[0] for line in entries(delayed.booking)[2:]] == ["payment.processing", "payment.failed"]


def test_an_abandoned_payment_and_one_with_a_wrong_amount_raise_alerts(stripe):
    lost = start(stripe)
    stripe.fault("drop", times=10_000)
    run_loop(after=lock_ends(), rounds=1)
    run_loop(after=timedelta(minutes=45), rounds=1)
    stripe.clear_faults()
    assert entries(lost.booking)[-1] == ("payment.abandoned", 0, "open", "expired", "system")
    assert MoneyAlert.objects.get(booking=lost.booking).kind == "no-verdict"
    wrong = start(stripe)
    paid = stripe.pay(wrong.payment.session_id) | {"amount_total": 2299}
    for _ in range(2):
        post(stripe.event("checkout.session.completed", paid))
    assert [line[:2] for line in entries(wrong.booking)[2:]] == [
        ("payment.paid", 2299),
        ("payment.mismatch", 0),
        ("refund.requested", 0),
    ]
    assert "£22.99" in MoneyAlert.objects.get(booking=wrong.booking).text
    run_loop()
    assert state(wrong) == ("refunded", 2299)


def test_money_in_another_currency_is_refunded_in_that_currency(stripe):
    sale = start(stripe)
    paid = stripe.pay(sale.payment.session_id) | {"currency": "usd"}
    post(stripe.event("checkout.session.completed", paid))
    run_loop()
    moved = LedgerEntry.objects.filter(booking=sale.booking).exclude(amount=0)
    assert list(moved.values_list("kind", "amount", "currency")) == [
        ("payment.paid", 2300, "USD"),
        ("refund.succeeded", -2300, "USD"),
    ]


def test_a_free_booking_has_one_entry():
    sale = buy("A1", showtime=make_showtime(prices={"standard": 0, "premium": 0}))
    assert entries(sale.booking) == [("payment.created", 0, "", "paid", "buyer")]


# ---- Append-only -----------------------------------------------------------------------------------------------------


def test_an_entry_cannot_be_changed_or_deleted_through_the_models():
    sale = buy("A1")
    line = sale.booking.ledger.last()
    line.amount = 1
    writes = [
        line.save,
        line.delete,
        lambda: LedgerEntry.objects.update(amount=1),
        lambda: LedgerEntry.objects.all().delete(),
        lambda: sale.booking.ledger.all().update(note="x"),
        lambda: sale.booking.ledger.filter(amount=0).delete(),
        lambda: LedgerEntry.objects.bulk_update([line], ["amount"]),
        lambda: LedgerEntry.objects.update_or_create(pk=line.pk, defaults={"amount": 1}),
        lambda: LedgerEntry.objects.bulk_create(
            [line], update_conflicts=True, update_fields=["amount"], unique_fields=["id"]
        ),
    ]
    before = list(LedgerEntry.objects.values())
    for write in writes:
        with pytest.raises(AppendOnly, match="write another one"):
            write()
    assert list(LedgerEntry.objects.values()) == before


def test_entries_and_alerts_need_the_transaction_of_their_step():
    sale = buy("A1")
    with pytest.raises(AssertionError):
        ledger.record(booking=sale.booking, kind="payment.paid", at=timezone.now())
    with pytest.raises(AssertionError):
        ledger.raise_alert(subject="x", kind="x", text="x", at=timezone.now())
    with pytest.raises(RuntimeError, match="killed"), transaction.atomic():
        ledger.record(booking=sale.booking, kind="payment.paid", amount=5, at=timezone.now())
        raise RuntimeError("killed")
    assert not LedgerEntry.objects.filter(amount=5).exists()


def test_an_alert_is_raised_once_per_subject_and_stays_closed():
    def call():
        with transaction.atomic():
            ledger.raise_alert(subject="odd:1", kind="odd", text="Look.", at=timezone.now())

    call()
    call()
    alert = MoneyAlert.objects.get()
    ledger.close_alert(alert_id=alert.pk, by=STAFF, resolution="Looked.", at=timezone.now())
    call()
    assert MoneyAlert.objects.get().closed_by == "staff:ines"


def test_the_admin_pages_of_money_are_read_only(stripe, client):
    sale = buy("A1", "A2", stripe=stripe)
    cancel(sale, "A1")
    stripe.refund_status = "failed"
    run_loop()
    client.force_login(get_user_model().objects.create_superuser("boss@example.com", "boss@example.com", "x"))
    for model in (LedgerEntry, MoneyAlert, Refund, Payment):
        name = f"admin:payments_{model._meta.model_name}"
        row = model.objects.latest("pk")
        assert client.get(reverse(f"{name}_changelist")).status_code == 200
        page = client.get(reverse(f"{name}_change", args=[row.pk])).content.decode()
        assert sale.booking.reference in page and "_save" not in page
        assert client.post(reverse(f"{name}_change", args=[row.pk]), {}).status_code == 403
        assert client.post(reverse(f"{name}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403


# ---- The check -------------------------------------------------------------------------------------------------------


def raw(statement, *values):
    """As with a database tool, past the models."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def ledger_loses_the_payment(sale):
    raw("DELETE FROM payments_ledgerentry WHERE booking_id = %s AND kind = 'payment.paid'", sale.booking.pk)


def ledger_pays_twice(sale):
    with transaction.atomic():
        ledger.record(
            booking=sale.booking,
            payment=sale.payment,
            kind="payment.paid",
            amount=2300,
            after="paid",
            at=timezone.now(),
        )


def ledger_refunds_too_little(sale):
    raw("UPDATE payments_ledgerentry SET amount = -1149 WHERE kind = 'refund.succeeded'")


def refund_has_another_status(sale):
    Refund.objects.update(status="submitted")


def refund_is_not_its_seats(sale):
    RefundSeat.objects.update(amount=1140, kept=10)


def seat_is_not_its_price(sale):
    RefundSeat.objects.update(kept=5)


def refunded_ticket_is_valid(sale):
    # Ticket and seat agree; only the refund shows the fault.
    ticket = Ticket.objects.get(booking=sale.booking, label="A1")
    Ticket.objects.filter(pk=ticket.pk).update(status="valid")
    ShowtimeSeat.objects.filter(pk=ticket.seat_id).update(status="booked", booking=sale.booking)


def more_is_refunded_than_received(sale):
    Payment.objects.update(received=1000)


def paid_without_tickets(sale):
    payment = Payment.objects.get(pk=sale.payment.pk)
    other = Sale(sale.showtime, new_visitor(), ("B1",)).lock()
    payment.pk, payment.booking = None, other.booking
    payment.session_id, payment.payment_intent, payment.idempotency_key = "cs_x", "pi_x", "pay_x"
    payment.save(force_insert=True)


def two_payments_for_one_booking(sale):
    payment = Payment.objects.get(pk=sale.payment.pk)
    payment.pk, payment.session_id, payment.payment_intent, payment.idempotency_key = None, "cs_y", "pi_y", "pay_y"
    payment.save(force_insert=True)


def tickets_without_a_payment(sale):
    Payment.objects.update(status="expired")


def booking_misses_a_refund(sale):
    Booking.objects.filter(pk=sale.booking.pk).update(refunded=0)


def total_is_off(sale):
    Booking.objects.filter(pk=sale.booking.pk).update(total=2301)


def refunded_without_payment(sale):
    other = Sale(sale.showtime, new_visitor(), ("B1",)).lock()
    Booking.objects.filter(pk=other.booking.pk).update(refunded=700)


def ticket_vanishes(sale):
    Ticket.objects.filter(booking=sale.booking, label="A2").delete()


def seat_is_freed(sale):
    ShowtimeSeat.objects.filter(showtime=sale.showtime, index=1).update(status="available", booking=None)


def booking_ends_with_a_ticket(sale):
    Booking.objects.filter(pk=sale.booking.pk).update(status="refunded")


def counter_is_off(sale):
    Showtime.objects.filter(pk=sale.showtime.pk).update(n_booked=2)


def revenue_is_off(sale):
    Showtime.objects.filter(pk=sale.showtime.pk).update(revenue=7)


def disputed_without_dispute(sale):
    Payment.objects.update(disputed=True)


def failed_without_alert(sale):
    refund = Refund.objects.get(reason="buyer")
    Refund.objects.filter(pk=refund.pk).update(status="failed")


FAULTS = {
    ledger_loses_the_payment: r"payment \d+: the ledger says that £0 was paid, the payment £23$",
    ledger_pays_twice: r"payment \d+: the ledger says that £46 was paid, the payment £23$",
    ledger_refunds_too_little: r"refund \d+ \(buyer\): the ledger says that £11.49 went back, the refund £11.50$",
    refund_has_another_status: r"refund \d+ \(buyer\): it is submitted, the ledger's last word is succeeded$",
    refund_is_not_its_seats: r"refund \d+ \(buyer\): its seats come to £11.40, it is of £11.50$",
    seat_is_not_its_price: r"A1 brought £11.50 back and kept £0.05, its price was £11.50$",
    refunded_ticket_is_valid: r"refund \d+ \(buyer\): it gives back A1, whose ticket is valid$",
    more_is_refunded_than_received: r"£11.50 of it was asked back, £10 was received$",
    paid_without_tickets: r"paid, and its booking is locked without tickets or a refund$",
    two_payments_for_one_booking: r"more than one payment bought it, and none of them goes back$",
    tickets_without_a_payment: r"it has tickets, and none of its payments is paid and kept$",
    booking_misses_a_refund: r"it says that £0 was asked back, its refunds £11.50$",
    total_is_off: r"its tickets come to £23, its total is £23.01$",
    refunded_without_payment: r"£7 was asked back, and nothing was paid$",
    ticket_vanishes: r": A2 of showtime \d+ is booked, and no ticket stands for it$",
    seat_is_freed: r"the ticket for A2 stands, its seat is available$",
    booking_ends_with_a_ticket: r"it is refunded, and its ticket for A2 stands$",
    counter_is_off: r"showtime \d+: it counts 2 booked seats, there are 1$",
    revenue_is_off: r"showtime \d+: its booked seats say £0.07, their tickets £11.50$",
    disputed_without_dispute: r"it is disputed, the ledger's disputes say otherwise$",
    failed_without_alert: r"refund \d+ \(buyer\): it failed, and nobody was called$",
}


def test_every_planted_fault_is_named():
    sale = buy("A1", "A2")
    cancel(sale, "A1", by=BUYER)
    run_loop()
    assert find_differences(recheck_after=0) == []
    for plant, sentence in FAULTS.items():
        with transaction.atomic():
            plant(sale)
            found = find_differences(recheck_after=0)
            transaction.set_rollback(True)
        assert any(re.search(sentence, each) for each in found), (plant.__name__, found)
        assert all(re.match(r"[0-9A-Z]{3}(-[0-9A-Z]{3}){2}: |showtime \d+: ", each) for each in found), found
    report("ledger check", f"{len(FAULTS)} planted faults, each named in a sentence")


def test_a_difference_that_is_gone_at_the_second_check_is_not_reported(monkeypatch):
    """A step that is being written looks like a fault for a moment."""
    sale = buy("A1")
    Showtime.objects.filter(pk=sale.showtime.pk).update(revenue=7)
    monkeypatch.setattr(
        ledger_audit.time, "sleep", lambda _: Showtime.objects.filter(pk=sale.showtime.pk).update(revenue=1150)
    )
    assert find_differences() == []


def test_the_command_prints_counts_or_ends_with_1():
    sale = buy("A1", "A2")
    out = io.StringIO()
    call_command("check_ledger", stdout=out)
    assert out.getvalue() == "No difference: 1 bookings, 1 payments, 0 refunds, 3 lines.\n"
    Booking.objects.filter(pk=sale.booking.pk).update(total=2400)
    out = io.StringIO()
    with pytest.raises(CommandError, match="1 differences|2 differences") as error:
        call_command("check_ledger", stdout=out)
    assert error.value.returncode == 1
    assert f"{sale.booking.reference}: its tickets come to £23, its total is £24" in out.getvalue()
    Booking.objects.filter(pk=sale.booking.pk).update(total=2300)  # for the fixture `adds_up`


def test_payments_older_than_the_ledger_get_their_entries_from_their_rows():
    sale, open_one = buy(), Sale(make_showtime(), new_visitor(), ("A1",)).lock()
    open_one.start()
    cancel(sale, "A1")
    run_loop()
    raw("DELETE FROM payments_ledgerentry WHERE id > %s", 0)
    assert find_differences(recheck_after=0)
    migration = importlib.import_module("payments.migrations.0004_ledger_of_earlier_payments")
    for _ in range(2):  # the second time there is nothing to write
        migration.write_lines(apps, None)
        assert find_differences(recheck_after=0) == []
    assert {line[0] for line in entries(sale.booking)} == {
        "payment.created", "payment.paid", "refund.requested", "refund.succeeded"
    }  # fmt: skip
