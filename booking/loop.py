"""The one loop: sweeping, promises, whatever else recurs. Inside the web process, or `manage.py work`.

A lease in the database lets one loop do the chores at a time; the others stand by and take over within seconds.
Promises need no lease, since each row is claimed by one. They are kept in threads of their own, one a line: a mail
server or a gateway that hangs holds up nothing else. Nothing here is needed for correctness of seats: time decides,
the loop only tidies and tells.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import Error, close_old_connections, connections, transaction
from django.utils import timezone

from booking.locks import expire_locks
from booking.models import Lease
from booking.outbox import messages as outbox
from cinema.web import metrics

log = logging.getLogger(__name__)

BEAT = timedelta(milliseconds=250)
LEASE = timedelta(seconds=5)
RENEW = timedelta(seconds=1.5)
LATE = timedelta(seconds=10)
LEASE_NAME = "loop"

Task = Callable[[datetime], object]


@dataclass
class Chore:
    name: str
    every: timedelta
    task: Task
    due_at: float = 0.0  # on the monotonic clock


_chores: dict[str, Chore] = {}


def register_chore(name: str, every: timedelta, task: Task) -> None:
    """Have `task(at)` called about every so often by whichever loop holds the lease. It must bear being late."""
    _chores[name] = Chore(name, every, task)


register_chore("expire locks", timedelta(milliseconds=500), lambda at: expire_locks(at=at))
register_chore("measure what is pending", timedelta(seconds=5), outbox.measure_pending)
register_chore("measure what is dead", timedelta(minutes=1), outbox.measure_dead)


def wake() -> None:
    """Do not sleep to the end of this beat."""
    outbox.ring()


class Keeper:
    """Keeps the promises of one line until `stop` is set."""

    def __init__(self, stop: threading.Event, line: str) -> None:
        self.stop, self.line, self.bell = stop, line, outbox.bell()
        self.thread = threading.Thread(target=self.run, name=f"promises: {line}", daemon=True)

    def run(self) -> None:
        while not self.stop.is_set():
            self.bell.clear()
            self.beat()
            self.bell.wait(BEAT.total_seconds())
        connections.close_all()

    def beat(self) -> None:
        try:
            close_old_connections()
            while not self.stop.is_set() and outbox.run_due(at=timezone.now(), limit=1, line=self.line):
                pass
        except Error as error:
            metrics.LOOP_FAILURES.labels("database").inc()
            log.warning("promises: the database does not answer: %s", error)
            self.stop.wait(1)
        except Exception:  # a fault of ours; the other promises must still be kept
            metrics.LOOP_FAILURES.labels("promises").inc()
            log.exception("promises of %s: failed", self.line)
            self.stop.wait(1)


class Loop:
    """Runs until `stop` is set; a failure of one chore is logged and holds up no other."""

    def __init__(self, stop: threading.Event) -> None:
        self.stop = stop
        self.keepers = [Keeper(stop, line) for line in sorted(outbox.lines())]
        self.holder = secrets.token_hex(8)
        self.chores = [Chore(chore.name, chore.every, chore.task) for chore in _chores.values()]
        self.renew_at = 0.0
        self.holds_lease = False

    def run(self) -> None:
        log.info("loop: started")
        for keeper in self.keepers:
            keeper.thread.start()
        try:
            while not self.stop.is_set():
                self.beat()
                self.stop.wait(BEAT.total_seconds())
        finally:
            self.give_up_lease()
            for keeper in self.keepers:
                keeper.thread.join()
            connections.close_all()
            log.info("loop: stopped")

    def beat(self) -> None:
        """One round: keep the lease, do the chores that are due."""
        try:
            close_old_connections()
            acts = self.keep_lease()
            metrics.BEAT_AT.set_to_current_time()
            metrics.HOLDS_LEASE.set(acts)
            if not acts:
                return
            for chore in self.chores:
                self.do(chore)
        except Error as error:
            metrics.LOOP_FAILURES.labels("database").inc()
            log.warning("loop: the database does not answer: %s", error)
            self.holds_lease = False
            self.stop.wait(1)

    def do(self, chore: Chore) -> None:
        if time.monotonic() < chore.due_at or self.stop.is_set():
            return
        chore.due_at = time.monotonic() + chore.every.total_seconds()
        try:
            chore.task(timezone.now())
        except Error:
            raise
        except Exception:  # a chore may fail in any way; the others must go on
            metrics.LOOP_FAILURES.labels(chore.name).inc()
            log.exception("loop: %s failed", chore.name)

    def keep_lease(self) -> bool:
        if time.monotonic() >= self.renew_at:
            self.holds_lease = take_lease(LEASE_NAME, self.holder, LEASE, timezone.now())
            self.renew_at = time.monotonic() + RENEW.total_seconds()
        return self.holds_lease

    def give_up_lease(self) -> None:
        try:
            Lease.objects.filter(name=LEASE_NAME, holder=self.holder).delete()
        except Error:
            log.info("loop: the lease will run out by itself")


@transaction.atomic
def take_lease(name: str, holder: str, lease: timedelta, at: datetime) -> bool:
    """Take or renew the lease; False while somebody else's has not run out. One of two at once gets it."""
    row = Lease.objects.select_for_update().filter(name=name).first()
    if row is None:
        Lease.objects.bulk_create([Lease(name=name, holder=holder, until=at + lease)], ignore_conflicts=True)
        return Lease.objects.filter(name=name, holder=holder).exists()
    if row.holder != holder and row.until > at:
        return False
    row.holder, row.until = holder, at + lease
    row.save(update_fields=["holder", "until"])
    return True


def is_late(at: datetime) -> bool:
    """Whether no loop, here or elsewhere, has kept its lease lately."""
    row = Lease.objects.filter(name=LEASE_NAME).first()
    return row is None or row.until + LATE < at


_inside: threading.Thread | None = None
_stop_inside = threading.Event()


def start_inside() -> None:
    """Start the loop as a thread of this process, once."""
    global _inside
    if _inside is None or not _inside.is_alive():
        _stop_inside.clear()
        _inside = threading.Thread(target=Loop(_stop_inside).run, name="loop", daemon=True)
        _inside.start()


def stop_inside(timeout: float = 2.0) -> None:
    """End that thread and wait for it."""
    _stop_inside.set()
    wake()
    if _inside is not None:
        _inside.join(timeout)
