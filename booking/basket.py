"""Lock and release seats for a visitor whose payment may be open. Used by the API and the pages.

Not atomic as a whole: ending a payment calls the gateway, and that never happens inside a transaction.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from booking import payment_port
from booking.clients.client import NOT_COUNTED, Client
from booking.clients.pace import FAILED_REQUESTS, SEAT_CHANGES, check_pace, count_use, limit_failures
from booking.locks import LockResult, lock_seats, release_lock
from booking.models import Booking
from booking.refusals import AlreadyPaid, BeingReleased, PaymentOpen, Refusal, SeatsTaken
from booking.seats.choice.lost_races import note_lost
from booking.seats.choice.present import find_alternative
from booking.seats.lock_tags import NO_LOCK, Tags, tag_of
from cinema.web import metrics
from cinema.web.problems import is_overload


@contextmanager
def _counted(outcome: str) -> Iterator[None]:
    """Count the answer in `metrics.LOCK_ANSWERS`: `outcome`, the refusal's type, `busy` or `failure`."""
    try:
        yield
    except Refusal as refusal:
        outcome = refusal.type
        raise
    except Exception as error:
        outcome = "busy" if is_overload(error) else "failure"
        raise
    finally:
        metrics.LOCK_ANSWERS.labels(outcome).inc()


def choose_seats(
    *,
    showtime_id: int,
    visitor: uuid.UUID,
    labels: Sequence[str],
    at: datetime,
    client: Client = NOT_COUNTED,
    expected: Tags | None = None,
) -> LockResult:
    """`locks.lock_seats`. If other seats are requested than are being paid, the open payment is ended first.

    Args:
        expected: the request is for a lock of one of these tags only, as it was before its payment was ended.

    Raises:
        RateLimited: also when very many requests of this client were refused, or have changed seats. A request that
            gives all back is not refused for that.
        AlreadyPaid: the payment had succeeded.
        BeingReleased: the payment has no verdict yet; the loop ends it later.
        Everything that `lock_seats` raises except PaymentOpen.
    """
    paced = client if labels else NOT_COUNTED
    with _counted("granted" if labels else "released"), limit_failures(FAILED_REQUESTS, paced, at):
        check_pace(SEAT_CHANGES, paced, at)
        for _ in range(2):
            try:
                result = lock_seats(
                    showtime_id=showtime_id, visitor=visitor, labels=labels, at=at, client=client, expected=expected
                )
                count_use(SEAT_CHANGES, client, at, uses=result.n_changed)
                return result
            except SeatsTaken as refusal:
                note_lost(showtime_id, visitor)
                _offer_instead(refusal, at)
                raise
            except PaymentOpen as refusal:
                _end_payment(refusal.booking, "changed" if labels else "given-back", at)
                expected = expected and _expected_after(refusal, labels, expected)
        raise BeingReleased(sorted(labels))


def _offer_instead(refusal: SeatsTaken, at: datetime) -> None:
    """Say in the refusal what to request instead. It was refused in a transaction that is over: no row is locked."""
    situation = refusal.situation
    if situation is None:
        return
    own, requested = situation.own, situation.requested
    mine = [seat.index for seat in situation.own_seats] if own and own.is_live(at) else []
    lost = [requested[label] for label in refusal.seats]
    instead = find_alternative(situation.known, situation.showtime, requested.values(), lost, mine, at)
    if instead:
        refusal.offer(instead)


def release_seats(*, showtime_id: int, visitor: uuid.UUID, at: datetime) -> bool:
    """Release all seats of the visitor, and end an open payment first.

    Returns:
        True when no seat is locked any more; False if the payment has no verdict yet: the loop releases them later.

    Raises:
        AlreadyPaid: the payment had succeeded.
    """
    with _counted("released"):
        for _ in range(2):
            try:
                release_lock(showtime_id=showtime_id, visitor=visitor, at=at)
                return True
            except PaymentOpen as refusal:
                _end_payment(refusal.booking, "given-back", at)
        return False


def _end_payment(booking: Booking, reason: str, at: datetime) -> None:
    payment_port.current().end_payment(booking_id=booking.pk, reason=reason, at=at)
    booking.refresh_from_db(fields=["status"])
    if booking.status == Booking.Status.CONFIRMED:
        raise AlreadyPaid(booking.reference)


def _expected_after(ended: PaymentOpen, labels: Sequence[str], expected: Tags) -> Tags:
    """The tag of the lock whose payment this request has just ended, or tried to.

    A booking that ended as released while seats are requested was given back by another tab: that is another lock.
    """
    booking = ended.booking
    if booking.status in Booking.LIVE:
        return frozenset((tag_of(booking, ended.indices),))
    lapsed = booking.status == Booking.Status.EXPIRED
    return frozenset((NO_LOCK,)) if lapsed or not labels else expected
