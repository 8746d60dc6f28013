"""Where the clock is off no payment begins, and no money is lost: events are handled by the database's time."""

import json
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.test import Client

from booking.models import Booking
from cinema.database import clock
from payments.models import Payment, Refund
from payments.session_end import end_payment
from tests.payments.sales import post
from tests.payments.stripe.stand_in import sign
from tests.payments.visits import be

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("adds_up")]
WRONG = [360, -360, 3600 * 24, -3600 * 24]


def completed(sale):
    """The event that Stripe sends once the buyer has paid."""
    payment = sale.payment
    session = {
        "id": payment.session_id,
        "object": "checkout.session",
        "status": "complete",
        "payment_status": "paid",
        "amount_total": payment.amount,
        "currency": payment.currency.lower(),
        "livemode": False,
        "payment_intent": f"pi_{payment.pk}",
        "client_reference_id": sale.booking.reference,
        "metadata": {"payment": payment.idempotency_key},
        "url": None,
    }
    event = {
        "id": f"evt_{payment.pk}",
        "object": "event",
        "type": "checkout.session.completed",
        "livemode": False,
        "data": {"object": session},
    }
    return json.dumps(event).encode()


def deliver(sale):
    body = completed(sale)
    return post(body, sign(body, at=clock.now().timestamp()))


@pytest.mark.parametrize("ahead", WRONG[:2])
def test_checkout_is_busy_and_begins_no_payment(sale, clock_ahead, ahead):
    buyer = be(Client(), sale.visitor)
    clock_ahead(ahead)
    page, form = f"/showtimes/{sale.showtime.pk}/checkout/", {"email": "alice@example.com"}
    assert buyer.post(page, form).status_code == 503
    answer = buyer.post(f"/api{page}", form, content_type="application/json")
    assert (answer.status_code, answer.json()["type"], answer["Retry-After"]) == (503, "busy", "1")
    assert not Payment.objects.exists()
    assert Booking.objects.get().status == "locked"


@pytest.mark.parametrize("ahead", WRONG)
def test_a_payment_is_confirmed_at_the_time_of_the_database(sale, stripe, clock_ahead, ahead):
    sale.start()
    clock_ahead(ahead)
    begun = clock.now()
    assert deliver(sale).status_code == 200
    booking = Booking.objects.get()
    assert booking.status == "confirmed"
    assert begun <= booking.confirmed_at <= clock.now()


def test_a_late_payment_takes_no_seat_from_a_lock_that_has_not_lapsed(sale, bob, stripe, clock_ahead):
    sale.start()
    assert end_payment(booking_id=sale.booking.pk, reason="given-back", at=clock.now())
    bob.lock()
    clock_ahead(360)
    assert deliver(sale).status_code == 200
    assert Booking.objects.get(visitor=bob.visitor).status == "locked"
    assert Booking.objects.get(visitor=bob.visitor).seats.filter(status="locked").count() == 2
    assert Booking.objects.get(visitor=sale.visitor).status == "refunding"
    assert Refund.objects.get().reason == "late"


def test_before_the_first_answer_of_the_database_an_event_is_to_be_delivered_again(
    sale, stripe, clock_ahead, monkeypatch
):

    sale.start()
    body = completed(sale)
    header = sign(body)
    clock_ahead(360)

    def no_answer():
        raise OperationalError("no answer")

    monkeypatch.setattr(clock, "_followed", clock.DatabaseClock(no_answer))
    assert post(body, header).status_code == 503
    assert Booking.objects.get().status == "checkout"


def test_a_query_that_a_wrong_clock_put_off_for_an_hour_is_due(sale, stripe):
    sale.start()
    at = clock.now()
    for wait, is_due in ((0, True), (30, False), (60, False), (3600, True)):
        Payment.objects.update(ask_again_at=at + timedelta(seconds=wait))
        assert Payment.objects.due(at).exists() is is_due
