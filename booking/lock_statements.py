"""The prepared statements of a lock request. Each is planned once per connection (`cinema.database.statements`).

They are written as SQL because every click on a seat runs them: compiling them with the ORM for each click takes longer
than running them.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from django.db import connection

from booking.clients.client import Client, Hashes
from booking.clients.pace import NEW_VISITORS, check_uses, use_queries
from booking.lock_limits import check_lock_limits, lock_limit_queries
from booking.models import IN_LIVE, Booking, ShowtimeSeat, new_reference
from booking.refusals import NotFound
from booking.seats.lock_tags import NO_LOCK, Tags
from booking.seats.row_locks import row_lock_statement
from cinema.database.row_mapping import columns_of, read_rows, values_of
from cinema.database.statements import Query, Rows, Statement, run_queries
from cinema.models import Showtime

# The columns of a showtime that a lock request reads.
ON_SALE = (
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
SHOWTIME = Statement(
    "lock_showtime",
    f"""
SELECT {columns_of(Showtime, "t", ON_SALE)}, p.hash
  FROM cinema_showtime t JOIN cinema_seatingplan p ON p.id = t.plan_id
 WHERE t.id = %s
""",
)
LIVE_HERE = f"FROM booking_booking WHERE showtime_id = %s AND visitor = %s AND status IN {IN_LIVE}"
OWN_BOOKING = Statement("lock_own", f"SELECT {columns_of(Booking)} {LIVE_HERE}", locking="FOR UPDATE")
OWN_SEATS = row_lock_statement("lock_own_seats", f"booking_id = (SELECT id {LIVE_HERE})")
# A key, and until the end of the transaction an advisory lock of the visitor: without it, two requests that begin a
# booking at once would not count each other. SQLite has one writer at a time.
NEW_KEY = Statement(
    "lock_new_key",
    "SELECT nextval(pg_get_serial_sequence('booking_booking', 'id')) AS next, pg_advisory_xact_lock(%s)",
    sqlite="SELECT coalesce(max(seq), 0) + 1, %s FROM sqlite_sequence WHERE name = 'booking_booking'",
)
# Requests of one visitor that name no lock have no booking to row-lock: they wait for each other here. Without it the
# second could be refused for seats that the first is taking, or each for the other's. SQLite has one writer.
NO_LOCK_YET = Statement("lock_none_yet", "SELECT pg_advisory_xact_lock(%s)")
INSERT = Statement(
    "lock_new_booking",
    f"""
INSERT INTO booking_booking ({columns_of(Booking)}) VALUES ({", ".join(["%s"] * len(Booking._meta.concrete_fields))})
""",
)
RESIZE = Statement(
    "lock_size", "UPDATE booking_booking SET n_seats = %s, network_hash = %s, address_hash = %s WHERE id = %s"
)
END = Statement(
    "lock_end",
    """
UPDATE booking_booking SET status = %s, end_reason = %s, ended_at = %s, network_hash = NULL, address_hash = NULL
 WHERE id = %s
""",
)


def find_showtime(showtime_id: int) -> tuple[Showtime, str]:
    """The showtime with the columns `ON_SALE`, and the hash of its layout. Raises NotFound."""
    [answer] = run_queries(showtime_query(showtime_id))
    return read_showtime(answer)


def showtime_query(showtime_id: int) -> Query:
    """For `read_showtime`."""
    return SHOWTIME, [showtime_id]


def read_showtime(answer: Rows) -> tuple[Showtime, str]:
    """As `find_showtime`, from the answer to `showtime_query`. Raises NotFound."""
    for showtime, (layout_hash,) in read_rows(Showtime, answer, ON_SALE):
        return showtime, layout_hash
    raise NotFound("There is no such showtime.")


def no_lock_query(showtime_id: int, visitor: uuid.UUID, expected: Tags | None) -> list[Query]:
    """The query that makes requests of one visitor for no lock of this showtime wait for each other; the first ones of
    a transaction, after `client_lock_query`. None for other requests and databases."""
    if expected is None or NO_LOCK not in expected or not connection.features.has_select_for_update_skip_locked:
        return []
    return [(NO_LOCK_YET, [int.from_bytes(visitor.bytes[9:], "big") ^ showtime_id])]


def read_own(
    showtime_id: int, visitor: uuid.UUID, *more: Query, first: Sequence[Query] = ()
) -> tuple[Booking | None, list[ShowtimeSeat], list[Rows]]:
    """Row-lock and read, in one round trip, the visitor's booking of this showtime that has not ended, and its seats.

    Waits for transactions that hold these rows: a seat of one's own that was skipped would stay locked unnoticed.

    Args:
        first, more: queries before and after these; `first` without an answer.

    Returns:
        The booking, whose lock may have lapsed; its seats; and the answers to `more`.
    """
    whose = [showtime_id, visitor]
    found, seats, *others = run_queries(*first, (OWN_BOOKING, whose), (OWN_SEATS, whose), *more)[len(first) :]
    bookings = [booking for booking, _ in read_rows(Booking, found)]
    if not bookings:  # seats without a booking: another tab began one between the two statements; not this request's
        return None, [], others
    return bookings[0], [seat for seat, _ in read_rows(ShowtimeSeat, seats)], others


def number_booking(new: Booking, client: Client, at: datetime) -> None:
    """Give a new booking its key and its reference, and hold the visitor's advisory lock until the commit.

    Raises:
        RateLimited: this visitor may not begin another booking, or the client another visitor.
    """
    new_key = (NEW_KEY, [int.from_bytes(new.visitor.bytes[:7], "big")])
    begun = lock_limit_queries(visitor=new.visitor, at=at)
    uses = use_queries(NEW_VISITORS, client, at) if client.is_new else []
    [[(key, *_)], *answers] = run_queries(new_key, *begun, *uses)
    check_lock_limits(answers[: len(begun)], showtime_id=new.showtime_id, at=at)
    if uses:
        check_uses(NEW_VISITORS, client, answers[len(begun) :], at)
    new.pk, new.reference = int(key), new_reference()


def insert_query(booking: Booking) -> Query:
    """The query that stores a new booking, which has its key."""
    return INSERT, values_of(booking)


def resize_query(booking: Booking, n_seats: int, hashes: Hashes) -> Query:
    """Set the number of seats and the client's hashes in `booking`; the query does it in its row."""
    booking.n_seats, (booking.network_hash, booking.address_hash) = n_seats, hashes
    return RESIZE, [n_seats, *hashes, booking.pk]


def end_query(booking: Booking, status: str, reason: str, at: datetime) -> Query:
    """Set status, reason and instant of the end in `booking`, and forget the client; the query does it in its row."""
    booking.status, booking.end_reason, booking.ended_at = status, reason, at
    booking.network_hash = booking.address_hash = None
    return END, [status, reason, at, booking.pk]
