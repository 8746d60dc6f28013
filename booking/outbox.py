"""Promises: a row written in the transaction that makes the promise, kept afterwards by the loop.

A handler runs outside any transaction, at least once: a worker that dies leaves a claim that runs out, and the row is
taken again. So a handler must bear being run twice (mails carry a fixed Message-ID, calls an idempotency key).
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, Min

from booking.models import OutboxMessage
from cinema import counters

log = logging.getLogger(__name__)

Payload = dict[str, Any]
Handler = Callable[[Payload], None]
State = OutboxMessage.State

CLAIM = timedelta(minutes=2)
MOST_ATTEMPTS = 12
LONGEST_WAIT = timedelta(minutes=30)

_handlers: dict[str, Handler] = {}

# Set when a promise of this process has just been committed, so that the loop need not sleep to its end.
due = threading.Event()


def register(kind: str, handler: Handler) -> None:
    """`handler(payload)` keeps the promises of this kind. It raises to be tried again later."""
    _handlers[kind] = handler


def promise(*, kind: str, dedupe_key: str, payload: Payload, at: datetime, delay: timedelta = timedelta(0)) -> None:
    """Write a promise in the caller's transaction; a second one with the same key is not written."""
    assert connection.in_atomic_block, "a promise belongs to the transaction that makes it"
    row = OutboxMessage(kind=kind, dedupe_key=dedupe_key, payload=payload, next_at=at + delay, created_at=at)
    OutboxMessage.objects.bulk_create([row], ignore_conflicts=True)
    if not delay:
        transaction.on_commit(due.set, robust=True)


def run_due(*, at: datetime, limit: int = 50) -> int:
    """Keep what is due. Safe beside another worker: each row is claimed by one.

    Returns:
        How many promises were tried.
    """
    assert not connection.in_atomic_block, "handlers speak to the world outside; never inside a transaction"
    tried = 0
    while tried < limit and (message := _claim(at)) is not None:
        _keep(message, at)
        tried += 1
    return tried


@transaction.atomic
def _claim(at: datetime) -> OutboxMessage | None:
    skip = connection.features.has_select_for_update_skip_locked
    pending = OutboxMessage.objects.filter(state=State.PENDING, next_at__lte=at, kind__in=_handlers)
    free = pending.exclude(claimed_until__gt=at).order_by("next_at", "pk")
    message = free.select_for_update(skip_locked=skip).first()
    if message is not None:
        message.claimed_until = at + CLAIM
        message.attempts += 1
        message.save(update_fields=["claimed_until", "attempts"])
    return message


def _keep(message: OutboxMessage, at: datetime) -> None:
    try:
        _handlers[message.kind](message.payload)
    except Exception as error:  # whatever a handler meets, the promise stands and is tried again
        _put_off(message, error, at)
        return
    message.state, message.done_at, message.claimed_until = State.DONE, at, None
    message.save(update_fields=["state", "done_at", "claimed_until"])
    counters.OUTBOX_ATTEMPTS.labels(message.kind, "kept").inc()


def _put_off(message: OutboxMessage, error: Exception, at: datetime) -> None:
    dead = message.attempts >= MOST_ATTEMPTS
    wait = min(LONGEST_WAIT, timedelta(seconds=2**message.attempts)) * random.uniform(0.5, 1.0)
    message.state = State.DEAD if dead else State.PENDING
    message.next_at, message.claimed_until = at + wait, None
    message.last_error = f"{type(error).__name__}: {error}"[:2000]
    message.save(update_fields=["state", "next_at", "claimed_until", "last_error"])
    counters.OUTBOX_ATTEMPTS.labels(message.kind, "given up" if dead else "failed").inc()
    if dead:
        log.critical("outbox: gave up on %s after %d tries: %s", message.dedupe_key, message.attempts, error)
    else:
        log.warning("outbox: %s failed (try %d): %s", message.dedupe_key, message.attempts, error, exc_info=error)


def measure_pending(at: datetime) -> None:
    """Tell the operator how much waits, and since when the oldest is due."""
    pending = OutboxMessage.objects.filter(state=State.PENDING).aggregate(n=Count("pk"), oldest=Min("next_at"))
    counters.OUTBOX_PENDING.set(pending["n"])
    overdue = (at - pending["oldest"]).total_seconds() if pending["oldest"] else 0
    counters.OUTBOX_OVERDUE.set(max(0, overdue))


def measure_dead(at: datetime) -> None:
    """Tell the operator how many promises were given up. Reads the whole table: not to be asked often."""
    counters.OUTBOX_DEAD.set(OutboxMessage.objects.filter(state=State.DEAD).count())
