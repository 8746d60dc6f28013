"""The only writer of seat rows, and the place where a seat change gets its number.

Every use case ends with one call of `write_seats`, as the last step of its transaction: the showtime's row is held
for nothing but the commit, and versions are gap-free in the order of the commits (live-map A + C). Lock order is
always booking, its own seats by `pk` (waiting), wanted seats (skipping what others hold), the visitor's own lock where
a booking begins, the showtime's queue, showtime.
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

from booking.models import ShowtimeSeat
from booking.signals import seats_changed
from cinema.database.row_mapping import columns_of, read_rows
from cinema.database.statements import Question, Rows, Statement, ask
from cinema.models import Showtime

Status = ShowtimeSeat.Status
LETTERS: dict[str, str] = {Status.AVAILABLE: "A", Status.LOCKED: "L", Status.BOOKED: "B", Status.BLOCKED: "X"}

COUNTERS = (Status.AVAILABLE, Status.LOCKED, Status.BOOKED, Status.BLOCKED)
NEXT_VERSION = """
UPDATE cinema_showtime SET version = version + 1,
       n_available = n_available + %s, n_locked = n_locked + %s, n_booked = n_booked + %s, n_blocked = n_blocked + %s,
       revenue = revenue + %s
 WHERE id = %s RETURNING version, epoch
"""
HISTORY = """
INSERT INTO booking_seatchange (showtime_id, version, "index", before, after, booking_id, reason, at)
"""
# Waiting for a row wakes all who wait each time one is done with it; waiting for this lock wakes the next alone. Held
# until the commit, like the row. Visitors' locks (`booking.locks`) are never negative, showtimes' always are. A
# statement of its own: what follows it sees the showtime as the one before left it.
QUEUE = Statement("seats_queue", "SELECT pg_advisory_xact_lock(%s)")
# The same new state for some seats, with the showtime's row held for nothing but this and the commit.
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
# Not EXISTS, which PostgreSQL may answer by reading every live booking.
WANTED = Statement(
    "seats_wanted",
    f"""
SELECT {columns_of(ShowtimeSeat, "s")},
       (SELECT b.status = 'releasing' OR (b.status = 'checkout' AND b.locked_until <= %s)
          FROM booking_booking b WHERE b.id = s.booking_id AND s.status = 'locked') AS being_ended
  FROM booking_showtimeseat s WHERE s.showtime_id = %s AND s."index" = ANY(%s) ORDER BY s.id
""",
    locking="FOR UPDATE OF s SKIP LOCKED",
)
LOCK_ROWS_OF = Statement(
    "seats_of_booking",
    f"SELECT {columns_of(ShowtimeSeat)} FROM booking_showtimeseat WHERE booking_id = %s ORDER BY id",
    locking="FOR UPDATE",
)
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


def wanted_seats(showtime_id: int, indices: Iterable[int], at: datetime) -> Question:
    """Row-lock these seats in `pk` order and read them; for `read_wanted`.

    A row that another transaction holds is left out: a race for one seat so always has a winner, and the loser is told
    which seat it was. On SQLite the whole file is locked since BEGIN IMMEDIATE: every row comes.
    """
    return WANTED, [at, showtime_id, sorted(set(indices))]


def read_wanted(answer: Rows) -> list[tuple[ShowtimeSeat, bool]]:
    """Each row with whether the payment that holds it is being ended."""
    return [(seat, bool(being_ended)) for seat, (being_ended,) in read_rows(ShowtimeSeat, answer)]


def lock_rows_of(booking_id: int) -> list[ShowtimeSeat]:
    """Row-lock all seats of a booking in `pk` order, waiting for whoever holds one."""
    [answer] = ask((LOCK_ROWS_OF, [booking_id]))
    return [row for row, _ in read_rows(ShowtimeSeat, answer)]


def write_seats(
    *,
    showtime_id: int,
    writes: Sequence[SeatWrite],
    reason: str,
    at: datetime,
    revenue: int = 0,
    along: Sequence[Question] = (),
    ends: bool = False,
) -> int:
    """Write these states under the showtime's next version and record them; the last step of a transaction.

    Args:
        revenue: what the change adds to the showtime's takings, minor units.
        along: what is written just before it, in the same trip.
        ends: the caller's transaction ends here, as `cinema.database.statements.ask` says.

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
    if connection.vendor == "postgresql":
        version, epoch = _store_at_once(showtime_id, step, writes, reason, at, along, ends=ends)
    else:
        ask(*along)
        version, epoch = _store_one_by_one(showtime_id, step, writes, reason, at)
    for write in writes:
        for seat in write.seats:
            seat.status, seat.booking_id = write.status, write.booking_id
            seat.locked_until, seat.version = write.locked_until, version
    _announce(showtime_id, epoch, version, writes)
    return version


def _store_at_once(
    showtime_id: int,
    step: list[int],
    writes: Sequence[SeatWrite],
    reason: str,
    at: datetime,
    along: Sequence[Question],
    *,
    ends: bool,
) -> tuple[int, str]:
    changes: list[Question] = []
    for write in writes:
        question, begins = (WRITE_MORE, [showtime_id]) if changes else (WRITE, step)
        ids = [seat.pk for seat in write.seats]
        state = [write.status, write.booking_id, write.locked_until, ids]
        event = [showtime_id, write.status, reason, at]
        was = [(seat.index, seat.status, _whose(write, seat)) for seat in write.seats]
        changes.append((question, [*begins, *state, *event, *(list(column) for column in zip(*was, strict=True))]))
    answers = ask(*along, (QUEUE, [-showtime_id]), *changes, ends=ends)
    version, epoch = answers[-len(changes)][0]
    return version, epoch


def _store_one_by_one(
    showtime_id: int, step: list[int], writes: Sequence[SeatWrite], reason: str, at: datetime
) -> tuple[int, str]:
    """The same where a statement cannot write three tables (SQLite, whose writer is alone anyway)."""
    with connection.cursor() as cursor:
        cursor.execute(NEXT_VERSION, step)
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
