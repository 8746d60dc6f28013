"""Refunds made in Stripe's dashboard, disputes and warnings, in any order and repeated."""

import itertools

import pytest

from booking.refusals import PaymentDisputed
from payments.ledger import BUYER
from payments.models import LedgerEntry, MoneyAlert, Payment
from tests.payments.money import (
    alerts,
    buy,
    cancel,
    disputed,
    kinds,
    refunds,
    state,
    tickets,
)
from tests.payments.sales import post, run_loop

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("adds_up")]


def charge(sale, amount):
    """`charge.refunded`: how much of the payment has been refunded by now."""
    intent = Payment.objects.get(pk=sale.payment.pk).payment_intent
    return {"id": "ch_1", "object": "charge", "payment_intent": intent, "amount_refunded": amount, "refunded": False}


def refund_in_dashboard(stripe, sale, amount):
    found = stripe.refund_in_dashboard(sale.payment.session_id, amount)
    return dict(found) if found else dict(next(reversed(stripe.refunds.values())))


def deliver(stripe, kind, found):
    assert post(stripe.event(kind, found)).status_code == 200


def sums(sale):
    return sorted((refund.amount, refund.reason, refund.status) for refund in refunds(sale))


# ---- Refunds made in the dashboard -----------------------------------------------------------------------------------


@pytest.mark.parametrize("order", sorted(set(itertools.permutations(["created", "updated", "charge"]))), ids=" ".join)
def test_a_refund_from_the_dashboard_is_recorded_once_for_any_events_in_any_order(stripe, order):
    sale = buy("A1", "A2", stripe=stripe)
    found = refund_in_dashboard(stripe, sale, 1000)
    for word in order:
        events = ("charge.refunded", charge(sale, 1000)) if word == "charge" else (f"refund.{word}", found)
        deliver(stripe, *events)
        deliver(stripe, *events)
    assert sums(sale) == [(1000, "outside", "succeeded")] and state(sale) == ("confirmed", 1000)
    [refund] = refunds(sale)
    assert (refund.refund_id, refund.actor) == (found["id"], "outside")
    assert tickets(sale) == {"A1": "valid", "A2": "valid"}
    assert alerts(booking=sale.booking) == ["refund-outside"]
    assert kinds(sale.booking, "refund.") == ["refund.outside", "refund.succeeded"]


@pytest.mark.parametrize("order", list(itertools.permutations(["first", "second", "both"])), ids=" ".join)
def test_two_refunds_from_the_dashboard_reported_as_one_sum_become_two(stripe, order):
    sale = buy("A1", "A2", stripe=stripe)
    first, second = refund_in_dashboard(stripe, sale, 700), refund_in_dashboard(stripe, sale, 300)
    for word in order:
        deliver(stripe, "charge.refunded", charge(sale, 1000)) if word == "both" else deliver(
            stripe, "refund.created", first if word == "first" else second
        )
    assert sums(sale) == [(300, "outside", "succeeded"), (700, "outside", "succeeded")]
    assert state(sale)[1] == 1000
    assert {refund.refund_id for refund in refunds(sale)} == {first["id"], second["id"]}


def test_our_own_refund_reported_by_a_charge_is_not_recorded_as_an_outside_refund(stripe):
    sale = buy("A1", "A2", stripe=stripe)
    cancel(sale, "A1", by=BUYER)
    deliver(stripe, "charge.refunded", charge(sale, 1150))  # here before the answer to our call
    run_loop()
    deliver(stripe, "charge.refunded", charge(sale, 1150))
    assert sums(sale) == [(1150, "buyer", "succeeded")] and alerts(booking=sale.booking) == []


def test_our_own_refund_whose_event_precedes_the_answer_is_found_by_our_key(stripe):
    sale = buy("A1", "A2", stripe=stripe)
    cancel(sale, "A1", by=BUYER)
    [refund] = refunds(sale)
    intent = Payment.objects.get(pk=sale.payment.pk).payment_intent
    found = {"id": "re_early", "object": "refund", "amount": 1150, "status": "pending", "payment_intent": intent}
    deliver(stripe, "refund.created", found | {"metadata": {"refund": refund.idempotency_key}})
    assert sums(sale) == [(1150, "buyer", "submitted")]
    deliver(stripe, "refund.updated", found | {"status": "succeeded"})
    assert sums(sale) == [(1150, "buyer", "succeeded")] and refunds(sale)[0].refund_id == "re_early"


def test_an_amount_refunded_outside_is_not_refunded_again_with_the_tickets(stripe):
    sale = buy("A1", "A2", stripe=stripe)
    deliver(stripe, "refund.created", refund_in_dashboard(stripe, sale, 1500))
    cancel(sale)
    run_loop()
    assert sums(sale) == [(800, "staff", "succeeded"), (1500, "outside", "succeeded")]
    assert state(sale) == ("refunded", 2300)


def test_tickets_of_a_booking_refunded_whole_in_the_dashboard_are_cancelled_without_a_refund(stripe):
    sale = buy("A1", "A2", stripe=stripe)
    deliver(stripe, "refund.created", refund_in_dashboard(stripe, sale, 2300))
    cancel(sale)
    assert state(sale) == ("refunded", 2300) and len(refunds(sale)) == 1


def test_a_failed_refund_from_the_dashboard_is_not_counted_and_raises_an_alert(stripe):
    sale = buy("A1", stripe=stripe)
    found = refund_in_dashboard(stripe, sale, 400)
    deliver(stripe, "refund.created", found)
    deliver(stripe, "refund.failed", found | {"status": "failed", "failure_reason": "declined"})
    deliver(stripe, "refund.updated", found)
    assert sums(sale) == [(400, "outside", "failed")] and state(sale) == ("confirmed", 0)
    assert alerts(booking=sale.booking) == ["refund-outside", "refund-failed"]


def test_our_refund_fails_after_the_same_refund_in_the_dashboard_and_the_sums_are_right(stripe):
    sale = buy("A1", stripe=stripe)
    cancel(sale, by=BUYER)
    found = refund_in_dashboard(stripe, sale, 1150)
    run_loop()
    deliver(stripe, "refund.created", found)
    assert sums(sale) == [(1150, "buyer", "failed"), (1150, "outside", "succeeded")]
    assert state(sale)[1] == 1150


# ---- Disputes --------------------------------------------------------------------------------------------------------


def steps(stripe, sale, verdict):
    """Every event of one dispute, in the order in which they happen."""
    found = dict(stripe.dispute(sale.payment.session_id))
    closed = found | {"status": verdict}
    events = [("created", found), ("funds_withdrawn", found), ("updated", found), ("closed", closed)]
    return events + ([("funds_reinstated", closed)] if verdict == "won" else [])


@pytest.mark.parametrize("shuffle", [0, 1, 2, 3])
@pytest.mark.parametrize("verdict", ["won", "lost"])
def test_a_dispute_ends_as_the_bank_decides_in_any_order_of_its_events(stripe, verdict, shuffle):
    sale = buy("A1", "A2", stripe=stripe)
    events = steps(stripe, sale, verdict)
    events = events[::-1] if shuffle == 3 else events[shuffle:] + events[:shuffle]
    for word, found in events:
        deliver(stripe, f"charge.dispute.{word}", found)
        if word != "updated":
            deliver(stripe, f"charge.dispute.{word}", found)  # another event of the same change
    assert disputed(sale) == (verdict == "lost")
    moved = LedgerEntry.objects.filter(booking=sale.booking, kind__startswith="dispute.funds")
    assert sorted(moved.values_list("amount", flat=True)) == ([-2300, 2300] if verdict == "won" else [-2300])
    is_open = MoneyAlert.objects.filter(booking=sale.booking, closed_at=None)
    assert is_open.exists() == (verdict == "lost")
    assert state(sale) == ("confirmed", 0) and tickets(sale) == {"A1": "valid", "A2": "valid"}


def test_an_open_dispute_blocks_every_refund_and_a_won_one_none(stripe):
    sale = buy("A1", "A2", stripe=stripe)
    found = dict(stripe.dispute(sale.payment.session_id))
    deliver(stripe, "charge.dispute.created", found)
    for by in ({"by": BUYER}, {}):
        with pytest.raises(PaymentDisputed, match="disputed at the bank"):
            cancel(sale, "A1", **by)
    assert state(sale) == ("confirmed", 0) and tickets(sale) == {"A1": "valid", "A2": "valid"}
    stripe.close_dispute(found["id"], "won")
    deliver(stripe, "charge.dispute.closed", found | {"status": "won"})
    cancel(sale, "A1", by=BUYER)
    run_loop()
    assert state(sale) == ("confirmed", 1150)


def test_after_a_lost_dispute_only_staff_cancel_the_tickets_and_without_a_refund(stripe):
    sale = buy("A1", "A2", stripe=stripe)
    for word, found in steps(stripe, sale, "lost"):
        deliver(stripe, f"charge.dispute.{word}", found)
    with pytest.raises(PaymentDisputed):
        cancel(sale, by=BUYER)
    cancel(sale)
    assert state(sale) == ("cancelled", 0) and refunds(sale) == []
    assert tickets(sale) == {"A1": "cancelled", "A2": "cancelled"}


def test_an_inquiry_closed_without_a_dispute_is_over(stripe):
    sale = buy("A1", stripe=stripe)
    found = dict(stripe.dispute(sale.payment.session_id)) | {"status": "warning_needs_response"}
    deliver(stripe, "charge.dispute.created", found)
    assert disputed(sale)
    deliver(stripe, "charge.dispute.closed", found | {"status": "warning_closed"})
    assert not disputed(sale)


def test_a_payment_stays_disputed_when_one_of_two_disputes_is_won(stripe):
    sale = buy("A1", "A2", stripe=stripe)
    found = dict(stripe.dispute(sale.payment.session_id))
    other = found | {"id": "dp_other", "amount": 1150}
    for each in (found, other):
        deliver(stripe, "charge.dispute.created", each)
    deliver(stripe, "charge.dispute.closed", found | {"status": "won"})
    assert disputed(sale)
    deliver(stripe, "charge.dispute.closed", other | {"status": "won"})
    assert not disputed(sale)


def test_a_fraud_warning_raises_one_alert(stripe):
    sale = buy("A1", stripe=stripe)
    intent = Payment.objects.get(pk=sale.payment.pk).payment_intent
    found = {"id": "issfr_1", "object": "radar.early_fraud_warning", "payment_intent": intent, "fraud_type": "misc"}
    for _ in range(2):
        deliver(stripe, "radar.early_fraud_warning.created", found)
    assert alerts(booking=sale.booking) == ["fraud-warning"] and kinds(sale.booking, "warning.") == ["warning.fraud"]
