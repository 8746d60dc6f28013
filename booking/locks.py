"""Locks: one visitor's claim on seats of one showtime until `locked_until`.

This is the rule against double booking. It has three parts: every writer row-locks the seats it wants in `pk` order
before it looks at them (`seat_rows.lock_rows`), decides from what it then reads, and writes as the last step; the
database refuses a second row for a seat and a second standing ticket on it; and a lock whose time has passed may be
taken by anybody, whether or not the sweeper came by.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import IntegrityError, connection, transaction

from booking.hoarding import check_hoarding
from booking.models import Booking, ShowtimeSeat
from booking.refusals import (
    BeingReleased,
    Busy,
    NotFound,
    NotOnSale,
    PaymentOpen,
    SalesClosed,
    SeatsTaken,
    TooManySeats,
    UnknownSeat,
)
from booking.seat_rows import SeatWrite, lock_rows, lock_rows_of, write_seats
from cinema import counters
from cinema.layouts import layout_of
from cinema.models import Showtime
from cinema.raw_rows import columns_of, read_rows

Status = ShowtimeSeat.Status
Wish = dict[str, int]  # label -> index

# Written out, since this is the way of every click: compiling them anew each time costs more than running them.
SHOWTIME = """
SELECT {columns}, p.hash FROM cinema_showtime t JOIN cinema_seatingplan p ON p.id = t.plan_id WHERE t.id = %s
"""
OWN = """
SELECT {columns} FROM booking_booking WHERE showtime_id = %s AND visitor = %s AND status IN (%s, %s, %s, %s)
"""
END = "UPDATE booking_booking SET status = %s, end_reason = %s, ended_at = %s WHERE id = %s"
HOLDERS = """
SELECT t.version, b.id
  FROM cinema_showtime t
  LEFT JOIN booking_booking b
    ON b.id IN ({places}) AND (b.status = 'releasing' OR (b.status = 'checkout' AND b.locked_until <= %s))
 WHERE t.id = %s
"""


class _AnotherTabFirst(Exception):
    """Two tabs of one visitor began at once, and the other has the booking: look again, and go on with that one."""


@dataclass(frozen=True)
class Held:
    """What a visitor holds after asking: `indices` of `booking`.

    `version` is at least that of the map that first said so: whoever sees an older one sees what was before.
    """

    showtime: Showtime
    layout: str
    booking: Booking | None
    indices: tuple[int, ...]
    version: int


def lock_seats(*, showtime_id: int, visitor: uuid.UUID, labels: Sequence[str], at: datetime) -> Held:
    """Make `labels` the whole wish of this visitor: all of it, or nothing changes.

    The deadline is set by the first seat and does not move. Seats no longer named are given back; naming none gives
    the lock back whole. Naming what is held already changes nothing and takes no version.

    Returns:
        What is held now; its booking is None when that is nothing.

    Raises:
        NotFound, SalesClosed, NotOnSale: there is nothing to sell.
        TooManySeats, UnknownSeat: the wish is not one this house can grant.
        RateLimited: the visitor holds, or has held, too much.
        SeatsTaken: somebody else has a seat, is taking it this moment, or it is blocked.
        BeingReleased: a payment on a seat is being ended; try again.
        PaymentOpen: the visitor's own payment must be ended first.
        Busy: several tabs of this visitor were quicker, again and again.
    """
    showtime, layout = find_showtime(showtime_id)
    wish = find_indices(layout, labels)
    for _ in range(3):
        with contextlib.suppress(_AnotherTabFirst):
            booking, version = _lock(showtime, visitor, wish, at)
            return Held(showtime, layout, booking, tuple(sorted(wish.values())), version)
    raise Busy


@transaction.atomic
def _lock(showtime: Showtime, visitor: uuid.UUID, wish: Wish, at: datetime) -> tuple[Booking | None, int]:
    """The booking that now holds exactly the wish, and the version of the map that says so."""
    own = _lock_own(showtime.pk, visitor)
    if own and own.status in Booking.PAYING:
        _refuse_another_wish(own, wish)
        return own, showtime.version
    if not wish:
        return None, (_give_back(own, at) if own else None) or showtime.version
    check_sales(showtime, at)
    rows = {row.index: row for row in lock_rows(showtime.pk, wish.values(), own.pk if own else None)}
    _refuse_lost(wish, rows, {own.pk} if own else set(), showtime, at)  # before anything is written for nothing
    booking = own if own and own.is_live(at) else _replace(own, showtime, visitor, at)
    added = [rows[i] for i in sorted(wish.values()) if rows[i].booking_id != booking.pk]
    dropped = [row for i, row in sorted(rows.items()) if i not in wish.values()]
    if not added and not dropped:
        return booking, showtime.version
    booking.n_seats = len(wish)
    writes = [SeatWrite(added, Status.LOCKED, booking.pk, booking.locked_until), SeatWrite(dropped, Status.AVAILABLE)]
    return booking, write_seats(showtime_id=showtime.pk, writes=writes, reason="lock", at=at, sized=booking)


def _refuse_another_wish(own: Booking, wish: Wish) -> None:
    """The same seats again change nothing while they are being paid; raises PaymentOpen for any other wish."""
    held = set(own.seats.values_list("index", flat=True))
    if own.status == Booking.Status.RELEASING or held != set(wish.values()):
        raise PaymentOpen(own)


@transaction.atomic
def release_lock(*, showtime_id: int, visitor: uuid.UUID, at: datetime) -> bool:
    """Give all seats of this visitor back at once.

    Returns:
        Whether there was a lock to give back.

    Raises:
        PaymentOpen: a payment must be ended first.
    """
    own = _lock_own(showtime_id, visitor)
    if own is None:
        return False
    if own.status in Booking.PAYING:
        raise PaymentOpen(own)
    was_live = own.is_live(at)
    _give_back(own, at)
    return was_live


def expire_locks(*, at: datetime, limit: int = 500) -> int:
    """Free the seats of every lock whose time has passed and that never had a payment. Safe beside anything.

    One transaction a booking, so that one busy showtime holds up no other; a booking that somebody is working on is
    left for the next round.

    Returns:
        How many bookings ended.
    """
    due = list(Booking.objects.lapsed(at).order_by("locked_until").values_list("pk", flat=True)[:limit])
    return sum(_expire(pk, at) for pk in due)


@transaction.atomic
def _expire(booking_id: int, at: datetime) -> bool:
    skip = connection.features.has_select_for_update_skip_locked
    booking = Booking.objects.lapsed(at).filter(pk=booking_id).select_for_update(skip_locked=skip).first()
    if booking is None:
        return False
    end_lock(booking, Booking.Status.EXPIRED, "lapsed", at)
    if booking.locked_until:
        counters.EXPIRY_LAG.observe((at - booking.locked_until).total_seconds())
    return True


def end_lock(booking: Booking, status: str, reason: str, at: datetime) -> int | None:
    """End a row-locked booking and free whatever seats it still holds, inside the caller's transaction.

    Returns:
        The version of the map that says so; None when it held no seat any more.
    """
    _store_end(booking, status, reason, at)
    rows = [row for row in lock_rows_of(booking.pk) if row.status == Status.LOCKED]
    if not rows:
        return None
    freed = SeatWrite(rows, Status.AVAILABLE)
    return write_seats(showtime_id=booking.showtime_id, writes=[freed], reason=reason, at=at)


def _store_end(booking: Booking, status: str, reason: str, at: datetime) -> None:
    booking.status, booking.end_reason, booking.ended_at = status, reason, at
    with connection.cursor() as cursor:
        cursor.execute(END, [status, reason, connection.ops.adapt_datetimefield_value(at), booking.pk])


def find_indices(layout_hash: str, labels: Iterable[str]) -> Wish:
    """Label to index of these seats, each once, in the order named.

    Raises:
        TooManySeats, UnknownSeat
    """
    wished = list(dict.fromkeys(labels))
    if len(wished) > settings.MAX_SEATS_PER_BOOKING:
        raise TooManySeats(settings.MAX_SEATS_PER_BOOKING)
    index_of = layout_of(layout_hash).index_of
    unknown = [label for label in wished if label not in index_of]
    if unknown:
        raise UnknownSeat(unknown)
    return {label: index_of[label] for label in wished}


def check_sales(showtime: Showtime, at: datetime) -> None:
    """Raises SalesClosed or NotOnSale unless seats of this showtime are sold at `at`."""
    state = showtime.sales(at)
    if state == "upcoming":
        assert showtime.sales_open_at is not None
        raise NotOnSale(max(1, round((showtime.sales_open_at - at).total_seconds())))
    if state == "cancelled":
        raise SalesClosed("This showtime has been cancelled.")
    if state == "closed":
        raise SalesClosed


def find_showtime(showtime_id: int) -> tuple[Showtime, str]:
    """The showtime and the hash of its layout. Raises NotFound."""
    for found, (layout,) in read_rows(Showtime, SHOWTIME.format(columns=columns_of(Showtime, "t")), [showtime_id]):
        return found, layout
    raise NotFound("There is no such showtime.")


def _lock_own(showtime_id: int, visitor: uuid.UUID) -> Booking | None:
    """The visitor's one live booking here, row-locked; it may have lapsed."""
    suffix = " FOR UPDATE" if connection.features.has_select_for_update else ""
    whose = Booking._meta.get_field("visitor").get_db_prep_value(visitor, connection)
    own = read_rows(Booking, OWN.format(columns=columns_of(Booking)) + suffix, [showtime_id, whose, *Booking.LIVE])
    return own[0][0] if own else None


def _give_back(own: Booking, at: datetime) -> int | None:
    if own.is_live(at):
        return end_lock(own, Booking.Status.RELEASED, "given-back", at)
    return end_lock(own, Booking.Status.EXPIRED, "lapsed", at)


def _replace(lapsed: Booking | None, showtime: Showtime, visitor: uuid.UUID, at: datetime) -> Booking:
    """A new booking in the place of none, or of one that has lapsed (its seats are dealt with by the caller)."""
    check_hoarding(showtime_id=showtime.pk, visitor=visitor, at=at)
    if lapsed:
        _store_end(lapsed, Booking.Status.EXPIRED, "lapsed", at)
    fresh = Booking(showtime=showtime, visitor=visitor, currency=showtime.currency, created_at=at)
    fresh.locked_until = at + settings.SEAT_LOCK
    try:
        fresh.save(force_insert=True)
    except IntegrityError as error:
        raise _AnotherTabFirst from error  # and the whole of this transaction is undone
    return fresh


def _refuse_lost(wish: Wish, rows: dict[int, ShowtimeSeat], mine: set[int], showtime: Showtime, at: datetime) -> None:
    # A row that did not come is held by another transaction: it is being taken this moment.
    found = {label: rows.get(i) for label, i in wish.items()}
    lost = {label: row for label, row in found.items() if row is None or not row.may_be_taken(at, by=mine)}
    if not lost:
        return
    holders = {row.booking_id for row in lost.values() if row and row.booking_id and row.status == Status.LOCKED}
    version, ending = _payments_being_ended(showtime.pk, holders, at)
    taken = [label for label, row in lost.items() if row is None or row.booking_id not in ending]
    if taken:
        raise SeatsTaken(taken, version)
    raise BeingReleased(list(lost))


def _payments_being_ended(showtime_id: int, holders: Collection[int], at: datetime) -> tuple[int, set[int]]:
    """The version of the map, and which of these bookings are about to give their seats back or be paid."""
    statement = HOLDERS.format(places=", ".join(["%s"] * len(holders)) or "NULL")
    with connection.cursor() as cursor:
        cursor.execute(statement, [*holders, connection.ops.adapt_datetimefield_value(at), showtime_id])
        rows = cursor.fetchall()
    return rows[0][0], {booking_id for _, booking_id in rows if booking_id is not None}
