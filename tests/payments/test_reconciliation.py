"""Reconciliation: what it finds, what it changes, and that it can be repeated."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from booking.models import OutboxMessage
from payments import tasks
from payments.models import Payment, Refund, StripeWebhookEvent
from payments.reconciliation import reconcile_all
from tests.payments.sales import Sale, at_once, lock_ends, post, run_loop

pytestmark = pytest.mark.django_db(transaction=True)
LATER = timedelta(minutes=3)


def later(after=LATER):
    return timezone.now() + after


def changed(report):
    return [(found.before, found.after) for found in report.changes]


def test_it_finds_a_payment_whose_event_never_came(stripe, open_sale):
    stripe.pay(open_sale.session)
    assert changed(reconcile_all(at=later())) == [("open", "paid")]
    assert open_sale.booking.status == "confirmed"
    assert changed(reconcile_all(at=later())) == []


def test_it_ends_what_should_have_ended_and_frees_the_seats(stripe, open_sale):
    assert changed(reconcile_all(at=later(lock_ends()))) == [("open", "expired")]
    assert open_sale.booking.status == "expired" and open_sale.seats() == {"available"}
    assert stripe.sessions[open_sale.session]["status"] == "expired"


def test_it_changes_no_young_payment_and_no_open_one(stripe, open_sale):
    assert reconcile_all(at=timezone.now()).findings == []
    report = reconcile_all(at=later(timedelta(seconds=60)))
    assert [(found.before, found.after) for found in report.findings] == [("open", "open")] and not report.changes
    assert stripe.sessions[open_sale.session]["status"] == "open"


def test_it_settles_a_refund_whose_event_never_came(stripe, open_sale):
    refund = refund_under_way(stripe, open_sale)
    stripe.refunds[refund.refund_id]["status"] = "succeeded"
    assert ("submitted", "succeeded") in changed(reconcile_all(at=later()))
    assert open_sale.booking.status == "refunded"


def test_it_finds_a_refund_that_failed(stripe, open_sale):
    refund = refund_under_way(stripe, open_sale)
    stripe.refunds[refund.refund_id] |= {"status": "failed", "failure_reason": "lost_or_stolen_card"}
    reconcile_all(at=later())
    refund.refresh_from_db()
    assert (refund.status, refund.failure) == ("failed", "lost_or_stolen_card")


def test_it_finds_a_refund_that_failed_after_it_had_succeeded(stripe, open_sale):
    refund = refund_under_way(stripe, open_sale)
    post(stripe.event("refund.updated", stripe.settle_refund(refund.refund_id, "succeeded")))
    stripe.settle_refund(refund.refund_id, "failed")
    reconcile_all(at=later())
    refund.refresh_from_db()
    assert refund.status == "failed"


def test_it_finds_the_id_of_a_refund_whose_answer_was_lost_and_whose_message_is_dead(stripe, open_sale):
    seats_are_gone(open_sale)
    post(stripe.event("checkout.session.completed", stripe.pay(open_sale.session)))
    stripe.fault("done-drop", "/refunds", times=3)
    run_loop(rounds=1)
    OutboxMessage.objects.filter(kind="payments.refund").update(state="dead")
    assert Refund.objects.get().status == "requested"
    assert ("requested", "succeeded") in changed(reconcile_all(at=later()))
    assert open_sale.booking.status == "refunded"


def test_it_finds_a_refund_that_somebody_made_in_the_dashboard(stripe, open_sale):
    post(stripe.event("checkout.session.completed", stripe.pay(open_sale.session)))
    made = stripe.refund_in_dashboard(open_sale.session, 1150)
    reconcile_all(at=later())
    refund = Refund.objects.get()
    assert (refund.refund_id, refund.amount, refund.reason) == (made["id"], 1150, "outside")
    assert changed(reconcile_all(at=later())) == []


def test_refunds_of_other_payments_in_the_same_account_are_ignored(stripe, open_sale):
    stripe.pay(open_sale.session)
    stripe.refund_in_dashboard(open_sale.session, 100)
    Payment.objects.update(session_id="cs_test_other", payment_intent="pi_other", status="expired")
    reconcile_all(at=later())
    assert not Refund.objects.exists()


def test_it_processes_undelivered_events_each_once(stripe, open_sale):
    stripe.deliver_to("", how="never")
    stripe.pay(open_sale.session)
    dispute = stripe.dispute(open_sale.session)
    Payment.objects.update(created_at=later())  # so that the payment itself is not queried
    report = reconcile_all(at=timezone.now())
    assert open_sale.booking.status == "confirmed" and open_sale.payment.disputed
    kinds = [found.subject.split()[0] for found in report.changes]
    assert kinds == ["checkout.session.completed", "charge.dispute.created", "charge.dispute.funds_withdrawn"]
    stored = StripeWebhookEvent.objects.count()
    assert reconcile_all(at=timezone.now()).changes == [] and StripeWebhookEvent.objects.count() == stored
    assert post(stripe.event("charge.dispute.created", dispute)).status_code == 200


def test_money_for_an_abandoned_payment_is_found(stripe, open_sale):
    stripe.pay(open_sale.session)
    stripe.fault("drop", times=10_000)
    run_loop(after=timedelta(minutes=42), rounds=2)
    assert open_sale.payment.abandoned and open_sale.seats() == {"available"}
    stripe.faults.clear()
    report = reconcile_all(at=later(timedelta(minutes=50)))
    assert changed(report) == [("expired", "paid")]
    assert open_sale.booking.status == "confirmed" and open_sale.payment.late


def test_a_gateway_that_is_down_is_queried_three_times_and_reported(stripe, open_sale):
    for _ in range(5):
        from bench.support.factories import make_showtime, new_visitor

        Sale(make_showtime(), new_visitor(), ("A1",)).lock().start()
    stripe.calls.clear()
    stripe.fault("429", times=10_000)
    report = reconcile_all(at=later())
    assert len(report.unanswered) == 6 and stripe.count("/sessions/") == 3
    with pytest.raises(CommandError, match="no answer"):
        call_command("reconcile_payments", stdout=StringIO())


def test_the_command_prints_what_it_found_and_did(stripe, open_sale):
    Payment.objects.update(created_at=timezone.now() - LATER)
    stripe.pay(open_sale.session)
    out = StringIO()
    call_command("reconcile_payments", stdout=out)
    lines = out.getvalue().splitlines()
    assert lines[0].split() == ["what", "here", "now"]
    assert lines[1].split() == ["payment", "of", open_sale.booking.reference, "open", "paid"]
    assert lines[-1] == "1 asked about, 1 changed, 0 without an answer"


def test_four_concurrent_runs_beside_webhooks_have_the_effect_of_one(stripe, open_sale):
    stripe.deliver_to("", how="never")
    body = stripe.event("checkout.session.completed", stripe.pay(open_sale.session))
    stripe.refund_in_dashboard(open_sale.session, 100)
    runs = [lambda: reconcile_all(at=later()) for _ in range(4)]
    results = at_once(*runs, lambda: post(body).status_code, lambda: post(body).status_code)
    assert not [result for result in results if isinstance(result, Exception)], results
    assert set(results[4:]) <= {200, 503}
    reconcile_all(at=later())
    run_loop(after=2 * LATER, rounds=1)  # the first run enqueued the mail for its own instant
    assert open_sale.booking.status == "confirmed" and open_sale.seats() == {"booked"}
    assert [(refund.reason, refund.amount) for refund in Refund.objects.all()] == [("outside", 100)]
    confirmations = [m for m in mail.outbox if m.extra_headers["Message-ID"].startswith("<confirmed.")]
    assert len(confirmations) == 1


def test_the_loop_enqueues_it_and_the_outbox_runs_it(stripe, open_sale):
    Payment.objects.update(created_at=timezone.now() - LATER)
    stripe.pay(open_sale.session)
    for _ in range(2):
        tasks.enqueue_reconciliation(at=timezone.now())
    assert OutboxMessage.objects.filter(kind="reconcile.all").count() == 1
    run_loop(rounds=1)
    assert open_sale.booking.status == "confirmed"


def test_in_a_demo_nothing_is_enqueued_and_the_command_finds_no_change(sale):
    sale.start()
    tasks.enqueue_reconciliation(at=timezone.now())
    assert not OutboxMessage.objects.filter(kind="reconcile.all").exists()
    assert reconcile_all(at=later(timedelta(seconds=60))).changes == []


def test_the_return_page_ends_a_payment_that_is_being_ended(stripe, open_sale):
    client = Client()
    session = client.session
    session["visitor"] = str(open_sale.visitor)
    session.save()
    stripe.fault("drop", "/expire")
    from payments.session_end import end_payment

    end_payment(booking_id=open_sale.booking.pk, reason="cancelled", at=timezone.now())
    assert open_sale.booking.status == "releasing"
    client.get(f"/payments/return/{open_sale.booking.reference}/")
    assert open_sale.booking.status == "released" and open_sale.seats() == {"available"}


def seats_are_gone(sale):
    type(sale.showtime).objects.filter(pk=sale.showtime.pk).update(cancelled_at=timezone.now())


def refund_under_way(stripe, sale):
    """A refund that Stripe has and has not settled."""
    seats_are_gone(sale)
    stripe.refund_status = "pending"
    post(stripe.event("checkout.session.completed", stripe.pay(sale.session)))
    run_loop(rounds=1)
    refund = Refund.objects.get()
    assert refund.status == "submitted"
    return refund
