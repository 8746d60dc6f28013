"""SIGKILL of a real process at each moment that matters, a restart, and the state is as without the crash.

Web process and worker are real (`crashing_process`), Stripe's stand-in survives them, the database is the test's own.
"""

import shutil
import time
from datetime import timedelta

import pytest

from tests.payments.buyers import NO_ANSWER, Buyer, deliver
from tests.payments.crashes.crashing_process import ForkServer, address
from tests.payments.stripe.stand_in import KEY, SECRET
from tests.report import report

pytestmark = pytest.mark.django_db(transaction=True)

GATEWAY = "payments.gateways.stripe.StripeGateway"
BUYER_RETURNS = pytest.mark.parametrize("buyer_returns", [True, False], ids=["buyer retries", "buyer is gone"])


@pytest.fixture(scope="module")
def fork_server(django_db_setup, _stripe_server, tmp_path_factory):
    from django.conf import settings
    from django.db import connection

    with ForkServer(
        DATABASE_URL=address(connection.settings_dict),
        DATA_DIR=tmp_path_factory.mktemp("crashes"),
        SECRET_KEY=settings.SECRET_KEY,
        STRIPE_SECRET_KEY=KEY,
        STRIPE_WEBHOOK_SECRET=SECRET,
        STRIPE_API_BASE=_stripe_server.url,
    ) as fork_server:
        yield fork_server
        killed = f"{fork_server.n_armed} processes killed at W1-W8 on {connection.vendor} and started again"
        report("money", f"{killed}: Stripe, ledger, seats and mails agreed each time")


class RunningCinema:
    """One showtime, its web process and worker, and Stripe; `alice` has locked A1 and A2."""

    def __init__(self, fork_server, stripe):
        from bench.support.factories import make_showtime

        self.fork_server, self.stripe, self.showtime = fork_server, stripe, make_showtime()
        self.mail_folder = fork_server.env["DATA_DIR"] / "mail"
        self.running = []
        self.web()
        self.alice = self.buyer("A1", "A2")

    def web(self, crash=""):
        return self._start(self.fork_server.web(crash))

    def worker(self, crash=""):
        return self._start(self.fork_server.worker(crash))

    def restart_web(self, crash):
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
        buyer = Buyer(self.fork_server.port, self.showtime.pk)
        status, body = buyer.lock(*labels)
        assert status == 200, body
        return buyer

    def send_event(self, kind, found):
        """Stripe delivers an event once; returns its body and the status of the answer."""
        body = self.stripe.event(kind, found)
        return body, self.deliver(body)

    def deliver(self, body):
        return deliver(f"http://127.0.0.1:{self.fork_server.port}", body)

    def check_out(self, buyer):
        """(reference, session) of a buyer who is at Stripe's page."""
        status, body = buyer.check_out()
        assert status in (200, 201), body
        return body["reference"], body["url"].rpartition("/")[2]

    def buy(self, *labels):
        """A whole purchase; its mail is enqueued, and sent when a worker runs."""
        buyer = self.buyer(*labels)
        buyer.reference, buyer.session = self.check_out(buyer)
        assert self.send_event("checkout.session.completed", self.stripe.pay(buyer.session))[1] == 200
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

    def end_locks(self):
        """The deadline passes for every booking."""
        from booking.models import Booking

        live = Booking.objects.filter(status__in=Booking.LIVE, locked_until__isnull=False)
        live.update(locked_until=live.first().created_at)

    def mails(self):
        from tests.payments.crashes.audit import read_mails

        return read_mails(self.mail_folder)

    def wait_for_mails(self, n):
        """Wait for that many mails and until their worker has marked them: killed before, it would repeat one."""
        from booking.models import OutboxMessage

        mails = OutboxMessage.objects.filter(kind__startswith="mail.")
        wait_until(lambda: len(self.mails()) == n and not mails.exclude(state="done").exists())

    def settle_and_audit(self, after=timedelta(minutes=20)):
        """Run everything that is due within `after`; then Stripe, ledger, seats and mails agree."""
        from tests.payments.crashes.audit import differences

        self.stop()
        self.fork_server.settle(after.total_seconds())
        assert list(differences(self.stripe, self.mail_folder)) == [], self.fork_server.tail()


@pytest.fixture
def cinema(fork_server, transactional_db, stripe):
    for memory in (stripe.sessions, stripe.refunds, stripe.intents):
        memory.clear()
    shutil.rmtree(fork_server.env["DATA_DIR"] / "mail", ignore_errors=True)
    cinema = RunningCinema(fork_server, stripe)
    yield cinema
    cinema.stop()


def wait_until(holds, seconds=60):
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, f"not within {seconds} s"
        time.sleep(0.03)


@BUYER_RETURNS
@pytest.mark.parametrize(
    ("moment", "n_sessions"),
    [
        ("payments.checkout.open_session before", 0),
        ("payments.checkout.apply_session before", 1),
        ("payments.checkout.apply_session after", 1),
    ],
    ids=["W1 after the payment row", "W2 after the answer of Stripe", "after the answer was stored"],
)
def test_killed_while_a_payment_begins(cinema, moment, n_sessions, buyer_returns):
    cinema.restart_web(moment)
    assert cinema.alice.check_out() == (NO_ANSWER, None)
    assert len(cinema.stripe.sessions) == n_sessions and cinema.booking.status == "checkout"
    cinema.start()
    if not buyer_returns:
        cinema.end_locks()
        wait_until(lambda: cinema.booking.status == "expired")
        assert cinema.taken == [] and {s["status"] for s in cinema.stripe.sessions.values()} <= {"expired"}
        cinema.settle_and_audit()
        return
    _, session = cinema.check_out(cinema.alice)
    assert list(cinema.stripe.sessions) == [session]
    cinema.send_event("checkout.session.completed", cinema.stripe.pay(session))
    wait_until(lambda: len(cinema.mails()) == 1)
    assert cinema.taken == [("A1", "booked"), ("A2", "booked")]
    cinema.settle_and_audit()


@pytest.mark.parametrize("when", ["before", "after"])
def test_w3_killed_around_an_expiry_requested_by_the_buyer(cinema, when):
    reference, session = cinema.check_out(cinema.alice)
    cinema.restart_web(f"{GATEWAY}.expire_session {when}")
    assert cinema.alice.open_cancel_page(reference) == (NO_ANSWER, None)
    assert cinema.booking.status == "releasing" and cinema.taken == [("A1", "locked"), ("A2", "locked")]
    cinema.start()
    wait_until(lambda: cinema.booking.status == "released")
    assert cinema.stripe.sessions[session]["status"] == "expired" and cinema.taken == []
    cinema.settle_and_audit()


def test_w3_killed_after_an_expiry_at_the_deadline(cinema):
    cinema.check_out(cinema.alice)
    cinema.end_locks()
    cinema.worker(f"{GATEWAY}.expire_session after").has_died()
    assert cinema.booking.status == "releasing"
    cinema.start()
    wait_until(lambda: cinema.booking.status == "expired" and not cinema.taken)
    cinema.settle_and_audit()


def test_w3_killed_after_an_expiry_refused_because_it_was_paid(cinema):
    reference, session = cinema.check_out(cinema.alice)
    cinema.stripe.pay(session)
    cinema.restart_web(f"{GATEWAY}.retrieve_session after")
    assert cinema.alice.open_cancel_page(reference) == (NO_ANSWER, None)
    cinema.start()
    wait_until(lambda: cinema.booking.status == "confirmed" and len(cinema.mails()) == 1)
    cinema.settle_and_audit()


@pytest.mark.parametrize("again", [True, False], ids=["Stripe delivers again", "the event is lost"])
@pytest.mark.parametrize(
    ("moment", "is_stored"),
    [("payments.events.apply_session after", False), ("payments.webhook._answer before", True)],
    ids=["W4 before the commit", "W5 after the commit"],
)
def test_killed_in_the_webhook(cinema, moment, is_stored, again):
    from booking.models import Ticket
    from payments.models import StripeWebhookEvent

    _, session = cinema.check_out(cinema.alice)
    cinema.restart_web(moment)
    body, status = cinema.send_event("checkout.session.completed", cinema.stripe.pay(session))
    assert status == NO_ANSWER
    assert StripeWebhookEvent.objects.exists() == Ticket.objects.exists() == is_stored
    assert cinema.booking.status == ("confirmed" if is_stored else "checkout")
    cinema.start()
    if again:
        assert cinema.deliver(body) == 200
        assert cinema.deliver(body) == 200
    if again or is_stored:
        cinema.wait_for_mails(1)
    cinema.settle_and_audit()
    assert cinema.booking.status == "confirmed" and len(cinema.mails()) == 1


def test_killed_on_the_return_page(cinema):
    reference, session = cinema.check_out(cinema.alice)
    cinema.stripe.pay(session)
    cinema.restart_web("payments.session_end.apply_session before")
    assert cinema.alice.open_return_page(reference) == (NO_ANSWER, None)
    cinema.start()
    assert cinema.alice.open_return_page(reference)[0] == 302
    assert cinema.booking.status == "confirmed"
    cinema.settle_and_audit()


@pytest.mark.parametrize("when", ["before", "after"], ids=["before it was sent", "W6 after it was sent"])
def test_killed_around_a_refund(cinema, when):
    _, session = cinema.check_out(cinema.alice)
    paid = cinema.stripe.pay(session)
    cinema.stripe.sessions[session]["status"] = "expired"  # Stripe never does that, but a lost verdict looks like it
    cinema.end_locks()
    cinema.worker()
    wait_until(lambda: cinema.booking.status == "expired")
    cinema.start()
    cinema.buy("A2")
    cinema.stripe.sessions[session]["status"] = "complete"
    cinema.stop()
    cinema.web()
    assert cinema.send_event("checkout.session.completed", paid)[1] == 200
    cinema.worker(f"{GATEWAY}.refund {when}").has_died()
    assert len(cinema.stripe.refunds) == (when == "after")
    assert cinema.booking.status == "refunding"
    cinema.start()
    wait_until(lambda: cinema.booking.status == "refunded")
    assert len(cinema.stripe.refunds) == 1
    cinema.settle_and_audit()


@pytest.mark.parametrize(
    ("moment", "is_done"),
    [("payments.refunds.cancel_tickets after", False), ("payments.pages.api.cancel_booking after", True)],
    ids=["before the commit", "after the commit"],
)
def test_killed_while_a_buyer_cancels_a_seat(cinema, moment, is_done):
    buyer = cinema.buy("C1", "C2")
    cinema.restart_web(moment)
    assert buyer.cancel(buyer.reference, "C1") == (NO_ANSWER, None)
    assert (("C1", "booked") in cinema.taken) != is_done
    cinema.start()
    status, body = buyer.cancel(buyer.reference, "C1")
    assert status == 200 and body["refunded"] == 1150, body
    wait_until(lambda: len(cinema.stripe.refunds) == 1 and len(cinema.mails()) == 2)
    cinema.settle_and_audit()
    assert ("C2", "booked") in cinema.taken and ("C1", "booked") not in cinema.taken


@pytest.mark.parametrize("when", ["before", "after"], ids=["before it was sent", "W6 after it was sent"])
def test_killed_around_the_refund_of_a_seat(cinema, when):
    from payments.models import Refund

    buyer = cinema.buy("C1", "C2")
    assert buyer.cancel(buyer.reference, "C1")[0] == 200
    cinema.worker(f"{GATEWAY}.refund {when}").has_died()
    assert len(cinema.stripe.refunds) == (when == "after")
    cinema.worker()
    wait_until(lambda: Refund.objects.get().status == "succeeded")
    cinema.settle_and_audit()
    assert [refund["amount"] for refund in cinema.stripe.refunds.values()] == [1150]


def test_killed_while_the_bookings_of_a_cancelled_showtime_are_cancelled(cinema):
    from django.utils import timezone

    from payments.ledger import Actor
    from payments.refunds import cancel_showtime

    for label in ("C1", "C2", "C3"):
        cinema.buy(label)
    cancel_showtime(showtime_id=cinema.showtime.pk, by=Actor.staff("ines"), at=timezone.now())
    cinema.worker("payments.refunds.cancel_booking after 2").has_died()
    cinema.worker()
    wait_until(lambda: len(cinema.stripe.refunds) == 3 and not cinema.taken)
    cinema.settle_and_audit()
    assert sum(refund["amount"] for refund in cinema.stripe.refunds.values()) == 3 * 1150


def test_w7_killed_after_a_mail_was_sent_repeats_the_same_mail_and_no_other(cinema):
    cinema.buy("C1")
    cinema.buy("C2")
    cinema.worker("booking.mail.files.EmlFileBackend.send_messages after").has_died()
    assert len(cinema.mails()) == 1
    cinema.worker()
    cinema.wait_for_mails(3)
    cinema.settle_and_audit()
    assert len(cinema.mails()) == 3 and len(set(cinema.mails())) == 2


@pytest.mark.parametrize(
    ("moment", "sent"),
    [("booking.outbox.worker._handle after 2 mail.", 2), ("booking.outbox.worker._handle before 2 mail.", 1)],
    ids=["W8 between two claims", "with a claim"],
)
def test_a_worker_killed_among_messages_handles_each_once(cinema, moment, sent):
    for label in ("C1", "C2", "C3", "C4"):
        cinema.buy(label)
    cinema.worker(moment).has_died()
    assert len(cinema.mails()) == sent
    cinema.worker()
    cinema.worker()
    cinema.wait_for_mails(4)
    cinema.settle_and_audit()
    assert len(cinema.mails()) == len(set(cinema.mails())) == 4


def test_two_workers_share_many_messages_and_handle_each_once(cinema):
    for n in range(1, 7):
        cinema.buy(f"B{n}")
    cinema.worker()
    cinema.worker()
    cinema.wait_for_mails(6)
    cinema.settle_and_audit()
    assert len(cinema.mails()) == len(set(cinema.mails())) == 6
