"""Stories of money that goes back: lost answers, banks that say no, cancelled tickets, dashboards and disputes."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from booking.refusals import PaymentDisputed
from payments.models import Refund
from payments.refunds import cancel_showtime
from tests.payments.sales import at_once
from tests.payments.scenarios.stories import ends
from tests.payments.scenarios.world import (
    CONFIRMED,
    REFUNDED,
    STAFF,
)

A_MINUTE = timedelta(minutes=1)

# ---- Too late --------------------------------------------------------------------------------------------------------


@ends(CONFIRMED)
def late_money_takes_the_same_seats_again_when_they_are_free(world):
    world.tell("checkout.session.completed", world.check_out().pay_late(), times=2)
    assert world.sale.payment.late


@ends(replace(REFUNDED, seats="locked"))
def late_money_goes_back_when_somebody_has_the_seats(world):
    paid = world.check_out().pay_late()
    world.bob.lock()
    world.tell("checkout.session.completed", paid, times=2)


@ends(REFUNDED)
def late_money_goes_back_when_the_film_has_begun(world):
    paid = world.check_out().pay_late()
    world.begin_film()
    world.tell("checkout.session.completed", paid)


@ends(REFUNDED)
def late_money_goes_back_when_the_showtime_is_called_off(world):
    paid = world.check_out().pay_late()
    world.call_off()
    world.tell("checkout.session.completed", paid)


# ---- Refunds ---------------------------------------------------------------------------------------------------------


def money_is_to_go_back(world):
    world.check_out()
    world.call_off()
    world.confirm()


@ends(REFUNDED)
def the_answer_of_a_refund_is_lost(world):
    money_is_to_go_back(world)
    world.stripe.fault("done-drop", "/refunds", times=3)
    world.run()
    world.pass_time(A_MINUTE)
    assert len(world.stripe_refunds()) == 1


@ends(REFUNDED)
def a_refund_is_made_and_then_a_500(world):
    money_is_to_go_back(world)
    world.stripe.fault("done-500", "/refunds")
    world.run()


@ends(REFUNDED)
def a_refund_is_made_and_stripe_remembers_a_500(world):
    money_is_to_go_back(world)
    world.stripe.fault("saved-500", "/refunds")
    world.run()
    Refund.objects.update(created_at=timezone.now() - A_MINUTE)
    world.pass_time(A_MINUTE)
    assert len(world.stripe_refunds()) == 1


@ends(REFUNDED)
def a_refund_is_retried_after_its_key_was_forgotten(world):
    money_is_to_go_back(world)
    world.stripe.fault("done-drop", "/refunds", times=3)
    world.run()
    world.stripe.forget_keys()
    Refund.objects.update(created_at=timezone.now() - timedelta(days=2))
    world.pass_time(A_MINUTE)
    assert len(world.stripe_refunds()) == 1


@ends(REFUNDED)
def refunds_are_rate_limited_for_a_while(world):
    money_is_to_go_back(world)
    world.stripe.fault("429", "/refunds", times=2)
    world.run()
    world.pass_time(A_MINUTE)
    world.pass_time(A_MINUTE)


@ends(REFUNDED)
def a_refund_settles_and_nobody_tells_us(world):
    made = world.check_out().was_refunded()
    world.stripe.settle_refund(made["id"], "succeeded")
    world.reconcile()


@ends(replace(REFUNDED, booking="refunding", refunds="failed", alerts="refund-failed", held=2300,
              mails="late_refund payment_problem"))  # fmt: skip
def a_refund_fails_later(world):
    made = world.check_out().was_refunded()
    world.tell("refund.failed", world.stripe.settle_refund(made["id"], "failed"), times=2)


@ends(replace(REFUNDED, refunds="failed succeeded", mails="late_refund payment_problem refunded"))
def a_refund_fails_later_and_is_asked_for_again(world):
    made = world.check_out().was_refunded()
    world.tell("refund.failed", world.stripe.settle_refund(made["id"], "failed"))
    world.retry_refund()
    world.run()


@ends(replace(REFUNDED, refunds="failed", alerts="refund-failed", held=2300, mails="late_refund payment_problem"))
def a_refund_that_had_succeeded_comes_back_from_the_bank(world):
    made = world.check_out().was_refunded("succeeded")
    assert world.sale.booking.status == "refunded"
    world.tell("refund.updated", world.stripe.settle_refund(made["id"], "failed"))


@ends(replace(CONFIRMED, seats="available booked", held=1150, mails="confirmed cancelled", refunds="succeeded"))
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
def the_showtime_is_cancelled_after_she_paid(world):
    world.check_out().confirm()
    world.run()
    cancel_showtime(showtime_id=world.showtime.pk, by=STAFF, at=timezone.now())
    world.pass_time(timedelta(minutes=16))


@ends(replace(REFUNDED, mails="late_refund"))
def the_showtime_is_cancelled_while_she_is_paying(world):
    world.check_out().pay()
    cancel_showtime(showtime_id=world.showtime.pk, by=STAFF, at=timezone.now())
    world.pass_time(timedelta(minutes=16))


@ends(replace(CONFIRMED, held=0, mails="confirmed refunded", refunds="succeeded", alerts="refund-outside"))
def somebody_gives_everything_back_in_the_dashboard(world):
    world.check_out().confirm()
    world.tell("refund.created", world.stripe.refund_in_dashboard(world.session), times=2)


@ends(replace(CONFIRMED, held=1300, mails="confirmed refunded", refunds="succeeded", alerts="refund-outside"))
def somebody_gives_a_part_back_in_the_dashboard_and_nobody_tells_us(world):
    world.check_out().confirm()
    world.stripe.refund_in_dashboard(world.session, 1000)
    world.reconcile()
    world.reconcile()


# ---- Disputes --------------------------------------------------------------------------------------------------------


@ends(replace(CONFIRMED, held=0, alerts="dispute"))
def a_dispute_blocks_refunds_and_leaves_the_tickets(world):
    world.check_out().confirm()
    dispute = world.stripe.dispute(world.session)
    for kind in ("charge.dispute.funds_withdrawn", "charge.dispute.created"):
        world.tell(kind, dispute, times=2)
    with pytest.raises(PaymentDisputed):
        world.cancel()


@ends(replace(REFUNDED, mails="confirmed cancelled"))
def a_dispute_is_won_and_she_may_cancel_again(world):
    world.check_out().confirm()
    world.run()
    dispute = world.stripe.dispute(world.session)
    world.tell("charge.dispute.created", dispute)
    world.tell("charge.dispute.funds_withdrawn", dispute)
    won = world.stripe.close_dispute(dispute["id"])
    world.tell("charge.dispute.closed", won)
    world.tell("charge.dispute.funds_reinstated", won)
    world.cancel()


@ends(replace(CONFIRMED, held=0, alerts="dispute dispute"))
def a_dispute_is_lost(world):
    world.check_out().confirm()
    dispute = world.stripe.dispute(world.session)
    world.tell("charge.dispute.created", dispute)
    world.tell("charge.dispute.funds_withdrawn", dispute)
    world.tell("charge.dispute.closed", world.stripe.close_dispute(dispute["id"], "lost"))


@ends(replace(CONFIRMED, held=0, alerts="dispute"))
def a_dispute_that_no_delivery_told_us_of(world):
    world.check_out().confirm()
    world.stripe.deliver_to("", how="never")
    world.stripe.dispute(world.session)
    world.reconcile()
