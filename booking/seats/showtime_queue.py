"""FIFO semaphores that limit how many threads of this process work on one showtime, before they ask the database.

Requests for one showtime wait for each other in the database anyway, each with a connection of the pool: one showtime
in high demand would leave no connection for the others. And few connections run more of the same requests per second
than many, because PostgreSQL has a process for each connection (docs/performance.md, "A lock").

No seat depends on this queue: it only limits how many requests ask the database at once.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from booking.refusals import Busy
from cinema.web import metrics

AT_ONCE = 4  # of the pool's twelve connections: while one writes, the others read their situation
QUEUE_TIMEOUT = 3.0  # seconds, as for a connection of the pool


class FifoSemaphore:
    """A semaphore that is acquired in the order of arrival.

    `threading.Semaphore` is not: a thread that arrives at the moment of a release goes before all that wait, under load
    for seconds.
    """

    def __init__(self, value: int) -> None:
        self._value = value  # 0 while a thread waits: a release passes its place to the first of them
        self._waiting: deque[threading.Lock] = deque()  # one lock per thread, released when it is that thread's turn
        self._guard = threading.Lock()

    @property
    def n_waiting(self) -> int:
        return len(self._waiting)

    def acquire(self, timeout: float = 0.0) -> bool:
        """Whether a place was free within `timeout` seconds. If so, the thread must `release` it."""
        with self._guard:
            if self._value:
                self._value -= 1
                return True
            if not timeout:
                return False
            mine = threading.Lock()
            mine.acquire()
            self._waiting.append(mine)
        if mine.acquire(timeout=timeout):
            return True
        with self._guard:
            if mine not in self._waiting:
                return True  # the place was passed on at the moment of the timeout
            self._waiting.remove(mine)
            return False

    def release(self) -> None:
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._value += 1


# By the showtime's key modulo their number: nothing to create or to delete, and two busy showtimes seldom share one.
SEMAPHORES = tuple(FifoSemaphore(AT_ONCE) for _ in range(61))


def semaphore_of(showtime_id: int) -> FifoSemaphore:
    return SEMAPHORES[showtime_id % len(SEMAPHORES)]


@contextmanager
def in_showtime_queue(showtime_id: int) -> Iterator[None]:
    """Within, at most `AT_ONCE` threads of this process work on this showtime, in the order of arrival.

    Enter it outside any transaction. A thread that has to wait returns its connection to the pool first. On SQLite it
    does nothing: there the database has one writer at a time.

    Raises:
        Busy: no place was free within `QUEUE_TIMEOUT`.
    """
    if connection.vendor == "sqlite":
        yield
        return
    semaphore = semaphore_of(showtime_id)
    if not semaphore.acquire():
        if not connection.in_atomic_block:  # closing would undo the transaction of a caller that ignored the rule above
            connection.close()
        if not semaphore.acquire(QUEUE_TIMEOUT):
            metrics.BUSY.inc()  # counted like a pool without a free connection: the operator is alerted by both
            raise Busy
    try:
        yield
    finally:
        semaphore.release()
