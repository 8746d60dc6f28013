"""Ending payments: by the buyer, at the deadline, against a payment at the last moment, with a failing gateway."""

import json
import time
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from booking import payment_port
from booking.basket import choose_seats, release_seats
from booking.models import Booking
from booking.refusals import AlreadyPaid, BeingReleased
from payments.gateways.stripe import QUICK_TIMEOUT
from payments.models import Payment, Refund
from payments.session_end import end_payment
from tests.payments.sales import at_once, lock_ends, post, run_loop

pytestmark = pytest.mark.django_db(transaction=True)

ANSWER_TOO_LATE = 60  # seconds; whoever waits for this answer waits far longer than on the busiest machine


def choose(sale, *labels):
    return choose_seats(showtime_id=sale.showtime.pk, visitor=sale.visitor, labels=labels, at=timezone.now()).booking


def test_a_change_of_seats_ends_the_payment_and_keeps_the_deadline(stripe, open_sale):
    until = open_sale.booking.locked_until
    booking = choose(open_sale, "A1", "B5")
    assert stripe.sessions[open_sale.session]["status"] == "expired"
    assert (booking.status, booking.locked_until) == ("locked", until)
    again = open_sale.start().payment
    assert again.session_id != open_sale.session and open_sale.booking.locked_until == until


def test_the_same_seats_again_leave_the_payment_open(stripe, open_sale):
    choose(open_sale, "A2", "A1")
    assert stripe.sessions[open_sale.session]["status"] == "open" and open_sale.payment.status == "open"


def test_a_change_of_seats_after_paying_is_already_paid(stripe, open_sale):
    stripe.pay(open_sale.session)
    with pytest.raises(AlreadyPaid):
        choose(open_sale, "B5")
    assert open_sale.booking.status == "confirmed" and open_sale.seats() == {"booked"}


def test_a_release_frees_the_seats_at_once(stripe, open_sale, bob):
    assert release_seats(showtime_id=open_sale.showtime.pk, visitor=open_sale.visitor, at=timezone.now())
    assert open_sale.booking.status == "released"
    bob.lock()


@pytest.mark.parametrize("fault", ["drop", "500", "429", "slow"])
def test_without_a_verdict_within_three_seconds_the_loop_finishes(stripe, open_sale, fault):
    stripe.fault(fault, times=9, seconds=ANSWER_TOO_LATE)
    began = time.monotonic()
    with pytest.raises(BeingReleased):
        choose(open_sale, "B5")
    assert time.monotonic() - began < ANSWER_TOO_LATE / 2
    assert open_sale.booking.status == "releasing" and open_sale.seats() == {"locked"}
    stripe.faults.clear()
    run_loop(after=timedelta(seconds=70), rounds=1)
    assert open_sale.booking.status in ("locked", "expired")
    assert open_sale.payment.status == "expired"


def test_the_payment_port_returns_within_three_seconds_when_the_gateway_hangs(stripe, open_sale):
    assert sum(QUICK_TIMEOUT) < 3
    stripe.fault("slow", times=9, seconds=ANSWER_TOO_LATE)
    began = time.monotonic()
    payment_port.current().end_payment(booking_id=open_sale.booking.pk, reason="changed", at=timezone.now())
    assert time.monotonic() - began < ANSWER_TOO_LATE / 2


def test_delete_without_a_verdict_is_202(stripe, open_sale):
    client = Client()
    session = client.session
    session["visitor"] = str(open_sale.visitor)
    session.save()
    stripe.fault("drop", times=9)
    assert client.delete(f"/api/showtimes/{open_sale.showtime.pk}/lock/").status_code == 202
    stripe.faults.clear()
    run_loop(after=timedelta(seconds=70), rounds=1)
    assert open_sale.booking.status == "released"


def test_paying_while_it_is_being_ended_is_either_paid_or_ended(stripe, open_sale):
    def pay():
        try:
            return stripe.pay(open_sale.session)
        except AssertionError:
            return None

    end = lambda: end_payment(booking_id=open_sale.booking.pk, reason="cancelled", at=timezone.now())  # noqa: E731
    paid, _ = at_once(pay, end)
    run_loop(after=timedelta(seconds=70), rounds=1)
    assert open_sale.booking.status == ("confirmed" if paid else "released")


def test_the_older_of_two_paid_payments_is_refunded(stripe, open_sale):
    found = stripe.sessions[open_sale.session]
    paid = found | {"status": "complete", "payment_status": "paid", "payment_intent": stripe._new_intent(found)}
    choose(open_sale, "A1", "A2", "B5")
    newer = open_sale.start().payment
    assert post(stripe.event("checkout.session.completed", paid)).status_code == 200
    run_loop(rounds=1)
    assert Refund.objects.get().reason == "duplicate" and open_sale.booking.status == "checkout"
    post(stripe.event("checkout.session.completed", stripe.pay(newer.session_id)))
    assert open_sale.booking.status == "confirmed"


def test_a_payment_whose_event_never_arrives_is_queried(stripe, open_sale):
    stripe.pay(open_sale.session)
    run_loop(after=timedelta(seconds=5), rounds=1)
    assert open_sale.booking.status == "checkout"  # too young to be queried
    run_loop(after=timedelta(seconds=25), rounds=1)
    assert open_sale.booking.status == "confirmed"


def test_a_failing_gateway_is_queried_at_growing_intervals(stripe, open_sale):
    stripe.fault("drop", times=10_000)
    for seconds in range(30):
        run_loop(after=lock_ends() + timedelta(seconds=seconds), rounds=1)
    assert 3 <= stripe.count("/expire") <= 6


def test_seats_are_freed_after_a_process_died_between_ending_and_freeing(stripe, open_sale):
    Payment.objects.update(status="expired")  # the payment is stored, the booking is not
    Booking.objects.update(status="releasing", end_reason="lapsed")
    run_loop(after=lock_ends(), rounds=1)
    assert open_sale.booking.status == "expired" and open_sale.seats() == {"available"}


def test_the_return_page_confirms_without_waiting_for_the_event(stripe, open_sale):
    client = Client()
    session = client.session
    session["visitor"] = str(open_sale.visitor)
    session.save()
    back = f"/payments/return/{open_sale.booking.reference}/?session={open_sale.session}"
    waiting = client.get(back)
    assert waiting.status_code == 200 and waiting["Refresh"].startswith("2; url=/payments/return/")
    assert b"Your seats stay yours" in waiting.content
    stripe.pay(open_sale.session)
    assert client.get(back)["Location"] == f"/bookings/{open_sale.booking.reference}/"
    assert open_sale.booking.status == "confirmed"


def test_the_return_page_waits_while_stripe_is_down(stripe, open_sale):
    client = Client()
    session = client.session
    session["visitor"] = str(open_sale.visitor)
    session.save()
    stripe.pay(open_sale.session)
    stripe.fault("drop", times=9)
    answer = client.get(f"/payments/return/{open_sale.booking.reference}/?session={open_sale.session}")
    assert answer.status_code == 200 and open_sale.booking.status == "checkout"


def test_the_cancel_link_frees_the_seats_and_says_so(stripe, open_sale):
    client = Client()
    session = client.session
    session["visitor"] = str(open_sale.visitor)
    session.save()
    back = client.get(open_sale.payment.request["cancel_url"], follow=True)
    assert open_sale.booking.status == "released" and b"Nothing was charged" in back.content
    assert stripe.sessions[open_sale.session]["status"] == "expired"


def test_the_cancel_link_of_a_paid_booking_leads_to_the_booking(stripe, open_sale):
    client = Client()
    session = client.session
    session["visitor"] = str(open_sale.visitor)
    session.save()
    stripe.pay(open_sale.session)
    answer = client.get(open_sale.payment.request["cancel_url"])
    assert answer["Location"] == f"/bookings/{open_sale.booking.reference}/"
    assert open_sale.booking.status == "confirmed"


def test_the_webhook_needs_no_cookies_and_no_csrf_token(stripe, open_sale):
    body = stripe.event("checkout.session.completed", stripe.pay(open_sale.session))
    from tests.payments.stripe.stand_in import sign

    strict = Client(enforce_csrf_checks=True)
    answer = strict.post(
        "/payments/stripe/webhook/", body, content_type="application/json", headers={"Stripe-Signature": sign(body)}
    )
    assert answer.status_code == 200 and not answer.cookies
    assert json.loads(body)["id"]


@pytest.fixture
def ten_checkouts(stripe, transactional_db):
    """Ten buyers at Stripe's page with the same deadline."""
    from bench.support.factories import make_plan, make_showtime, new_visitor
    from tests.payments.sales import Sale

    showtime = make_showtime(make_plan(rows=1, per_row=10))
    sales = [Sale(showtime, new_visitor(), (f"A{n}",)).lock() for n in range(1, 11)]
    for sale in sales:
        sale.start()
    stripe.calls.clear()
    return sales


def test_payments_that_lapse_together_are_ended_in_parallel(stripe, ten_checkouts):
    stripe.fault("slow", "/expire", times=99, seconds=0.5)
    run_loop(after=lock_ends(), rounds=1)
    assert stripe.most_late_at_once >= 3
    assert {sale.booking.status for sale in ten_checkouts} == {"expired"}


def test_an_unanswered_query_ends_the_round_and_every_payment_gets_its_turn(stripe, ten_checkouts):
    stripe.fault("429", "/sessions/", times=9999)
    run_loop(after=lock_ends(), rounds=1)
    asked = {call[1] for call in stripe.calls}
    assert len([path for path in asked if path.endswith("/expire")]) == 8
    run_loop(after=lock_ends(), rounds=1)
    assert len({call[1] for call in stripe.calls if call[1].endswith("/expire")}) == 10
    assert {sale.booking.status for sale in ten_checkouts} == {"releasing"}
