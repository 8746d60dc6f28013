"""Locks: one visitor's claim on seats of one showtime until `locked_until`.

This is the rule against double booking. It has three parts: every writer row-locks the seats it wants in `pk` order
before it looks at them (`seat_rows.wanted_seats`), decides from what it then reads, and writes as the last step; the
database refuses a second row for a seat and a second standing ticket on it; and a lock whose time has passed may be
taken by anybody, whether or not the sweeper came by.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import IntegrityError, OperationalError, connection, transaction
from psycopg.errors import DeadlockDetected

from booking.lock_limits import check_lock_limits, lock_limit_questions
from booking.models import IN_LIVE, Booking, ShowtimeSeat
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
from booking.seats.labels import Wish, find_indices
from booking.seats.rows import SeatWrite, lock_rows_of, read_wanted, wanted_seats, write_seats
from booking.seats.showtime_queue import turn
from cinema.database.row_mapping import columns_of, read_rows, values_of
from cinema.database.statements import Question, Rows, Statement, ask
from cinema.models import Showtime
from cinema.plans.layouts import Layout, layout_of
from cinema.web import metrics

Status = ShowtimeSeat.Status
Wanted = dict[int, tuple[ShowtimeSeat, bool]]  # index -> the seat, and whether the payment that holds it is being ended

# What is known of a showtime here; the rest is asked for when it is looked at.
SALE = (
    "id",
    "currency",
    "prices",
    "starts_at",
    "ends_at",
    "sales_open_at",
    "sales_close_at",
    "cancelled_at",
    "version",
)
# Written out, since this is the way of every click: compiling them anew each time costs more than running them.
SHOWTIME = Statement(
    "lock_showtime",
    f"""
SELECT {columns_of(Showtime, "t", SALE)}, p.hash FROM cinema_showtime t JOIN cinema_seatingplan p ON p.id = t.plan_id
 WHERE t.id = %s
""",
)
LIVE_HERE = f"FROM booking_booking WHERE showtime_id = %s AND visitor = %s AND status IN {IN_LIVE}"
OWN = Statement("lock_own", f"SELECT {columns_of(Booking)} {LIVE_HERE}", locking="FOR UPDATE")
# Waits, other than for the seats that are wanted: to skip one of these would be to keep it for ever. A rival who looks
# at one holds it for a moment.
HELD = Statement(
    "lock_held",
    f"""
SELECT {columns_of(ShowtimeSeat)} FROM booking_showtimeseat WHERE booking_id = (SELECT id {LIVE_HERE}) ORDER BY id
""",
    locking="FOR UPDATE",
)
# A key, and until the end of the transaction the visitor's own lock: two requests that begin at once count each other.
# SQLite has one writer anyway.
NEXT_BOOKING = Statement(
    "lock_next_booking",
    "SELECT nextval(pg_get_serial_sequence('booking_booking', 'id')) AS next, pg_advisory_xact_lock(%s)",
    sqlite="SELECT coalesce(max(seq), 0) + 1, %s FROM sqlite_sequence WHERE name = 'booking_booking'",
)
NEW_BOOKING = Statement(
    "lock_new_booking",
    f"""
INSERT INTO booking_booking ({columns_of(Booking)}) VALUES ({", ".join(["%s"] * len(Booking._meta.concrete_fields))})
""",
)
SIZE = Statement("lock_size", "UPDATE booking_booking SET n_seats = %s WHERE id = %s")
END = Statement("lock_end", "UPDATE booking_booking SET status = %s, end_reason = %s, ended_at = %s WHERE id = %s")
# What two tabs that begin at once break; and, once in a long while, two references that are the same.
OF_A_NEW_BOOKING = ("one_live_booking", "booking_reference_unique", "booking_booking.reference")

# The layout that each showtime had when it was last asked for, so that the seats of a click, which names labels, can be
# asked for in the trip that asks for everything else. A guess: the database's answer says whether it was right.
_LAYOUTS: dict[int, Layout] = {}
MOST_LAYOUTS = 10_000  # showtimes of all cinemas for some weeks; then this process asks anew


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
        Busy: several tabs of this visitor were quicker, again and again; or too many want this showtime at once.

    A deadlock, of which all was undone, is tried anew. Against its word PostgreSQL's SKIP LOCKED does wait, for a row
    that was changed at the very moment it was looked at and is held by another since; two who wait for each other so
    is hard to imagine, but cannot be ruled out.
    """
    for _ in range(3):
        try:
            with turn(showtime_id):
                return _lock(showtime_id, visitor, labels, at)
        except _AnotherTabFirst:
            continue
        except OperationalError as error:
            if not isinstance(error.__cause__, DeadlockDetected):
                raise
    raise Busy


@transaction.atomic
def _lock(showtime_id: int, visitor: uuid.UUID, labels: Sequence[str], at: datetime) -> Held:
    """Two trips, three for who begins a booking: what is held and what is wanted, the leave to begin, and the write."""
    guess = _guess_wish(showtime_id, labels)
    look = [wanted_seats(showtime_id, guess.values(), at)] if guess else []
    own, held, (found, *seen) = _ask_own(showtime_id, visitor, (SHOWTIME, [showtime_id]), *look)
    showtime, layout = _read_showtime(found)
    wish = find_indices(_remember_layout(showtime_id, layout), labels)
    indices = tuple(sorted(wish.values()))
    if own and own.status in Booking.PAYING:
        _refuse_another_wish(own, held, wish)
        return Held(showtime, layout, own, indices, showtime.version)
    if not wish:
        version = _give_back(own, held, at) if own else None
        return Held(showtime, layout, None, (), version or showtime.version)
    check_sales(showtime, at)
    [wanted] = seen if wish == guess else _look(showtime_id, wish, at)
    rows = {seat.index: (seat, being_ended) for seat, being_ended in read_wanted(wanted)}
    _refuse_lost(wish, rows, own, showtime, at)  # before anything is asked or written for nothing
    if own is None or not own.is_live(at):
        key = _ask_to_begin(showtime_id, visitor, at)
        booking, along = _begin(key, own, showtime, visitor, len(wish), at)
    else:
        booking, along = own, [(SIZE, [len(wish), own.pk])] if own.n_seats != len(wish) else []
        booking.n_seats = len(wish)
    added = [rows[i][0] for i in indices if rows[i][0].booking_id != booking.pk]
    dropped = [row for row in held if row.index not in indices]
    version = showtime.version
    if added or dropped:
        locked = SeatWrite(added, Status.LOCKED, booking.pk, booking.locked_until)
        version = _write(showtime.pk, [locked, SeatWrite(dropped, Status.AVAILABLE)], along, at)
    return Held(showtime, layout, booking, indices, version)


def _guess_wish(showtime_id: int, labels: Sequence[str]) -> Wish | None:
    """What `find_indices` will most likely say, before the database has named the showtime's layout."""
    layout = _LAYOUTS.get(showtime_id)
    try:
        return find_indices(layout, labels) if layout else None
    except (TooManySeats, UnknownSeat):  # for whoever knows the layout to say
        return None


def _remember_layout(showtime_id: int, layout_hash: str) -> Layout:
    layout = _LAYOUTS.get(showtime_id)
    if layout is None or layout.hash != layout_hash:
        if len(_LAYOUTS) >= MOST_LAYOUTS:
            _LAYOUTS.clear()
        layout = _LAYOUTS[showtime_id] = layout_of(layout_hash)
    return layout


def _look(showtime_id: int, wish: Wish, at: datetime) -> list[Rows]:
    return ask(wanted_seats(showtime_id, wish.values(), at))


def _ask_to_begin(showtime_id: int, visitor: uuid.UUID, at: datetime) -> int:
    """The key of the booking that this visitor may begin. Raises RateLimited."""
    next_booking = (NEXT_BOOKING, [int.from_bytes(visitor.bytes[:7], "big")])
    [[(key, *_)], *answers] = ask(next_booking, *lock_limit_questions(visitor=visitor, at=at))
    check_lock_limits(answers, showtime_id=showtime_id, at=at)
    return int(key)


def _write(showtime_id: int, writes: Sequence[SeatWrite], along: Sequence[Question], at: datetime) -> int:
    try:
        return write_seats(showtime_id=showtime_id, writes=writes, reason="lock", at=at, along=along, ends=True)
    except IntegrityError as error:
        if any(name in str(error) for name in OF_A_NEW_BOOKING):
            raise _AnotherTabFirst from error  # and the whole of this transaction is undone
        raise


def _refuse_another_wish(own: Booking, held: Sequence[ShowtimeSeat], wish: Wish) -> None:
    """The same seats again change nothing while they are being paid; raises PaymentOpen for any other wish."""
    if own.status == Booking.Status.RELEASING or {seat.index for seat in held} != set(wish.values()):
        raise PaymentOpen(own)


def release_lock(*, showtime_id: int, visitor: uuid.UUID, at: datetime) -> bool:
    """Give all seats of this visitor back at once.

    Returns:
        Whether there was a lock to give back.

    Raises:
        PaymentOpen: a payment must be ended first.
        Busy: too many want this showtime at once.
    """
    with turn(showtime_id), transaction.atomic():
        own, held, _ = _ask_own(showtime_id, visitor)
        if own is None:
            return False
        if own.status in Booking.PAYING:
            raise PaymentOpen(own)
        was_live = own.is_live(at)
        _give_back(own, held, at)
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
        metrics.EXPIRY_LAG.observe((at - booking.locked_until).total_seconds())
    return True


def end_lock(booking: Booking, status: str, reason: str, at: datetime) -> int | None:
    """End a row-locked booking and free whatever seats it still holds, inside the caller's transaction.

    Returns:
        The version of the map that says so; None when it held no seat any more.
    """
    return _end(booking, lock_rows_of(booking.pk), status, reason, at)


def _end(
    booking: Booking, held: Sequence[ShowtimeSeat], status: str, reason: str, at: datetime, *, ends: bool = False
) -> int | None:
    end = _set_end(booking, status, reason, at)
    rows = [row for row in held if row.status == Status.LOCKED]
    if not rows:
        ask(end, ends=ends)
        return None
    freed = SeatWrite(rows, Status.AVAILABLE)
    showtime_id = booking.showtime_id
    return write_seats(showtime_id=showtime_id, writes=[freed], reason=reason, at=at, along=[end], ends=ends)


def _set_end(booking: Booking, status: str, reason: str, at: datetime) -> Question:
    booking.status, booking.end_reason, booking.ended_at = status, reason, at
    return END, [status, reason, at, booking.pk]


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
    """The showtime, as far as selling goes, and the hash of its layout. Raises NotFound."""
    return _read_showtime(ask((SHOWTIME, [showtime_id]))[0])


def _read_showtime(answer: Rows) -> tuple[Showtime, str]:
    for showtime, (layout,) in read_rows(Showtime, answer, SALE):
        return showtime, layout
    raise NotFound("There is no such showtime.")


def _ask_own(
    showtime_id: int, visitor: uuid.UUID, *more: Question
) -> tuple[Booking | None, list[ShowtimeSeat], list[Rows]]:
    """The visitor's one live booking here, which may have lapsed, its seats, both row-locked; and the other answers."""
    whose = [showtime_id, visitor]
    own, held, *others = ask((OWN, whose), (HELD, whose), *more)
    bookings = [booking for booking, _ in read_rows(Booking, own)]
    # Each question sees what was committed before it: seats without a booking are those of a tab that came in between.
    seats = [seat for seat, _ in read_rows(ShowtimeSeat, held)] if bookings else []
    return bookings[0] if bookings else None, seats, others


def _give_back(own: Booking, held: Sequence[ShowtimeSeat], at: datetime) -> int | None:
    """The last step of a transaction."""
    if own.is_live(at):
        return _end(own, held, Booking.Status.RELEASED, "given-back", at, ends=True)
    return _end(own, held, Booking.Status.EXPIRED, "lapsed", at, ends=True)


def _begin(
    key: int, lapsed: Booking | None, showtime: Showtime, visitor: uuid.UUID, n_seats: int, at: datetime
) -> tuple[Booking, list[Question]]:
    """A new booking in the place of none, or of one that has lapsed (its seats are dealt with by the caller)."""
    fresh = Booking(pk=key, showtime=showtime, visitor=visitor, currency=showtime.currency, created_at=at)
    fresh.locked_until, fresh.n_seats = at + settings.SEAT_LOCK, n_seats
    end = [_set_end(lapsed, Booking.Status.EXPIRED, "lapsed", at)] if lapsed else []
    return fresh, [*end, (NEW_BOOKING, values_of(fresh))]


def _refuse_lost(wish: Wish, wanted: Wanted, own: Booking | None, showtime: Showtime, at: datetime) -> None:
    # A row that did not come is held by another transaction: it is being taken this moment.
    mine = {own.pk} if own else set()
    found = {label: wanted.get(i) for label, i in wish.items()}
    lost = {label: row for label, row in found.items() if row is None or not row[0].may_be_taken(at, by=mine)}
    if not lost:
        return
    taken = [label for label, row in lost.items() if row is None or not row[1]]
    if taken:
        raise SeatsTaken(taken, max([showtime.version, *(row[0].version for row in lost.values() if row)]))
    raise BeingReleased(list(lost))
