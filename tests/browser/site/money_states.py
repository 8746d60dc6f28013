"""Bookings in every state of their money; executed inside the product by `states.py`."""

from datetime import timedelta
from functools import partial
from unittest.mock import patch

from django.utils import timezone

from booking.models import Booking, OutboxMessage, ShowtimeSeat
from booking.outbox.messages import enqueue
from cinema.models import Cinema, RefundTier, Showtime
from payments import refund_rows
from payments.checkout import start_checkout
from payments.gateways.demo import pay
from payments.gateways.interface import RefundState
from payments.ledger import BUYER, Actor, close_alert
from payments.models import MoneyAlert, Refund
from payments.refund_updates import apply_refund
from payments.refunds import cancel_booking
from payments.session_end import reconcile

INES = Actor.staff("ines")


class Customer:
    """Buys and cancels with demo money at the time `at`; `lock(showtime, n=…)` locks seats for this visitor."""

    def __init__(self, lock, visitor, email, at):
        self.lock, self.visitor, self.email, self.at = lock, visitor, email, at

    def buy(self, showtime, n=3):
        booking = self.lock(showtime, n=n)
        started = start_checkout(
            showtime_id=showtime.pk,
            visitor=self.visitor,
            email=self.email,
            origin="http://127.0.0.1",
            at=self.at,
        )
        pay(started.payment.session_id)
        reconcile(started.payment, at=self.at)
        booking = Booking.objects.get(pk=booking.pk)
        assert booking.status == "confirmed", booking.status
        return booking

    def cancel(self, booking, *numbers, by=BUYER):
        """Cancel these tickets, counted from 0. The refund is due so late that the running server does not send it."""
        labels = [booking.tickets.all()[number].label for number in numbers] or None
        before = set(OutboxMessage.objects.values_list("pk", flat=True))
        with patch.object(refund_rows, "enqueue", partial(enqueue, delay=timedelta(days=1))):
            cancel_booking(booking_id=booking.pk, labels=labels, by=by, at=self.at)
        fresh = OutboxMessage.objects.exclude(pk__in=before).filter(kind="payments.refund")
        fresh.update(state="done", done_at=self.at)
        return Refund.objects.filter(payment__booking=booking).first()

    def settle(self, refund, status, failure=""):
        state = RefundState(f"re_demo_stage{refund.pk}", status, failure)
        apply_refund(refund_id=refund.pk, state=state, at=self.at + timedelta(seconds=40))


def fail_refund(reference):
    """The gateway reports that the only refund of this booking has failed."""
    refund = Refund.objects.get(payment__booking__reference=reference)
    apply_refund(refund_id=refund.pk, state=RefundState(refund.refund_id, "failed", "declined"), at=timezone.now())


def create_money_states(showtimes, customer):
    """Facts by the names that the site map uses: references, a key, query strings with seats."""
    cinema = showtimes[0].screen.cinema
    set_refund_terms(cinema)
    mine = [one for one in showtimes if one.screen.cinema_id == cinema.pk]
    Showtime.objects.filter(pk=mine[0].pk).update(prices=dict.fromkeys(mine[0].prices, 700))  # same on every weekday
    unused = iter(mine)
    whole = customer.buy(next(unused))
    bookings = {"whole": whole} | create_refunds(unused, customer) | create_past_states(unused, customer)
    busy = next(unused)
    customer.buy(busy, n=4)
    assert ShowtimeSeat.objects.filter(showtime=busy, status="booked").count() >= 4
    create_alerts(bookings, customer.at)
    return {name: booking.reference for name, booking in bookings.items()} | {
        "called_off_showtime": bookings["called_off"].showtime_id,
        "busy": busy.pk,
        "part_seats": f"seats={bookings['part'].tickets.all()[2].label}",
        "seats": "&".join(f"seats={ticket.label}" for ticket in list(whole.tickets.all())[:2]),
    }


def set_refund_terms(cinema):
    """The whole price until a day before, half until two hours before, less a fee of 100 per seat."""
    RefundTier.objects.create(cinema=cinema, minutes_before=1440, percent=100)
    RefundTier.objects.create(cinema=cinema, minutes_before=120, percent=50)
    Cinema.objects.filter(pk=cinema.pk).update(refund_fee=100)


def create_refunds(unused, customer):
    """Bookings by name, whose refund has succeeded, is pending or has failed."""
    part = customer.buy(next(unused))
    customer.settle(customer.cancel(part, 2), "succeeded")
    waiting = customer.buy(next(unused))
    customer.settle(customer.cancel(waiting, 0, 1), "pending")
    failed = customer.buy(next(unused), n=2)
    customer.settle(customer.cancel(failed, 1), "failed", "lost_or_stolen_card")
    all_back = customer.buy(next(unused), n=2)
    customer.settle(customer.cancel(all_back, by=INES), "pending")
    lost = customer.buy(next(unused), n=2)
    customer.settle(customer.cancel(lost), "failed", "expired_or_canceled_card")
    return {"part": part, "waiting": waiting, "failed": failed, "all_back": all_back, "lost": lost}


def create_past_states(unused, customer):
    """Bookings by name that cannot be cancelled any more: too late, used, showtime cancelled."""
    at = customer.at
    late = customer.buy(next(unused), n=2)
    Showtime.objects.filter(pk=late.showtime_id).update(
        starts_at=at + timedelta(hours=1), ends_at=at + timedelta(hours=3)
    )
    used = customer.buy(next(unused), n=3)
    used.tickets.filter(pk=used.tickets.first().pk).update(status="used", used_at=at)
    called_off = customer.buy(next(unused), n=2)
    Showtime.objects.filter(pk=called_off.showtime_id).update(cancelled_at=at)
    return {"late": late, "used": used, "called_off": called_off}


def create_alerts(bookings, at):
    """A closed money alert, and a dead letter."""
    alert = MoneyAlert.objects.create(
        subject="stage:1",
        kind="refund-failed",
        booking=bookings["part"],
        text="A refund failed; the buyer was reached by phone.",
        raised_at=at - timedelta(days=2),
    )
    close_alert(alert_id=alert.pk, by=INES, resolution="Paid in cash at the desk, receipt 114", at=at)
    OutboxMessage.objects.filter(kind="mail.confirmed", payload__booking=bookings["failed"].pk).update(
        state="dead", attempts=16, done_at=None, last_error="ConnectionRefusedError: [Errno 111] Connection refused"
    )
