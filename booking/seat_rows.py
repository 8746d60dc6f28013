"""The only writer of seat rows, and the place where a seat change gets its number.

Every use case ends with one call of `write_seats`, as the last step of its transaction: the showtime's row is held
for nothing but the commit, and versions are gap-free in the order of the commits (live-map A + C). Lock order is
always booking, seats by `pk`, the visitor's own lock where a booking begins, the showtime's queue, showtime.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from booking.models import Booking, ShowtimeSeat
from booking.signals import seats_changed
from cinema.models import Showtime
from cinema.raw_rows import columns_of, read_rows

Status = ShowtimeSeat.Status
LETTERS: dict[str, str] = {Status.AVAILABLE: "A", Status.LOCKED: "L", Status.BOOKED: "B", Status.BLOCKED: "X"}

COUNTERS = (Status.AVAILABLE, Status.LOCKED, Status.BOOKED, Status.BLOCKED)
NEXT_VERSION = """
UPDATE cinema_showtime SET version = version + 1,
       n_available = n_available + %s, n_locked = n_locked + %s, n_booked = n_booked + %s, n_blocked = n_blocked + %s,
       revenue = revenue + %s
{queue} WHERE id = %s RETURNING version, epoch
"""
# Waiting for a row wakes all who wait each time one is done with it; waiting for this lock wakes the next alone. Held
# until the commit, like the row. Visitors' locks of `booking.hoarding` are never negative, showtimes' always are.
QUEUE = "queue AS MATERIALIZED (SELECT pg_advisory_xact_lock(%s))"
SIZE = "UPDATE booking_booking SET n_seats = %s WHERE id = %s"
HISTORY = """
INSERT INTO booking_seatchange (showtime_id, version, "index", before, after, booking_id, reason, at)
"""
# One round trip for a whole change, with the showtime's row held for nothing but this statement and the commit.
WRITE_AT_ONCE = f"""
WITH {QUEUE},
     moved AS ({NEXT_VERSION.format(queue=" FROM queue")}),
     sized AS ({SIZE}),
     wish AS (SELECT * FROM unnest(%s::bigint[], %s::smallint[], %s::text[], %s::text[],
                                   %s::bigint[], %s::timestamptz[], %s::bigint[])
                       AS w (id, "index", before, after, booking_id, locked_until, whose)),
     stored AS (UPDATE booking_showtimeseat seat
                   SET status = wish.after, booking_id = wish.booking_id, locked_until = wish.locked_until,
                       version = moved.version
                  FROM wish, moved WHERE seat.id = wish.id),
     history AS ({HISTORY} SELECT %s, moved.version, wish."index", wish.before, wish.after, wish.whose, %s, %s
                             FROM wish, moved)
SELECT version, epoch FROM moved
"""
ROWS = """
SELECT {columns} FROM booking_showtimeseat
 WHERE showtime_id = %s AND ("index" IN ({places}) OR booking_id = %s) ORDER BY id
"""
ROWS_OF = "SELECT {columns} FROM booking_showtimeseat WHERE booking_id = %s ORDER BY id"
OPEN_HOUSE = """
INSERT INTO booking_showtimeseat (showtime_id, seat_id, "index", status, version)
SELECT %s, id, "index", CASE WHEN for_sale THEN 'available' ELSE 'blocked' END, 0 FROM cinema_seat
 WHERE plan_id = %s ORDER BY "index"
"""
SELL = """
UPDATE booking_showtimeseat SET status = 'booked', booking_id = %s, version = %s
 WHERE showtime_id = %s AND "index" = %s AND status = 'available'
"""


@dataclass(frozen=True)
class Sale:
    """Seats of a confirmed booking, in a house that is written together with its sales."""

    booking_id: int
    indices: Sequence[int]
    at: datetime
    revenue: int


@dataclass(frozen=True)
class SeatWrite:
    """The same new state for several seats, whose rows the caller has locked and just read."""

    seats: Sequence[ShowtimeSeat]
    status: str
    booking_id: int | None = None
    locked_until: datetime | None = None


def lock_rows(showtime_id: int, indices: Iterable[int], of_booking: int | None = None) -> list[ShowtimeSeat]:
    """Row-lock these seats, and those that a booking holds, in `pk` order and read them.

    A row that another transaction holds is left out: a race for one seat so always has a winner, and the loser is told
    which seat it was. On SQLite the whole file is locked since BEGIN IMMEDIATE: every row comes.
    """
    wanted = sorted(set(indices))
    statement = ROWS.format(columns=columns_of(ShowtimeSeat), places=", ".join(["%s"] * len(wanted)) or "NULL")
    if connection.features.has_select_for_update_skip_locked:
        statement += " FOR UPDATE SKIP LOCKED"
    return [row for row, _ in read_rows(ShowtimeSeat, statement, [showtime_id, *wanted, of_booking])]


def lock_rows_of(booking_id: int) -> list[ShowtimeSeat]:
    """Row-lock all seats of a booking in `pk` order, waiting for whoever holds one."""
    statement = ROWS_OF.format(columns=columns_of(ShowtimeSeat))
    if connection.features.has_select_for_update:
        statement += " FOR UPDATE"
    return [row for row, _ in read_rows(ShowtimeSeat, statement, [booking_id])]


def write_seats(
    *,
    showtime_id: int,
    writes: Sequence[SeatWrite],
    reason: str,
    at: datetime,
    revenue: int = 0,
    sized: Booking | None = None,
) -> int:
    """Write these states under the showtime's next version and record them; the last step of a transaction.

    Args:
        revenue: what the change adds to the showtime's takings, minor units.
        sized: a booking whose `n_seats` has changed with this; it is stored too.

    Returns:
        The new version; every seat of `writes` carries it. Announced after the commit, from here only.
    """
    assert connection.in_atomic_block, "seats are written in the transaction that checked them"
    writes = [write for write in writes if write.seats]
    moved = Counter(dict.fromkeys(Status.values, 0))
    for write in writes:
        moved.subtract(seat.status for seat in write.seats)
        moved[write.status] += len(write.seats)
    step = [*(moved[status] for status in COUNTERS), revenue, showtime_id]
    size = [sized.n_seats, sized.pk] if sized else [None, None]
    store = _store_at_once if connection.vendor == "postgresql" else _store_one_by_one
    version, epoch = store(showtime_id, step, size, writes, reason, at)
    for write in writes:
        for seat in write.seats:
            seat.status, seat.booking_id = write.status, write.booking_id
            seat.locked_until, seat.version = write.locked_until, version
    _announce(showtime_id, epoch, version, writes)
    return version


def _store_at_once(
    showtime_id: int, step: list[int], size: list[Any], writes: Sequence[SeatWrite], reason: str, at: datetime
) -> tuple[int, str]:
    lines = [
        (seat.pk, seat.index, seat.status, write.status, write.booking_id, write.locked_until, _whose(write, seat))
        for write in writes
        for seat in write.seats
    ]
    columns = [_array(column) for column in zip(*lines, strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(WRITE_AT_ONCE, [-showtime_id, *step, *size, *columns, showtime_id, reason, at])
        version, epoch = cursor.fetchone()
    return version, epoch


def _array(values: Iterable[Any]) -> str:
    """Numbers, statuses and instants as PostgreSQL writes an array; the driver would look at each one twice."""
    return "{" + ",".join("NULL" if value is None else f'"{value}"' for value in values) + "}"


def _store_one_by_one(
    showtime_id: int, step: list[int], size: list[Any], writes: Sequence[SeatWrite], reason: str, at: datetime
) -> tuple[int, str]:
    """The same where a statement cannot write three tables (SQLite, whose writer is alone anyway)."""
    with connection.cursor() as cursor:
        cursor.execute(NEXT_VERSION.format(queue=""), step)
        version, epoch = cursor.fetchone()
        if size[1] is not None:
            cursor.execute(SIZE, size)
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
    """Whose the seat is from now on, or whose it was."""
    return write.booking_id or seat.booking_id


def _stored(instant: datetime | None) -> Any:
    return connection.ops.adapt_datetimefield_value(instant)


def _announce(showtime_id: int, epoch: str, version: int, writes: Sequence[SeatWrite]) -> None:
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
    )
    transaction.on_commit(send, robust=True)


def move_deadline(*, booking_id: int, locked_until: datetime) -> None:
    """Move the moment from which anyone may take a booking's seats. Not a change of the map: no version."""
    ShowtimeSeat.objects.filter(booking_id=booking_id, status=Status.LOCKED).update(locked_until=locked_until)


def create_rows(showtime: Showtime, blocked: Iterable[int] = ()) -> int:
    """One row a seat of the showtime's plan, with the counters that go with them; for opening sales.

    Returns:
        How many rows there are. A second call makes none.
    """
    return _open_house(showtime, blocked, [])


def create_sold_rows(showtime: Showtime, sales: Sequence[Sale]) -> dict[int, int]:
    """The rows of a showtime that nobody has seen yet, with these sales in it, in a handful of statements.

    As if sales had opened and each booking had been confirmed at its instant: a version and its changes a sale, in
    the given order, and the counters that go with them. Nobody is told, because nobody can be watching.

    Returns:
        The key of each row by its index.
    """
    assert connection.in_atomic_block, "seats are written in the transaction that makes the showtime"
    _open_house(showtime, (), sales)
    return dict(ShowtimeSeat.objects.filter(showtime=showtime).values_list("index", "pk"))


def _open_house(showtime: Showtime, blocked: Iterable[int], sales: Sequence[Sale]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(OPEN_HOUSE, [showtime.pk, showtime.plan_id])
        n_seats = cursor.rowcount
        n_sold = _sell(cursor, showtime.pk, sales)
    rows = ShowtimeSeat.objects.filter(showtime=showtime)
    if closed := set(blocked):
        rows.filter(index__in=closed, status=Status.AVAILABLE).update(status=Status.BLOCKED)
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
    """Book the seats of these sales under versions 1, 2, …, with their history. Returns how many there are."""
    places = [(version, sale, index) for version, sale in enumerate(sales, start=1) for index in sale.indices]
    if not places:
        return 0
    cursor.executemany(SELL, [(sale.booking_id, version, showtime_id, index) for version, sale, index in places])
    assert cursor.rowcount == len(places), "a seat is sold once, and only one that is for sale"
    cursor.executemany(f"{HISTORY} VALUES (%s, %s, %s, %s, %s, %s, %s, %s)", [
        (showtime_id, version, index, Status.AVAILABLE, Status.BOOKED, sale.booking_id, "confirm", _stored(sale.at))
        for version, sale, index in places
    ])  # fmt: skip
    return len(places)
