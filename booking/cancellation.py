"""Cancel tickets of a confirmed booking: tickets, seats and the sum to refund. `payments` moves the money."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from booking.locks import end_lock
from booking.models import Booking, ShowtimeSeat, Ticket
from booking.outbox.messages import enqueue
from booking.refusals import UnknownSeat
from booking.seats.row_locks import lock_rows_of
from booking.seats.rows import SeatWrite, write_seats

Status = Booking.Status


@dataclass(frozen=True)
class Cancelled:
    """The changed booking, and the tickets that this call cancelled: none if they had been cancelled before."""

    booking: Booking
    tickets: tuple[Ticket, ...]


def choose_tickets(booking: Booking, labels: Iterable[str] | None) -> list[Ticket]:
    """The standing tickets of these seats, in the order of the map.

    Repeated labels count once. Cancelled tickets are left out, so that a repeated request changes nothing.

    Args:
        labels: None for all seats.

    Raises:
        UnknownSeat: the booking has no such seat.
    """
    tickets = list(booking.tickets.all())
    if labels is not None:
        wanted = set(labels)
        unknown = sorted(wanted - {ticket.label for ticket in tickets})
        if unknown:
            raise UnknownSeat(unknown, "This booking has no seat of that name.")
        tickets = [ticket for ticket in tickets if ticket.label in wanted]
    return [ticket for ticket in tickets if ticket.status != Ticket.Status.CANCELLED]


def cancel_tickets(
    *,
    booking_id: int,
    labels: Sequence[str] | None,
    amount: int,
    at: datetime,
    reason: str,
    owed: bool = False,
) -> Cancelled:
    """Cancel these tickets, make their seats available and enqueue the mail; the last step of the caller's transaction.

    The booking stays confirmed while it has a standing ticket. Then it is `refunding`, or `cancelled` if no money is
    due.

    Args:
        labels: the seats; None for all that have standing tickets.
        amount: to be refunded for them, minor units; added to `Booking.refunded`.
        reason: who cancelled: `buyer`, `staff` or `showtime` (which was cancelled).
        owed: money of this booking is due, or was refunded before, even if `amount` is 0.

    Raises:
        UnknownSeat: the booking has no such seat.
    """
    assert connection.in_atomic_block, "tickets are cancelled in the transaction that writes their refund"
    booking = Booking.objects.select_for_update().get(pk=booking_id)
    tickets = choose_tickets(booking, labels) if booking.status == Status.CONFIRMED else []
    if not tickets:
        return Cancelled(booking, ())
    chosen = {ticket.pk for ticket in tickets}
    for ticket in tickets:
        ticket.status, ticket.cancelled_at = Ticket.Status.CANCELLED, at
    booking.tickets.filter(pk__in=chosen).update(status=Ticket.Status.CANCELLED, cancelled_at=at)
    booking.refunded += amount
    if not booking.tickets.exclude(status=Ticket.Status.CANCELLED).exists():
        booking.status = Status.REFUNDING if owed or booking.refunded else Status.CANCELLED
        booking.ended_at = at
    booking.save(update_fields=["refunded", "status", "ended_at"])
    _enqueue_mail(booking, tickets, amount, reason, at)
    seats = {ticket.seat_id for ticket in tickets}
    rows = [row for row in lock_rows_of(booking.pk) if row.pk in seats]
    assert len(rows) == len(tickets), "each standing ticket has a booked seat"
    write_seats(
        showtime_id=booking.showtime_id,
        writes=[SeatWrite(rows, ShowtimeSeat.Status.AVAILABLE)],
        reason="showtime" if reason == "showtime" else "cancel",
        at=at,
        revenue=-sum(ticket.price for ticket in tickets),
    )
    return Cancelled(booking, tuple(tickets))


@transaction.atomic
def end_lock_of_cancelled_showtime(*, booking_id: int, at: datetime) -> bool:
    """Release the seats of a lock whose showtime was cancelled. Returns False if the booking is not `locked`."""
    booking = Booking.objects.select_for_update().get(pk=booking_id)
    if booking.status != Status.LOCKED:
        return False
    end_lock(booking, Status.RELEASED, "showtime", at)
    return True


def _enqueue_mail(booking: Booking, tickets: list[Ticket], amount: int, reason: str, at: datetime) -> None:
    kind = "mail.showtime_cancelled" if reason == "showtime" else "mail.cancelled"
    # A ticket is cancelled once, so the lowest key identifies the cancellation.
    key = f"{kind}:{booking.pk}:{min(ticket.pk for ticket in tickets)}"
    payload = {
        "booking": booking.pk,
        "tickets": [ticket.pk for ticket in tickets],
        "refund": amount,
        "reason": reason,
    }
    enqueue(kind=kind, dedupe_key=key, payload=payload, at=at)
