"""Buyers pay, are declined, turn back, come late and cancel seats while web process and worker are killed at random.

Half of the kills come whenever they come, half at a moment that matters (`MOMENTS`, the nth time). Stripe's stand-in
outlives them and delivers its events late, twice and in the wrong order. At the end all is started once more, time
passes, and Stripe, the books, the seats and the mails must agree to the last penny.
"""

import random
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from tests.payments.buyers import GONE, WEBHOOK, Buyer
from tests.payments.crashes.crashing_process import Nursery, address
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
LONGEST_WAIT = 1.2  # for a process to meet its moment; then it is killed where it is


class Timeline:
    """One buyer after the other in this thread, until told to stop; `did` counts what they did."""

    def __init__(self, seed, port, showtime_id, stripe, did):
        self.dice, self.did = random.Random(seed), did
        self.port, self.showtime_id, self.stripe = port, showtime_id, stripe
        self.bought = []
        self.stop = threading.Event()
        self.failure = None
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        try:
            while not self.stop.is_set():
                if self.bought and self.dice.random() < 0.3:
                    self.cancel_something()
                else:
                    self.want_seats()
        except Exception as error:  # told at the end, whatever it is
            self.failure = error

    def say(self, what):
        self.did[what] += 1

    def insist(self, ask, *arguments):
        """As people do: press again when nothing came, a few times."""
        for _ in range(self.dice.randint(1, 4)):
            status, said = ask(*arguments)
            assert status < 500 or status == 503, f"{ask.__name__} {arguments}: {status} {said}"
            if status not in (GONE, 503):
                return status, said
            self.stop.wait(self.dice.uniform(0.02, 0.2))
        self.say("gave up on a dead server")
        return GONE, None

    def want_seats(self):
        buyer = Buyer(self.port, self.showtime_id)
        first = self.dice.randrange(PER_ROW - 3)
        row = chr(65 + self.dice.randrange(ROWS))
        labels = [f"{row}{first + n + 1}" for n in range(self.dice.randint(1, 3))]
        if self.insist(buyer.lock, *labels)[0] != 200:
            return
        status, said = self.insist(buyer.check_out)
        if status not in (200, 201):
            return
        buyer.reference, buyer.labels = said["reference"], labels
        self.at_stripe(buyer, said["url"].rpartition("/")[2])

    def at_stripe(self, buyer, session):
        """What people do on a payment page."""
        fate = self.dice.random()
        if fate < 0.08:
            self.insist(buyer.turn_back, buyer.reference)
            return self.say("turned back")
        if fate < 0.14:
            self.say("walked away")
            return None
        if fate < 0.20:
            self.insist(buyer.give_back)
            return self.say("gave the seats back")
        if fate < 0.30:
            self.stop.wait(self.dice.uniform(0.8, 1.1) * LOCK_SECONDS)
        try:
            if fate < 0.38:
                self.stripe.decline(session)
                return self.say("was declined")
            self.stripe.pay(session)
        except AssertionError:
            return self.say("found the session ended")
        self.say("paid")
        if self.dice.random() < 0.5:
            self.insist(buyer.come_back, buyer.reference)
        self.bought.append(buyer)
        return None

    def cancel_something(self):
        buyer = self.bought.pop(self.dice.randrange(len(self.bought)))
        some = self.dice.sample(buyer.labels, self.dice.randint(1, len(buyer.labels)))
        status, _ = self.insist(buyer.cancel, buyer.reference, *some)
        self.say(f"cancelled: {status}")
        rest = [label for label in buyer.labels if label not in some]
        if rest and self.dice.random() < 0.5:
            buyer.labels = rest
            self.bought.append(buyer)


class Killer:
    """Keeps a web process and a worker running, and kills them."""

    def __init__(self, nursery, dice):
        self.nursery, self.dice = nursery, dice
        self.bear = {"web": nursery.web, "worker": nursery.worker}
        self.running = {role: start() for role, start in self.bear.items()}
        self.moments = Counter()

    def kill_one(self):
        role = self.dice.choice(["web", "web", "worker"])
        if self.dice.random() < 0.5:
            self.running[role].kill()
            self.dead_for_a_moment()
            self.running[role] = self.bear[role](crash=self.choose_moment(role))
            self.wait_for(self.running[role])
        else:
            time.sleep(self.dice.uniform(0.1, 0.8))
            self.moments["any"] += 1
        self.running[role].kill()
        self.dead_for_a_moment()
        self.running[role] = self.bear[role]()

    def choose_moment(self, role):
        self.moment = self.dice.choice(MOMENTS[role])
        return f"{self.moment} {self.dice.choice([1, 1, 1, 2])}"

    def wait_for(self, process):
        until = time.monotonic() + LONGEST_WAIT
        while process.is_alive() and time.monotonic() < until:
            time.sleep(0.01)
        self.moments["any" if process.is_alive() else self.moment] += 1

    def dead_for_a_moment(self):
        time.sleep(self.dice.choice([0, 0, 0.05, 0.2]))

    def stop(self):
        for process in self.running.values():
            process.kill()


def kill_many(kills, *, database, folder, stripe, seed):
    """What happened, in a sentence. Raises AssertionError with every difference that is left at the end."""
    from django.conf import settings

    from bench.support.factories import make_plan, make_showtime
    from tests.payments.crashes.audit import differences

    dice, did = random.Random(seed), Counter()
    showtime = make_showtime(make_plan(ROWS, PER_ROW))
    with Nursery(
        DATABASE_URL=database,
        DATA_DIR=folder,
        SECRET_KEY=settings.SECRET_KEY,
        SEAT_LOCK_SECONDS=LOCK_SECONDS,
        MAX_SEATS_PER_BOOKING=10,
        STRIPE_SECRET_KEY=KEY,
        STRIPE_WEBHOOK_SECRET=SECRET,
        STRIPE_API_BASE=stripe.url,
    ) as nursery:
        killer = Killer(nursery, dice)
        stories = [Timeline(f"{seed}/{n}", nursery.port, showtime.pk, stripe, did) for n in range(BUYERS)]
        try:
            for story in stories:
                story.thread.start()
            for n in range(kills):
                if n % 10 == 0:
                    disturb(stripe, dice, nursery.port)
                killer.kill_one()
        finally:
            for story in stories:
                story.stop.set()
            for story in stories:
                story.thread.join(30)
            stripe.set("refund_status", "succeeded")  # of those that are asked for from now on
            let_banks_decide(stripe, dice)
            stripe.wait_for_deliveries(40)
            killer.stop()
        check_answers(stories, stripe, did, kills, nursery)
        for after in (60, 3600, 7200):
            nursery.settle(after)
        found = list(differences(stripe, folder / "mail"))
        assert not found, f"seed {seed}: {len(found)} differences: {found[:20]}\n{nursery.tail()}"
    return sum_up(kills, killer, did, stripe, folder)


def check_answers(stories, stripe, did, kills, nursery):
    """Nobody was told of a fault of ours, and there was something to lose."""
    failures = [story.failure for story in stories if story.failure]
    assert not failures, f"{failures}\n{nursery.tail()}"
    odd = [answer for answer in stripe.deliveries.answers if answer[2] not in (GONE, 200, 503)]
    assert not odd, f"deliveries were answered {odd}\n{nursery.tail()}"
    assert did["paid"] >= kills // 10, f"hardly anybody paid: {did}"


def disturb(stripe, dice, port):
    """How Stripe delivers from now on, and how its API behaves for a while."""
    how = dice.choice(["once", "once", "twice", "reversed"])
    stripe.deliver_to(f"http://127.0.0.1:{port}{WEBHOOK}", how=how, delay=dice.choice([0, 0, 0.3, 2 * LOCK_SECONDS]))
    stripe.set("refund_status", dice.choice(["succeeded", "succeeded", "pending"]))
    stripe.clear_faults()
    if dice.random() < 0.5:
        fault = dice.choice(["429", "500", "done-500", "drop", "done-drop"])
        stripe.fault(fault, times=dice.randint(1, 6))


def let_banks_decide(stripe, dice):
    """Refunds that were on their way arrive, or come back."""
    for name, refund in list(stripe.refunds.items()):
        if refund["status"] == "pending":
            stripe.settle_refund(name, dice.choice(["succeeded", "succeeded", "succeeded", "failed"]))


def sum_up(kills, killer, did, stripe, folder):
    from payments.models import LedgerEntry
    from tests.payments.crashes.audit import read_mails

    state, mails = stripe.state(), read_mails(folder / "mail")
    return (
        f"{kills} kills ({killer.moments['any']} whenever, {kills - killer.moments['any']} at"
        f" {len(killer.moments) - 1} moments), {did['paid']} payments, {len(state['refunds'])} refunds,"
        f" {state['paid'] - state['refunded']} pence kept, {LedgerEntry.objects.count()} lines of the ledger,"
        f" {len(set(mails))} mails ({len(mails) - len(set(mails))} of them sent again): no difference"
    )


def many(kills, *, seed=0):
    """On the database that Django is set up with, which is made here: `python -m tests.soak`."""
    from django.conf import settings
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    with StripeStandIn() as stripe, tempfile.TemporaryDirectory(prefix="bookmyseat-kills-") as folder:
        found = address(settings.DATABASES["default"])
        return kill_many(kills, database=found, folder=Path(folder), stripe=stripe, seed=seed)
