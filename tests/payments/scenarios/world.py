"""What a scenario of money acts in: one buyer's sale, Stripe, a clock, and the end that all of it is compared with."""

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
from payments.refunds import retry_refund, cancel_booking
from tests.payments.sales import Sale, lock_ends, post, run_loop
from tests.payments.stripe.account import GONE

STAFF = Actor.staff("staff")
AN_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class End:
    """Where it ends.

    Payments by age, the booking, its two seats, refunds by age, mails promised (and sent), alerts that are open, and
    what the house holds of this buyer's money at Stripe, in minor units.
    """

    payment: str
    booking: str
    seats: str
    held: int = 0
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
    """Alice has locked two seats of 11.50 and stands before Stripe's page unless she has to go there first."""

    def __init__(self, stripe, settings, plan):
        from bench.support.factories import make_showtime, new_visitor

        self.stripe, self.settings, self.plan = stripe, settings, plan
        self.showtime = make_showtime(plan)
        self.sale = Sale(self.showtime, new_visitor(), ("A1", "A2")).lock()
        self.bob = Sale(self.showtime, new_visitor(), ("A1", "A2"))
        self.later = timedelta(0)
        self.codes = []
        self.has_untold = False  # the scenario is about part of what happened at Stripe only

    # ---- The buyer -------------------------------------------------------------------------------------------------

    def check_out(self):
        self.sale.start()
        self.session = self.sale.payment.session_id
        return self

    def pay(self):
        return self.stripe.pay(self.session)

    def confirm(self):
        """She pays, and the event comes."""
        self.tell("checkout.session.completed", self.pay())

    def browse(self, path):
        client = Client()
        session = client.session
        session["visitor"] = str(self.sale.visitor)
        session.save()
        return client.get(f"/payments/{path}/{self.sale.booking.reference}/")

    def cancel(self, *labels, by=None):
        """Tickets, all of them when none is named."""
        from payments.ledger import BUYER

        at = timezone.now()
        return cancel_booking(booking_id=self.sale.booking.pk, labels=labels or None, by=by or BUYER, at=at)

    # ---- Stripe ----------------------------------------------------------------------------------------------------

    def tell(self, kind, found, times=1, **fields):
        """Deliver an event, the same one `times` times."""
        body = self.stripe.event(kind, found, **fields)
        for _ in range(times):
            self.codes.append(post(body).status_code)
        return body

    def was_refunded(self, status="pending"):
        """Her money was too late and is going back; Stripe has not settled it unless `status` says so."""
        self.call_off()
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

    # ---- Time and the house ----------------------------------------------------------------------------------------

    def run(self, rounds=1):
        run_loop(after=self.later, rounds=rounds)

    def pass_time(self, time, rounds=1):
        self.later += time
        self.run(rounds)

    def lock_ends(self):
        self.pass_time(lock_ends())

    def reconcile(self):
        """What the command does, a few minutes later."""
        self.later += timedelta(minutes=3)
        return reconcile_all(at=timezone.now() + self.later)

    def call_off(self):
        """The showtime is cancelled, so that nobody can have its seats."""
        type(self.showtime).objects.filter(pk=self.showtime.pk).update(cancelled_at=timezone.now())

    def begin_film(self):
        now = timezone.now()
        type(self.showtime).objects.filter(pk=self.showtime.pk).update(starts_at=now - timedelta(minutes=1))

    def retry_refund(self):
        failed = Refund.objects.filter(payment__booking=self.sale.booking, status="failed").latest("pk")
        return retry_refund(refund_id=failed.pk, by=STAFF, at=timezone.now())

    def pay_late(self):
        """What Stripe never does, though a lost verdict looks like it: paid, and the lock ended as unpaid."""
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
            held=self.held(),
            mails=self.promised_mails(booking),
            refunds=" ".join(
                Refund.objects.filter(payment__booking=booking).order_by("pk").values_list("status", flat=True)
            ),
            alerts=" ".join(
                sorted(MoneyAlert.objects.filter(booking=booking, closed_at=None).values_list("kind", flat=True))
            ),
        )

    def held(self):
        """By Stripe's own books: what she paid less what went back, what a dispute took included."""
        intents = {each["payment_intent"] for each in self.sessions() if each["payment_status"] == "paid"}
        paid = sum(self.stripe.intents[intent]["amount"] for intent in intents)
        back = sum(refund["amount"] for refund in self.stripe_refunds() if refund["status"] not in GONE)
        taken = sum(
            dispute["amount"]
            for dispute in self.stripe.disputes.values()
            if dispute["payment_intent"] in intents and dispute["status"] != "won"
        )
        return paid - back - taken

    def promised_mails(self, booking):
        mails = OutboxMessage.objects.filter(kind__startswith="mail.", payload__booking=booking.pk).order_by("pk")
        return " ".join(kind.partition(".")[2] for kind in mails.values_list("kind", flat=True))

    def ledger_sum(self):
        return sum(LedgerEntry.objects.filter(booking=self.sale.booking).values_list("amount", flat=True))

    def is_settled(self):
        """Whether we have been told of every movement at Stripe, and what came is what our session was for."""
        payments = Payment.objects.filter(booking=self.sale.booking)
        underway = Refund.objects.filter(payment__in=payments, status="submitted").exists()
        unheard = payments.filter(status__in=Payment.ACTIVE).exists() and self.held()
        odd = payments.filter(mismatch=True).exclude(received=None).exists()
        return not (underway or unheard or odd or self.has_untold)

    def close(self):
        """What is still open ends by its own ways, so that the next scenario's loop has only its own to look after."""
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
    """The same event with other words on its envelope."""
    return json.dumps(json.loads(body) | fields).encode()


def in_a_year():
    return time.time() + 365 * 86400
