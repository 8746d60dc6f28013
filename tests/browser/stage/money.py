"""Money in every state that the site map asks for; run inside the product by `stage_script.py`."""

from datetime import timedelta

from django.db import transaction

from booking.models import Booking, OutboxMessage, ShowtimeSeat
from cinema.models import RefundTier, Showtime
from payments.checkout import start_checkout
from payments.gateways.demo import pay
from payments.gateways.interface import RefundState
from payments.ledger import BUYER, Actor, close_alert
from payments.models import MoneyAlert, Refund
from payments.refund_updates import apply_refund
from payments.refunds import cancel_booking
from payments.session_end import reconcile

INES = Actor.staff("ines")


class PaymentPort:
    """Buys as the customer does, with demo money; `lock(showtime, n=…)` is the stage's."""

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
        """Cancel the tickets of these places in the booking; the running server is kept from sending the refund."""
        labels = [booking.tickets.all()[number].label for number in numbers] or None
        before = set(OutboxMessage.objects.values_list("pk", flat=True))
        with transaction.atomic():
            cancel_booking(booking_id=booking.pk, labels=labels, by=by, at=self.at)
            fresh = OutboxMessage.objects.exclude(pk__in=before).filter(kind="payments.refund")
            fresh.update(state="done", done_at=self.at)
        return Refund.objects.filter(payment__booking=booking).first()

    def settle(self, refund, status, failure=""):
        state = RefundState(f"re_demo_stage{refund.pk}", status, failure)
        apply_refund(refund_id=refund.pk, state=state, at=self.at + timedelta(seconds=40))


def lay_out_money(showtimes, lock, visitor, email, at):
    """Returns the references by the names under which the site map knows them."""
    till = PaymentPort(lock, visitor, email, at)
    rest = iter(showtimes)
    house = showtimes[0].screen.cinema
    RefundTier.objects.create(cinema=house, minutes_before=1440, percent=100)
    RefundTier.objects.create(cinema=house, minutes_before=120, percent=50)
    type(house).objects.filter(pk=house.pk).update(refund_fee=100)
    mine = [one for one in rest if one.screen.cinema_id == house.pk]
    of = iter(mine)

    Showtime.objects.filter(pk=mine[0].pk).update(prices=dict.fromkeys(mine[0].prices, 700))  # whatever its weekday
    whole = till.buy(next(of))
    part = till.buy(next(of))
    till.settle(till.cancel(part, 2), "succeeded")
    waiting = till.buy(next(of))
    till.settle(till.cancel(waiting, 0, 1), "pending")
    failed = till.buy(next(of), n=2)
    till.settle(till.cancel(failed, 1), "failed", "lost_or_stolen_card")
    all_back = till.buy(next(of), n=2)
    till.settle(till.cancel(all_back, by=INES), "pending")
    lost = till.buy(next(of), n=2)
    till.settle(till.cancel(lost), "failed", "expired_or_canceled_card")
    late = till.buy(next(of), n=2)
    Showtime.objects.filter(pk=late.showtime_id).update(
        starts_at=at + timedelta(hours=1), ends_at=at + timedelta(hours=3)
    )
    used = till.buy(next(of), n=3)
    used.tickets.filter(pk=used.tickets.first().pk).update(status="used", used_at=at)
    called_off = till.buy(next(of), n=2)
    Showtime.objects.filter(pk=called_off.showtime_id).update(cancelled_at=at)
    busy = next(of)
    till.buy(busy, n=4)

    settled = MoneyAlert.objects.create(
        subject="stage:1", kind="refund-failed", booking=part, text="A refund failed; the buyer was reached by phone.",
        raised_at=at - timedelta(days=2),
    )  # fmt: skip
    close_alert(alert_id=settled.pk, by=INES, resolution="Paid in cash at the desk, receipt 114", at=at)
    OutboxMessage.objects.filter(kind="mail.confirmed", payload__booking=failed.pk).update(
        state="dead", attempts=16, done_at=None, last_error="ConnectionRefusedError: [Errno 111] Connection refused"
    )
    assert ShowtimeSeat.objects.filter(showtime=busy, status="booked").count() >= 4
    return {
        "whole": whole.reference,
        "part": part.reference,
        "waiting": waiting.reference,
        "failed": failed.reference,
        "all_back": all_back.reference,
        "lost": lost.reference,
        "late": late.reference,
        "used": used.reference,
        "called_off": called_off.reference,
        "called_off_showtime": called_off.showtime_id,
        "busy": busy.pk,
        "part_seats": f"seats={part.tickets.all()[2].label}",
        "seats": "&".join(f"seats={ticket.label}" for ticket in list(whole.tickets.all())[:2]),
    }
