"""Shared by tests of refunds: paid seats, a cinema's terms, and the state of rows afterwards."""

from datetime import timedelta

from django.utils import timezone

from bench.support.factories import make_showtime, new_visitor
from booking.models import Booking, OutboxMessage, Ticket
from cinema.models import RefundTier
from payments.gateways.demo import pay
from payments.gateways.interface import RefundState
from payments.ledger import Actor
from payments.models import LedgerEntry, MoneyAlert, Payment, Refund
from payments.refund_updates import apply_refund
from payments.refunds import cancel_booking
from payments.session_end import reconcile
from tests.payments.sales import Sale, post

STAFF = Actor.staff("ines")


def buy(*labels, showtime=None, stripe=None):
    """Alice's seats, paid: with demo money, or at Stripe's stand-in."""
    sale = Sale(showtime or make_showtime(), new_visitor(), labels or ("A1", "A2", "A3")).lock()
    sale.start()
    if stripe is None and sale.payment.amount:
        pay(sale.payment.session_id)
        reconcile(sale.payment, at=timezone.now())
    elif stripe is not None:
        paid = stripe.event("checkout.session.completed", stripe.pay(sale.payment.session_id))
        assert post(paid).status_code == 200
    assert sale.booking.status == "confirmed"
    return sale


def cancel(sale, *labels, by=STAFF, at=None):
    return cancel_booking(booking_id=sale.booking.pk, labels=labels or None, by=by, at=at or timezone.now())


def settle(refund, status, failure=""):
    """The gateway reports this status of a refund."""
    state = RefundState(refund.refund_id or f"re_{refund.pk}", status, failure)
    return apply_refund(refund_id=refund.pk, state=state, at=timezone.now())


def set_terms(showtime, *tiers, fee=0):
    """Each tier is (minutes before, percent); `fee` in minor units per seat."""
    cinema = showtime.screen.cinema
    cinema.refund_fee = fee
    cinema.save()
    RefundTier.objects.bulk_create(RefundTier(cinema=cinema, minutes_before=m, percent=p) for m, p in tiers)


def before_start(showtime, minutes):
    return showtime.starts_at - timedelta(minutes=minutes)


def refunds(sale):
    return list(Refund.objects.filter(payment__booking=sale.booking).order_by("pk"))


def tickets(sale):
    return dict(Ticket.objects.filter(booking=sale.booking).values_list("label", "status"))


def letters(sale):
    """The states of A1, A2 and A3 on the map."""
    from booking.seats.map import read_map

    return read_map(sale.showtime.pk).state[:3]


def kinds(booking, start=""):
    return list(LedgerEntry.objects.filter(booking=booking, kind__startswith=start).values_list("kind", flat=True))


def alerts(**wanted):
    return list(MoneyAlert.objects.filter(**wanted).order_by("pk").values_list("kind", flat=True))


def state(sale):
    booking = Booking.objects.get(pk=sale.booking.pk)
    return booking.status, booking.refunded


def enqueued(kind):
    """The payloads of the outbox messages of this kind, oldest first."""
    return [message.payload for message in OutboxMessage.objects.filter(kind=kind).order_by("pk")]


def disputed(sale):
    return Payment.objects.get(pk=sale.payment.pk).disputed
