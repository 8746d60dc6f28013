"""Open the sales of a showtime; block and unblock seats."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from booking.models import ShowtimeSeat
from booking.refusals import NotFound, SeatsTaken
from booking.seats.labels import find_indices
from booking.seats.row_locks import read_requested, requested_query
from booking.seats.rows import SeatWrite, create_rows, write_seats
from cinema.database.statements import run_queries
from cinema.models import Showtime
from cinema.plans.layouts import layout_of

Status = ShowtimeSeat.Status


def open_sales(*, showtime_id: int, at: datetime) -> int:
    """Create the seat rows of a showtime. A second call, also at the same time, changes nothing.

    Returns:
        The number of seat rows.

    Raises:
        NotFound: there is no such showtime.
    """
    with transaction.atomic():
        showtime = (
            Showtime.objects.select_for_update(of=("self",)).select_related("plan").filter(pk=showtime_id).first()
        )
        if showtime is None:
            raise NotFound("There is no such showtime.")
        if showtime.n_seats:
            return showtime.n_seats
        return create_rows(showtime)


@transaction.atomic
def block_seats(*, showtime_id: int, labels: Sequence[str], at: datetime) -> int:
    """Block available seats: all of them, or none. A blocked seat stays blocked.

    Returns:
        How many seats this call blocked.

    Raises:
        NotFound: there is no such showtime.
        UnknownSeat, TooManySeats: the labels name no seats of this screen, or more than one booking may have.
        SeatsTaken: a seat is locked or booked, or another transaction has row-locked it.
    """
    return _switch(showtime_id, labels, Status.AVAILABLE, Status.BLOCKED, "block", at)


@transaction.atomic
def unblock_seats(*, showtime_id: int, labels: Sequence[str], at: datetime) -> int:
    """Make blocked seats available: all of them, or none. Returns how many; raises as `block_seats`."""
    return _switch(showtime_id, labels, Status.BLOCKED, Status.AVAILABLE, "unblock", at)


def _switch(showtime_id: int, labels: Sequence[str], before: str, after: str, reason: str, at: datetime) -> int:
    showtime = Showtime.objects.with_movie_and_screen().filter(pk=showtime_id).first()
    if showtime is None:
        raise NotFound("There is no such showtime.")
    requested = find_indices(layout_of(showtime.plan.hash), labels)
    [answer] = run_queries(requested_query(showtime_id, requested.values(), at))
    rows = {index: row.seat for index, row in read_requested(answer).items()}
    lost = [label for label, i in requested.items() if i not in rows or rows[i].status not in (before, after)]
    if lost:
        raise SeatsTaken(lost, showtime.version)
    changed = [row for row in rows.values() if row.status == before]
    if changed:
        write_seats(showtime_id=showtime_id, writes=[SeatWrite(changed, after)], reason=reason, at=at)
    return len(changed)
