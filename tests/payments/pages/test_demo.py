"""The demo payment page over HTTP; events are posted to the webhook as by the loop."""

import json
import re

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from bench.support.factories import make_showtime
from booking.models import Booking, OutboxMessage
from payments.gateways.demo import sign
from payments.models import DemoSession, Payment, StripeWebhookEvent
from tests.payments.sales import lock_ends, post, run_loop

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def alice():
    return Client()


@pytest.fixture
def showtime():
    return make_showtime()


def check_out(client, showtime, labels=("A1", "A2"), **headers):
    """Lock over the API and check out; returns the JSON of checkout."""
    base = f"/api/showtimes/{showtime.pk}"
    assert (
        client.put(f"{base}/lock/", json.dumps({"seats": labels}), content_type="application/json").status_code == 200
    )
    answer = client.post(f"{base}/checkout/", json.dumps({"email": "a@example.com"}), content_type="application/json")
    assert answer.status_code == 201, answer.content
    return answer.json()


def press(client, url, action):
    return client.post(url.removeprefix("http://testserver"), {"action": action})


def deliver():
    """Post the enqueued events to this process's webhook as the loop does; returns the status codes."""
    codes = []
    for message in OutboxMessage.objects.filter(kind="payments.demo_event", state="pending").order_by("pk"):
        body = message.payload["body"]
        codes.append(post(body.encode(), sign(body, int(timezone.now().timestamp()))).status_code)
        OutboxMessage.objects.filter(pk=message.pk).update(state="done")
    return codes


def status_of(reference):
    return Booking.objects.get(reference=reference).status


def test_paying_leads_back_to_a_confirmed_booking(alice, showtime):
    checkout = check_out(alice, showtime)
    assert re.fullmatch(r"http://testserver/payments/demo/cs_demo_[0-9a-f]+/", checkout["url"])
    answer = press(alice, checkout["url"], "pay")
    assert (
        answer.status_code == 303
        and f"/payments/return/{checkout['reference']}/?session=cs_demo_" in answer["Location"]
    )
    back = alice.get(answer["Location"])
    assert back.status_code == 302 and back["Location"] == f"/bookings/{checkout['reference']}/"
    assert status_of(checkout["reference"]) == "confirmed" and Booking.objects.get().demo
    assert deliver() == [200]
    run_loop()
    assert len(mail.outbox) == 1 and mail.outbox[0].extra_headers["X-Booking"] == checkout["reference"]


def test_the_event_alone_confirms(alice, showtime):
    checkout = check_out(alice, showtime)
    press(alice, checkout["url"], "pay")
    assert deliver() == [200]
    assert status_of(checkout["reference"]) == "confirmed"


def test_paying_twice_delivers_one_event_two_times_and_books_once(alice, showtime):
    checkout = check_out(alice, showtime)
    press(alice, checkout["url"], "pay-twice")
    assert deliver() == [200, 200]
    run_loop()
    assert status_of(checkout["reference"]) == "confirmed" and len(mail.outbox) == 1
    assert StripeWebhookEvent.objects.count() == 1


def test_a_late_payment_is_confirmed_at_the_end_of_the_lock_and_its_event_changes_nothing(alice, showtime):
    checkout = check_out(alice, showtime)
    answer = press(alice, checkout["url"], "pay-late")
    assert answer.status_code == 200 and b"nobody knows yet" in answer.content
    event = OutboxMessage.objects.get(kind="payments.demo_event")
    until = Booking.objects.get().locked_until
    assert 1.5 < (event.next_at - until).total_seconds() < 2.5
    assert status_of(checkout["reference"]) == "checkout"
    run_loop(after=lock_ends(), rounds=1)
    assert status_of(checkout["reference"]) == "confirmed"
    assert deliver() == [200] and status_of(checkout["reference"]) == "confirmed"
    assert Payment.objects.get().refunds.count() == 0


def test_a_declined_card_frees_the_seats_at_once(alice, showtime):
    checkout = check_out(alice, showtime)
    answer = press(alice, checkout["url"], "decline")
    assert answer.status_code == 200 and b"Nothing was charged" in answer.content
    assert deliver() == [200]
    assert status_of(checkout["reference"]) == "released"
    assert DemoSession.objects.get().status == "expired"
    assert press(alice, checkout["url"], "pay").status_code == 409
    assert status_of(checkout["reference"]) == "released"


def test_a_declined_card_may_be_followed_by_another_under_the_retry_policy(alice, showtime, settings):
    settings.DECLINE_POLICY = "retry"
    checkout = check_out(alice, showtime)
    assert b"Try another card" in press(alice, checkout["url"], "decline").content
    assert deliver() == [200] and status_of(checkout["reference"]) == "checkout"
    press(alice, checkout["url"], "pay")
    assert deliver() == [200] and status_of(checkout["reference"]) == "confirmed"


def test_cancelling_ends_the_payment_and_frees_the_seats_at_once(alice, showtime):
    checkout = check_out(alice, showtime)
    answer = press(alice, checkout["url"], "cancel")
    assert answer.status_code == 303
    back = alice.get(answer["Location"])
    assert back.status_code == 302 and back["Location"] == f"/showtimes/{showtime.pk}/"
    assert status_of(checkout["reference"]) == "released" and DemoSession.objects.get().status == "expired"
    assert alice.get(checkout["url"].removeprefix("http://testserver")).status_code == 200


def test_another_visitor_can_neither_cancel_nor_return(alice, showtime):
    checkout = check_out(alice, showtime)
    for way in ("cancel", "return"):
        assert Client().get(f"/payments/{way}/{checkout['reference']}/").status_code == 404
    assert status_of(checkout["reference"]) == "checkout"


def test_the_page_says_that_it_is_a_demo_and_asks_for_no_card(alice, showtime):
    checkout = check_out(alice, showtime)
    page = alice.get(checkout["url"].removeprefix("http://testserver")).content.decode()
    assert "Demo payment. No money moves; enter no card." in page
    assert page.count("<form") - page.count('role="search"') >= 1 and "csrfmiddlewaretoken" in page
    assert re.findall(r'name="action" value="([a-z-]+)"', page) == ["pay", "decline", "cancel", "pay-twice", "pay-late"]
    assert "stripe" not in page.lower().replace("demo payment", "")
    assert "card number" not in page.lower()


def test_the_page_needs_its_csrf_token(showtime):
    strict = Client(enforce_csrf_checks=True)
    checkout = check_out(Client(), showtime)
    assert press(strict, checkout["url"], "pay").status_code == 403
    assert status_of(checkout["reference"]) == "checkout"


def test_an_unknown_button_or_session_is_refused(alice, showtime):
    checkout = check_out(alice, showtime)
    assert press(alice, checkout["url"], "steal").status_code == 422
    assert alice.get("/payments/demo/cs_demo_nothing/").status_code == 404


def test_the_loop_posts_the_event_to_the_address_of_the_buyers_request(live_server, showtime):
    """A real server in its own threads; the loop runs in this thread."""
    host, port = live_server.thread.host, live_server.thread.port
    alice = Client(headers={"host": f"{host}:{port}"})
    checkout = check_out(alice, showtime)
    assert checkout["url"].startswith(f"{live_server.url}/payments/demo/")
    alice.post(checkout["url"].removeprefix(live_server.url), {"action": "pay-twice"})
    assert status_of(checkout["reference"]) == "checkout"
    for message in OutboxMessage.objects.filter(kind="payments.demo_event"):  # the test client has no port
        message.payload |= {"server": host, "port": str(port)}
        message.save()
    run_loop(rounds=1)
    assert status_of(checkout["reference"]) == "confirmed"
    messages = OutboxMessage.objects.filter(kind="payments.demo_event")
    assert [message.state for message in messages] == ["done", "done"] and StripeWebhookEvent.objects.count() == 1


def test_an_event_that_is_not_accepted_is_sent_again(alice, showtime, settings):
    settings.PORT = 9  # no server listens there
    checkout = check_out(alice, showtime)
    press(alice, checkout["url"], "pay")
    OutboxMessage.objects.update(payload=OutboxMessage.objects.get().payload | {"server": "127.0.0.1", "port": "9"})
    run_loop(rounds=1)
    message = OutboxMessage.objects.get(kind="payments.demo_event")
    assert message.state == "pending" and message.attempts == 1 and "could not be reached" in message.last_error
    assert deliver() == [200] and status_of(checkout["reference"]) == "confirmed"
