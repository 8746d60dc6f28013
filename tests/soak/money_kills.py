"""Buyers pay, are declined, return unpaid, pay late and cancel seats while web process and worker are killed at random.

Half of the kills come at any time, half right before or after a call that matters (`MOMENTS`, the nth call). The Stripe
stand-in keeps running and delivers its events late, twice and in the wrong order. At the end everything is started once
more, time passes, and Stripe, the ledger, the seats and the mails must agree exactly.
"""

import random
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from tests.payments.buyers import NO_ANSWER, WEBHOOK, Buyer
from tests.payments.crashes.crashing_process import ForkServer, address
from tests.payments.stripe.stand_in import KEY, SECRET, StripeStandIn

BUYERS = 4
ROWS, PER_ROW = 20, 30
LOCK_SECONDS = 3
GATEWAY = "payments.gateways.stripe.StripeGateway"
MOMENTS = {
    "web": (
        "payments.checkout.open_session before",
        "payments.checkout.apply_session before",
        "payments.events.apply_session after",
        "payments.webhook._answer before",
        "payments.session_end.apply_session before",
        f"{GATEWAY}.expire_session after",
        f"{GATEWAY}.create_session after",
    ),
    "worker": (
        "booking.outbox.worker._handle before",
        "booking.outbox.worker._handle after",
        "booking.mail.files.EmlFileBackend.send_messages after",
        "payments.session_end.apply_session before",
        f"{GATEWAY}.expire_session after",
        f"{GATEWAY}.refund before",
        f"{GATEWAY}.refund after",
    ),
}
LONGEST_WAIT = 1.2  # seconds until a process reaches its moment; after that it is killed anywhere


class BuyerThread:
    """Acts as one buyer after the other until `stop` is set; `did` counts what they did, for all threads."""

    def __init__(self, seed, port, showtime_id, stripe, did):
        self.rng, self.did = random.Random(seed), did
        self.port, self.showtime_id, self.stripe = port, showtime_id, stripe
        self.bought = []
        self.stop = threading.Event()
        self.failure = None
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        try:
            while not self.stop.is_set():
                if self.bought and self.rng.random() < 0.3:
                    self.cancel_seats()
                else:
                    self.buy_seats()
        except Exception as error:  # of any kind: `check_answers` reports it
            self.failure = error

    def count(self, what):
        self.did[what] += 1

    def retry(self, request, *arguments):
        """The answer to a request that is repeated up to three times while there is none or it is `busy`."""
        for _ in range(self.rng.randint(1, 4)):
            status, answer = request(*arguments)
            assert status < 500 or status == 503, f"{request.__name__} {arguments}: {status} {answer}"
            if status not in (NO_ANSWER, 503):
                return status, answer
            self.stop.wait(self.rng.uniform(0.02, 0.2))
        self.count("gave up on a dead server")
        return NO_ANSWER, None

    def buy_seats(self):
        buyer = Buyer(self.port, self.showtime_id)
        first = self.rng.randrange(PER_ROW - 3)
        row = chr(65 + self.rng.randrange(ROWS))
        labels = [f"{row}{first + n + 1}" for n in range(self.rng.randint(1, 3))]
        if self.retry(buyer.lock, *labels)[0] != 200:
            return
        status, answer = self.retry(buyer.check_out)
        if status not in (200, 201):
            return
        buyer.reference, buyer.labels = answer["reference"], labels
        self.visit_stripe(buyer, answer["url"].rpartition("/")[2])

    def visit_stripe(self, buyer, session):
        """What buyers do on Stripe's payment page, at random."""
        chance = self.rng.random()
        if chance < 0.08:
            self.retry(buyer.open_cancel_page, buyer.reference)
            return self.count("returned unpaid")
        if chance < 0.14:
            self.count("left the page")
            return None
        if chance < 0.20:
            self.retry(buyer.release)
            return self.count("released the seats")
        if chance < 0.30:
            self.stop.wait(self.rng.uniform(0.8, 1.1) * LOCK_SECONDS)
        try:
            if chance < 0.38:
                self.stripe.decline(session)
                return self.count("was declined")
            self.stripe.pay(session)
        except AssertionError:
            return self.count("found the session ended")
        self.count("paid")
        if self.rng.random() < 0.5:
            self.retry(buyer.open_return_page, buyer.reference)
        self.bought.append(buyer)
        return None

    def cancel_seats(self):
        buyer = self.bought.pop(self.rng.randrange(len(self.bought)))
        cancelled = self.rng.sample(buyer.labels, self.rng.randint(1, len(buyer.labels)))
        status, _ = self.retry(buyer.cancel, buyer.reference, *cancelled)
        self.count(f"cancelled: {status}")
        rest = [label for label in buyer.labels if label not in cancelled]
        if rest and self.rng.random() < 0.5:
            buyer.labels = rest
            self.bought.append(buyer)


class Killer:
    """Keeps a web process and a worker running, and kills them."""

    def __init__(self, nursery, rng):
        self.rng = rng
        self.starts = {"web": nursery.web, "worker": nursery.worker}
        self.running = {role: start() for role, start in self.starts.items()}
        self.moments = Counter()

    def kill_one(self):
        role = self.rng.choice(["web", "web", "worker"])
        if self.rng.random() < 0.5:
            self.running[role].kill()
            self.wait_before_start()
            self.running[role] = self.starts[role](crash=self.choose_moment(role))
            self.wait_for(self.running[role])
        else:
            time.sleep(self.rng.uniform(0.1, 0.8))
            self.moments["any"] += 1
        self.running[role].kill()
        self.wait_before_start()
        self.running[role] = self.starts[role]()

    def choose_moment(self, role):
        self.moment = self.rng.choice(MOMENTS[role])
        return f"{self.moment} {self.rng.choice([1, 1, 1, 2])}"

    def wait_for(self, process):
        until = time.monotonic() + LONGEST_WAIT
        while process.is_alive() and time.monotonic() < until:
            time.sleep(0.01)
        self.moments["any" if process.is_alive() else self.moment] += 1

    def wait_before_start(self):
        time.sleep(self.rng.choice([0, 0, 0.05, 0.2]))

    def stop(self):
        for process in self.running.values():
            process.kill()


def kill_many(kills, *, database, folder, stripe, seed):
    """A summary in one sentence. Raises AssertionError with every difference that is left at the end."""
    from django.conf import settings

    from bench.support.factories import make_plan, make_showtime
    from tests.payments.crashes.audit import differences

    rng, did = random.Random(seed), Counter()
    showtime = make_showtime(make_plan(ROWS, PER_ROW))
    with ForkServer(
        DATABASE_URL=database,
        DATA_DIR=folder,
        SECRET_KEY=settings.SECRET_KEY,
        SEAT_LOCK_SECONDS=LOCK_SECONDS,
        MAX_SEATS_PER_BOOKING=10,
        STRIPE_SECRET_KEY=KEY,
        STRIPE_WEBHOOK_SECRET=SECRET,
        STRIPE_API_BASE=stripe.url,
    ) as nursery:
        killer = Killer(nursery, rng)
        buyers = [BuyerThread(f"{seed}/{n}", nursery.port, showtime.pk, stripe, did) for n in range(BUYERS)]
        try:
            for buyer in buyers:
                buyer.thread.start()
            for n in range(kills):
                if n % 10 == 0:
                    change_stripe(stripe, rng, nursery.port)
                killer.kill_one()
        finally:
            stop_all(buyers)
            stripe.set("refund_status", "succeeded")  # of refunds from now on
            settle_refunds(stripe, rng)
            stripe.wait_for_deliveries(40)
            killer.stop()
        check_answers(buyers, stripe, did, kills, nursery)
        for after in (60, 3600, 7200):
            nursery.settle(after)
        found = list(differences(stripe, folder / "mail"))
        assert not found, f"seed {seed}: {len(found)} differences: {found[:20]}\n{nursery.tail()}"
    return sum_up(kills, killer, did, stripe, folder)


def stop_all(buyers):
    for buyer in buyers:
        buyer.stop.set()
    for buyer in buyers:
        buyer.thread.join(30)


def check_answers(buyers, stripe, did, kills, nursery):
    """No answer was an error of the product, and enough was paid for the run to mean something."""
    failures = [buyer.failure for buyer in buyers if buyer.failure]
    assert not failures, f"{failures}\n{nursery.tail()}"
    odd = [answer for answer in stripe.deliveries.answers if answer[2] not in (NO_ANSWER, 200, 503)]
    assert not odd, f"deliveries were answered {odd}\n{nursery.tail()}"
    assert did["paid"] >= kills // 10, f"too few payments: {did}"


def change_stripe(stripe, rng, port):
    """Choose at random how Stripe delivers events from now on, and the next faults of its API."""
    how = rng.choice(["once", "once", "twice", "reversed"])
    stripe.deliver_to(f"http://127.0.0.1:{port}{WEBHOOK}", how=how, delay=rng.choice([0, 0, 0.3, 2 * LOCK_SECONDS]))
    stripe.set("refund_status", rng.choice(["succeeded", "succeeded", "pending"]))
    stripe.clear_faults()
    if rng.random() < 0.5:
        fault = rng.choice(["429", "500", "done-500", "drop", "done-drop"])
        stripe.fault(fault, times=rng.randint(1, 6))


def settle_refunds(stripe, rng):
    """Each pending refund succeeds or fails, at random."""
    for name, refund in list(stripe.refunds.items()):
        if refund["status"] == "pending":
            stripe.settle_refund(name, rng.choice(["succeeded", "succeeded", "succeeded", "failed"]))


def sum_up(kills, killer, did, stripe, folder):
    from payments.models import LedgerEntry
    from tests.payments.crashes.audit import read_mails

    state, mails = stripe.state(), read_mails(folder / "mail")
    return (
        f"{kills} kills ({killer.moments['any']} at any time, {kills - killer.moments['any']} at"
        f" {len(killer.moments) - 1} moments), {did['paid']} payments, {len(state['refunds'])} refunds,"
        f" {state['paid'] - state['refunded']} pence kept, {LedgerEntry.objects.count()} ledger entries,"
        f" {len(set(mails))} mails ({len(mails) - len(set(mails))} of them sent again): no difference"
    )


def many(kills, *, seed=0):
    """For `python -m tests.soak`: on the database of Django's settings, which is migrated here."""
    from django.conf import settings
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    with StripeStandIn() as stripe, tempfile.TemporaryDirectory(prefix="bookmyseat-kills-") as folder:
        found = address(settings.DATABASES["default"])
        return kill_many(kills, database=found, folder=Path(folder), stripe=stripe, seed=seed)
