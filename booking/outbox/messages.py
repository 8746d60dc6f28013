"""Outbox messages: work to do after a commit, stored as rows in the transaction that makes it necessary.

A handler runs outside any transaction, at least once: a worker that dies leaves a claim that expires, and the row is
claimed again (`booking.outbox.worker`). So a handler must tolerate a second run (mails carry a fixed Message-ID, calls
an idempotency key).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from weakref import WeakSet

from django.db import connection, transaction

from booking.models import OutboxMessage
from cinema.web import metrics

log = logging.getLogger(__name__)

Payload = dict[str, Any]
Handler = Callable[[Payload], None]
Callback = Callable[[OutboxMessage, datetime], None]
State = OutboxMessage.State

handlers: dict[str, Handler] = {}
_on_dead_letter: list[Callback] = []
_on_retry: list[Callback] = []
_wake_ups: WeakSet[threading.Event] = WeakSet()


class PermanentFailure(Exception):
    """Raised by a handler when another attempt cannot succeed: the message becomes a dead letter at once."""


def register_handler(kind: str, handler: Handler) -> None:
    """`handler(payload)` handles the messages of this kind. It raises to be called again later."""
    handlers[kind] = handler


def on_dead_letter(callback: Callback) -> None:
    """Call `callback(message, at)` in the transaction in which a message becomes a dead letter."""
    _on_dead_letter.append(callback)


def on_retry(callback: Callback) -> None:
    """Call `callback(message, at)` in the transaction in which a person retries a dead letter."""
    _on_retry.append(callback)


def queues() -> set[str]:
    """The first parts of the registered kinds (`mail`). Each queue has a worker of its own, so that a mail server that
    does not answer delays no call to the payment gateway."""
    return {kind.partition(".")[0] for kind in handlers}


def new_wake_up() -> threading.Event:
    """An event that is set whenever this process commits a message: a worker that waits for it starts at once."""
    new = threading.Event()
    _wake_ups.add(new)
    return new


def wake_up_all() -> None:
    """End the waiting of all queue workers of this process."""
    """Set every wake-up of this process."""
    for each in list(_wake_ups):
        each.set()


def enqueue(*, kind: str, dedupe_key: str, payload: Payload, at: datetime, delay: timedelta = timedelta(0)) -> None:
    """Write a message in the caller's transaction. A second one with the same `dedupe_key` is not written."""
    assert connection.in_atomic_block, "a message belongs to the transaction that makes it necessary"
    row = OutboxMessage(kind=kind, dedupe_key=dedupe_key, payload=payload, next_at=at + delay, created_at=at)
    OutboxMessage.objects.bulk_create([row], ignore_conflicts=True)
    if not delay:
        transaction.on_commit(wake_up_all, robust=True)


@transaction.atomic
def retry(*, message_id: int, at: datetime) -> bool:
    """Make a dead letter pending again, with no attempts counted. Returns False for a message in any other state."""
    message = OutboxMessage.objects.select_for_update().filter(pk=message_id, state=State.DEAD).first()
    if message is None:
        return False
    message.state, message.attempts, message.next_at = State.PENDING, 0, at
    message.save(update_fields=["state", "attempts", "next_at"])
    for callback in _on_retry:
        callback(message, at)
    transaction.on_commit(wake_up_all, robust=True)
    return True


def make_dead_letter(message: OutboxMessage, error: str, at: datetime) -> None:
    """Stop trying, and run the callbacks in the caller's transaction: a person must act."""
    message.state, message.claimed_until, message.last_error = State.DEAD, None, error
    message.save(update_fields=["state", "claimed_until", "last_error"])
    for callback in _on_dead_letter:
        callback(message, at)
    metrics.OUTBOX_ATTEMPTS.labels(message.kind, "dead").inc()
    log.critical("outbox: %s is a dead letter after %d attempts: %s", message.dedupe_key, message.attempts, error)
