"""Promises: a row written in the transaction that makes the promise, kept afterwards by the loop.

A handler runs outside any transaction, at least once: a worker that dies leaves a claim that runs out, and the row is
taken again. So a handler must bear being run twice (mails carry a fixed Message-ID, calls an idempotency key).

`attempts` goes up with each claim and is what a claim is known by: a worker that slept through the end of its own
(a frozen machine) finds another number and changes nothing.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from weakref import WeakSet

from django.db import Error, connection, connections, transaction
from django.db.models import Count, Min, QuerySet

from booking.models import OutboxMessage
from cinema.web import metrics

log = logging.getLogger(__name__)

Payload = dict[str, Any]
Handler = Callable[[Payload], None]
Witness = Callable[[OutboxMessage, datetime], None]
State = OutboxMessage.State

CLAIM = timedelta(seconds=45)  # after this long without a sign of life a claim is anybody's
RENEW = CLAIM / 3
LONGEST_KEEPING = timedelta(minutes=10)  # a handler that hangs for longer has lost its claim
MOST_ATTEMPTS = 16  # the last one two to three hours after the first
LONGEST_WAIT = timedelta(minutes=30)

_handlers: dict[str, Handler] = {}
_on_dead: list[Witness] = []
_on_revived: list[Witness] = []
_bells: WeakSet[threading.Event] = WeakSet()


class Hopeless(Exception):
    """Raised by a handler that knows that trying again cannot help: the promise is given up at once."""


def register(kind: str, handler: Handler) -> None:
    """`handler(payload)` keeps the promises of this kind. It raises to be tried again later."""
    _handlers[kind] = handler


def on_dead(witness: Witness) -> None:
    """Have `witness(message, at)` called in the transaction in which a promise is given up."""
    _on_dead.append(witness)


def on_revived(witness: Witness) -> None:
    """Have `witness(message, at)` called in the transaction in which somebody has a promise tried again."""
    _on_revived.append(witness)


def lines() -> set[str]:
    """What the registered kinds begin with (`mail`): one line waits for a mail server, another for the gateway."""
    return {kind.partition(".")[0] for kind in _handlers}


def bell() -> threading.Event:
    """An event that is set whenever this process has just committed a promise, so that nobody sleeps to the end."""
    new = threading.Event()
    _bells.add(new)
    return new


def ring() -> None:
    for each in list(_bells):
        each.set()


def promise(*, kind: str, dedupe_key: str, payload: Payload, at: datetime, delay: timedelta = timedelta(0)) -> None:
    """Write a promise in the caller's transaction; a second one with the same key is not written."""
    assert connection.in_atomic_block, "a promise belongs to the transaction that makes it"
    row = OutboxMessage(kind=kind, dedupe_key=dedupe_key, payload=payload, next_at=at + delay, created_at=at)
    OutboxMessage.objects.bulk_create([row], ignore_conflicts=True)
    if not delay:
        transaction.on_commit(ring, robust=True)


@transaction.atomic
def revive(*, message_id: int, at: datetime) -> bool:
    """Try once more, from the first attempt, what was given up. Returns False for a promise in any other state."""
    message = OutboxMessage.objects.select_for_update().filter(pk=message_id, state=State.DEAD).first()
    if message is None:
        return False
    message.state, message.attempts, message.next_at = State.PENDING, 0, at
    message.save(update_fields=["state", "attempts", "next_at"])
    for witness in _on_revived:
        witness(message, at)
    transaction.on_commit(ring, robust=True)
    return True


def run_due(*, at: datetime, limit: int = 50, line: str = "") -> int:
    """Keep what is due. Safe beside another worker: each row is claimed by one.

    Args:
        line: only kinds of this line; all kinds without it.

    Returns:
        How many promises were tried.
    """
    assert not connection.in_atomic_block, "handlers speak to the world outside; never inside a transaction"
    kinds = [kind for kind in _handlers if not line or kind.partition(".")[0] == line]
    begun, tried = time.monotonic(), 0

    def now() -> datetime:  # the handlers before may have taken long, and a claim begins when it is made
        return at + timedelta(seconds=time.monotonic() - begun)

    while tried < limit and (message := _claim(kinds, now())) is not None:
        _keep(message, now)
        tried += 1
    return tried


def _claim(kinds: list[str], at: datetime) -> OutboxMessage | None:
    pending = OutboxMessage.objects.filter(state=State.PENDING, next_at__lte=at, kind__in=kinds)
    free = pending.exclude(claimed_until__gt=at).order_by("next_at", "pk")
    while free.exists():  # asked first: on SQLite a transaction would hold up every writer, four times a second
        message = _claim_first(free, at)
        if message is None or message.state == State.PENDING:
            return message
    return None


@transaction.atomic
def _claim_first(free: QuerySet[OutboxMessage], at: datetime) -> OutboxMessage | None:
    message = free.select_for_update(skip_locked=connection.features.has_select_for_update_skip_locked).first()
    if message is None:
        return None
    if message.attempts >= MOST_ATTEMPTS:  # nobody lived to say that it failed
        _bury(message, message.last_error or "the worker died each time", at)
        return message
    message.claimed_until = at + CLAIM
    message.attempts += 1
    message.save(update_fields=["claimed_until", "attempts"])
    return message


def _keep(message: OutboxMessage, now: Callable[[], datetime]) -> None:
    try:
        with _renewing(message, now):
            _handlers[message.kind](message.payload)
    except Exception as error:  # whatever a handler meets, the promise stands and is tried again
        _put_off(message, error, now())
        return
    if _mine(message).update(state=State.DONE, done_at=now(), claimed_until=None):
        metrics.OUTBOX_ATTEMPTS.labels(message.kind, "kept").inc()


def _mine(message: OutboxMessage) -> QuerySet[OutboxMessage]:
    """The row, as long as nobody else has claimed it since."""
    return OutboxMessage.objects.filter(pk=message.pk, state=State.PENDING, attempts=message.attempts)


@transaction.atomic
def _put_off(message: OutboxMessage, error: Exception, at: datetime) -> None:
    if _mine(message).select_for_update().first() is None:
        return
    told = f"{type(error).__name__}: {error}"[:2000]
    if isinstance(error, Hopeless) or message.attempts >= MOST_ATTEMPTS:
        _bury(message, told, at)
        return
    wait = min(LONGEST_WAIT, timedelta(seconds=2**message.attempts)) * random.uniform(0.5, 1.0)
    message.next_at, message.claimed_until, message.last_error = at + wait, None, told
    message.save(update_fields=["next_at", "claimed_until", "last_error"])
    metrics.OUTBOX_ATTEMPTS.labels(message.kind, "failed").inc()
    log.warning("outbox: %s failed (try %d): %s", message.dedupe_key, message.attempts, error, exc_info=error)


def _bury(message: OutboxMessage, told: str, at: datetime) -> None:
    """Give up, and call for a person in the same transaction."""
    message.state, message.claimed_until, message.last_error = State.DEAD, None, told
    message.save(update_fields=["state", "claimed_until", "last_error"])
    for witness in _on_dead:
        witness(message, at)
    metrics.OUTBOX_ATTEMPTS.labels(message.kind, "given up").inc()
    log.critical("outbox: gave up on %s after %d tries: %s", message.dedupe_key, message.attempts, told)


@contextmanager
def _renewing(message: OutboxMessage, now: Callable[[], datetime]) -> Iterator[None]:
    """Keep the claim while the handler runs, so that a claim need not be as long as the slowest handler."""
    over = threading.Event()
    thread = threading.Thread(target=_renew, args=(message, now, over), name=f"claim {message.pk}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _renew(message: OutboxMessage, now: Callable[[], datetime], over: threading.Event) -> None:
    until = now() + LONGEST_KEEPING
    while not over.wait(RENEW.total_seconds()) and now() < until:
        try:
            _mine(message).update(claimed_until=now() + CLAIM)
        except Error as error:
            log.warning("outbox: the claim on %s was not renewed: %s", message.dedupe_key, error)
        finally:
            connections.close_all()


def measure_pending(at: datetime) -> None:
    """Tell the operator how much waits, and since when the oldest is due."""
    pending = OutboxMessage.objects.filter(state=State.PENDING).aggregate(n=Count("pk"), oldest=Min("next_at"))
    metrics.OUTBOX_PENDING.set(pending["n"])
    overdue = (at - pending["oldest"]).total_seconds() if pending["oldest"] else 0
    metrics.OUTBOX_OVERDUE.set(max(0, overdue))


def measure_dead(at: datetime) -> None:
    """Tell the operator how many promises were given up. Reads the whole table: not to be asked often."""
    metrics.OUTBOX_DEAD.set(OutboxMessage.objects.filter(state=State.DEAD).count())
