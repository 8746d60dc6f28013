"""What a money scenario acts on: one buyer's sale, Stripe, a clock, and the end that is compared."""

import json
import time
from dataclasses import dataclass
from datetime import timedelta

from django.test import Client
from django.utils import timezone

from booking.models import Booking, OutboxMessage
from payments.ledger import Actor
from payments.models import LedgerEntry, MoneyAlert, Payment, Refund
from payments.reconciliation import reconcile_all
from payments.refunds import cancel_booking, retry_refund
from tests.payments.sales import Sale, lock_ends, post, run_loop
from tests.payments.stripe.account import GONE

STAFF = Actor.staff("staff")
AN_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class End:
    """The final state.

    Payments by age, the booking, its two seats, refunds by age, enqueued mails, open alerts, and the buyer's money at
    Stripe, in minor units.
    """

    payment: str
    booking: str
    seats: str
    balance: int = 0
    mails: str = ""
    refunds: str = ""
    alerts: str = ""


CONFIRMED = End("paid", "confirmed", "booked", 2300, "confirmed")
OPEN = End("open", "checkout", "locked")
WAITING = End("processing", "processing", "locked")
EXPIRED = End("expired", "expired", "available")
RELEASED = End("expired", "released", "available")
REFUNDED = End("paid", "refunded", "available", 0, "late_refund", "succeeded")


class World:
    """Alice has locked two seats of 11.50; a scenario starts her checkout itself."""

    def __init__(self, stripe, settings, plan):
        from bench.support.factories import make_showtime, new_visitor

        self.stripe, self.settings, self.plan = stripe, settings, plan
        self.showtime = make_showtime(plan)
        self.sale = Sale(self.showtime, new_visitor(), ("A1", "A2")).lock()
        self.bob = Sale(self.showtime, new_visitor(), ("A1", "A2"))
        self.later = timedelta(0)
        self.codes = []
        self.has_unreported = False  # not every movement at Stripe was delivered

    # ---- The buyer -------------------------------------------------------------------------------------------------

    def check_out(self):
        self.sale.start()
        self.session = self.sale.payment.session_id
        return self

    def pay(self):
        return self.stripe.pay(self.session)

    def confirm(self):
        """Alice pays, and the event is delivered."""
        self.deliver("checkout.session.completed", self.pay())

    def browse(self, path):
        return self._browser().get(f"/payments/{path}/{self.sale.booking.reference}/")

    def cancel_payment(self):
        """Alice comes back from Stripe's page by its own address, without having paid."""
        return self._browser().get(self.sale.payment.request["cancel_url"])

    def _browser(self):
        client = Client()
        session = client.session
        session["visitor"] = str(self.sale.visitor)
        session.save()
        return client

    def cancel(self, *labels, by=None):
        """Tickets, all of them when none is named."""
        from payments.ledger import BUYER

        at = timezone.now()
        return cancel_booking(booking_id=self.sale.booking.pk, labels=labels or None, by=by or BUYER, at=at)

    # ---- Stripe ----------------------------------------------------------------------------------------------------

    def deliver(self, kind, found, times=1, **fields):
        """Deliver an event, the same one `times` times."""
        body = self.stripe.event(kind, found, **fields)
        for _ in range(times):
            self.codes.append(post(body).status_code)
        return body

    def make_late_refund(self, status="pending"):
        """A late payment that is being refunded; Stripe settles it only when `status` says so."""
        self.mark_cancelled()
        self.stripe.refund_status = status
        self.confirm()
        run_loop(rounds=1)
        self.stripe.refund_status = "succeeded"
        return self.stripe_refunds()[-1]

    def stripe_refunds(self):
        mine = {session["payment_intent"] for session in self.sessions()}
        return [refund for refund in self.stripe.refunds.values() if refund["payment_intent"] in mine]

    def sessions(self):
        return self.stripe.sessions_of(self.sale.booking.reference)

    # ---- Time and the showtime -------------------------------------------------------------------------------------

    def run(self, rounds=1):
        run_loop(after=self.later, rounds=rounds)

    def pass_time(self, time, rounds=1):
        self.later += time
        self.run(rounds)

    def lock_ends(self):
        self.pass_time(lock_ends())

    def reconcile(self):
        """What the command does, three minutes later."""
        self.later += timedelta(minutes=3)
        return reconcile_all(at=timezone.now() + self.later)

    def mark_cancelled(self):
        """The showtime is cancelled, so that its seats cannot be booked."""
        type(self.showtime).objects.filter(pk=self.showtime.pk).update(cancelled_at=timezone.now())

    def begin_film(self):
        now = timezone.now()
        type(self.showtime).objects.filter(pk=self.showtime.pk).update(starts_at=now - timedelta(minutes=1))

    def retry_refund(self):
        failed = Refund.objects.filter(payment__booking=self.sale.booking, status="failed").latest("pk")
        return retry_refund(refund_id=failed.pk, by=STAFF, at=timezone.now())

    def pay_late(self):
        """Paid after the lock ended unpaid. Stripe never does that, but a lost verdict looks like it."""
        paid = self.pay() | {}
        self.stripe.sessions[self.session] |= {"status": "expired"}
        self.lock_ends()
        assert self.sale.booking.status == "expired"
        self.stripe.sessions[self.session] |= {"status": "complete"}
        return paid

    # ---- The end ---------------------------------------------------------------------------------------------------

    def end(self):
        booking = Booking.objects.get(pk=self.sale.booking.pk)
        seats = self.sale.seats()
        return End(
            payment=" ".join(Payment.objects.filter(booking=booking).order_by("pk").values_list("status", flat=True)),
            booking=booking.status,
            seats=" ".join(sorted(seats)),
            balance=self.balance(),
            mails=self.enqueued_mails(booking),
            refunds=" ".join(
                Refund.objects.filter(payment__booking=booking).order_by("pk").values_list("status", flat=True)
            ),
            alerts=" ".join(
                sorted(MoneyAlert.objects.filter(booking=booking, closed_at=None).values_list("kind", flat=True))
            ),
        )

    def balance(self):
        """By Stripe's books: what was paid, less refunds and disputed amounts."""
        intents = {each["payment_intent"] for each in self.sessions() if each["payment_status"] == "paid"}
        paid = sum(self.stripe.intents[intent]["amount"] for intent in intents)
        back = sum(refund["amount"] for refund in self.stripe_refunds() if refund["status"] not in GONE)
        taken = sum(
            dispute["amount"]
            for dispute in self.stripe.disputes.values()
            if dispute["payment_intent"] in intents and dispute["status"] != "won"
        )
        return paid - back - taken

    def enqueued_mails(self, booking):
        mails = OutboxMessage.objects.filter(kind__startswith="mail.", payload__booking=booking.pk).order_by("pk")
        return " ".join(kind.partition(".")[2] for kind in mails.values_list("kind", flat=True))

    def ledger_sum(self):
        return sum(LedgerEntry.objects.filter(booking=self.sale.booking).values_list("amount", flat=True))

    def is_settled(self):
        """Whether every movement at Stripe was reported here, and the payments are those of our sessions."""
        payments = Payment.objects.filter(booking=self.sale.booking)
        underway = Refund.objects.filter(payment__in=payments, status="submitted").exists()
        unreported = payments.filter(status__in=Payment.ACTIVE).exists() and self.balance()
        odd = payments.filter(mismatch=True).exclude(received=None).exists()
        return not (underway or unreported or odd or self.has_unreported)

    def close(self):
        """End what is still open, so that the next scenario's loop has only its own rows."""
        self.stripe.faults.clear()
        self.stripe.deliver_nowhere()
        self.settings.DECLINE_POLICY = "release"
        if not Payment.objects.active().exists():
            return
        for payment in Payment.objects.active():
            found = self.stripe.sessions.get(payment.session_id)
            if found and found["status"] == "complete":
                post(self.stripe.event("checkout.session.async_payment_failed", found))
        run_loop(after=AN_HOUR, rounds=1)
        assert not Payment.objects.active().exists()


def changed(body, **fields):
    """The same event with other fields."""
    return json.dumps(json.loads(body) | fields).encode()


def in_a_year():
    return time.time() + 365 * 86400
