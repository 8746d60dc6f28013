"""The only writer of seat rows, and the place where a seat change gets its number.

Every use case ends with one call of `write_seats`, as the last step of its transaction: the showtime's row is held
for nothing but the commit, and versions are gap-free in the order of the commits (live-map A + C). Lock order is
always booking, seats by `pk`, showtime.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.db import connection, transaction

from booking.models import SeatChange, ShowtimeSeat
from booking.signals import seats_changed
from cinema.models import Showtime

Status = ShowtimeSeat.Status
LETTERS: dict[str, str] = {Status.AVAILABLE: "A", Status.LOCKED: "L", Status.BOOKED: "B", Status.BLOCKED: "X"}

NEXT_VERSION = """
UPDATE cinema_showtime SET version = version + 1,
       n_available = n_available + %s, n_locked = n_locked + %s, n_booked = n_booked + %s, n_blocked = n_blocked + %s,
       revenue = revenue + %s
 WHERE id = %s RETURNING version, epoch
"""


@dataclass(frozen=True)
class SeatWrite:
    """The same new state for several seats, whose rows the caller has locked and just read."""

    seats: Sequence[ShowtimeSeat]
    status: str
    booking_id: int | None = None
    locked_until: datetime | None = None


def lock_rows(showtime_id: int, indices: Iterable[int]) -> list[ShowtimeSeat]:
    """Row-lock these seats in `pk` order and read them; a row that another transaction holds is left out.

    A race for one seat so always has a winner, and the loser is told which seat it was. On SQLite the whole file is
    locked since BEGIN IMMEDIATE and `skip_locked` is ignored: every row comes.
    """
    rows = ShowtimeSeat.objects.filter(showtime_id=showtime_id, index__in=set(indices)).order_by("pk")
    return list(rows.select_for_update(skip_locked=connection.features.has_select_for_update_skip_locked))


def lock_rows_of(booking_id: int) -> list[ShowtimeSeat]:
    """Row-lock all seats of a booking in `pk` order, waiting for whoever holds one."""
    return list(ShowtimeSeat.objects.filter(booking_id=booking_id).order_by("pk").select_for_update())


def write_seats(*, showtime_id: int, writes: Sequence[SeatWrite], reason: str, at: datetime, revenue: int = 0) -> int:
    """Write these states under the showtime's next version and record them; the last step of a transaction.

    Args:
        revenue: what the change adds to the showtime's takings, minor units.

    Returns:
        The new version; every seat of `writes` carries it. Announced after the commit, from here only.
    """
    assert connection.in_atomic_block, "seats are written in the transaction that checked them"
    writes = [write for write in writes if write.seats]
    moved = Counter(dict.fromkeys(Status.values, 0))
    for write in writes:
        moved.subtract(seat.status for seat in write.seats)
        moved[write.status] += len(write.seats)
    with connection.cursor() as cursor:
        counts = [moved[status] for status in (Status.AVAILABLE, Status.LOCKED, Status.BOOKED, Status.BLOCKED)]
        cursor.execute(NEXT_VERSION, [*counts, revenue, showtime_id])
        version, epoch = cursor.fetchone()
    changes = [change for write in writes for change in _store(showtime_id, write, version, reason, at)]
    SeatChange.objects.bulk_create(changes)
    _announce(showtime_id, epoch, version, writes)
    return int(version)


def _store(showtime_id: int, write: SeatWrite, version: int, reason: str, at: datetime) -> list[SeatChange]:
    ShowtimeSeat.objects.filter(pk__in=[seat.pk for seat in write.seats]).update(
        status=write.status, booking_id=write.booking_id, locked_until=write.locked_until, version=version
    )
    changes = []
    for seat in write.seats:
        changes.append(
            SeatChange(
                showtime_id=showtime_id,
                version=version,
                index=seat.index,
                before=seat.status,
                after=write.status,
                booking_id=write.booking_id or seat.booking_id,
                reason=reason,
                at=at,
            )
        )
        seat.status, seat.booking_id = write.status, write.booking_id
        seat.locked_until, seat.version = write.locked_until, version
    return changes


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
    closed = set(blocked)
    seats = list(showtime.plan.seats.order_by("index"))
    rows = [
        ShowtimeSeat(
            showtime=showtime,
            seat=seat,
            index=seat.index,
            status=Status.AVAILABLE if seat.for_sale and seat.index not in closed else Status.BLOCKED,
        )
        for seat in seats
    ]
    ShowtimeSeat.objects.bulk_create(rows)
    n_blocked = sum(row.status == Status.BLOCKED for row in rows)
    Showtime.objects.filter(pk=showtime.pk).update(n_available=len(rows) - n_blocked, n_blocked=n_blocked)
    return len(rows)
