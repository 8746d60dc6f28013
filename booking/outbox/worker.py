"""Workers that handle outbox messages: claims, attempts, and a thread for each queue.

Each claim increments `attempts`, and the new number identifies the claim: a worker whose claim expired while it was
frozen finds another number in the row and changes nothing.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import Error, close_old_connections, connection, connections, transaction
from django.db.models import Count, Min, Q, QuerySet

from booking.models import OutboxMessage
from booking.outbox import messages
from booking.outbox.messages import PermanentFailure, State, make_dead_letter
from cinema.database import clock
from cinema.web import metrics

log = logging.getLogger(__name__)

CLAIM = timedelta(seconds=45)  # a claim expires when it is not renewed for so long
RENEW = CLAIM / 3
LONGEST_HANDLING = timedelta(minutes=10)  # a handler that runs longer has lost its claim
MOST_ATTEMPTS = 16  # the last one two to three hours after the first
LONGEST_WAIT = timedelta(minutes=30)
POLL = timedelta(milliseconds=250)


class QueueWorker:
    """Handles the messages of one queue, in a thread, until `stop` is set."""

    def __init__(self, stop: threading.Event, queue: str) -> None:
        self.stop, self.queue, self.wake_up = stop, queue, messages.new_wake_up()
        self.thread = threading.Thread(target=self.run, name=f"outbox: {queue}", daemon=True)

    def run(self) -> None:
        """Handle due messages each time the wake-up is set, and at least once per `POLL`."""
        while not self.stop.is_set():
            self.wake_up.clear()
            self.run_once()
            self.wake_up.wait(POLL.total_seconds())
        connections.close_all()

    def run_once(self) -> None:
        """Handle all messages that are due now. Failures are logged and counted, never raised."""
        try:
            close_old_connections()
            while not self.stop.is_set() and (at := clock.now()) and not clock.is_off():
                if not run_due(at=at, limit=1, queue=self.queue):
                    break
        except Error as error:
            metrics.LOOP_FAILURES.labels("database").inc()
            log.warning("outbox: the database does not answer: %s", error)
            self.stop.wait(1)
        except Exception:  # a defect; the other messages must still be handled
            metrics.LOOP_FAILURES.labels("outbox").inc()
            log.exception("outbox: the worker of %s failed", self.queue)
            self.stop.wait(1)


def run_due(*, at: datetime, limit: int = 50, queue: str = "") -> int:
    """Handle what is due. Safe while other workers run: each row is claimed by one.

    Args:
        queue: only kinds of this queue; all kinds when empty.

    Returns:
        How many messages were attempted.
    """
    assert not connection.in_atomic_block, "handlers call other systems; never inside a transaction"
    kinds = [kind for kind in messages.handlers if not queue or kind.partition(".")[0] == queue]
    begun, attempted = time.monotonic(), 0

    def now() -> datetime:  # handlers take time, and a claim begins when it is made
        return at + timedelta(seconds=time.monotonic() - begun)

    while attempted < limit and (message := _claim(kinds, now())) is not None:
        _handle(message, now)
        attempted += 1
    return attempted


def _claim(kinds: list[str], at: datetime) -> OutboxMessage | None:
    pending = OutboxMessage.objects.filter(state=State.PENDING, kind__in=kinds)
    free = pending.filter(_is_due(at), _is_unclaimed(at)).order_by("next_at", "pk")
    while free.exists():  # first without a transaction, which on SQLite blocks every writer, four times a second
        message = _claim_first(free, at)
        if message is None or message.state == State.PENDING:
            return message
    return None


def _is_due(at: datetime) -> Q:
    """Also a message that a process whose clock was ahead has written or put off: it would be due much too late."""
    from_ahead = Q(created_at__gt=at + clock.TOLERANCE)
    put_off_by_ahead = Q(attempts__gt=0, next_at__gt=at + LONGEST_WAIT + clock.TOLERANCE)
    return Q(next_at__lte=at) | from_ahead | put_off_by_ahead


def _is_unclaimed(at: datetime) -> Q:
    """Also where a claim ends later than one made now would: a clock was wrong when it was written."""
    void = Q(claimed_until__gt=at + CLAIM + clock.TOLERANCE)
    return Q(claimed_until=None) | Q(claimed_until__lte=at) | void


@transaction.atomic
def _claim_first(free: QuerySet[OutboxMessage], at: datetime) -> OutboxMessage | None:
    message = free.select_for_update(skip_locked=connection.features.has_select_for_update_skip_locked).first()
    if message is None:
        return None
    if message.attempts >= MOST_ATTEMPTS:  # each worker died before it could record a failure
        make_dead_letter(message, message.last_error or "the worker died each time", at)
        return message
    message.claimed_until = at + CLAIM
    message.attempts += 1
    message.save(update_fields=["claimed_until", "attempts"])
    return message


def _handle(message: OutboxMessage, now: Callable[[], datetime]) -> None:
    try:
        with _renewing(message, now):
            messages.handlers[message.kind](message.payload)
    except Exception as error:  # a handler may raise anything; the message is attempted again
        _put_off(message, error, now())
        return
    if _mine(message).update(state=State.DONE, done_at=now(), claimed_until=None):
        metrics.OUTBOX_ATTEMPTS.labels(message.kind, "handled").inc()


def _mine(message: OutboxMessage) -> QuerySet[OutboxMessage]:
    """The row, unless another worker has claimed it since, or a restored backup has given its key to another."""
    claimed = OutboxMessage.objects.filter(pk=message.pk, state=State.PENDING, attempts=message.attempts)
    return claimed.filter(dedupe_key=message.dedupe_key, created_at=message.created_at)


@transaction.atomic
def _put_off(message: OutboxMessage, error: Exception, at: datetime) -> None:
    if _mine(message).select_for_update().first() is None:
        return
    failure = f"{type(error).__name__}: {error}"[:2000]
    if isinstance(error, PermanentFailure) or message.attempts >= MOST_ATTEMPTS:
        make_dead_letter(message, failure, at)
        return
    wait = min(LONGEST_WAIT, timedelta(seconds=2**message.attempts)) * random.uniform(0.5, 1.0)
    message.next_at, message.claimed_until, message.last_error = at + wait, None, failure
    message.save(update_fields=["next_at", "claimed_until", "last_error"])
    metrics.OUTBOX_ATTEMPTS.labels(message.kind, "failed").inc()
    log.warning("outbox: %s failed (attempt %d): %s", message.dedupe_key, message.attempts, error, exc_info=error)


@contextmanager
def _renewing(message: OutboxMessage, now: Callable[[], datetime]) -> Iterator[None]:
    """Renew the claim while the handler runs, so that a claim can be shorter than the slowest handler."""
    finished = threading.Event()
    thread = threading.Thread(target=_renew, args=(message, now, finished), name=f"claim {message.pk}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        finished.set()
        thread.join()


def _renew(message: OutboxMessage, now: Callable[[], datetime], finished: threading.Event) -> None:
    until = now() + LONGEST_HANDLING
    while not finished.wait(RENEW.total_seconds()) and now() < until:
        try:
            _mine(message).update(claimed_until=now() + CLAIM)
        except Error as error:
            log.warning("outbox: the claim on %s was not renewed: %s", message.dedupe_key, error)
        finally:
            connections.close_all()


def measure_pending(at: datetime) -> None:
    """Set the gauges of pending messages: how many, and for how long the oldest has been due."""
    pending = OutboxMessage.objects.filter(state=State.PENDING).aggregate(n=Count("pk"), oldest=Min("next_at"))
    metrics.OUTBOX_PENDING.set(pending["n"])
    overdue = (at - pending["oldest"]).total_seconds() if pending["oldest"] else 0
    metrics.OUTBOX_OVERDUE.set(max(0, overdue))


def measure_dead(at: datetime) -> None:
    """Set the gauge of dead letters. Reads the whole table, so call it seldom."""
    metrics.OUTBOX_DEAD.set(OutboxMessage.objects.filter(state=State.DEAD).count())
