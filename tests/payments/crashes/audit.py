"""Whether Stripe, our books, the seats and the mails agree. To be called when nothing is pending."""

import email
from collections import Counter, defaultdict
from email import policy

from django.db.models import Sum

from booking.models import Booking, OutboxMessage, ShowtimeSeat, Ticket
from cinema.models import Showtime
from payments.ledger_audit import find_differences
from payments.models import MoneyAlert, Payment, Refund
from tests.payments.stripe.account import GONE


def differences(stripe, mail_folder):
    """Each difference as a sentence; `stripe` is the stand-in, whose state is what really happened to the money."""
    ledger = find_differences(recheck_after=0)
    return [*ledger, *money(stripe), *refunds(stripe), *seats(), *states(), *mails(mail_folder)]


def money(stripe):
    """Stripe's sessions against payments, one to one; the rest of a booking's payments against its tickets."""
    left = defaultdict(int)
    payments = {payment.session_id: payment for payment in Payment.objects.filter(session_id__isnull=False)}
    for session in stripe.sessions.values():
        payment = payments.pop(session["id"], None)
        if payment is None:
            yield f"Stripe has {session['id']} ({session['status']}), which no payment knows"
            continue
        is_paid = session["payment_status"] == "paid"
        if is_paid != (payment.status == "paid"):
            yield f"{session['id']} is {session['status']}/{session['payment_status']}, its payment {payment.status}"
        if session["status"] == "open":
            yield f"{session['id']} can still be paid, and its booking is {payment.booking.status}"
        if is_paid:
            back = sum(refund["amount"] for refund in kept_refunds(stripe, session["payment_intent"]))
            left[payment.booking_id] += session["amount_total"] - back
    for unknown in payments:
        yield f"a payment has {unknown}, which Stripe does not know"
    for booking in Booking.objects.all():
        sold = booking.total - booking.refunded if booking.confirmed_at else 0
        if left[booking.pk] != sold:
            yield f"booking {booking.pk} ({booking.status}): Stripe holds {left[booking.pk]}, it is worth {sold}"


def kept_refunds(stripe, intent):
    return [r for r in stripe.refunds.values() if r["payment_intent"] == intent and r["status"] not in GONE]


def refunds(stripe):
    """Stripe's refunds against ours, one to one, all settled."""
    ours = {refund.refund_id: refund for refund in Refund.objects.select_related("payment")}
    for refund in stripe.refunds.values():
        known = ours.pop(refund["id"], None)
        if known is None:
            yield f"Stripe returned {refund['amount']} as {refund['id']}, which no refund knows"
        elif (known.amount, known.status) != (refund["amount"], refund["status"]):
            yield f"{refund['id']}: {refund['amount']} {refund['status']}, ours {known.amount} {known.status}"
    for refund in ours.values():
        yield f"refund {refund.pk} ({refund.reason}, {refund.status}) is not at Stripe"


def seats():
    """A standing ticket has a booked seat of its booking, and the reverse; the counters agree."""
    standing = {ticket.seat_id: ticket for ticket in Ticket.objects.exclude(status="cancelled")}
    for seat in ShowtimeSeat.objects.exclude(status__in=("available", "blocked")):
        ticket = standing.pop(seat.pk, None)
        if seat.status == "locked":
            yield f"seat {seat} is still locked by booking {seat.booking_id}"
        elif ticket is None or ticket.booking_id != seat.booking_id:
            yield f"seat {seat} is booked by {seat.booking_id}, the ticket is of {ticket and ticket.booking_id}"
    for ticket in standing.values():
        yield f"ticket {ticket.pk} of booking {ticket.booking_id} stands on a seat that is free"
    for showtime in Showtime.objects.all():
        rows = Counter(ShowtimeSeat.objects.filter(showtime=showtime).values_list("status", flat=True))
        counted = (showtime.n_available, showtime.n_locked, showtime.n_booked, showtime.n_blocked)
        if counted != tuple(rows[status] for status in ("available", "locked", "booked", "blocked")):
            yield f"showtime {showtime.pk} counts {counted}, its rows are {dict(rows)}"
        sold = Ticket.objects.filter(booking__showtime=showtime).exclude(status="cancelled")
        worth = sold.aggregate(sum=Sum("price"))["sum"] or 0
        if showtime.revenue != worth:
            yield f"showtime {showtime.pk} says it took {showtime.revenue}, its tickets that stand are worth {worth}"


def states():
    """Nothing is pending any more."""
    for booking in Booking.objects.filter(status__in=(*Booking.LIVE, "refunding")):
        called = MoneyAlert.objects.filter(booking=booking, kind="refund-failed", closed_at=None).exists()
        if booking.status != "refunding" or not called:
            yield f"booking {booking.pk} is still {booking.status} ({booking.end_reason})"
    for booking in Booking.objects.all():
        standing = [ticket.price for ticket in booking.tickets.exclude(status="cancelled")]
        if bool(standing) != (booking.status == "confirmed"):
            yield f"booking {booking.pk} is {booking.status} with {len(standing)} tickets that stand"
    for message in OutboxMessage.objects.exclude(state="done"):
        yield f"message {message.dedupe_key} is {message.state}: {message.last_error}"


def mails(folder):
    """Every enqueued mail was sent under its own Message-ID, and no other.

    A confirmation that could not be sent before all of its tickets were cancelled is skipped: the cancellation follows.
    """
    sent = Counter(read_mails(folder))
    kinds = Counter(name[1:].partition(".")[0] for name in sent)
    messages = OutboxMessage.objects.filter(kind__startswith="mail.").values_list("kind", flat=True)
    enqueued = Counter(kind.removeprefix("mail.") for kind in messages)
    for kind in {*kinds, *enqueued} - {"confirmed"}:
        if kinds[kind] != enqueued[kind]:
            yield f"{enqueued[kind]} mails of {kind} were enqueued, {kinds[kind]} different ones sent"
    if kinds["confirmed"] > enqueued["confirmed"]:
        yield f"{enqueued['confirmed']} confirmations were enqueued, {kinds['confirmed']} different ones sent"
    for booking in Booking.objects.filter(status="confirmed"):
        if not any(name.startswith(f"<confirmed.{booking.reference}.") for name in sent):
            yield f"booking {booking.pk} has no confirmation"


def read_mails(folder):
    """The Message-ID of each mail file."""
    files = sorted(folder.glob("*.eml")) if folder.exists() else []
    return [str(email.message_from_bytes(file.read_bytes(), policy=policy.default)["Message-ID"]) for file in files]
