"""Cancelling tickets and refunding them: by a buyer under the cinema's terms, by staff, for a cancelled showtime.

Tickets, seats, refund rows and the outbox message for the gateway are one transaction. Row locks are taken in the order
booking, payment, refund, seats, showtime. The gateway's answers are applied by `payments.refund_updates`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

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
from booking.tickets.codes import mark_of_tickets
from cinema.currencies import format_money
from cinema.database import clock
from cinema.models import Showtime
from payments import ledger
from payments.ledger import Actor
from payments.models import MoneyAlert, Payment, Refund, mark_of_key
from payments.refund_rows import Share, adjust_refunded, amount_left, lock_payment, own_payment, request_refund
from payments.settlement import enqueue_session_end

Status = Booking.Status
CANCELLED = (Status.CANCELLED, Status.REFUNDING, Status.REFUNDED)  # without a standing ticket
SEAT_REASONS = (Refund.Reason.BUYER, Refund.Reason.STAFF, Refund.Reason.SHOWTIME)
# A lock or payment that was being written while the showtime was cancelled is found by a later run.
CLEAR_DELAYS = (timedelta(0), timedelta(minutes=1), timedelta(minutes=15))


def register_handlers() -> None:
    """Called once, when the apps are ready."""
    register_handler("payments.cancel_booking", handle_cancel_booking)
    register_handler("payments.clear_showtime", handle_clear_showtime)


@transaction.atomic(durable=True)
def cancel_booking(
    *,
    booking_id: int,
    labels: Sequence[str] | None,
    by: Actor,
    at: datetime,
    note: str = "",
    shown: int | None = None,
) -> Booking:
    """Cancel tickets and refund them: a buyer under the cinema's terms, staff always and the whole price.

    All of the named seats or none; committed on return. Seats that are cancelled already are left out, so a repeated
    call has no effect. When the showtime is cancelled, every ticket is cancelled and refunded whole.

    Args:
        labels: the seats; None for every standing ticket.
        note: the reason in the actor's words, for the ledger.
        shown: the amount that the actor agreed to, minor units; with another one nothing is cancelled.

    Returns:
        The booking as it is now.

    Raises:
        NothingToCancel: it is neither confirmed, nor cancelled, nor refunded or being refunded.
        SumChanged: `shown` is not the amount that would be refunded now.
        UnknownSeat, TooLateToCancel, TicketUsed, PaymentDisputed: see `quote_cancellation`.
    """
    booking = _lock_cancellable(booking_id)
    if booking.status != Status.CONFIRMED:
        choose_tickets(booking, labels)  # raises UnknownSeat
        return booking
    payment = own_payment(booking, lock=True)
    shares, reason = quote_cancellation(booking, payment, labels, by=by, at=at)
    if not shares:
        return booking
    if shown not in (None, _amount_of(shares)):
        raise SumChanged
    _write_refund(booking, payment, shares, reason=reason, by=by, note=note, at=at)
    _cancel_tickets(booking, payment, shares, reason=reason, at=at)
    return Booking.objects.get(pk=booking_id)


def quote_cancellation(
    booking: Booking, payment: Payment | None, labels: Sequence[str] | None, *, by: Actor, at: datetime
) -> tuple[list[Share], Refund.Reason]:
    """Which tickets of a confirmed booking would be cancelled, the refund of each (minor units), and the reason.

    Changes nothing.

    Args:
        payment: the one that bought the booking.

    Raises:
        UnknownSeat: the booking has no such seat.
        TooLateToCancel, TicketUsed: refused to a buyer by the cinema's terms; staff may.
        PaymentDisputed: nobody may until the bank has decided. When the buyer has won, staff may cancel the tickets
            without a refund.
    """
    chosen = choose_tickets(booking, labels)
    reason = Refund.Reason.STAFF if by.is_staff else Refund.Reason.BUYER
    if chosen and booking.showtime.cancelled_at is not None:
        chosen, reason = choose_tickets(booking, None), Refund.Reason.SHOWTIME
    if chosen and payment is not None and payment.disputed:
        _refuse_unless_dispute_is_lost(payment, by)
        return [(ticket, 0) for ticket in chosen], reason
    return (_shares(booking, chosen, reason, at) if chosen else []), reason


def cancel_showtime(*, showtime_id: int, by: Actor, at: datetime) -> Showtime:
    """Cancel a showtime: no more sales, locks and open payments end, every booking is refunded whole.

    Each booking is an outbox message of its own, so that many bookings do not delay each other. A second call changes
    nothing. Several transactions; never call it inside one.

    Raises:
        NotFound: there is no such showtime.
    """
    with transaction.atomic(durable=True):
        is_first = Showtime.objects.filter(pk=showtime_id, cancelled_at=None).update(cancelled_at=at)
        for delay in CLEAR_DELAYS if is_first else ():
            enqueue(
                kind="payments.clear_showtime",
                dedupe_key=f"payments.clear_showtime:{showtime_id}:{int(delay.total_seconds())}",
                payload={"showtime": showtime_id, "actor": by.name},
                at=at,
                delay=delay,
            )
    showtime = Showtime.objects.filter(pk=showtime_id).first()
    if showtime is None:
        raise NotFound("There is no such showtime.")
    clear_showtime(showtime_id=showtime_id, actor=by.name, at=at)
    return showtime


def clear_showtime(*, showtime_id: int, actor: str, at: datetime) -> None:
    """End locks and payments of a cancelled showtime, each in its own transaction; enqueue the cancellations.

    Can be repeated.
    """
    for pk in _bookings_of(showtime_id, Status.LOCKED):
        end_lock_of_cancelled_showtime(booking_id=pk, at=at)
    for pk in _bookings_of(showtime_id, Status.CHECKOUT):
        with transaction.atomic(durable=True):
            booking = begin_release(booking_id=pk, reason="showtime", at=at)
            payment = booking.payments.active().first()
            if payment is not None and booking.status == Status.RELEASING:
                enqueue_session_end(payment, at)
    with transaction.atomic(durable=True):
        for pk in _bookings_of(showtime_id, Status.CONFIRMED):
            enqueue_cancellation(booking_id=pk, actor=actor, at=at)


def enqueue_cancellation(*, booking_id: int, actor: str, at: datetime, occasion: str = "") -> None:
    """Enqueue the cancellation of a booking of a cancelled showtime. `occasion` allows another message."""
    key = f"payments.cancel_booking:{booking_id}" + (f":{occasion}" if occasion else "")
    payload = {"booking": booking_id, "actor": actor}
    enqueue(kind="payments.cancel_booking", dedupe_key=key, payload=payload, at=at)


@transaction.atomic(durable=True)
def retry_refund(*, refund_id: int, by: Actor, at: datetime) -> Refund:
    """Replace a failed refund by a new one of the same amount; committed on return.

    Returns:
        The new refund; a second call returns the same one.

    Raises:
        Invalid: it has not failed, or less than its amount is left of the payment.
        PaymentDisputed: the bank has the money.
    """
    payment = lock_payment(Refund.objects.values_list("payment_id", flat=True).get(pk=refund_id))
    failed = Refund.objects.select_for_update(of=("self",)).get(pk=refund_id)
    if (earlier := Refund.objects.filter(replaces=failed).first()) is not None:
        return earlier
    if failed.status != Refund.Status.FAILED:
        raise Invalid("That refund has not failed, so there is nothing to ask again.")
    if payment.disputed:
        raise PaymentDisputed
    if failed.amount > amount_left(payment):
        left = format_money(amount_left(payment), payment.currency)
        raise Invalid(f"Only {left} of that payment is left; the rest has gone back already.")
    # The database allows one refund with a whole-payment reason per payment; a retry is requested by staff.
    reason = Refund.Reason.STAFF if failed.reason not in SEAT_REASONS else failed.reason
    key = f"refund:{payment.idempotency_key}:again-{mark_of_key(failed.idempotency_key)}"
    refund = request_refund(
        payment, amount=failed.amount, reason=reason, key=key, actor=by.name, at=at, replaces=failed
    )
    adjust_refunded(payment, failed.amount)
    alerts = MoneyAlert.objects.filter(subject=f"refund-failed:{failed.pk}", closed_at=None)
    alerts.update(closed_at=at, closed_by=by.name, resolution="Asked for again.")
    return refund


def handle_cancel_booking(payload: dict[str, Any]) -> None:
    """Outbox: cancel one booking of a cancelled showtime. A disputed one raises an alert and waits for the bank."""
    at, booking_id = clock.now(), payload["booking"]
    by = Actor(payload["actor"], is_staff=True)
    try:
        cancel_booking(booking_id=booking_id, labels=None, by=by, at=at)
    except PaymentDisputed:
        booking = Booking.objects.get(pk=booking_id)
        with transaction.atomic(durable=True):
            ledger.raise_alert(
                subject=f"cancel-disputed:{booking_id}",
                kind="dispute",
                text=f"The showtime of {booking.reference} is cancelled, but its payment is disputed: the tickets "
                "stand until the bank has decided. Answer the dispute at the gateway.",
                booking=booking,
                at=at,
            )


def handle_clear_showtime(payload: dict[str, Any]) -> None:
    """Outbox: end locks and payments that were written while the showtime was being cancelled."""
    clear_showtime(showtime_id=payload["showtime"], actor=payload["actor"], at=clock.now())


def _lock_cancellable(booking_id: int) -> Booking:
    """Row-lock the booking. Raises NothingToCancel unless it is or was confirmed."""
    bookings = Booking.objects.select_related("showtime__screen__cinema")
    booking = bookings.select_for_update(of=("self",)).get(pk=booking_id)
    if booking.status not in (Status.CONFIRMED, *CANCELLED):
        raise NothingToCancel(f"Booking {booking.reference} is not confirmed, so there is no ticket to cancel.")
    return booking


def _write_refund(
    booking: Booking,
    payment: Payment | None,
    shares: Sequence[Share],
    *,
    reason: Refund.Reason,
    by: Actor,
    note: str,
    at: datetime,
) -> None:
    """The refund, or, where no payment is to be refunded, the ledger entry and an alert."""
    amount = _amount_of(shares)
    if payment is not None and amount:
        # The same tickets, the same key: cancelled anew after a restored backup, they are not paid back twice.
        key = f"refund:{payment.idempotency_key}:{mark_of_tickets(ticket for ticket, _ in shares)}"
        request_refund(payment, amount=amount, reason=reason, key=key, actor=by.name, at=at, shares=shares, note=note)
    else:
        ledger.record(booking=booking, payment=payment, kind="tickets.cancelled", actor=by.name, note=note, at=at)
    if payment is None:
        _alert_manual_refund(booking, shares, at)


def _cancel_tickets(
    booking: Booking, payment: Payment | None, shares: Sequence[Share], *, reason: Refund.Reason, at: datetime
) -> None:
    """Cancel the tickets and free their seats; a booking with nothing left to refund is `refunded` at once."""
    owed = payment is not None and payment.refunds.exists()
    labels, amount = [ticket.label for ticket, _ in shares], _amount_of(shares)
    cancelled = cancel_tickets(booking_id=booking.pk, labels=labels, amount=amount, at=at, reason=reason, owed=owed)
    if cancelled.booking.status == Status.REFUNDING:
        ledger.finish_when_settled(booking_id=booking.pk, at=at)


def _refuse_unless_dispute_is_lost(payment: Payment, by: Actor) -> None:
    """Staff may cancel the tickets without a refund once the bank has paid the buyer.

    Raises:
        PaymentDisputed: the bank has not decided, or the actor is the buyer.
    """
    decided = ledger.verdicts(payment).values()
    if not by.is_staff or not decided or not all(decided):
        raise PaymentDisputed


def _shares(booking: Booking, chosen: list[Ticket], reason: str, at: datetime) -> list[Share]:
    """The refund of each ticket, minor units. For a buyer raises the refusals of the cinema's terms."""
    if reason != Refund.Reason.BUYER:
        return list(zip(chosen, cap([ticket.price for ticket in chosen], booking), strict=True))
    policy, left = terms_of(booking), minutes_left(booking, at)
    if sentence := why_closed(booking, policy, left):
        raise TooLateToCancel(sentence)
    if used := [ticket.label for ticket in chosen if ticket.status == Ticket.Status.USED]:
        raise TicketUsed(used)
    return list(zip(chosen, parts_of(booking, chosen, policy, left), strict=True))


def _alert_manual_refund(booking: Booking, shares: Sequence[Share], at: datetime) -> None:
    """No payment here bought these tickets (a box office, or the demo's sales): a person must refund them."""
    amount = _amount_of(shares)
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


def _amount_of(shares: Sequence[Share]) -> int:
    return sum(part for _, part in shares)


def _bookings_of(showtime_id: int, status: str) -> list[int]:
    return list(
        Booking.objects.filter(showtime_id=showtime_id, status=status).order_by("pk").values_list("pk", flat=True)
    )
