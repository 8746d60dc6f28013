"""The loop that runs the periodic tasks, in a thread of the web process or in `manage.py work`.

A lease in the database lets one loop at a time run the periodic tasks; when it stops, another takes over within
seconds. Outbox messages need no lease, because each row is claimed by one worker; each queue has a thread. The rule
against double booking does not need the loop: an expired lock can be taken before the loop has released its seats.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from datetime import datetime, timedelta

from django.db import Error, close_old_connections, connections, transaction

from booking.models import Lease
from booking.outbox.messages import queues, wake_up_all
from booking.outbox.periodic_tasks import PeriodicTask, new_schedule
from booking.outbox.worker import QueueWorker
from cinema.database import clock
from cinema.web import metrics

log = logging.getLogger(__name__)

BEAT = timedelta(milliseconds=250)
LEASE = timedelta(seconds=5)
RENEW = timedelta(seconds=1.5)
LATE = timedelta(seconds=15)
LEASE_NAME = "loop"


class Loop:
    """Runs periodic tasks and queue workers until `stop` is set. A task that fails is logged; the others run."""

    def __init__(self, stop: threading.Event) -> None:
        self.stop = stop
        self.workers = [QueueWorker(stop, queue) for queue in sorted(queues())]
        self.holder = secrets.token_hex(8)
        self.tasks = new_schedule()
        self.renew_at = 0.0
        self.holds_lease = False
        self.acted_at: datetime | None = None  # when the last round with the lease was finished

    def run(self) -> None:
        """Start the workers and beat until `stop` is set; then give the lease back and wait for the workers."""
        log.info("loop: started")
        for worker in self.workers:
            worker.thread.start()
        try:
            while not self.stop.is_set():
                self.beat()
                self.stop.wait(BEAT.total_seconds())
        finally:
            self.release_lease()
            for worker in self.workers:
                worker.thread.join()
            connections.close_all()
            log.info("loop: stopped")

    def beat(self) -> None:
        """Renew the lease if that is due; if this loop holds it, run the tasks that are due.

        A process whose clock is off gives the lease up: another may have the right time.
        """
        try:
            close_old_connections()
            clock.now()  # asks at the first beat; without an answer nobody knows whether this process may act
            if clock.is_off():
                self.release_lease()
            elif self.renew_lease():
                for task in self.tasks:
                    self.run_task(task)
                self.acted_at = clock.now()
                metrics.BEAT_AT.set(self.acted_at.timestamp())
        except Error as error:
            metrics.LOOP_FAILURES.labels("database").inc()
            log.warning("loop: the database does not answer: %s", error)
            self.holds_lease = False
            self.stop.wait(1)
        finally:
            metrics.HOLDS_LEASE.set(self.holds_lease)

    def run_task(self, task: PeriodicTask) -> None:
        """Run the task if it is due. Only a failure of the database is raised."""
        if time.monotonic() < task.due_at or self.stop.is_set():
            return
        task.due_at = time.monotonic() + task.every.total_seconds()
        try:
            task.task(clock.now())
        except Error:
            raise
        except Exception:  # a task may fail in any way; the others must run
            metrics.LOOP_FAILURES.labels(task.name).inc()
            log.exception("loop: %s failed", task.name)

    def renew_lease(self) -> bool:
        """Take or renew the lease at most once per `RENEW`. Returns whether this loop holds it."""
        if time.monotonic() >= self.renew_at:
            self.holds_lease = take_lease(LEASE_NAME, self.holder, LEASE, clock.read(), acted_at=self.acted_at)
            self.renew_at = time.monotonic() + RENEW.total_seconds()
        return self.holds_lease

    def release_lease(self) -> None:
        """End the lease, so that another loop need not wait for its end. What is known of the last beat stays."""
        if not self.holds_lease:
            return
        self.holds_lease = False
        metrics.HOLDS_LEASE.set(0)
        try:
            Lease.objects.filter(name=LEASE_NAME, holder=self.holder).update(until=clock.read())
        except Error:
            log.info("loop: the lease was not ended and will expire")


@transaction.atomic
def take_lease(name: str, holder: str, lease: timedelta, at: datetime, acted_at: datetime | None = None) -> bool:
    """Take or renew the lease; False while another holder's has not expired. Of two calls at once one gets it.

    A lease that ends later than one taken now would is void: a clock was wrong when it was written.

    Args:
        at: the database's time.
        acted_at: when this holder last finished a round; None if it has not yet.
    """
    row = Lease.objects.select_for_update().filter(name=name).first()
    if row is None:
        first = Lease(name=name, holder=holder, until=at + lease, beat_at=acted_at)
        Lease.objects.bulk_create([first], ignore_conflicts=True)
        return Lease.objects.filter(name=name, holder=holder).exists()
    if row.holder != holder and at < row.until <= at + lease + clock.TOLERANCE:
        return False
    row.holder, row.until, row.beat_at = holder, at + lease, acted_at or row.beat_at
    row.save(update_fields=["holder", "until", "beat_at"])
    return True


def is_late(at: datetime) -> bool:
    """Whether no loop has held the lease and finished a round in the last `LATE`. A beat of the future is none.

    Args:
        at: the database's time.
    """
    beat_at = Lease.objects.filter(name=LEASE_NAME).values_list("beat_at", flat=True).first()
    return beat_at is None or not at - LATE <= beat_at <= at + clock.TOLERANCE


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
    """Stop that thread and wait for it at most `timeout` seconds."""
    _stop_inside.set()
    wake_up_all()
    if _inside is not None:
        _inside.join(timeout)
