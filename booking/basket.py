"""Choosing and giving back as a visitor means it, also while a payment is open. Shared by the API and the pages.

Not atomic as a whole: ending a payment asks the gateway, which never happens inside a transaction.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from booking import payment_port
from booking.locks import LockResult, lock_seats, release_lock
from booking.models import Booking
from booking.refusals import AlreadyPaid, BeingReleased, PaymentOpen, Refusal
from cinema.web import metrics
from cinema.web.problems import is_overload


@contextmanager
def _counted(outcome: str) -> Iterator[None]:
    """Counts the answer that the visitor is given: `outcome`, the refusal's type, or a full database."""
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


def choose_seats(*, showtime_id: int, visitor: uuid.UUID, labels: Sequence[str], at: datetime) -> LockResult:
    """`locks.lock_seats`; an open payment of this visitor is ended first when the wish is another one.

    Raises:
        AlreadyPaid: that payment turned out to be paid.
        BeingReleased: no verdict yet; the loop finishes.
        and what `lock_seats` raises, but for PaymentOpen
    """
    with _counted("granted" if labels else "released"):
        for _ in range(2):
            try:
                return lock_seats(showtime_id=showtime_id, visitor=visitor, labels=labels, at=at)
            except PaymentOpen as refusal:
                _end_payment(refusal.booking, "changed" if labels else "given-back", at)
        raise BeingReleased(sorted(labels))


def give_back(*, showtime_id: int, visitor: uuid.UUID, at: datetime) -> bool:
    """Give all seats back, ending an open payment first.

    Returns:
        True when nothing is held any more; False while the payment has no verdict and the loop goes on.

    Raises:
        AlreadyPaid: the payment turned out to be paid.
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
