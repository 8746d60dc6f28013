"""Clicks on one showtime take turns in this process before they ask the database.

They would wait for each other there anyway, in the showtime's queue, each with a connection of the pool in hand: one
showtime that everybody wants would leave none for the rest of the house. And few connections make more of the same
clicks than many, since PostgreSQL has a process for each and no processor keeps thirty of them warm
(docs/performance.md, "A lock").
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from cinema.web import metrics
from cinema.web.problems import Busy

AT_ONCE = 4  # of the pool's twelve connections; while one writes, the others ask what they must know before
PATIENCE = 3.0  # seconds, as for a connection of the pool


class Gate:
    """Lets so many in at once, in the order in which they came.

    `threading.Semaphore` would not: who comes while one leaves goes before all who wait, under load for seconds.
    """

    def __init__(self, at_once: int) -> None:
        self._free = at_once  # none while anybody waits: who leaves gives the place on
        self._line: deque[threading.Lock] = deque()  # each waits for its own to be opened
        self._guard = threading.Lock()

    def enter(self, seconds: float = 0.0) -> bool:
        """Whether there was a place in that time. Whoever is let in must `leave`."""
        with self._guard:
            if self._free:
                self._free -= 1
                return True
            if not seconds:
                return False
            mine = threading.Lock()
            mine.acquire()
            self._line.append(mine)
        if mine.acquire(timeout=seconds):
            return True
        with self._guard:
            if mine not in self._line:
                return True  # called in this very moment
            self._line.remove(mine)
            return False

    def leave(self) -> None:
        with self._guard:
            if self._line:
                self._line.popleft().release()
            else:
                self._free += 1


# By the remainder of the showtime's key: nothing to make and to clear away, and seldom two busy ones behind one gate.
_GATES = tuple(Gate(AT_ONCE) for _ in range(61))


@contextmanager
def turn(showtime_id: int) -> Iterator[None]:
    """Within, at most `AT_ONCE` threads of this process work on this showtime; first come, first served.

    Enter it outside of a transaction. Who must wait gives this thread's connection back to the pool first. SQLite has
    one writer and a queue of its own.

    Raises:
        Busy: no turn came within `PATIENCE`.
    """
    if connection.vendor == "sqlite":
        yield
        return
    gate = _GATES[showtime_id % len(_GATES)]
    if not gate.enter():
        if not connection.in_atomic_block:  # it would undo the transaction of whoever did not heed that
            connection.close()
        if not gate.enter(PATIENCE):
            metrics.BUSY.inc()  # as where the pool has no connection in time: an operator is woken by either
            raise Busy
    try:
        yield
    finally:
        gate.leave()
