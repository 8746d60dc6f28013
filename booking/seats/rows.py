"""The only writer of seat rows, and the place where a seat change gets its version.

A use case that changes the map calls `write_seats` once, after it has row-locked and read its seats. From then on the
showtime's row is row-locked until the commit, so little may follow. Versions have no gaps, in the order of the commits.
The lock order is written in `booking.seats.row_locks`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.backends.utils import CursorWrapper

from booking.models import ShowtimeSeat
from booking.refusals import HistoryInTheWay
from booking.seats.stamps import stamp_of
from booking.signals import seats_changed
from cinema.database.statements import Query, Statement, run_queries
from cinema.models import Showtime

Status = ShowtimeSeat.Status
LETTERS: dict[str, str] = {Status.AVAILABLE: "A", Status.LOCKED: "L", Status.BOOKED: "B", Status.BLOCKED: "X"}

STATUS_ORDER = (Status.AVAILABLE, Status.LOCKED, Status.BOOKED, Status.BLOCKED)
NEXT_VERSION = """
UPDATE cinema_showtime SET version = version + 1,
       n_available = n_available + %s, n_locked = n_locked + %s, n_booked = n_booked + %s, n_blocked = n_blocked + %s,
       revenue = revenue + %s
 WHERE id = %s RETURNING version, epoch
"""
HISTORY = """
INSERT INTO booking_seatchange (showtime_id, version, "index", before, after, booking_id, reason, at)
"""
# PostgreSQL wakes every transaction that waits for a row each time the row is released, but of those that wait for an
# advisory lock only the next one. Held until the commit, like the row. Its number is the negative key of the showtime;
# those of visitors (`booking.lock_statements`) are never negative. A statement of its own: the statement after it sees
# what the transaction before has committed.
QUEUE = Statement("seats_queue", "SELECT pg_advisory_xact_lock(%s)")
# One new state for some seats. The showtime's row is row-locked only for this statement and the commit.
STORED_AND_RECORDED = f"""
     stored AS (UPDATE booking_showtimeseat seat
                   SET status = %s, booking_id = %s, locked_until = %s, version = moved.version
                  FROM moved WHERE seat.id = ANY(%s)),
     history AS ({HISTORY} SELECT %s::bigint, moved.version, was."index", was.status, %s::text, was.whose,
                                  %s::text, %s::timestamptz
                             FROM moved, unnest(%s::smallint[], %s::text[], %s::bigint[])
                                           AS was ("index", status, whose))
SELECT version, epoch FROM moved
"""
WRITE = Statement("seats_write", f"WITH moved AS ({NEXT_VERSION}), {STORED_AND_RECORDED}")
WRITE_MORE = Statement(
    "seats_write_more",
    f"WITH moved AS (SELECT version, epoch FROM cinema_showtime WHERE id = %s), {STORED_AND_RECORDED}",
)
CREATE_ROWS = """
INSERT INTO booking_showtimeseat (showtime_id, seat_id, "index", status, version)
SELECT %s, id, "index", CASE WHEN for_sale THEN 'available' ELSE 'blocked' END, 0 FROM cinema_seat
 WHERE plan_id = %s ORDER BY "index"
"""
# The constraint, as PostgreSQL and SQLite name it, that is violated where history was left beyond the version.
ONCE_PER_VERSION = ("seat_changes_once_per_version", "booking_seatchange.version")
SELL = """
UPDATE booking_showtimeseat SET status = 'booked', booking_id = %s, version = %s
 WHERE showtime_id = %s AND "index" = %s AND status = 'available'
"""


@dataclass(frozen=True)
class Sale:
    """The seats of one confirmed booking, for `create_sold_rows`. `revenue` in minor units."""

    booking_id: int
    indices: Sequence[int]
    at: datetime
    revenue: int


@dataclass(frozen=True)
class SeatWrite:
    """One new state for several seats, whose rows the caller has row-locked and read in this transaction."""

    seats: Sequence[ShowtimeSeat]
    status: str
    booking_id: int | None = None
    locked_until: datetime | None = None


def write_seats(
    *,
    showtime_id: int,
    writes: Sequence[SeatWrite],
    reason: str,
    at: datetime,
    revenue: int = 0,
    along: Sequence[Query] = (),
    commit: bool = False,
) -> int:
    """Write these states under the showtime's next version, with their history; the last step of a transaction.

    Args:
        revenue: what the change adds to the showtime's takings, minor units.
        along: statements that run just before, in the same round trip.
        commit: the round trip also commits, see `cinema.database.statements.run_queries`.

    Returns:
        The new version, which every seat of `writes` has. After the commit the signal `seats_changed` is sent.

    Raises:
        HistoryInTheWay: the history has this version already.
    """
    assert connection.in_atomic_block, "seats are written in the transaction that checked them"
    writes = [write for write in writes if write.seats]
    counter_changes = Counter(dict.fromkeys(Status.values, 0))
    for write in writes:
        counter_changes.subtract(seat.status for seat in write.seats)
        counter_changes[write.status] += len(write.seats)
    counter_values = [*(counter_changes[status] for status in STATUS_ORDER), revenue, showtime_id]
    try:
        if connection.vendor == "postgresql":
            version, epoch = _store_at_once(showtime_id, counter_values, writes, reason, at, along, commit=commit)
        else:
            run_queries(*along)
            version, epoch = _store_one_by_one(showtime_id, counter_values, writes, reason, at)
    except IntegrityError as error:
        if any(name in str(error) for name in ONCE_PER_VERSION):
            raise HistoryInTheWay(showtime_id) from error
        raise
    for write in writes:
        for seat in write.seats:
            seat.status, seat.booking_id = write.status, write.booking_id
            seat.locked_until, seat.version = write.locked_until, version
    _announce(showtime_id, epoch, version, writes, at)
    return version


def _store_at_once(
    showtime_id: int,
    counter_values: list[int],
    writes: Sequence[SeatWrite],
    reason: str,
    at: datetime,
    along: Sequence[Query],
    *,
    commit: bool,
) -> tuple[int, str]:
    changes: list[Query] = []
    for write in writes:
        query, begins = (WRITE_MORE, [showtime_id]) if changes else (WRITE, counter_values)
        ids = [seat.pk for seat in write.seats]
        state = [write.status, write.booking_id, write.locked_until, ids]
        event = [showtime_id, write.status, reason, at]
        was = [(seat.index, seat.status, _whose(write, seat)) for seat in write.seats]
        changes.append((query, [*begins, *state, *event, *(list(column) for column in zip(*was, strict=True))]))
    answers = run_queries(*along, (QUEUE, [-showtime_id]), *changes, commit=commit)
    version, epoch = answers[-len(changes)][0]
    return version, epoch


def _store_one_by_one(
    showtime_id: int, counter_values: list[int], writes: Sequence[SeatWrite], reason: str, at: datetime
) -> tuple[int, str]:
    """The same for SQLite, where one statement cannot write three tables, and which has one writer at a time."""
    with connection.cursor() as cursor:
        cursor.execute(NEXT_VERSION, counter_values)
        version, epoch = cursor.fetchone()
        for write in writes:
            marks = ", ".join(["%s"] * len(write.seats))
            cursor.execute(
                "UPDATE booking_showtimeseat SET status = %s, booking_id = %s, locked_until = %s, version = %s"
                f" WHERE id IN ({marks})",
                [write.status, write.booking_id, _stored(write.locked_until), version, *(s.pk for s in write.seats)],
            )
            lines = [
                (showtime_id, version, s.index, s.status, write.status, _whose(write, s), reason, _stored(at))
                for s in write.seats
            ]
            cursor.executemany(f"{HISTORY} VALUES (%s, %s, %s, %s, %s, %s, %s, %s)", lines)
    return version, epoch


def _whose(write: SeatWrite, seat: ShowtimeSeat) -> int | None:
    """The booking that the history names: the one that has the seat from now on, else the one that had it."""
    return write.booking_id or seat.booking_id


def _stored(instant: datetime | None) -> Any:
    return connection.ops.adapt_datetimefield_value(instant)


def _announce(showtime_id: int, epoch: str, version: int, writes: Sequence[SeatWrite], at: datetime) -> None:
    seats: dict[str, list[int]] = {}
    for write in writes:
        seats.setdefault(LETTERS[write.status], []).extend(seat.index for seat in write.seats)
    send = partial(
        seats_changed.send_robust,
        sender=Showtime,
        showtime_id=showtime_id,
        epoch=epoch,
        before=version - 1,
        version=version,
        seats=seats,
        stamp=stamp_of(at),
    )
    transaction.on_commit(send, robust=True)


def move_deadline(*, booking_id: int, locked_until: datetime) -> None:
    """Set the instant from which anyone may take the locked seats of a booking. The map does not change: no version."""
    ShowtimeSeat.objects.filter(booking_id=booking_id, status=Status.LOCKED).update(locked_until=locked_until)


def create_rows(showtime: Showtime) -> int:
    """Create a row for each seat of the showtime's plan, and set the showtime's counters; for opening sales.

    Returns:
        How many rows were created.

    Raises:
        django.db.IntegrityError: on a second call, which `booking.showtimes.sales.open_sales` prevents.
    """
    return _create_rows(showtime, [])


def create_sold_rows(showtime: Showtime, sales: Sequence[Sale]) -> dict[int, int]:
    """Create the rows of a new showtime together with its sales, in few statements.

    The result is the same as if sales had opened and each booking had been confirmed at its instant: one version with
    its history for each sale, in the given order, and the counters. No signal is sent: the showtime is not visible yet.

    Returns:
        The key of each row by its index.
    """
    assert connection.in_atomic_block, "seats are written in the transaction that makes the showtime"
    _create_rows(showtime, sales)
    return dict(ShowtimeSeat.objects.filter(showtime=showtime).values_list("index", "pk"))


def _create_rows(showtime: Showtime, sales: Sequence[Sale]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(CREATE_ROWS, [showtime.pk, showtime.plan_id])
        n_seats = cursor.rowcount
        n_sold = _sell(cursor, showtime.pk, sales)
    rows = ShowtimeSeat.objects.filter(showtime=showtime)
    n_blocked = rows.filter(status=Status.BLOCKED).count()
    Showtime.objects.filter(pk=showtime.pk).update(
        version=len(sales),
        n_available=n_seats - n_blocked - n_sold,
        n_booked=n_sold,
        n_blocked=n_blocked,
        revenue=sum(sale.revenue for sale in sales),
    )
    return int(n_seats)


def _sell(cursor: CursorWrapper, showtime_id: int, sales: Sequence[Sale]) -> int:
    """Book the seats of these sales under versions 1, 2, …, with their history. Returns the number of seats."""
    booked = [(version, sale, index) for version, sale in enumerate(sales, start=1) for index in sale.indices]
    if not booked:
        return 0
    cursor.executemany(SELL, [(sale.booking_id, version, showtime_id, index) for version, sale, index in booked])
    assert cursor.rowcount == len(booked), "a seat is sold once, and only one that is for sale"
    cursor.executemany(f"{HISTORY} VALUES (%s, %s, %s, %s, %s, %s, %s, %s)", [
        (showtime_id, version, index, Status.AVAILABLE, Status.BOOKED, sale.booking_id, "confirm", _stored(sale.at))
        for version, sale, index in booked
    ])  # fmt: skip
    return len(booked)
