"""Locks, and the rule against double booking.

A lock is one visitor's claim on seats of one showtime until `locked_until`. Changing it takes three steps in one
transaction:

1. `read_situation` reads the visitor's own booking and seats, the requested seats and the showtime. The booking and the
   seats are row-locked by this read. A requested row that another transaction holds is missing from the answer.
2. `decide` returns what to write, or refuses. It is pure: no SQL, no database, no clock.
3. `store` writes the decision under the showtime's next version. A booking that begins was given its key before, if the
   visitor's lock limits allow it (`number_booking`).

Why no seat is sold twice: the rows that `decide` reads stay row-locked until the commit, so its answer is still true
when it is written. Of two transactions that request one seat only one gets its row; on SQLite only one transaction
writes at a time. If the code were wrong, the database would refuse a second row for a seat and a second standing ticket
on it (`booking.models`). A lock whose time has passed can be taken by the next visitor, whether or not the loop has
expired it.

The rule does not depend on what makes it fast, which stands beside it: `booking.lock_statements` (prepared statements,
few round trips), `booking.seats.layout_guess` (the requested seats in the first round trip), `booking.lock_retry`, and
`booking.seats.showtime_queue`. The lock order is written in `booking.seats.row_locks`.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import connection, transaction

from booking.clients.client import NOT_COUNTED, Client, Hashes
from booking.lock_limits import (
    ClientSeats,
    check_client_seats,
    client_lock_query,
    client_seats_query,
    read_client_seats,
)
from booking.lock_retry import retry_lost_races
from booking.lock_statements import (
    end_query,
    insert_query,
    no_lock_query,
    number_booking,
    read_own,
    read_showtime,
    resize_query,
    showtime_query,
)
from booking.models import Booking, ShowtimeSeat
from booking.refusals import BeingReleased, LockChanged, NotOnSale, PaymentOpen, Refusal, SalesClosed, SeatsTaken
from booking.seats.known_map import KnownMap, apply_changes, kept_map, since_query
from booking.seats.labels import RequestedSeats, find_or_refuse
from booking.seats.layout_guess import guess_requested, remember_layout
from booking.seats.lock_tags import Tags, tag_of
from booking.seats.row_locks import RequestedRow, lock_rows_of, read_requested, requested_query
from booking.seats.rows import SeatWrite, write_seats
from booking.seats.showtime_queue import in_showtime_queue
from cinema.database.statements import Query, run_queries
from cinema.models import Showtime
from cinema.web import metrics

SeatStatus = ShowtimeSeat.Status


@dataclass(frozen=True)
class Situation:
    """What `decide` has to know. The booking and the seats are row-locked by this transaction, the showtime is not."""

    showtime: Showtime
    layout_hash: str
    visitor: uuid.UUID
    own: Booking | None  # the visitor's booking of this showtime that has not ended; its lock may have lapsed
    own_seats: Sequence[ShowtimeSeat]
    requested: RequestedSeats  # label -> index; the whole lock that the visitor asks for
    rows: Mapping[int, RequestedRow]  # by index; without those that another transaction holds
    hashes: Hashes = (None, None)  # of the client, for the booking
    others: ClientSeats = ClientSeats()  # what other visitors have of this client
    expected: Tags | None = None  # the request is for a lock of one of these tags; None: for any
    unlockable: Refusal | None = None  # no lock can have the labels; `requested` is empty then
    known: KnownMap | None = None  # the map, for advice; nothing is decided by it

    def lock_at(self, at: datetime) -> LockResult:
        """What the visitor has locked before this request."""
        own = self.own if self.own and self.own.is_live(at) else None
        indices = tuple(sorted(seat.index for seat in self.own_seats)) if own else ()
        return LockResult(self.showtime, self.layout_hash, own, indices, self.showtime.version, known=self.known)


@dataclass(frozen=True)
class Decision:
    """What to write, and which booking has the lock afterwards: `keeps`, `begins`, or none."""

    showtime_id: int
    reason: str = "lock"  # of the history
    take: Sequence[ShowtimeSeat] = ()  # become locked by the booking
    free: Sequence[ShowtimeSeat] = ()  # become available
    keeps: Booking | None = None
    begins: Booking | None = None  # not stored yet: without key and reference
    n_seats: int = 0  # of the booking that has the lock
    hashes: Hashes = (None, None)  # of the client that its seats count for
    ends: Booking | None = None
    end_status: str = ""
    end_reason: str = ""


@dataclass(frozen=True)
class LockResult:
    """What a visitor has locked after a request: the seats `indices` of `booking`.

    The map says so from `version` on, at the latest; a map of an older version shows the state before.
    """

    showtime: Showtime
    layout_hash: str
    booking: Booking | None
    indices: tuple[int, ...]
    version: int
    n_changed: int = 0  # seats that this request has taken and freed
    known: KnownMap | None = None  # the map with this change, if the process knew it before

    @property
    def tag(self) -> str:
        return tag_of(self.booking, self.indices)


def lock_seats(
    *,
    showtime_id: int,
    visitor: uuid.UUID,
    labels: Sequence[str],
    at: datetime,
    client: Client = NOT_COUNTED,
    expected: Tags | None = None,
) -> LockResult:
    """Make `labels` the whole lock of this visitor on this showtime: all of it, or nothing changes.

    The first seat sets the deadline, and later requests do not move it. Seats that are no longer named become
    available; with no label the lock ends. A request for what is locked already changes nothing and takes no version.

    Args:
        client: whom the seats count for, if this request adds some.
        expected: the request is for a lock of one of these tags only.

    Returns:
        What is locked now; its booking is None when that is nothing.

    Raises:
        LockChanged: the visitor's lock has none of the expected tags. It wins over the others, except NotFound.
        NotFound, SalesClosed, NotOnSale: nothing is on sale.
        TooManySeats, UnknownSeat: no lock can have these seats.
        RateLimited: the visitor has, or had, too many locks, or the client too many seats or new visitors.
        SeatsTaken: another visitor has a seat or is taking it now, or it is blocked. Its `situation` is what was read.
        BeingReleased: the payment of a seat is being ended; try again.
        PaymentOpen: the visitor's own payment must be ended first.
        Busy: three attempts lost a race, or too many requests wait for this showtime.
    """

    def attempt() -> LockResult:
        with in_showtime_queue(showtime_id), transaction.atomic():
            situation = read_situation(showtime_id, visitor, labels, at, client, expected)
            decision = decide(situation, at)
            if decision.begins:
                # A round trip of its own, which a refused seat does not cost.
                number_booking(decision.begins, client, at)
            booking, version = store(decision, at, commit=True)
        indices = tuple(sorted(situation.requested.values()))
        version = version or situation.showtime.version
        n_changed = len(decision.take) + len(decision.free)
        known = situation.known and situation.known.after(decision.free, decision.take, version)
        return LockResult(situation.showtime, situation.layout_hash, booking, indices, version, n_changed, known)

    return retry_lost_races(attempt)


def read_situation(
    showtime_id: int, visitor: uuid.UUID, labels: Sequence[str], at: datetime, client: Client, expected: Tags | None
) -> Situation:
    """Row-lock and read all that `decide` needs, in one round trip when the layout was guessed right, else in two.

    A request that names seats first waits until no other of its client and showtime is at work: what this client's
    other visitors have is true until the commit. Raises NotFound.
    """
    guess = guess_requested(showtime_id, labels)
    kept = kept_map(showtime_id) if labels else None
    counted = client if labels else NOT_COUNTED
    first = client_lock_query(counted, showtime_id) + no_lock_query(showtime_id, visitor, expected)
    count = client_seats_query(counted, showtime_id, visitor, at)
    asked = [requested_query(showtime_id, guess.values(), at)] if guess else []
    more = [showtime_query(showtime_id), *count, *([since_query(kept)] if kept else []), *asked]
    own, own_seats, (found, *answers) = read_own(showtime_id, visitor, *more, first=first)
    showtime, layout_hash = read_showtime(found)
    others = read_client_seats(counted, answers.pop(0)) if count else ClientSeats()
    known = apply_changes(kept, answers.pop(0)) if kept else None
    requested, unlockable = find_or_refuse(remember_layout(showtime_id, layout_hash), labels)
    if requested != guess:
        answers = run_queries(requested_query(showtime_id, requested.values(), at)) if requested else []
    rows = read_requested(answers[0]) if answers else {}
    about = (showtime, layout_hash, visitor, own, own_seats, requested, rows)
    return Situation(*about, counted.hashes(showtime_id), others, expected, unlockable, known)


def decide(situation: Situation, at: datetime) -> Decision:
    """What to write so that the requested seats are the whole lock of the visitor. Pure.

    Raises:
        LockChanged, TooManySeats, UnknownSeat, PaymentOpen, SalesClosed, NotOnSale, SeatsTaken, BeingReleased,
        RateLimited
    """
    refuse_changed(situation, at)
    if situation.unlockable:
        raise situation.unlockable
    showtime, own, own_seats = situation.showtime, situation.own, situation.own_seats
    indices = sorted(situation.requested.values())
    grows = len(indices) > (len(own_seats) if own and own.is_live(at) else 0)
    if own and own.status in Booking.PAYING:
        if own.status == Booking.Status.RELEASING or indices != sorted(seat.index for seat in own_seats):
            # Once the payment has ended its seats count as chosen, and it would be too late to refuse.
            check_client_seats(situation.others, chosen=len(indices), locked=len(indices) if grows else 0)
            raise PaymentOpen(own, situation.lock_at(at).indices)
        return Decision(showtime.pk, keeps=own, n_seats=own.n_seats)
    if not indices:
        return decide_release(own, own_seats, at) if own else Decision(showtime.pk)
    check_sales(showtime, at)
    refuse_taken(situation, at)
    if grows:
        check_client_seats(situation.others, chosen=len(indices), locked=len(indices))
    rows = [situation.rows[index].seat for index in indices]
    free = [seat for seat in own_seats if seat.index not in indices]
    if own and own.is_live(at):
        take = [seat for seat in rows if seat.booking_id != own.pk]
        hashes = situation.hashes if grows else (own.network_hash, own.address_hash)
        return Decision(showtime.pk, take=take, free=free, keeps=own, n_seats=len(indices), hashes=hashes)
    new = Booking(reference="", showtime=showtime, visitor=situation.visitor, currency=showtime.currency, created_at=at)
    new.locked_until, new.n_seats = at + settings.SEAT_LOCK, len(indices)
    new.network_hash, new.address_hash = situation.hashes
    return Decision(
        showtime.pk,
        take=rows,
        free=free,
        begins=new,
        n_seats=len(indices),
        ends=own,
        end_status=Booking.Status.EXPIRED,
        end_reason="lapsed",
    )


def refuse_changed(situation: Situation, at: datetime) -> None:
    """Raise LockChanged unless the visitor's lock is one that the request is for. Pure.

    The lock's rows are row-locked: of two requests at once for the same lock, the second sees what the first has done.
    """
    found = situation.lock_at(at)
    if situation.expected is not None and found.tag not in situation.expected:
        raise LockChanged(found)


def refuse_taken(situation: Situation, at: datetime) -> None:
    """Raise SeatsTaken or BeingReleased unless this visitor may take every requested seat. Pure.

    A row that is missing is held by another transaction, which is taking the seat at this moment.
    """
    mine = {situation.own.pk} if situation.own else set()
    found = {label: situation.rows.get(index) for label, index in situation.requested.items()}
    lost = {label: row for label, row in found.items() if row is None or not row.seat.may_be_taken(at, by=mine)}
    taken = [label for label, row in lost.items() if row is None or not row.is_being_released]
    if taken:
        versions = [row.seat.version for row in lost.values() if row]
        raise SeatsTaken(taken, max([situation.showtime.version, *versions]), situation)
    if lost:
        raise BeingReleased(list(lost))


def check_sales(showtime: Showtime, at: datetime) -> None:
    """Raise SalesClosed or NotOnSale unless seats of this showtime are on sale at `at`. Pure."""
    state = showtime.sales(at)
    if state == "upcoming":
        assert showtime.sales_open_at is not None
        raise NotOnSale(max(1, round((showtime.sales_open_at - at).total_seconds())))
    if state == "cancelled":
        raise SalesClosed("This showtime has been cancelled.")
    if state == "closed":
        raise SalesClosed


def decide_release(own: Booking, own_seats: Sequence[ShowtimeSeat], at: datetime) -> Decision:
    """End this lock, as released, or as expired when its time has passed. Pure. Raises PaymentOpen."""
    if own.status in Booking.PAYING:
        raise PaymentOpen(own)
    if own.is_live(at):
        return decide_end(own, own_seats, Booking.Status.RELEASED, "given-back")
    return decide_end(own, own_seats, Booking.Status.EXPIRED, "lapsed")


def decide_end(booking: Booking, seats: Sequence[ShowtimeSeat], status: str, reason: str) -> Decision:
    """End this booking and free the seats that it still has locked. Pure."""
    free = [seat for seat in seats if seat.status == SeatStatus.LOCKED]
    return Decision(booking.showtime_id, reason, free=free, ends=booking, end_status=status, end_reason=reason)


def store(decision: Decision, at: datetime, *, commit: bool) -> tuple[Booking | None, int | None]:
    """Write the decision in one round trip; the last step of its transaction. A booking that begins has its key.

    Args:
        commit: the last round trip also commits. Only the function that opened the transaction may say so.

    Returns:
        The booking that has the lock now, and the version of the map that shows the change; None where there is none.
    """
    booking, statements = decision.keeps or decision.begins, []
    if decision.ends:
        statements.append(end_query(decision.ends, decision.end_status, decision.end_reason, at))
    if decision.begins:
        statements.append(insert_query(decision.begins))
    elif booking and booking.n_seats != decision.n_seats:
        statements.append(resize_query(booking, decision.n_seats, decision.hashes))
    writes = []
    if booking and decision.take:
        writes.append(SeatWrite(decision.take, SeatStatus.LOCKED, booking.pk, booking.locked_until))
    if decision.free:
        writes.append(SeatWrite(decision.free, SeatStatus.AVAILABLE))
    return booking, _write(decision, writes, statements, at, commit=commit)


def _write(
    decision: Decision, writes: Sequence[SeatWrite], statements: Sequence[Query], at: datetime, *, commit: bool
) -> int | None:
    if writes:
        return write_seats(
            showtime_id=decision.showtime_id,
            writes=writes,
            reason=decision.reason,
            at=at,
            along=statements,
            commit=commit,
        )
    if statements:
        run_queries(*statements, commit=commit)
    return None


def release_lock(*, showtime_id: int, visitor: uuid.UUID, at: datetime) -> bool:
    """End the lock of this visitor and free all its seats.

    Returns:
        Whether there was a lock whose time had not passed.

    Raises:
        PaymentOpen: a payment must be ended first.
        Busy: too many requests wait for this showtime.
    """
    with in_showtime_queue(showtime_id), transaction.atomic():
        own, own_seats, _ = read_own(showtime_id, visitor)
        if own is None:
            return False
        was_live = own.is_live(at)
        store(decide_release(own, own_seats, at), at, commit=True)
        return was_live


def expire_locks(*, at: datetime, limit: int = 500) -> int:
    """Free the seats of every lock whose time has passed and that never had a payment. Safe beside anything.

    One transaction for each booking, so that one busy showtime delays no other. A booking that another transaction has
    row-locked is left for the next call.

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
    """End a row-locked booking and free the seats that it still has locked, in the caller's transaction.

    Returns:
        The version of the map that shows it; None when it had no seat any more.
    """
    _, version = store(decide_end(booking, lock_rows_of(booking.pk), status, reason), at, commit=False)
    return version
