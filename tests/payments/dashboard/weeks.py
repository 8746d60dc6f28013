"""A few weeks of sales, made by the real use cases with the clock set to each visit."""

import random
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import time_machine

from bench.support.factories import cancel_all_tickets, make_movie, make_plan, make_screen, make_showtime, new_visitor
from booking.bookings import begin_checkout, begin_release, confirm_booking, finish_refund
from booking.locks import expire_locks, lock_seats, release_lock
from booking.models import ShowtimeSeat, Ticket
from booking.showtimes.sales import block_seats
from cinema.models import RefundTier, Showtime
from payments.checkout import start_checkout
from payments.events import process_event
from payments.gateways.demo import pay
from payments.gateways.interface import Event, RefundState
from payments.ledger import BUYER, Actor
from payments.models import Payment, Refund
from payments.refund_updates import apply_refund
from payments.refunds import cancel_booking
from payments.session_end import end_payment, reconcile, settle
from payments.settlement import apply_session

LONDON = ZoneInfo("Europe/London")
MINUTE = timedelta(minutes=1)
OUTCOMES = (
    "given back",
    "lapsed",
    "cancelled at the gateway",
    "still paying",
    "paid",
    "paid",
    "paid",
    "paid",
    "paid and came",
    "paid in cash",
    "refunded",
    "being refunded",
    "part refunded outside",
    "refund outside failed",
    "paid twice",
    "paid twice, second refund failed",
    "late but free",
    "late and gone",
    "gave one seat back",
    "gave one seat back, refund failed",
    "gave all back seat by seat",
    "sent home by staff",
)


class Weeks:
    """`first` is the first of `days` local days; every outcome of OUTCOMES occurs, at times chosen by `seed`."""

    def __init__(self, first, *, days, visits, seed):
        self.rng = random.Random(seed)
        self.first, self.days = first, days
        self.screens = [make_screen(make_plan(rows=4, per_row=8)), make_screen(make_plan(rows=3, per_row=6))]
        for screen, percent, fee in zip(self.screens, (100, 55), (0, 37), strict=True):
            RefundTier.objects.create(cinema=screen.cinema, minutes_before=0, percent=percent)
            screen.cinema.refund_fee = fee
            screen.cinema.save()
        self.movies = [make_movie(f"Film of weeks {seed} {n}") for n in range(4)]
        self.showtimes = [self._showtime(n) for n in range(days)]
        ends = list(OUTCOMES) + self.rng.choices(OUTCOMES, k=visits - len(OUTCOMES))
        self.rng.shuffle(ends)
        for end in sorted(ends, key=lambda _: self.rng.random()):
            self._visit(end)
        self.showtimes[2].refresh_from_db()
        Showtime.objects.filter(pk=self.showtimes[2].pk).update(cancelled_at=self.showtimes[2].starts_at)

    @property
    def ends_at(self):
        """An instant in the middle of the last day."""
        return self._local(self.days - 1, 15, 30)

    def _local(self, day, hour, minute=0):
        return datetime.combine(
            self.first + timedelta(days=day), datetime.min.time().replace(hour=hour, minute=minute), LONDON
        )

    def _showtime(self, day):
        screen = self.screens[day % 2]
        prices = {"standard": 0, "premium": 0} if day == 1 else {"standard": 1150 + day, "premium": 1475}
        at = self._local(0, 0) - timedelta(days=1)
        starts = self._local(day, self.rng.choice((0, 1, 11, 14, 18, 20, 23)), self.rng.choice((0, 30)))
        showtime = make_showtime(screen=screen, movie=self.movies[day % 3], starts_in=starts - at, prices=prices, at=at)
        if day == 4:
            Showtime.objects.filter(pk=showtime.pk).update(currency="EUR")
        if day % 5 == 0:
            block_seats(showtime_id=showtime.pk, labels=["A1", "A2"], at=at)
        return showtime

    def _visit(self, end):
        showtime = self.rng.choice(self.showtimes)
        latest = min(showtime.starts_at, self.ends_at) - 3 * MINUTE
        earliest = self._local(0, 0)
        if latest <= earliest:
            return
        at = earliest + self.rng.random() * (latest - earliest)
        if self.rng.random() < 0.25:  # the seconds round a local midnight
            midnight = at.astimezone(LONDON).replace(hour=0, minute=0, second=0, microsecond=0)
            at = max(earliest, midnight + timedelta(seconds=self.rng.choice((-62, -61, -60.5, -60, -59))))
        rows = ShowtimeSeat.objects.filter(showtime=showtime, status="available").order_by("index")
        labels = list(rows.values_list("seat__label", flat=True)[: self.rng.randint(1, 4)])
        if labels:
            with time_machine.travel(at, tick=False):
                visitor = new_visitor()
                lock_seats(showtime_id=showtime.pk, visitor=visitor, labels=labels, at=at)
                self._play(end, showtime, visitor, at)

    def _play(self, end, showtime, visitor, at):
        if end == "given back":
            release_lock(showtime_id=showtime.pk, visitor=visitor, at=at + MINUTE)
        elif end == "lapsed":
            expire_locks(at=at + 6 * MINUTE)
        elif end in ("paid in cash", "refunded", "being refunded"):
            payable = at + 40 * MINUTE
            booking = begin_checkout(
                showtime_id=showtime.pk, visitor=visitor, email="a@example.com", payable_until=payable, at=at
            )
            confirm_booking(booking_id=booking.pk, demo=False, at=at + MINUTE)
            if end != "paid in cash":
                cancel_all_tickets(booking.pk, at + 2 * MINUTE)
            if end == "refunded":
                finish_refund(booking_id=booking.pk, at=at + 3 * MINUTE)
        else:
            self._through_gateway(end, showtime, visitor, at)

    def _through_gateway(self, end, showtime, visitor, at):
        def start():
            origin = "http://testserver"
            return start_checkout(
                showtime_id=showtime.pk, visitor=visitor, email="a@example.com", origin=origin, at=at
            ).payment

        payment = start()
        free = payment.amount == 0
        if free or end == "still paying":
            return
        if end == "cancelled at the gateway":
            end_payment(booking_id=payment.booking_id, reason="cancelled", at=at + MINUTE)
            return
        if end.startswith("late"):
            self._late(payment, at, gone=end.endswith("gone"))
            return
        first = payment
        if end.startswith("paid twice"):
            begin_release(booking_id=payment.booking_id, reason="changed", at=at)
            settle(payment, at=at)
            payment = start()
        pay(payment.session_id)
        reconcile(payment, at=at + MINUTE)
        if end == "paid and came":
            Ticket.objects.filter(booking=payment.booking_id).update(status="used", used_at=showtime.starts_at)
        if end.startswith("paid twice"):
            self._pay_again(first, at, refund_fails=end.endswith("failed"))
        if end.startswith(("gave", "sent")):
            self._cancel(payment.booking, at + 2 * MINUTE, end)
        if end.endswith(("outside", "outside failed")):
            self._refund_outside(payment, at, failed=end.endswith("failed"))

    def _late(self, payment, at, *, gone):
        session = self._paid_session(payment)
        settle(payment, at=at + MINUTE)
        labels = list(payment.booking.places.values_list("label", flat=True))
        if gone:
            lock_seats(showtime_id=payment.booking.showtime_id, visitor=new_visitor(), labels=labels, at=at + MINUTE)
        apply_session(payment_id=payment.pk, session=session, at=at + 2 * MINUTE)

    def _paid_session(self, payment):
        from payments.gateways.interface import Session

        return Session(
            id=payment.session_id,
            status="complete",
            payment_status="paid",
            amount=payment.amount,
            currency=payment.currency,
            livemode=False,
            payment_intent=f"pi_{payment.pk}",
            url=None,
            reference=payment.booking.reference,
            key=payment.idempotency_key,
        )

    def _pay_again(self, first, at, *, refund_fails):
        apply_session(payment_id=first.pk, session=self._paid_session(first), at=at + 2 * MINUTE)
        refund = Refund.objects.get(payment=first, reason="duplicate")
        state = RefundState(f"re_{refund.pk}", "failed" if refund_fails else "succeeded", "")
        apply_refund(refund_id=refund.pk, state=state, at=at + 3 * MINUTE)

    def _cancel(self, booking, at, end):
        labels = list(booking.tickets.values_list("label", flat=True))
        choices = [None] if end.startswith("sent") else [[label] for label in labels]
        by = Actor.staff("ines") if end.startswith("sent") else BUYER
        for labels_chosen in choices[:1] if "one seat" in end else choices:
            cancel_booking(booking_id=booking.pk, labels=labels_chosen, by=by, at=at)
        for refund in Refund.objects.filter(payment__booking=booking):
            state = RefundState(f"re_{refund.pk}", "failed" if end.endswith("failed") else "succeeded", "")
            apply_refund(refund_id=refund.pk, state=state, at=at + MINUTE)

    def _refund_outside(self, payment, at, *, failed):
        payment = Payment.objects.get(pk=payment.pk)
        found = {
            "id": f"re_outside_{payment.pk}",
            "amount": max(1, payment.amount // 3),
            "status": "failed" if failed else "succeeded",
            "payment_intent": payment.payment_intent,
        }
        event = Event(id=f"evt_{payment.pk}", kind="refund.created", livemode=False, object=found)
        assert process_event(provider="demo", event=event, at=at + 2 * MINUTE) in ("failed", "succeeded")
