"""SIGKILL of a real process at each moment that matters, a new start, and everything is as if nothing had happened.

Web process and worker are real (`crashing_process`), Stripe's stand-in outlives them, the database is the test's own.
"""

import shutil
import time
from datetime import timedelta

import pytest

from tests.payments.buyers import GONE, Buyer, deliver
from tests.payments.crashes.crashing_process import Nursery, address
from tests.payments.stripe.stand_in import KEY, SECRET
from tests.report import report

pytestmark = pytest.mark.django_db(transaction=True)

GATEWAY = "payments.gateways.stripe.StripeGateway"
COMES_BACK = pytest.mark.parametrize("comes_back", [True, False], ids=["the buyer tries again", "the buyer is gone"])


@pytest.fixture(scope="module")
def nursery(django_db_setup, _stripe_server, tmp_path_factory):
    from django.conf import settings
    from django.db import connection

    with Nursery(
        DATABASE_URL=address(connection.settings_dict),
        DATA_DIR=tmp_path_factory.mktemp("crashes"),
        SECRET_KEY=settings.SECRET_KEY,
        STRIPE_SECRET_KEY=KEY,
        STRIPE_WEBHOOK_SECRET=SECRET,
        STRIPE_API_BASE=_stripe_server.url,
    ) as nursery:
        yield nursery
        killed = f"{nursery.n_armed} processes killed at W1-W8 on {connection.vendor} and started again"
        report("money", f"{killed}: Stripe, ledger, seats and mails agreed each time")


class House:
    """One showtime, its web process and its worker, and Stripe; `alice` has locked A1 and A2."""

    def __init__(self, nursery, stripe):
        from bench.support.factories import make_showtime

        self.nursery, self.stripe, self.showtime = nursery, stripe, make_showtime()
        self.mail_folder = nursery.env["DATA_DIR"] / "mail"
        self.running = []
        self.web()
        self.alice = self.buyer("A1", "A2")

    def web(self, crash=""):
        return self._start(self.nursery.web(crash))

    def worker(self, crash=""):
        return self._start(self.nursery.worker(crash))

    def web_that_dies(self, crash):
        self.stop()
        return self.web(crash)

    def _start(self, process):
        self.running.append(process)
        return process

    def stop(self):
        while self.running:
            self.running.pop().kill()

    def start(self):
        self.stop()
        self.web()
        self.worker()

    def buyer(self, *labels):
        buyer = Buyer(self.nursery.port, self.showtime.pk)
        status, said = buyer.lock(*labels)
        assert status == 200, said
        return buyer

    def tell(self, kind, found):
        """Stripe delivers an event, again while nobody has taken it."""
        body = self.stripe.event(kind, found)
        return body, self.deliver(body)

    def deliver(self, body):
        return deliver(f"http://127.0.0.1:{self.nursery.port}", body)

    def begin_payment(self, buyer):
        """(reference, session) of a buyer who is at Stripe's page now."""
        status, said = buyer.check_out()
        assert status in (200, 201), said
        return said["reference"], said["url"].rpartition("/")[2]

    def buy(self, *labels):
        """A whole purchase; its mail is promised, and sent when a worker runs."""
        buyer = self.buyer(*labels)
        buyer.reference, buyer.session = self.begin_payment(buyer)
        assert self.tell("checkout.session.completed", self.stripe.pay(buyer.session))[1] == 200
        return buyer

    @property
    def booking(self):
        """Alice's, as it is now."""
        from booking.models import Booking

        return Booking.objects.order_by("pk").first()

    @property
    def taken(self):
        from booking.models import ShowtimeSeat

        rows = ShowtimeSeat.objects.filter(showtime=self.showtime).exclude(status="available")
        return [(row.seat.label, row.status) for row in rows.select_related("seat")]

    def time_passes(self):
        """The time to pay runs out for everybody."""
        from booking.models import Booking

        live = Booking.objects.filter(status__in=Booking.LIVE, locked_until__isnull=False)
        live.update(locked_until=live.first().created_at)

    def mails(self):
        from tests.payments.crashes.audit import read_mails

        return read_mails(self.mail_folder)

    def has_sent(self, n):
        """Waits for that many mails, and until their worker has noted them: killed before, it would send one again."""
        from booking.models import OutboxMessage

        promised = OutboxMessage.objects.filter(kind__startswith="mail.")
        wait_until(lambda: len(self.mails()) == n and not promised.exclude(state="done").exists())

    def come_to_rest(self, after=timedelta(minutes=20)):
        """Whatever time will bring has come, and Stripe, books, seats and mails agree."""
        from tests.payments.crashes.audit import differences

        self.stop()
        self.nursery.settle(after.total_seconds())
        assert list(differences(self.stripe, self.mail_folder)) == [], self.nursery.tail()


@pytest.fixture
def house(nursery, transactional_db, stripe):
    for memory in (stripe.sessions, stripe.refunds, stripe.intents):
        memory.clear()
    shutil.rmtree(nursery.env["DATA_DIR"] / "mail", ignore_errors=True)
    house = House(nursery, stripe)
    yield house
    house.stop()


def wait_until(holds, seconds=10):
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "it never came to pass"
        time.sleep(0.03)


@COMES_BACK
@pytest.mark.parametrize(
    ("moment", "n_sessions"),
    [
        ("payments.checkout.open_session before", 0),
        ("payments.checkout.apply_session before", 1),
        ("payments.checkout.apply_session after", 1),
    ],
    ids=["W1 after the payment row", "W2 after the answer of Stripe", "after the answer was stored"],
)
def test_killed_while_a_payment_begins(house, moment, n_sessions, comes_back):
    house.web_that_dies(moment)
    assert house.alice.check_out() == (GONE, None)
    assert len(house.stripe.sessions) == n_sessions and house.booking.status == "checkout"
    house.start()
    if not comes_back:
        house.time_passes()
        wait_until(lambda: house.booking.status == "expired")
        assert house.taken == [] and {s["status"] for s in house.stripe.sessions.values()} <= {"expired"}
        house.come_to_rest()
        return
    _, session = house.begin_payment(house.alice)
    assert list(house.stripe.sessions) == [session]
    house.tell("checkout.session.completed", house.stripe.pay(session))
    wait_until(lambda: len(house.mails()) == 1)
    assert house.taken == [("A1", "booked"), ("A2", "booked")]
    house.come_to_rest()


@pytest.mark.parametrize("when", ["before", "after"])
def test_w3_killed_around_the_expiry_that_a_buyer_asked_for(house, when):
    reference, session = house.begin_payment(house.alice)
    house.web_that_dies(f"{GATEWAY}.expire_session {when}")
    assert house.alice.turn_back(reference) == (GONE, None)
    assert house.booking.status == "releasing" and house.taken == [("A1", "locked"), ("A2", "locked")]
    house.start()
    wait_until(lambda: house.booking.status == "released")
    assert house.stripe.sessions[session]["status"] == "expired" and house.taken == []
    house.come_to_rest()


def test_w3_killed_after_the_expiry_that_the_clock_asked_for(house):
    house.begin_payment(house.alice)
    house.time_passes()
    house.worker(f"{GATEWAY}.expire_session after").has_died()
    assert house.booking.status == "releasing"
    house.start()
    wait_until(lambda: house.booking.status == "expired" and not house.taken)
    house.come_to_rest()


def test_w3_killed_after_an_expiry_that_lost_against_the_payment(house):
    reference, session = house.begin_payment(house.alice)
    house.stripe.pay(session)
    house.web_that_dies(f"{GATEWAY}.retrieve_session after")
    assert house.alice.turn_back(reference) == (GONE, None)
    house.start()
    wait_until(lambda: house.booking.status == "confirmed" and len(house.mails()) == 1)
    house.come_to_rest()


@pytest.mark.parametrize("again", [True, False], ids=["Stripe delivers again", "the event is lost"])
@pytest.mark.parametrize(
    ("moment", "is_stored"),
    [("payments.events.apply_session after", False), ("payments.webhook._answer before", True)],
    ids=["W4 before the commit", "W5 after the commit"],
)
def test_killed_in_the_webhook(house, moment, is_stored, again):
    from booking.models import Ticket
    from payments.models import StripeWebhookEvent

    _, session = house.begin_payment(house.alice)
    house.web_that_dies(moment)
    body, status = house.tell("checkout.session.completed", house.stripe.pay(session))
    assert status == GONE
    assert StripeWebhookEvent.objects.exists() == Ticket.objects.exists() == is_stored
    assert house.booking.status == ("confirmed" if is_stored else "checkout")
    house.start()
    if again:
        assert house.deliver(body) == 200
        assert house.deliver(body) == 200
    if again or is_stored:
        house.has_sent(1)
    house.come_to_rest()
    assert house.booking.status == "confirmed" and len(house.mails()) == 1


def test_killed_on_the_way_back_from_stripe(house):
    reference, session = house.begin_payment(house.alice)
    house.stripe.pay(session)
    house.web_that_dies("payments.session_end.apply_session before")
    assert house.alice.come_back(reference) == (GONE, None)
    house.start()
    assert house.alice.come_back(reference)[0] == 302
    assert house.booking.status == "confirmed"
    house.come_to_rest()


@pytest.mark.parametrize("when", ["before", "after"], ids=["before it was sent", "W6 after it was sent"])
def test_killed_around_a_refund(house, when):
    _, session = house.begin_payment(house.alice)
    paid = house.stripe.pay(session)
    house.stripe.sessions[session]["status"] = "expired"  # what Stripe never does; it looks like a lost verdict
    house.time_passes()
    house.worker()
    wait_until(lambda: house.booking.status == "expired")
    house.start()
    house.buy("A2")
    house.stripe.sessions[session]["status"] = "complete"
    house.stop()
    house.web()
    assert house.tell("checkout.session.completed", paid)[1] == 200
    house.worker(f"{GATEWAY}.refund {when}").has_died()
    assert len(house.stripe.refunds) == (when == "after")
    assert house.booking.status == "refunding"
    house.start()
    wait_until(lambda: house.booking.status == "refunded", seconds=15)
    assert len(house.stripe.refunds) == 1
    house.come_to_rest()


@pytest.mark.parametrize(
    ("moment", "is_done"),
    [("payments.refunds.cancel_tickets after", False), ("payments.pages.api.cancel_booking after", True)],
    ids=["before the commit", "after the commit"],
)
def test_killed_while_a_buyer_cancels_a_seat(house, moment, is_done):
    buyer = house.buy("C1", "C2")
    house.web_that_dies(moment)
    assert buyer.cancel(buyer.reference, "C1") == (GONE, None)
    assert (("C1", "booked") in house.taken) != is_done
    house.start()
    status, said = buyer.cancel(buyer.reference, "C1")
    assert status == 200 and said["refunded"] == 1150, said
    wait_until(lambda: len(house.stripe.refunds) == 1 and len(house.mails()) == 2)
    house.come_to_rest()
    assert ("C2", "booked") in house.taken and ("C1", "booked") not in house.taken


@pytest.mark.parametrize("when", ["before", "after"], ids=["before it was sent", "W6 after it was sent"])
def test_killed_around_the_refund_of_a_seat(house, when):
    from payments.models import Refund

    buyer = house.buy("C1", "C2")
    assert buyer.cancel(buyer.reference, "C1")[0] == 200
    house.worker(f"{GATEWAY}.refund {when}").has_died()
    assert len(house.stripe.refunds) == (when == "after")
    house.worker()
    wait_until(lambda: Refund.objects.get().status == "succeeded")
    house.come_to_rest()
    assert [refund["amount"] for refund in house.stripe.refunds.values()] == [1150]


def test_killed_while_the_bookings_of_a_cancelled_showtime_are_cancelled(house):
    from django.utils import timezone

    from payments.ledger import Actor
    from payments.refunds import cancel_showtime

    for label in ("C1", "C2", "C3"):
        house.buy(label)
    cancel_showtime(showtime_id=house.showtime.pk, by=Actor.staff("ines"), at=timezone.now())
    house.worker("payments.refunds.cancel_booking after 2").has_died()
    house.worker()
    wait_until(lambda: len(house.stripe.refunds) == 3 and not house.taken)
    house.come_to_rest()
    assert sum(refund["amount"] for refund in house.stripe.refunds.values()) == 3 * 1150


def test_w7_killed_after_a_mail_was_sent_repeats_the_same_mail_and_no_other(house):
    house.buy("C1")
    house.buy("C2")
    house.worker("booking.mail.files.EmlFileBackend.send_messages after").has_died()
    assert len(house.mails()) == 1
    house.worker()
    house.has_sent(3)
    house.come_to_rest()
    assert len(house.mails()) == 3 and len(set(house.mails())) == 2


@pytest.mark.parametrize(
    ("moment", "sent"),
    [("booking.outbox.worker._handle after 2 mail.", 2), ("booking.outbox.worker._handle before 2 mail.", 1)],
    ids=["W8 between two claims", "with a claim in its hand"],
)
def test_killed_among_promises_keeps_each_once(house, moment, sent):
    for label in ("C1", "C2", "C3", "C4"):
        house.buy(label)
    house.worker(moment).has_died()
    assert len(house.mails()) == sent
    house.worker()
    house.worker()
    house.has_sent(4)
    house.come_to_rest()
    assert len(house.mails()) == len(set(house.mails())) == 4


def test_two_workers_share_many_promises_and_keep_each_once(house):
    for n in range(1, 7):
        house.buy(f"B{n}")
    house.worker()
    house.worker()
    house.has_sent(6)
    house.come_to_rest()
    assert len(house.mails()) == len(set(house.mails())) == 6
