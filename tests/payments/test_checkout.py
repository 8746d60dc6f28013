"""From a lock to a payment page, at Stripe's stand-in through the real library."""

import json
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from bench.support.factories import make_showtime, new_visitor
from booking.basket import choose_seats
from booking.clients.client import Client as BookingClient
from booking.clients.pace import NEW_PAYMENTS
from booking.locks import lock_seats
from booking.models import Booking, ShowtimeSeat
from booking.refusals import AlreadyPaid, BeingReleased, Invalid, LockExpired, RateLimited, SeatsTaken
from payments.checkout import NoGateway, start_checkout
from payments.gateways.factory import gateway
from payments.models import Payment
from tests.payments.sales import Sale, at_once, lock_ends, post, run_loop

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_request_to_stripe_is_what_the_contract_says(stripe, sale):
    lock_seats(showtime_id=sale.showtime.pk, visitor=sale.visitor, labels=("A1", "A2", "D1"), at=timezone.now())
    sale.start()
    method, path, asked, headers = next(call for call in stripe.calls if call[1].endswith("/sessions"))
    reference = sale.booking.reference
    assert asked["client_reference_id"] == asked["metadata"]["reference"] == reference
    assert asked["payment_intent_data"]["metadata"]["reference"] == reference
    assert (
        asked["mode"] == "payment" and asked["submit_type"] == "book" and asked["customer_email"] == "alice@example.com"
    )
    assert asked["allowed_payment_method_types"] == {"0": "card"} and "payment_method_types" not in asked
    assert asked["adaptive_pricing"] == {"enabled": "false"}
    assert asked["success_url"] == f"http://testserver/payments/return/{reference}/?session={{CHECKOUT_SESSION_ID}}"
    assert re.fullmatch(rf"http://testserver/payments/cancel/{reference}/\?token=[\w-]{{32}}", asked["cancel_url"])
    lines = [
        (li["quantity"], li["price_data"]["unit_amount"], li["price_data"]["currency"])
        for li in asked["line_items"].values()
    ]
    assert lines == [("2", "1150", "gbp"), ("1", "1450", "gbp")]
    assert headers["Idempotency-Key"] == sale.payment.idempotency_key
    assert int(asked["expires_at"]) == int(sale.payment.expires_at.timestamp())
    assert sale.payment.amount == 3750 == sale.booking.total
    assert "card" not in json.dumps(list(Payment.objects.values("request")))


def test_checkout_repeated_gives_the_same_url_and_makes_one_session(stripe, sale):
    first, second = sale.start(), sale.start(email="other@example.com")
    assert first.is_new and not second.is_new and first.payment.url == second.payment.url
    assert stripe.count("/v1/checkout/sessions") == 1


def test_checkout_by_two_tabs_at_once_makes_one_session(stripe, sale):
    results = at_once(*[sale.start] * 4)
    urls = {result.payment.url for result in results if not isinstance(result, NoGateway)}
    assert len(urls) == 1 and Payment.objects.count() == 1
    keys = {call[3]["Idempotency-Key"] for call in stripe.calls}
    assert len(keys) == 1


def test_new_payments_have_a_pace_by_client_and_the_lock_stays(stripe, sale, monkeypatch):
    monkeypatch.setattr("payments.checkout.NEW_PAYMENTS", replace(NEW_PAYMENTS, at_once=3, per_minute=1))
    client = BookingClient(("203.0.113.7",))
    for n in range(4):
        labels = ("A1", "A2", f"B{n + 1}")
        choose_seats(showtime_id=sale.showtime.pk, visitor=sale.visitor, labels=labels, at=timezone.now())
        if n < 3:
            assert sale.start(client=client).is_new
    with pytest.raises(RateLimited):
        sale.start(client=client)
    assert sale.booking.status == "locked" and Payment.objects.count() == 3
    assert sale.start(client=BookingClient(("203.0.113.8",))).is_new
    assert not sale.start(client=client).is_new  # it is open already


def test_checkout_renews_the_lock_once(stripe, sale):
    before = sale.booking.locked_until
    sale.start(at=timezone.now() + timedelta(seconds=60))
    assert sale.booking.locked_until - before > timedelta(seconds=50)
    rows = set(ShowtimeSeat.objects.filter(booking=sale.booking).values_list("locked_until", flat=True))
    assert rows == {sale.payment.verdict_until}


def test_the_api_answers_201_then_200_with_the_origin_of_the_request(sale, settings):
    client = Client()
    session = client.session
    session["visitor"] = str(sale.visitor)
    session.save()

    def ask():
        return client.post(
            f"/api/showtimes/{sale.showtime.pk}/checkout/",
            json.dumps({"email": "alice@example.com"}),
            content_type="application/json",
            headers={"host": "127.0.0.1:9000"},
        )

    first, second = ask(), ask()
    assert (first.status_code, second.status_code) == (201, 200) and first.json() == second.json()
    assert first.json()["url"].startswith("http://127.0.0.1:9000/payments/demo/cs_demo_")
    assert first.json()["expires_at"].endswith("Z") and set(first.json()) == {"reference", "url", "expires_at"}


@pytest.mark.parametrize(
    "email", ["", "nobody", "a@b", "x" * 250 + "@example.com", "a@example.com\nBcc: b@example.com"]
)
def test_an_invalid_address_is_refused(stripe, sale, email):
    with pytest.raises(Invalid):
        sale.start(email=email)
    assert sale.booking.status == "locked" and not stripe.calls


@pytest.mark.parametrize("body", ["{", "[]", "{}", '{"email": 3}'])
def test_the_api_refuses_a_malformed_body(sale, body):
    answer = Client().post(f"/api/showtimes/{sale.showtime.pk}/checkout/", body, content_type="application/json")
    assert answer.status_code == 422 and answer.json()["type"] == "invalid"


def test_without_a_lock_there_is_nothing_to_pay(stripe, sale, bob):
    with pytest.raises(LockExpired):
        bob.start()
    answer = Client().post(
        f"/api/showtimes/{sale.showtime.pk}/checkout/", '{"email": "a@example.com"}', content_type="application/json"
    )
    assert answer.status_code == 409 and answer.json()["type"] == "lock-expired"


def test_a_lapsed_lock_cannot_be_paid(stripe, sale):
    with pytest.raises(LockExpired):
        sale.start(at=timezone.now() + lock_ends())
    assert not stripe.calls


def test_an_overdue_checkout_is_not_returned_again(stripe, sale):
    sale.start()
    with pytest.raises(LockExpired):
        sale.start(at=timezone.now() + lock_ends())


def test_a_second_checkout_of_a_paid_booking_is_refused(stripe, sale):
    sale.start()
    post(stripe.event("checkout.session.completed", stripe.pay(sale.payment.session_id)))
    with pytest.raises(AlreadyPaid):
        sale.start()


@pytest.mark.parametrize("fault", ["500", "drop", "429", "slow"])
def test_while_the_gateway_is_down_checkout_is_503_and_the_lock_stays(stripe, sale, fault, monkeypatch):
    monkeypatch.setattr("payments.gateways.stripe.TIMEOUT", 0.3)
    stripe.fault(fault, "/sessions", times=3, seconds=0.6)
    client = Client()
    session = client.session
    session["visitor"] = str(sale.visitor)
    session.save()
    answer = client.post(
        f"/api/showtimes/{sale.showtime.pk}/checkout/", '{"email": "a@example.com"}', content_type="application/json"
    )
    if fault == "429":  # one attempt: the library does not retry a 429
        assert stripe.count("/sessions") == 1
    assert answer.status_code == 503 and answer.json()["type"] == "busy" and answer["Retry-After"]
    assert "Nothing was charged" in answer.json()["detail"]
    assert sale.booking.status == "checkout" and sale.seats() == {"locked"}
    stripe.faults.clear()
    assert sale.start().payment.url and len({c[3]["Idempotency-Key"] for c in stripe.calls}) == 1


@pytest.mark.parametrize("fault", ["done-500", "done-drop"])
def test_a_session_created_before_an_error_is_found_by_its_key(stripe, sale, fault):
    stripe.fault(fault, "/sessions", times=2)
    before = len(stripe.sessions)
    assert sale.start().payment.session_id
    assert len(stripe.sessions) == before + 1


def test_a_refused_session_gives_the_lock_back_as_it_was(stripe, sale, settings):
    settings.STRIPE_SECRET_KEY = "sk_test_wrong"
    until = sale.booking.locked_until
    with pytest.raises(NoGateway):
        sale.start()
    assert sale.booking.status == "locked" and sale.payment.status == "failed" and sale.booking.locked_until >= until
    rows = set(ShowtimeSeat.objects.filter(booking=sale.booking).values_list("locked_until", flat=True))
    assert rows == {sale.booking.locked_until}
    settings.STRIPE_SECRET_KEY = stripe_key()
    assert sale.start().payment.status == "open"
    assert Payment.objects.filter(booking=sale.booking).count() == 2


def stripe_key():
    from tests.payments.stripe.stand_in import KEY

    return KEY


def test_a_create_call_too_old_to_repeat_is_replaced_by_a_new_payment(stripe, sale):
    sale.start()
    stripe.replies.clear()  # Stripe never received it
    sale.forget_session()
    Payment.objects.update(request=sale.payment.request | {"expires_at": int(timezone.now().timestamp()) + 1700})
    started = sale.start()
    assert started.is_new and started.payment.status == "open"
    assert sorted(Payment.objects.values_list("status", flat=True)) == ["failed", "open"]


def test_after_a_crash_between_create_and_store_the_loop_finds_the_same_session(stripe, sale):
    sale.start()
    known = sale.payment.session_id
    sale.forget_session()
    run_loop(after=timedelta(seconds=25), rounds=1)
    assert sale.payment.session_id == known and sale.payment.status == "open"


def test_with_a_payment_open_nobody_else_gets_the_seat_before_its_verdict(stripe, sale, bob):
    sale.start()
    with pytest.raises(SeatsTaken):
        bob.lock()
    late = timezone.now() + lock_ends()
    with pytest.raises(BeingReleased):  # the deadline has passed without a verdict
        lock_seats(showtime_id=bob.showtime.pk, visitor=bob.visitor, labels=bob.labels, at=late)
    stripe.fault("drop", "/expire", times=9)
    run_loop(after=lock_ends(), rounds=1)
    assert sale.booking.status == "releasing"
    with pytest.raises(BeingReleased):
        lock_seats(showtime_id=bob.showtime.pk, visitor=bob.visitor, labels=bob.labels, at=late)
    stripe.faults.clear()
    run_loop(after=lock_ends() + timedelta(seconds=5), rounds=1)
    assert sale.booking.status == "expired" and bob.lock().booking.status == "locked"


def test_a_free_film_needs_no_gateway(stripe):
    sale = Sale(make_showtime(prices={"standard": 0, "premium": 0}), new_visitor(), ("A1",)).lock()
    started = sale.start()
    assert started.payment.status == "paid" and sale.booking.status == "confirmed" and not stripe.calls
    assert started.payment.url == f"http://testserver/bookings/{sale.booking.reference}/"


def test_a_gateway_is_never_called_inside_a_transaction(stripe, sale):
    from django.db import transaction

    with transaction.atomic(), pytest.raises(RuntimeError):
        gateway("stripe")


def test_stripe_and_the_mail_link_to_the_buyers_origin(stripe, sale):
    started = start_checkout(
        showtime_id=sale.showtime.pk,
        visitor=sale.visitor,
        email="a@example.com",
        origin="https://seats.example",
        at=timezone.now(),
    )
    assert started.payment.request["success_url"].startswith("https://seats.example/payments/return/")
    assert Booking.objects.get(pk=sale.booking.pk).origin == "https://seats.example"
