"""Row-locking seats, and the order in which every transaction takes its locks.

**Lock order** of every transaction that changes existing seat rows:

1. the showtime queue of this process (`booking.seats.showtime_queue`), before any transaction;
2. the client's advisory lock for this showtime, where seats may be added (`booking.lock_limits.CLIENT_LOCK`), then the
   visitor's, where the request is for no lock (`booking.lock_statements.NO_LOCK_YET`);
3. the booking; 4. its payment; 5. its refunds;
6. seats of the booking in `pk` order, waiting (`row_lock_statement`);
7. requested seats in `pk` order, skipping those that another transaction holds (`requested_query`);
8. where a booking begins, the visitor's advisory lock (`booking.lock_statements.NEW_KEY`), then the client's row of new
   visitors (`booking.clients.pace`);
9. the showtime's advisory lock, then the showtime's row (`booking.seats.rows.write_seats`).

Transactions that follow it do not wait for each other in a circle, except in the one case that `booking.lock_retry`
describes.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from booking.models import ShowtimeSeat
from cinema.database.row_mapping import columns_of, read_rows
from cinema.database.statements import Query, Rows, Statement, run_queries


def row_lock_statement(name: str, condition: str) -> Statement:
    """The one form in which seats of a booking are row-locked: in `pk` order, waiting for other transactions.

    Args:
        condition: the WHERE clause, in SQL.
    """
    columns = columns_of(ShowtimeSeat)
    text = f"SELECT {columns} FROM booking_showtimeseat WHERE {condition} ORDER BY id"
    return Statement(name, text, locking="FOR UPDATE")


OF_BOOKING = row_lock_statement("seats_of_booking", "booking_id = %s")
OF_BOOKING_AND = row_lock_statement("seats_of_booking_and", "(booking_id = %s OR id = ANY(%s))")
# A subquery and not EXISTS, which PostgreSQL may answer by reading every live booking.
REQUESTED = Statement(
    "seats_requested",
    f"""
SELECT {columns_of(ShowtimeSeat, "s")},
       (SELECT b.status = 'releasing' OR (b.status = 'checkout' AND b.locked_until <= %s)
          FROM booking_booking b WHERE b.id = s.booking_id AND s.status = 'locked') AS is_being_released
  FROM booking_showtimeseat s WHERE s.showtime_id = %s AND s."index" = ANY(%s) ORDER BY s.id
""",
    locking="FOR UPDATE OF s SKIP LOCKED",
)


class RequestedRow(NamedTuple):
    """A requested seat, and whether it is locked by a payment that is being ended."""

    seat: ShowtimeSeat
    is_being_released: bool


def lock_rows_of(booking_id: int, and_seat_ids: Iterable[int] = ()) -> list[ShowtimeSeat]:
    """Row-lock all seats of a booking, and those with the keys `and_seat_ids`, in `pk` order, waiting for each."""
    others = sorted(and_seat_ids)
    [answer] = run_queries((OF_BOOKING_AND, [booking_id, others]) if others else (OF_BOOKING, [booking_id]))
    return [seat for seat, _ in read_rows(ShowtimeSeat, answer)]


def requested_query(showtime_id: int, indices: Iterable[int], at: datetime) -> Query:
    """The query that row-locks these seats in `pk` order and reads them; for `read_requested`.

    A row that another transaction holds is left out of the answer, so that nobody waits and the loser learns which seat
    it lost. Of buyers who request one and the same seat, one gets it. Of two who request several of the same seats,
    both can be refused: each may row-lock one that the other requests. On SQLite no row is left out: one transaction
    writes at a time.
    """
    return REQUESTED, [at, showtime_id, sorted(set(indices))]


def read_requested(answer: Rows) -> dict[int, RequestedRow]:
    """The answer to `requested_query`, by index."""
    return {
        seat.index: RequestedRow(seat, bool(is_being_released))
        for seat, (is_being_released,) in read_rows(ShowtimeSeat, answer)
    }
