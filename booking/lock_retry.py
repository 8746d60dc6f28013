"""A second and a third attempt for a transaction that lost a race and was undone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from django.db import IntegrityError, OperationalError
from psycopg.errors import DeadlockDetected

from booking.refusals import Busy, HistoryInTheWay
from booking.seats.epochs import begin_epoch_past_history

T = TypeVar("T")

ATTEMPTS = 3
# Violated when two tabs of one visitor begin a booking at once and, very rarely, when two references are equal.
NEW_BOOKING_CONSTRAINTS = ("one_live_booking", "booking_reference_unique", "booking_booking.reference")


def retry_lost_races(attempt: Callable[[], T]) -> T:
    """What `attempt` returns; it is called again when it lost a race, after which nothing of it is stored.

    Two tabs of one visitor begin a booking at the same moment: the next attempt finds the booking of the other tab.
    A deadlock: PostgreSQL's SKIP LOCKED waits, against its documentation, for a row that was changed at the moment it
    was read and is row-locked since. Two transactions that wait for each other in this way were never seen, but cannot
    be excluded; PostgreSQL undoes one of them.
    History beyond the version, which a restore by hand left: the next attempt follows it in a new epoch.

    Raises:
        Busy: the last attempt lost, too.
    """
    for _ in range(ATTEMPTS):
        try:
            return attempt()
        except IntegrityError as error:
            if not any(name in str(error) for name in NEW_BOOKING_CONSTRAINTS):
                raise
        except HistoryInTheWay as error:
            begin_epoch_past_history(error.showtime_id)
        except OperationalError as error:
            if not isinstance(error.__cause__, DeadlockDetected):
                raise
    raise Busy
