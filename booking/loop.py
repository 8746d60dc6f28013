"""The loop that runs the periodic tasks. Inside the web process, or `manage.py work`.

A lease in the database lets one loop run the periodic tasks at a time; the others stand by and take over within
seconds. Outbox messages need no lease, since each row is claimed by one worker; each queue has a thread of its own. No
seat depends on the loop for correctness: time decides, the loop tidies and tells.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from datetime import datetime, timedelta

from django.db import Error, close_old_connections, connections, transaction
from django.utils import timezone

from booking.models import Lease
from booking.outbox.messages import queues, wake_up_all
from booking.outbox.periodic_tasks import PeriodicTask, new_schedule
from booking.outbox.worker import QueueWorker
from cinema.web import metrics

log = logging.getLogger(__name__)

BEAT = timedelta(milliseconds=250)
LEASE = timedelta(seconds=5)
RENEW = timedelta(seconds=1.5)
LATE = timedelta(seconds=10)
LEASE_NAME = "loop"


def wake() -> None:
    """Do not wait for the end of this beat."""
    wake_up_all()


class Loop:
    """Runs until `stop` is set; a failure of one task is logged and delays no other."""

    def __init__(self, stop: threading.Event) -> None:
        self.stop = stop
        self.workers = [QueueWorker(stop, queue) for queue in sorted(queues())]
        self.holder = secrets.token_hex(8)
        self.tasks = new_schedule()
        self.renew_at = 0.0
        self.holds_lease = False

    def run(self) -> None:
        log.info("loop: started")
        for worker in self.workers:
            worker.thread.start()
        try:
            while not self.stop.is_set():
                self.beat()
                self.stop.wait(BEAT.total_seconds())
        finally:
            self.give_up_lease()
            for worker in self.workers:
                worker.thread.join()
            connections.close_all()
            log.info("loop: stopped")

    def beat(self) -> None:
        """One round: renew the lease, run the tasks that are due."""
        try:
            close_old_connections()
            acts = self.renew_lease()
            metrics.BEAT_AT.set_to_current_time()
            metrics.HOLDS_LEASE.set(acts)
            if not acts:
                return
            for task in self.tasks:
                self.run_task(task)
        except Error as error:
            metrics.LOOP_FAILURES.labels("database").inc()
            log.warning("loop: the database does not answer: %s", error)
            self.holds_lease = False
            self.stop.wait(1)

    def run_task(self, task: PeriodicTask) -> None:
        if time.monotonic() < task.due_at or self.stop.is_set():
            return
        task.due_at = time.monotonic() + task.every.total_seconds()
        try:
            task.task(timezone.now())
        except Error:
            raise
        except Exception:  # a task may fail in any way; the others must run
            metrics.LOOP_FAILURES.labels(task.name).inc()
            log.exception("loop: %s failed", task.name)

    def renew_lease(self) -> bool:
        if time.monotonic() >= self.renew_at:
            self.holds_lease = take_lease(LEASE_NAME, self.holder, LEASE, timezone.now())
            self.renew_at = time.monotonic() + RENEW.total_seconds()
        return self.holds_lease

    def give_up_lease(self) -> None:
        try:
            Lease.objects.filter(name=LEASE_NAME, holder=self.holder).delete()
        except Error:
            log.info("loop: the lease will expire by itself")


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
    """Whether no loop, here or elsewhere, has renewed its lease lately."""
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
