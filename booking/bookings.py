"""The states of a booking from the first lock to the ticket or the refund.

Each function is one transaction. It row-locks the booking first, changes nothing if the booking has passed this step,
and never calls a gateway. The states are those of `Booking.Status`; `payments` decides when they change.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from enum import Enum

from django.conf import settings
from django.db import transaction

from booking.clients.client import NOT_COUNTED, Client
from booking.lock_limits import check_client_seats, lock_client_seats
from booking.locks import end_lock
from booking.models import Booking, BookingSeat, ShowtimeSeat, Ticket
from booking.outbox.messages import enqueue
from booking.refusals import ILL_ADVISED, IllAdvised, LockExpired
from booking.seats.choice.present import advise_visitor
from booking.seats.known_map import read_whole
from booking.seats.pricing import price_seats
from booking.seats.row_locks import lock_rows_of
from booking.seats.rows import SeatWrite, move_deadline, write_seats

CHECKOUT_FIELDS = ("status", "email", "checkout_at", "locked_until", "total", "end_reason", "origin")
CLIENT_FIELDS = ("network_hash", "address_hash")

Status = Booking.Status
SeatStatus = ShowtimeSeat.Status


class Confirmation(Enum):
    """The result of `confirm_booking`."""

    CONFIRMED = "confirmed"
    ALREADY = "already"
    SEATS_GONE = "seats-gone"


def find_live(*, showtime_id: int, visitor: uuid.UUID | None, at: datetime) -> Booking | None:
    """The visitor's live booking of this showtime: locked (and not lapsed) or with a payment open; else None."""
    if visitor is None:
        return None
    booking = Booking.objects.of_visitor(visitor).not_ended().filter(showtime_id=showtime_id).first()
    return booking if booking and booking.is_live(at) else None


@transaction.atomic
def begin_checkout(
    *,
    showtime_id: int,
    visitor: uuid.UUID,
    email: str,
    payable_until: datetime,
    at: datetime,
    origin: str = "",
    client: Client = NOT_COUNTED,
    staff: bool = False,
) -> Booking:
    """Fix seats and prices, and set the deadline to a full lock from `at` at the first checkout only.

    Call it in the transaction that writes the Payment row. A booking with a payment open is returned unchanged.

    Args:
        payable_until: until then nobody else may take the seats, because a payment could still arrive.
        origin: scheme and host of this site, for the links in mails.
        client: whom the seats count for from now on.
        staff: seating rules are not asked.

    Raises:
        LockExpired: there is no lock, its time has passed, or another visitor has taken one of its seats since.
        CompanionAlone, HalfASofa, LeavesSingleSeat: a seating rule speaks against the seats, which stay locked.
        RateLimited: this client would have too many seats of the showtime.
    """
    others = lock_client_seats(client, showtime_id, visitor, at)
    own = Booking.objects.of_visitor(visitor).not_ended().filter(showtime_id=showtime_id).select_for_update().first()
    if own is None or not own.is_live(at):
        raise LockExpired
    if own.status != Status.LOCKED:
        return own
    rows = lock_rows_of(own.pk)
    if not rows or len(rows) != own.n_seats:
        raise LockExpired
    check_client_seats(others, chosen=0, locked=len(rows))
    if not staff and (refusal := find_ill_advised(own, [row.index for row in rows], at)):
        raise refusal
    own.network_hash, own.address_hash = client.hashes(showtime_id)
    places = price_seats(own, rows)
    own.places.all().delete()
    BookingSeat.objects.bulk_create(places)
    if own.checkout_at is None:
        own.locked_until = at + settings.SEAT_LOCK
    own.status, own.email, own.checkout_at = Status.CHECKOUT, email, own.checkout_at or at
    own.total = sum(place.price for place in places)
    own.end_reason, own.origin = "", origin
    own.save(update_fields=[*CHECKOUT_FIELDS, *CLIENT_FIELDS])
    move_deadline(booking_id=own.pk, locked_until=payable_until)
    return own


def find_ill_advised(booking: Booking, indices: Sequence[int], at: datetime) -> IllAdvised | None:
    """The first of the seating rules that speak against the seats of this lock, with those to take instead.

    The map is read whole: what an earlier answer advised was true then, this is true now.
    """
    for advice in advise_visitor(read_whole(booking.showtime_id), booking.showtime, indices, booking.visitor, at):
        return ILL_ADVISED[advice.type](advice.seats, advice.suggestion)
    return None


@transaction.atomic
def begin_release(*, booking_id: int, reason: str, at: datetime) -> Booking:
    """Record that the open payment is being ended. The seats stay locked until its verdict.

    Args:
        reason: `given-back`, `changed`, `cancelled`, `declined`, `lapsed` or `showtime` (which was cancelled). The
            first reason is kept; only `changed` is replaced by a later one.
    """
    booking = Booking.objects.select_for_update().get(pk=booking_id)
    if booking.status == Status.CHECKOUT or (booking.status == Status.RELEASING and booking.end_reason == "changed"):
        booking.status, booking.end_reason = Status.RELEASING, reason
        booking.save(update_fields=["status", "end_reason"])
    return booking


@transaction.atomic
def finish_release(*, booking_id: int, at: datetime) -> Booking:
    """The payment has ended without money: release the seats, or reopen the lock if the reason is `changed`."""
    booking = Booking.objects.select_for_update().get(pk=booking_id)
    if booking.status not in Booking.PAYING:
        return booking
    assert booking.locked_until is not None
    if booking.end_reason == "changed" and at < booking.locked_until:
        booking.status, booking.end_reason = Status.LOCKED, ""
        booking.save(update_fields=["status", "end_reason"])
        move_deadline(booking_id=booking.pk, locked_until=booking.locked_until)
        return booking
    lapsed = booking.end_reason in ("lapsed", "changed") or (not booking.end_reason and booking.locked_until <= at)
    status = Status.EXPIRED if lapsed else Status.RELEASED
    end_lock(booking, status, "lapsed" if lapsed else booking.end_reason or "payment-ended", at)
    return booking


@transaction.atomic
def mark_processing(*, booking_id: int, at: datetime) -> Booking:
    """The buyer has paid and the bank has not confirmed yet: keep the seats until `PROCESSING_GRACE` after the film."""
    booking = Booking.objects.select_for_update().select_related("showtime").get(pk=booking_id)
    if booking.status in (Status.CHECKOUT, Status.RELEASING):
        booking.status, booking.end_reason = Status.PROCESSING, ""
        booking.save(update_fields=["status", "end_reason"])
        move_deadline(booking_id=booking.pk, locked_until=booking.showtime.ends_at + settings.PROCESSING_GRACE)
    return booking


@transaction.atomic
def confirm_booking(*, booking_id: int, demo: bool, at: datetime) -> Confirmation:
    """The money has arrived: book the seats, write the tickets and enqueue the mail, all in this transaction.

    A booking that has ended takes its seats again if they are free and the film has not begun.

    Returns:
        CONFIRMED; ALREADY if it is confirmed, cancelled or refunded; SEATS_GONE, with nothing changed, if the seats
        cannot be booked any more and the money must be refunded.
    """
    booking = Booking.objects.select_for_update(of=("self",)).select_related("showtime").get(pk=booking_id)
    if booking.status in (Status.CONFIRMED, Status.CANCELLED, Status.REFUNDING, Status.REFUNDED):
        return Confirmation.ALREADY
    late = booking.status in Booking.ENDED_UNPAID
    if booking.showtime.cancelled_at is not None or (late and at >= booking.showtime.starts_at):
        return Confirmation.SEATS_GONE
    places = list(booking.places.all())
    wanted = {place.seat_id for place in places}
    rows = lock_rows_of(booking.pk, and_seat_ids=wanted)
    booked = [row for row in rows if row.pk in wanted]
    if not booked or any(not row.may_be_taken(at, by={booking.pk}) for row in booked):
        return Confirmation.SEATS_GONE
    Ticket.objects.bulk_create(
        Ticket(booking=booking, seat_id=p.seat_id, label=p.label, category=p.category, price=p.price) for p in places
    )
    booking.status, booking.confirmed_at, booking.demo = Status.CONFIRMED, at, demo
    booking.locked_until, booking.end_reason, booking.ended_at = None, "", None
    booking.network_hash = booking.address_hash = None
    booking.save(
        update_fields=["status", "confirmed_at", "demo", "locked_until", "end_reason", "ended_at", *CLIENT_FIELDS]
    )
    enqueue(kind="mail.confirmed", dedupe_key=f"mail.confirmed:{booking.pk}", payload={"booking": booking.pk}, at=at)
    spare = [row for row in rows if row.pk not in wanted]
    writes = [SeatWrite(booked, SeatStatus.BOOKED, booking.pk), SeatWrite(spare, SeatStatus.AVAILABLE)]
    write_seats(showtime_id=booking.showtime_id, writes=writes, reason="confirm", at=at, revenue=booking.total)
    return Confirmation.CONFIRMED


@transaction.atomic
def begin_refund(*, booking_id: int, amount: int, at: datetime, reason: str = "late") -> Booking:
    """Money arrived for a booking that cannot be confirmed: refund all of it, release its seats, enqueue the mail.

    Changes nothing once the booking was confirmed; its tickets are cancelled by `booking.cancellation`.

    Args:
        amount: received and to be refunded, minor units.
        reason: what the mail says: `late`, `mismatch` (a wrong amount) or `showtime` (which was cancelled).
    """
    booking = Booking.objects.select_for_update().get(pk=booking_id)
    if booking.status in (Status.CONFIRMED, Status.REFUNDING, Status.REFUNDED, Status.CANCELLED):
        return booking
    booking.status, booking.ended_at, booking.refunded = Status.REFUNDING, at, amount
    booking.network_hash = booking.address_hash = None
    booking.save(update_fields=["status", "ended_at", "refunded", *CLIENT_FIELDS])
    key = f"mail.late_refund:{booking.pk}"
    enqueue(kind="mail.late_refund", dedupe_key=key, payload={"booking": booking.pk, "reason": reason}, at=at)
    rows = lock_rows_of(booking.pk)
    if rows:
        freed = [SeatWrite(rows, SeatStatus.AVAILABLE)]
        write_seats(showtime_id=booking.showtime_id, writes=freed, reason="refund", at=at)
    return booking


@transaction.atomic
def finish_refund(*, booking_id: int, at: datetime) -> Booking:
    """The gateway has returned the money to the buyer."""
    booking = Booking.objects.select_for_update().get(pk=booking_id)
    if booking.status == Status.REFUNDING:
        booking.status = Status.REFUNDED
        booking.save(update_fields=["status"])
    return booking
