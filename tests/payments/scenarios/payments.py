"""Scenarios of payments: the crash windows, and what buyers, banks and networks do."""

import time
from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from booking.models import OutboxMessage
from booking.refusals import BeingReleased
from payments.checkout import NoGateway
from payments.gateways.demo import sign as demo_sign
from payments.models import Payment
from payments.session_end import end_payment, settle
from tests.payments.sales import at_once, lock_ends, post
from tests.payments.scenarios.scenario import ends
from tests.payments.scenarios.world import (
    CONFIRMED,
    EXPIRED,
    OPEN,
    RELEASED,
    WAITING,
    changed,
    in_a_year,
)
from tests.payments.stripe.stand_in import SECRET, sign

A_MINUTE = timedelta(minutes=1)
PAST_ANY_VERDICT = timedelta(minutes=42)

# ---- Paying ----------------------------------------------------------------------------------------------------------


@ends(CONFIRMED)
def without_an_event_the_loop_queries(world):
    world.check_out().pay()
    world.pass_time(timedelta(seconds=25))


@ends(CONFIRMED)
def without_an_event_the_return_page_queries(world):
    world.check_out().pay()
    world.browse("return")


@ends(CONFIRMED)
def without_an_event_the_reconciliation_queries(world):
    world.check_out().pay()
    world.reconcile()


@ends(CONFIRMED)
def the_return_page_and_the_event_at_once(world):
    body = world.stripe.event("checkout.session.completed", world.check_out().pay())
    at_once(lambda: world.browse("return"), lambda: post(body), lambda: world.browse("return"), lambda: post(body))
    post(body)


@ends(CONFIRMED)
def the_event_precedes_the_answer_to_the_create_call(world):
    world.stripe.fault("done-slow", "/sessions", seconds=0.4)
    reference = world.sale.booking.reference

    def pay_at_once():
        until = time.monotonic() + 10
        while not (made := world.stripe.sessions_of(reference)) and time.monotonic() < until:
            time.sleep(0.01)
        world.deliver("checkout.session.completed", world.stripe.pay(made[0]["id"]))

    results = at_once(world.check_out, pay_at_once)
    assert not [result for result in results if isinstance(result, Exception)], results


@ends(CONFIRMED)
def the_answer_to_create_is_lost_and_a_second_checkout_finds_the_session(world):
    world.stripe.fault("done-drop", "/sessions", times=3)
    with pytest.raises(NoGateway):
        world.check_out()
    world.check_out().confirm()
    assert len(world.sessions()) == 1


@ends(EXPIRED)
def killed_after_create_and_the_buyer_is_gone(world):
    world.check_out()
    world.sale.forget_session()
    world.lock_ends()
    assert world.stripe.sessions[world.session]["status"] == "expired"


@ends(EXPIRED)
def killed_before_create_and_the_buyer_is_gone(world):
    world.stripe.fault("drop", "/sessions", times=3)
    with pytest.raises(NoGateway):
        world.check_out()
    world.lock_ends()
    assert [session["status"] for session in world.sessions()] == ["expired"]


@ends(replace(EXPIRED, payment="failed"))
def the_gateway_refuses_the_session_and_the_lock_lapses(world):
    world.settings.STRIPE_SECRET_KEY = "sk_test_wrong"
    with pytest.raises(NoGateway):
        world.check_out()
    assert world.sale.booking.status == "locked"
    from booking.locks import expire_locks

    expire_locks(at=timezone.now() + lock_ends())


@ends(replace(EXPIRED, alerts="no-verdict"))
def a_replayed_500_leaves_a_session_without_a_buyer(world):
    world.stripe.fault("saved-500", "/sessions")
    with pytest.raises(NoGateway):
        world.check_out()
    world.lock_ends()
    assert world.sale.booking.status == "releasing"
    world.stripe.set("ahead", PAST_ANY_VERDICT.total_seconds())
    world.pass_time(PAST_ANY_VERDICT)


@ends(replace(CONFIRMED, payment="expired paid"))
def a_change_of_seats_ends_the_payment_and_the_next_one_is_paid(world):
    world.check_out()
    end_payment(booking_id=world.sale.booking.pk, reason="changed", at=timezone.now())
    assert world.sale.booking.status == "locked"
    world.check_out().confirm()


@ends(replace(CONFIRMED, payment="paid paid", mails="confirmed refunded", refunds="succeeded"))
def both_of_two_payments_are_paid_and_the_older_one_is_refunded(world):
    world.check_out()
    first = world.session
    end_payment(booking_id=world.sale.booking.pk, reason="changed", at=timezone.now())
    world.stripe.sessions[first] |= {"status": "open"}  # what a lost verdict looks like
    world.check_out().confirm()
    world.deliver("checkout.session.completed", world.stripe.pay(first))


@ends(WAITING)
def a_delayed_payment_keeps_the_seats_past_the_lock(world):
    world.check_out()
    world.deliver("checkout.session.completed", world.stripe.finish_unpaid(world.session))
    world.lock_ends()


@ends(CONFIRMED)
def a_delayed_payment_succeeds_without_an_event(world):
    world.check_out()
    world.deliver("checkout.session.completed", world.stripe.finish_unpaid(world.session))
    world.lock_ends()
    world.stripe.finish_later(world.session)
    world.reconcile()


# ---- Ending ----------------------------------------------------------------------------------------------------------


@ends(EXPIRED)
def the_lock_ends_and_the_session_is_expired_first(world):
    world.check_out()
    world.lock_ends()
    assert world.stripe.sessions[world.session]["status"] == "expired"


@ends(RELEASED)
def the_buyer_cancels_on_stripes_page(world):
    world.check_out()
    world.cancel_payment()
    assert world.sale.seats() == {"available"}


@ends(CONFIRMED)
def the_buyer_pays_in_one_tab_and_cancels_in_another(world):
    world.check_out().pay()
    world.cancel_payment()


@ends(CONFIRMED)
def paid_just_before_the_lock_ends(world):
    world.check_out().pay()
    world.lock_ends()


@ends(CONFIRMED)
def expire_races_the_event_of_a_payment(world):
    body = world.stripe.event("checkout.session.completed", world.check_out().pay())
    payment, at = world.sale.payment, timezone.now()
    results = at_once(
        lambda: post(body).status_code,
        lambda: end_payment(booking_id=payment.booking_id, reason="lapsed", at=at),
        lambda: post(body).status_code,
        lambda: settle(payment, at=at),
    )
    assert not [result for result in results if isinstance(result, Exception)], results
    post(body)


@ends(CONFIRMED)
def an_expire_call_is_refused_because_it_was_paid(world):
    world.check_out()
    world.stripe.fault("slow", "/expire", seconds=0.3)
    at_once(world.lock_ends, lambda: world.stripe.pay(world.session))


@ends(EXPIRED)
def the_answer_to_expire_is_lost_and_the_next_query_finds_it_expired(world):
    world.check_out()
    world.stripe.fault("done-drop", "/expire")
    world.lock_ends()
    assert world.sale.booking.status == "releasing"
    world.pass_time(timedelta(seconds=3))


@ends(RELEASED)
def a_declined_card_releases_the_seats(world):
    world.check_out()
    world.deliver("payment_intent.payment_failed", world.stripe.decline(world.session))
    world.run()
    assert world.stripe.sessions[world.session]["status"] == "expired"


@ends(CONFIRMED)
def after_a_declined_card_the_buyer_may_retry_and_pays(world):
    world.settings.DECLINE_POLICY = "retry"
    world.check_out()
    world.deliver("payment_intent.payment_failed", world.stripe.decline(world.session), times=2)
    world.run()
    assert world.sale.booking.status == "checkout"
    world.confirm()


@ends(EXPIRED)
def after_a_declined_card_the_buyer_may_retry_until_the_lock_ends(world):
    world.settings.DECLINE_POLICY = "retry"
    world.check_out()
    world.deliver("payment_intent.payment_failed", world.stripe.decline(world.session))
    world.lock_ends()


@ends(CONFIRMED)
def declined_and_then_paid_before_the_session_was_ended(world):
    world.check_out()
    refused = world.stripe.decline(world.session)
    world.pay()
    world.deliver("payment_intent.payment_failed", refused)
    world.run()


# ---- Stripe is down --------------------------------------------------------------------------------------------------


def stripe_is_down_for_ten_minutes(world):
    """From the end of the lock on; meanwhile nobody else gets the seats."""
    world.stripe.fault("drop", times=10_000)
    world.lock_ends()
    for _ in range(10):
        world.pass_time(A_MINUTE)
        with pytest.raises(BeingReleased):
            lock_for_bob(world)
    assert world.sale.booking.status == "releasing" and world.sale.seats() == {"locked"}
    world.stripe.faults.clear()
    world.pass_time(A_MINUTE)


def lock_for_bob(world):
    from booking.locks import lock_seats

    at = timezone.now() + world.later
    lock_seats(showtime_id=world.showtime.pk, visitor=world.bob.visitor, labels=world.bob.labels, at=at)


@ends(EXPIRED)
def stripe_is_down_at_the_locks_end_for_ten_minutes(world):
    world.check_out()
    stripe_is_down_for_ten_minutes(world)


@ends(CONFIRMED)
def stripe_is_down_at_the_locks_end_for_ten_minutes_after_the_payment(world):
    world.check_out().pay()
    stripe_is_down_for_ten_minutes(world)


@ends(replace(EXPIRED, alerts="no-verdict"))
def stripe_never_answers_again(world):
    world.check_out()
    world.stripe.fault("500", times=10_000)
    world.lock_ends()
    world.pass_time(timedelta(minutes=34))
    assert world.sale.seats() == {"locked"}
    world.pass_time(timedelta(minutes=3))


@ends(replace(CONFIRMED, alerts="no-verdict"))
def stripe_never_answers_and_the_payment_is_found_an_hour_later(world):
    world.check_out().pay()
    world.stripe.fault("429", times=10_000)
    world.pass_time(PAST_ANY_VERDICT, rounds=2)
    assert world.sale.seats() == {"available"}
    world.stripe.faults.clear()
    world.reconcile()
    assert world.sale.payment.late


# ---- The webhook ----------------------------------------------------------------------------------------------------


def refused_then_queried(world, body, header, status=400):
    """The webhook refuses the event, and the loop queries the payment."""
    assert post(body, header).status_code == status
    assert world.sale.booking.status == "checkout"
    world.pass_time(timedelta(seconds=25))


def paid_body(world):
    return world.stripe.event("checkout.session.completed", world.check_out().pay())


@ends(CONFIRMED)
def signed_with_the_wrong_secret(world):
    body = paid_body(world)
    refused_then_queried(world, body, sign(body, "whsec_wrong"))


@ends(CONFIRMED)
def signed_by_the_demo(world):
    body = paid_body(world)
    refused_then_queried(world, body, demo_sign(body.decode(), int(timezone.now().timestamp())))


@ends(CONFIRMED)
def signed_a_year_ahead(world):
    body = paid_body(world)
    refused_then_queried(world, body, sign(body, at=in_a_year()))


@ends(CONFIRMED)
def a_body_of_2_mb(world):
    body = changed(paid_body(world), padding="x" * 2 * 1024 * 1024)
    refused_then_queried(world, body, sign(body), status=413)


@ends(CONFIRMED)
def a_body_that_is_not_utf_8(world):
    body = paid_body(world).replace(b"evt_", b"\xff\xfe_")
    refused_then_queried(world, body, sign(body))


@ends(CONFIRMED)
def a_thin_event(world):
    body = changed(paid_body(world), object="v2.core.event", type="v2.core.event_destination.ping", data={})
    refused_then_queried(world, body, sign(body))


@ends(CONFIRMED)
def signed_with_either_secret_during_a_rotation(world):
    world.settings.STRIPE_WEBHOOK_SECRETS = ["whsec_new", SECRET]
    body = paid_body(world)
    assert [post(body, sign(body, secret)).status_code for secret in ("whsec_new", SECRET)] == [200, 200]
    assert post(body, sign(body, "whsec_gone")).status_code == 400


@ends(OPEN)
def an_event_of_another_session_with_our_reference(world):
    world.check_out()
    found = world.stripe.sessions[world.session] | {"id": "cs_test_theirs", "status": "complete"}
    paid = found | {"payment_status": "paid", "payment_intent": "pi_theirs", "metadata": {}}
    world.deliver("checkout.session.completed", paid)
    assert world.codes == [200] and Payment.objects.get(booking=world.sale.booking).received is None


@ends(CONFIRMED)
def the_worker_is_down_for_a_day_and_then_handles_everything(world):
    world.check_out().confirm()
    assert OutboxMessage.objects.filter(state="pending").count() == 1
    world.pass_time(timedelta(days=1))
