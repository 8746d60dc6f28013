"""`POST /api/bookings/<reference>/cancellation/`: permissions, answers and refusals."""

import json
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from bench.support.factories import make_showtime, make_user, new_visitor
from booking.models import Ticket
from booking.tickets.codes import booking_key, find_ticket
from payments.models import Payment
from tests.payments.money import (
    before_start,
    buy,
    letters,
    refunds,
    set_terms,
    state,
    tickets,
)
from tests.payments.sales import Sale

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("adds_up")]


def be(visitor):
    client = Client(raise_request_exception=False)
    session = client.session
    session["visitor"] = str(visitor)
    session.save()
    return client


def address(sale, query=""):
    return f"/api/bookings/{sale.booking.reference}/cancellation/{query}"


def post(client, sale, body="{}", query=""):
    text = body if isinstance(body, str) else json.dumps(body)
    return client.post(address(sale, query), text, content_type="application/json")


def assert_problem(answer, kind, status, **extra):
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    body = answer.json()
    assert (body["type"], body["status"]) == (kind, status) and len(body["detail"]) > 20
    assert {key: body[key] for key in extra} == extra
    return body["detail"]


def test_the_answer_is_the_booking_as_the_booking_api_shows_it():
    sale = buy("A1", "A2", "A3")
    client = be(sale.visitor)
    answer = post(client, sale, {"seats": ["A2"]})
    assert answer.status_code == 200 and answer["Cache-Control"] == "no-store"
    body = answer.json()
    assert body == client.get(f"/api/bookings/{sale.booking.reference}/").json()
    assert (body["status"], body["total"], body["refunded"]) == ("confirmed", 3450, 1150)
    assert [(each["seat"], each["status"]) for each in body["tickets"]] == [
        ("A1", "valid"),
        ("A2", "cancelled"),
        ("A3", "valid"),
    ]
    gone = find_ticket(body["tickets"][1]["code"])
    assert gone.status == "cancelled" and letters(sale) == "BAB"


def test_without_seats_the_whole_booking_is_cancelled_once():
    for body in ("{}", ""):
        sale = buy("A1", "A2")
        client = be(sale.visitor)
        for _ in range(2):
            booking = post(client, sale, body).json()
            assert (booking["status"], booking["refunded"]) == ("refunding", 2300)
        assert len(refunds(sale)) == 1


@pytest.mark.parametrize(
    "body",
    [
        "[]",
        "nonsense",
        '{"seats": []}',
        '{"seats": "A1"}',
        '{"seats": [1]}',
        '{"seats": null}',
        '{"seats": ["A1", []]}',
    ],
)
def test_a_malformed_body_is_refused_and_cancels_nothing(body):
    sale = buy("A1")
    assert_problem(post(be(sale.visitor), sale, body), "invalid", 422)
    assert tickets(sale) == {"A1": "valid"}


def test_seats_that_the_booking_does_not_have_are_named():
    sale = buy("A1")
    answer = post(be(sale.visitor), sale, {"seats": ["A1", "A2", "nowhere"]})
    assert_problem(answer, "unknown-seat", 422, seats=["A2", "nowhere"])
    assert tickets(sale) == {"A1": "valid"}


def test_a_booking_of_another_visitor_is_404():
    sale = buy("A1")
    for client in (be(new_visitor()), Client()):
        assert_problem(post(client, sale), "not-found", 404)
    missing = be(sale.visitor).post("/api/bookings/XXX-XXX-XXX/cancellation/", "{}", content_type="application/json")
    assert_problem(missing, "not-found", 404)
    assert tickets(sale) == {"A1": "valid"}


def test_the_link_in_the_mail_may_cancel_without_a_session():
    sale = buy("A1")
    assert post(Client(), sale, query="?key=forged").status_code == 404
    answer = post(Client(), sale, query=f"?key={booking_key(sale.booking)}")
    assert answer.json()["status"] == "refunding" and refunds(sale)[0].actor == "buyer"


def test_staff_cancel_any_booking_at_any_time_for_the_whole_price():
    sale = buy("A1", "A2")
    set_terms(sale.showtime, (600, 20), fee=100)
    client = Client()
    client.force_login(make_user(staff=True))
    with time_machine.travel(sale.showtime.ends_at + timedelta(days=1), tick=False):
        assert post(client, sale, {"seats": ["A2"]}).json()["refunded"] == 1150
    assert refunds(sale)[0].actor.startswith("staff:guest")
    guest = Client()
    guest.force_login(make_user())
    assert post(guest, sale).status_code == 404


def test_after_the_deadline_the_refusal_states_the_terms():
    sale = buy("A1")
    client = be(sale.visitor)
    with time_machine.travel(before_start(sale.showtime, 119), tick=False):
        detail = assert_problem(post(client, sale), "sales-closed", 410)
    assert detail == "Tickets can be cancelled until 2 hours before the start. That time has passed."
    with time_machine.travel(before_start(sale.showtime, 120), tick=False):
        assert post(client, sale).status_code == 200


def test_a_used_ticket_a_disputed_payment_and_an_unpaid_booking_are_refused():
    sale = buy("A1")
    client = be(sale.visitor)
    Ticket.objects.filter(booking=sale.booking).update(status="used", used_at=timezone.now())
    assert "used at the door" in assert_problem(post(client, sale), "forbidden", 403, seats=["A1"])
    Ticket.objects.filter(booking=sale.booking).update(status="valid", used_at=None)
    Payment.objects.filter(pk=sale.payment.pk).update(disputed=True)
    assert "disputed at the bank" in assert_problem(post(client, sale), "forbidden", 403)
    Payment.objects.filter(pk=sale.payment.pk).update(disputed=False)
    locked = Sale(make_showtime(), sale.visitor, ("A1",)).lock()
    assert "is not confirmed" in assert_problem(post(client, locked), "invalid", 422)
    assert state(sale) == ("confirmed", 0) and locked.booking.status == "locked"


def test_only_a_post_with_a_csrf_token_is_accepted():
    sale = buy("A1")
    client = be(sale.visitor)
    for method in ("get", "put", "delete", "patch"):
        answer = getattr(client, method)(address(sale))
        assert_problem(answer, "method-not-allowed", 405)
        assert "POST" in answer["Allow"]
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = client.cookies
    assert_problem(post(strict, sale), "forbidden", 403)
    assert tickets(sale) == {"A1": "valid"}
