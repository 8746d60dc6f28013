"""Scenarios of refunds: lost answers, failures, cancelled tickets, refunds in the dashboard, disputes."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from booking.refusals import PaymentDisputed
from payments.models import Refund
from payments.refunds import cancel_showtime
from tests.payments.sales import at_once
from tests.payments.scenarios.scenario import ends
from tests.payments.scenarios.world import (
    CONFIRMED,
    REFUNDED,
    STAFF,
)

A_MINUTE = timedelta(minutes=1)

# ---- Too late --------------------------------------------------------------------------------------------------------


@ends(CONFIRMED)
def a_late_payment_books_the_same_seats_when_they_are_free(world):
    world.deliver("checkout.session.completed", world.check_out().pay_late(), times=2)
    assert world.sale.payment.late


@ends(replace(REFUNDED, seats="locked"))
def a_late_payment_is_refunded_when_the_seats_are_taken(world):
    paid = world.check_out().pay_late()
    world.bob.lock()
    world.deliver("checkout.session.completed", paid, times=2)


@ends(REFUNDED)
def a_late_payment_is_refunded_when_the_film_has_begun(world):
    paid = world.check_out().pay_late()
    world.begin_film()
    world.deliver("checkout.session.completed", paid)


@ends(REFUNDED)
def a_late_payment_is_refunded_when_the_showtime_is_cancelled(world):
    paid = world.check_out().pay_late()
    world.mark_cancelled()
    world.deliver("checkout.session.completed", paid)


# ---- Refunds ---------------------------------------------------------------------------------------------------------


def start_a_refund(world):
    world.check_out()
    world.mark_cancelled()
    world.confirm()


@ends(REFUNDED)
def the_answer_to_a_refund_is_lost(world):
    start_a_refund(world)
    world.stripe.fault("done-drop", "/refunds", times=3)
    world.run()
    world.pass_time(A_MINUTE)
    assert len(world.stripe_refunds()) == 1


@ends(REFUNDED)
def a_refund_is_made_and_then_a_500(world):
    start_a_refund(world)
    world.stripe.fault("done-500", "/refunds")
    world.run()


@ends(REFUNDED)
def a_refund_is_made_and_stripe_replays_a_500(world):
    start_a_refund(world)
    world.stripe.fault("saved-500", "/refunds")
    world.run()
    Refund.objects.update(created_at=timezone.now() - A_MINUTE)
    world.pass_time(A_MINUTE)
    assert len(world.stripe_refunds()) == 1


@ends(REFUNDED)
def a_refund_is_retried_after_its_key_was_forgotten(world):
    start_a_refund(world)
    world.stripe.fault("done-drop", "/refunds", times=3)
    world.run()
    world.stripe.forget_keys()
    Refund.objects.update(created_at=timezone.now() - timedelta(days=2))
    world.pass_time(A_MINUTE)
    assert len(world.stripe_refunds()) == 1


@ends(REFUNDED)
def refunds_are_rate_limited_for_a_while(world):
    start_a_refund(world)
    world.stripe.fault("429", "/refunds", times=2)
    world.run()
    world.pass_time(A_MINUTE)
    world.pass_time(A_MINUTE)


@ends(REFUNDED)
def a_refund_settles_without_an_event(world):
    made = world.check_out().make_late_refund()
    world.stripe.settle_refund(made["id"], "succeeded")
    world.reconcile()


@ends(replace(REFUNDED, booking="refunding", refunds="failed", alerts="refund-failed", balance=2300,
              mails="late_refund payment_problem"))  # fmt: skip
def a_refund_fails_later(world):
    made = world.check_out().make_late_refund()
    world.deliver("refund.failed", world.stripe.settle_refund(made["id"], "failed"), times=2)


@ends(replace(REFUNDED, refunds="failed succeeded", mails="late_refund payment_problem refunded"))
def a_refund_fails_later_and_is_retried(world):
    made = world.check_out().make_late_refund()
    world.deliver("refund.failed", world.stripe.settle_refund(made["id"], "failed"))
    world.retry_refund()
    world.run()


@ends(replace(REFUNDED, refunds="failed", alerts="refund-failed", balance=2300, mails="late_refund payment_problem"))
def a_refund_that_had_succeeded_fails_later(world):
    made = world.check_out().make_late_refund("succeeded")
    assert world.sale.booking.status == "refunded"
    world.deliver("refund.updated", world.stripe.settle_refund(made["id"], "failed"))


@ends(replace(CONFIRMED, seats="available booked", balance=1150, mails="confirmed cancelled", refunds="succeeded"))
def one_of_two_tickets_is_cancelled(world):
    world.check_out().confirm()
    world.cancel("A1")


@ends(replace(REFUNDED, mails="confirmed cancelled cancelled", refunds="succeeded succeeded"))
def both_tickets_are_cancelled_one_after_the_other(world):
    world.check_out().confirm()
    world.run()
    world.cancel("A1")
    world.cancel("A2")


@ends(replace(REFUNDED, mails="confirmed cancelled"))
def both_tickets_are_cancelled_by_two_tabs_at_once(world):
    world.check_out().confirm()
    world.run()
    at_once(*[world.cancel] * 3)


@ends(replace(REFUNDED, mails="confirmed showtime_cancelled"))
def the_showtime_is_cancelled_after_the_payment(world):
    world.check_out().confirm()
    world.run()
    cancel_showtime(showtime_id=world.showtime.pk, by=STAFF, at=timezone.now())
    world.pass_time(timedelta(minutes=16))


@ends(replace(REFUNDED, mails="late_refund"))
def the_showtime_is_cancelled_during_the_payment(world):
    world.check_out().pay()
    cancel_showtime(showtime_id=world.showtime.pk, by=STAFF, at=timezone.now())
    world.pass_time(timedelta(minutes=16))


@ends(replace(CONFIRMED, balance=0, mails="confirmed refunded", refunds="succeeded", alerts="refund-outside"))
def everything_is_refunded_in_the_dashboard(world):
    world.check_out().confirm()
    world.deliver("refund.created", world.stripe.refund_in_dashboard(world.session), times=2)


@ends(replace(CONFIRMED, balance=1300, mails="confirmed refunded", refunds="succeeded", alerts="refund-outside"))
def a_part_is_refunded_in_the_dashboard_without_an_event(world):
    world.check_out().confirm()
    world.stripe.refund_in_dashboard(world.session, 1000)
    world.reconcile()
    world.reconcile()


# ---- Disputes --------------------------------------------------------------------------------------------------------


@ends(replace(CONFIRMED, balance=0, alerts="dispute"))
def a_dispute_blocks_refunds_and_leaves_the_tickets(world):
    world.check_out().confirm()
    dispute = world.stripe.dispute(world.session)
    for kind in ("charge.dispute.funds_withdrawn", "charge.dispute.created"):
        world.deliver(kind, dispute, times=2)
    with pytest.raises(PaymentDisputed):
        world.cancel()


@ends(replace(REFUNDED, mails="confirmed cancelled"))
def a_dispute_is_won_and_the_buyer_may_cancel_again(world):
    world.check_out().confirm()
    world.run()
    dispute = world.stripe.dispute(world.session)
    world.deliver("charge.dispute.created", dispute)
    world.deliver("charge.dispute.funds_withdrawn", dispute)
    won = world.stripe.close_dispute(dispute["id"])
    world.deliver("charge.dispute.closed", won)
    world.deliver("charge.dispute.funds_reinstated", won)
    world.cancel()


@ends(replace(CONFIRMED, balance=0, alerts="dispute dispute"))
def a_dispute_is_lost(world):
    world.check_out().confirm()
    dispute = world.stripe.dispute(world.session)
    world.deliver("charge.dispute.created", dispute)
    world.deliver("charge.dispute.funds_withdrawn", dispute)
    world.deliver("charge.dispute.closed", world.stripe.close_dispute(dispute["id"], "lost"))


@ends(replace(CONFIRMED, balance=0, alerts="dispute"))
def a_dispute_without_a_delivered_event(world):
    world.check_out().confirm()
    world.stripe.deliver_to("", how="never")
    world.stripe.dispute(world.session)
    world.reconcile()
