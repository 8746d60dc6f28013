"""Shared by tests of money: a sale, deliveries to the webhook, concurrent calls, the loop run by hand."""

import threading
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings as django_settings
from django.db import connections
from django.test import Client
from django.utils import timezone

from booking.clients.client import NOT_COUNTED
from booking.locks import lock_seats
from booking.models import Booking, ShowtimeSeat
from booking.outbox.worker import run_due
from cinema.models import Showtime
from payments import tasks
from payments.checkout import start_checkout
from payments.models import Payment
from tests.payments.stripe.stand_in import sign

WEBHOOK = "/payments/stripe/webhook/"


@dataclass
class Sale:
    """One visitor's seats, from the lock to the payment."""

    showtime: Showtime
    visitor: object
    labels: tuple

    def lock(self):
        lock_seats(showtime_id=self.showtime.pk, visitor=self.visitor, labels=self.labels, at=timezone.now())
        return self

    def start(self, email="alice@example.com", at=None, client=NOT_COUNTED):
        return start_checkout(
            showtime_id=self.showtime.pk,
            visitor=self.visitor,
            email=email,
            origin="http://testserver",
            at=at or timezone.now(),
            client=client,
        )

    @property
    def booking(self):
        return Booking.objects.filter(showtime=self.showtime, visitor=self.visitor).latest("pk")

    @property
    def payment(self):
        return Payment.objects.filter(booking=self.booking).latest("pk")

    def seats(self):
        return set(
            ShowtimeSeat.objects.filter(showtime=self.showtime, index__in=(0, 1)).values_list("status", flat=True)
        )

    def forget_session(self):
        """As after a crash between the gateway's answer and storing it."""
        Payment.objects.filter(pk=self.payment.pk).update(session_id=None, url="", status="created")


def post(body, header=None):
    """Deliver a body to the webhook; signed with the right secret unless a header is given."""
    headers = {"Stripe-Signature": sign(body) if header is None else header}
    return Client(raise_request_exception=False).post(WEBHOOK, body, content_type="application/json", headers=headers)


def at_once(*calls):
    """Run these concurrently; returns their results or exceptions."""
    barrier, results = threading.Barrier(len(calls)), [None] * len(calls)

    def run(i, call):
        try:
            barrier.wait(5)
            results[i] = call()
        except Exception as error:
            results[i] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


def run_loop(after=timedelta(0), rounds=3):
    """What the loop does from `after` now on: periodic tasks of payments, then outbox messages."""
    for _ in range(rounds):
        at = timezone.now() + after
        tasks.end_overdue(at=at)
        tasks.query_open_payments(at=at)
        run_due(at=at)


def lock_ends():
    """Until just after the end of a lock that is renewed now."""
    return django_settings.SEAT_LOCK + timedelta(seconds=1)
