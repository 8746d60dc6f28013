"""Giving money back because somebody wants to: a buyer by the cinema's terms, staff always, a cancelled showtime.

Tickets, seats, refund rows and the promise to tell the gateway are one transaction. Row locks are taken in the order
booking, payment, refund, seats, showtime. What the gateway then says is `payments.settlement`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from booking.bookings import begin_release
from booking.cancellation import cancel_tickets, choose_tickets, end_lock_of_cancelled_showtime
from booking.models import Booking, Ticket
from booking.outbox.messages import enqueue, register_handler
from booking.refusals import (
    Invalid,
    NotFound,
    NothingToCancel,
    PaymentDisputed,
    SumChanged,
    TicketUsed,
    TooLateToCancel,
    join_labels,
)
from booking.terms.policy import cap, minutes_left, parts_of, terms_of, why_closed
from cinema.currencies import format_money
from cinema.models import Showtime
from payments import ledger
from payments.ledger import Actor
from payments.models import MoneyAlert, Payment, Refund
from payments.refund_rows import Share, ask_back, count_back, left_of, lock_payment, own_payment
from payments.settlement import enqueue_session_end

Status = Booking.Status
GONE = (Status.CANCELLED, Status.REFUNDING, Status.REFUNDED)
# Somebody may have been in the middle of locking or paying when the showtime was cancelled: look again.
LOOK_AGAIN = (timedelta(0), timedelta(minutes=1), timedelta(minutes=15))


def register_handlers() -> None:
    register_handler("payments.cancel_booking", handle_cancel_booking)
    register_handler("payments.clear_showtime", handle_clear_showtime)


@transaction.atomic
def cancel_booking(
    *,
    booking_id: int,
    labels: Sequence[str] | None,
    by: Actor,
    at: datetime,
    note: str = "",
    shown: int | None = None,
) -> Booking:
    """Cancel tickets and ask for their money back: a buyer by the cinema's terms, staff always and all of it.

    All of the named seats or nothing. Seats that are cancelled already change nothing, so that asking twice is asking
    once. When the showtime itself is cancelled everything goes, whatever was named, and all of the price comes back.

    Args:
        labels: the seats; every standing one without.
        note: why, in the words of whoever does it; for the ledger.
        shown: the sum that they agreed to, minor units; with another one nothing is cancelled.

    Returns:
        The booking as it is now.

    Raises:
        NothingToCancel: it was never confirmed.
        SumChanged: `shown` is not what would come back now.
        UnknownSeat, TooLateToCancel, TicketUsed, PaymentDisputed: see `weigh`.
    """
    related = Booking.objects.select_related("showtime__screen__cinema")
    booking = related.select_for_update(of=("self",)).get(pk=booking_id)
    if booking.status not in (Status.CONFIRMED, *GONE):
        raise NothingToCancel(f"Booking {booking.reference} is not confirmed, so there is no ticket to cancel.")
    if booking.status in GONE:
        choose_tickets(booking, labels)  # a seat that it never had is still refused
        return booking
    payment = own_payment(booking, lock=True)
    shares, reason = weigh(booking, payment, labels, by=by, at=at)
    if not shares:
        return booking
    amount = sum(part for _, part in shares)
    if shown not in (None, amount):
        raise SumChanged
    if payment is not None and amount:
        key = f"refund:{payment.idempotency_key}:{min(ticket.pk for ticket, _ in shares)}"
        ask_back(payment, amount=amount, reason=reason, key=key, actor=by.name, at=at, shares=shares, note=note)
    else:
        ledger.record(booking=booking, payment=payment, kind="tickets.cancelled", actor=by.name, note=note, at=at)
    if payment is None:
        _give_back_by_hand(booking, shares, at)
    owed = payment is not None and payment.refunds.exists()
    names = [ticket.label for ticket, _ in shares]
    cancelled = cancel_tickets(booking_id=booking.pk, labels=names, amount=amount, at=at, reason=reason, owed=owed)
    if cancelled.booking.status == Status.REFUNDING:
        ledger.finish_when_settled(booking_id=booking.pk, at=at)
    return Booking.objects.get(pk=booking_id)


def weigh(
    booking: Booking, payment: Payment | None, labels: Sequence[str] | None, *, by: Actor, at: datetime
) -> tuple[list[Share], Refund.Reason]:
    """Which tickets of a confirmed booking would go, what each would bring back, and why it would. Changes nothing.

    Args:
        payment: the one that bought the booking.

    Raises:
        UnknownSeat: the booking has no such seat.
        TooLateToCancel, TicketUsed: no for a buyer, by the cinema's terms; staff may.
        PaymentDisputed: the bank has the money; nobody may until it has decided. Where the buyer has won, staff may
            cancel the tickets, and nothing more comes back.
    """
    chosen = choose_tickets(booking, labels)
    reason = Refund.Reason.STAFF if by.is_staff else Refund.Reason.BUYER
    if chosen and booking.showtime.cancelled_at is not None:
        chosen, reason = choose_tickets(booking, None), Refund.Reason.SHOWTIME
    if chosen and payment is not None and payment.disputed and _check_dispute_is_lost(payment, by):
        return [(ticket, 0) for ticket in chosen], reason
    return (_shares(booking, chosen, reason, at) if chosen else []), reason


def cancel_showtime(*, showtime_id: int, by: Actor, at: datetime) -> Showtime:
    """Call a showtime off: no more sales, locks and open payments end, every booking gets all of its money back.

    The bookings are promises of the outbox, one each, so that a full house holds up nobody. A second call changes
    nothing. Never call it inside a transaction.

    Raises:
        NotFound: there is no such showtime.
    """
    with transaction.atomic():
        fresh = Showtime.objects.filter(pk=showtime_id, cancelled_at=None).update(cancelled_at=at)
        for wait in LOOK_AGAIN if fresh else ():
            enqueue(
                kind="payments.clear_showtime",
                dedupe_key=f"payments.clear_showtime:{showtime_id}:{int(wait.total_seconds())}",
                payload={"showtime": showtime_id, "actor": by.name},
                at=at,
                delay=wait,
            )
    showtime = Showtime.objects.filter(pk=showtime_id).first()
    if showtime is None:
        raise NotFound("There is no such showtime.")
    clear_showtime(showtime_id=showtime_id, actor=by.name, at=at)
    return showtime


def clear_showtime(*, showtime_id: int, actor: str, at: datetime) -> None:
    """End what is live on a cancelled showtime; each booking in a transaction of its own. May be done again."""
    for pk in _bookings_of(showtime_id, Status.LOCKED):
        end_lock_of_cancelled_showtime(booking_id=pk, at=at)
    for pk in _bookings_of(showtime_id, Status.CHECKOUT):
        with transaction.atomic():
            booking = begin_release(booking_id=pk, reason="showtime", at=at)
            payment = booking.payments.active().first()
            if payment is not None and booking.status == Status.RELEASING:
                enqueue_session_end(payment, at)
    with transaction.atomic():
        for pk in _bookings_of(showtime_id, Status.CONFIRMED):
            enqueue_cancellation(booking_id=pk, actor=actor, at=at)


def enqueue_cancellation(*, booking_id: int, actor: str, at: datetime, again: str = "") -> None:
    """Have the loop cancel a booking of a cancelled showtime. `again` names the occasion of a second promise."""
    key = f"payments.cancel_booking:{booking_id}" + (f":{again}" if again else "")
    payload = {"booking": booking_id, "actor": actor}
    enqueue(kind="payments.cancel_booking", dedupe_key=key, payload=payload, at=at)


@transaction.atomic
def ask_again(*, refund_id: int, by: Actor, at: datetime) -> Refund:
    """Ask once more for money whose refund failed: a new refund that makes the failed one good.

    Returns:
        The new refund; asking twice is asking once.

    Raises:
        Invalid: it has not failed, or what is left of the payment is less.
        PaymentDisputed: the bank has the money.
    """
    payment = lock_payment(Refund.objects.values_list("payment_id", flat=True).get(pk=refund_id))
    failed = Refund.objects.select_for_update(of=("self",)).get(pk=refund_id)
    if (made := Refund.objects.filter(replaces=failed).first()) is not None:
        return made
    if failed.status != Refund.Status.FAILED:
        raise Invalid("That refund has not failed, so there is nothing to ask again.")
    if payment.disputed:
        raise PaymentDisputed
    if failed.amount > left_of(payment):
        left = format_money(left_of(payment), payment.currency)
        raise Invalid(f"Only {left} of that payment is left; the rest has gone back already.")
    # One whole refund a payment is a rule of the database; what makes it good is asked for by a person.
    reason = Refund.Reason.STAFF if failed.reason not in SEAT_REASONS else failed.reason
    key = f"refund:{payment.idempotency_key}:again-{failed.pk}"
    made = ask_back(payment, amount=failed.amount, reason=reason, key=key, actor=by.name, at=at, replaces=failed)
    count_back(payment, failed.amount)
    alerts = MoneyAlert.objects.filter(subject=f"refund-failed:{failed.pk}", closed_at=None)
    alerts.update(closed_at=at, closed_by=by.name, resolution="Asked for again.")
    return made


SEAT_REASONS = (Refund.Reason.BUYER, Refund.Reason.STAFF, Refund.Reason.SHOWTIME)


def handle_cancel_booking(payload: dict[str, Any]) -> None:
    """Outbox: cancel one booking of a cancelled showtime. A disputed one waits for the bank, and for a person."""
    at, booking_id = timezone.now(), payload["booking"]
    by = Actor(payload["actor"], is_staff=True)
    try:
        cancel_booking(booking_id=booking_id, labels=None, by=by, at=at)
    except PaymentDisputed:
        booking = Booking.objects.get(pk=booking_id)
        with transaction.atomic():
            ledger.raise_alert(
                subject=f"cancel-disputed:{booking_id}",
                kind="dispute",
                text=f"The showtime of {booking.reference} is cancelled, but its payment is disputed: the tickets "
                "stand until the bank has decided. Answer the dispute at the gateway.",
                booking=booking,
                at=at,
            )


def handle_clear_showtime(payload: dict[str, Any]) -> None:
    """Outbox: whatever came in while the showtime was being cancelled."""
    clear_showtime(showtime_id=payload["showtime"], actor=payload["actor"], at=timezone.now())


def _check_dispute_is_lost(payment: Payment, by: Actor) -> bool:
    """True when the bank has given the buyer the money already: staff may cancel the tickets then, for nothing.

    Raises:
        PaymentDisputed: the bank has not decided, or it is the buyer who asks.
    """
    decided = ledger.verdicts(payment).values()
    if not by.is_staff or not decided or not all(decided):
        raise PaymentDisputed
    return True


def _shares(booking: Booking, chosen: list[Ticket], reason: str, at: datetime) -> list[Share]:
    """What each of these tickets brings back; for a buyer raises what the cinema's terms say no to."""
    if reason != Refund.Reason.BUYER:
        return list(zip(chosen, cap([ticket.price for ticket in chosen], booking), strict=True))
    policy, left = terms_of(booking), minutes_left(booking, at)
    if sentence := why_closed(booking, policy, left):
        raise TooLateToCancel(sentence)
    if used := [ticket.label for ticket in chosen if ticket.status == Ticket.Status.USED]:
        raise TicketUsed(used)
    return list(zip(chosen, parts_of(booking, chosen, policy, left), strict=True))


def _give_back_by_hand(booking: Booking, shares: Sequence[Share], at: datetime) -> None:
    """No payment of ours bought these tickets (a box office did, or the demo's programme): a person gives it back."""
    amount = sum(part for _, part in shares)
    if booking.demo or not amount:
        return
    labels = join_labels(ticket.label for ticket, _ in shares)
    sum_ = format_money(amount, booking.currency)
    ledger.raise_alert(
        subject=f"refund-by-hand:{booking.pk}:{min(ticket.pk for ticket, _ in shares)}",
        kind="refund-by-hand",
        text=f"{labels} of {booking.reference} were not paid through here. Give {sum_} back by hand.",
        booking=booking,
        at=at,
    )


def _bookings_of(showtime_id: int, status: str) -> list[int]:
    return list(
        Booking.objects.filter(showtime_id=showtime_id, status=status).order_by("pk").values_list("pk", flat=True)
    )
