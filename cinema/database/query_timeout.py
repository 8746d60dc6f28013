"""How long a request waits for one answer of the database. A frozen database neither answers nor fails, and keepalives
do not help: its kernel still acknowledges.

A timeout closes the connection: the result of the statement is unknown. Inside a transaction nothing of it will happen:
the server finds the connection closed when it goes on, and rolls back. Only a COMMIT under way, or a statement that is
a transaction of its own, may still happen. So every write must be correct in both cases: see "A frozen
database" in docs/performance.md.

Relies on psycopg 3.3.9, undocumented: every exchange of a connection passes `Connection.wait`, which takes a `timeout`
and raises an `OperationalError` (today the private `errors._WaitTimeout`, which this module does not name: it knows a
timeout by the state of the connection). Checked at import. Where `wait` takes no `timeout` (3.3.5 and older), a timer
shuts the socket down, which costs a thread a statement; where there is no `wait`, there is no limit. Both are logged.
"""

from __future__ import annotations

import inspect
import logging
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any

import psycopg
from psycopg.abc import PQGen

log = logging.getLogger(__name__)

REQUEST_TIMEOUT = 4.0  # seconds
ACTIVE = psycopg.pq.TransactionStatus.ACTIVE

_limit: ContextVar[float | None] = ContextVar("query_timeout", default=None)  # None: no limit, as for commands


def wait_takes_timeout() -> bool:
    """Whether psycopg ends a wait by itself; logs what happens instead where it does not."""
    wait = getattr(psycopg.Connection, "wait", None)
    if wait is None:
        log.warning("psycopg has no Connection.wait any more: requests wait for the database without a limit")
    elif "timeout" not in inspect.signature(wait).parameters:
        log.warning("psycopg's Connection.wait takes no timeout: each statement of a request gets a timer thread")
        return False
    return True


TAKES_TIMEOUT = wait_takes_timeout()


class DatabaseTimeout(psycopg.OperationalError):
    """The database has neither answered nor failed; whether the statement will still be executed is unknown."""


@contextmanager
def query_timeout(seconds: float) -> Iterator[None]:
    """Limit the wait for each statement that begins within."""
    before = _limit.set(seconds)
    try:
        yield
    finally:
        _limit.reset(before)


class TimeoutConnection(psycopg.Connection[Any]):
    """psycopg's connection with `query_timeout`."""

    def wait(self, gen: PQGen[Any], interval: float = 0.1, timeout: float | None = None) -> Any:
        limit = _limit.get()
        if timeout is not None or limit is None or not TAKES_TIMEOUT:
            return self._wait_otherwise(gen, interval, timeout, limit)
        try:
            return super().wait(gen, interval, limit)
        except psycopg.OperationalError as error:
            # An error of the server has an SQLSTATE, and after a lost connection the state is UNKNOWN.
            if error.sqlstate is not None or self.pgconn.transaction_status != ACTIVE:
                raise
            raise self._no_answer(limit) from None

    def _wait_otherwise(self, gen: PQGen[Any], interval: float, timeout: float | None, limit: float | None) -> Any:
        if timeout is not None:  # psycopg's own, for notifications
            return super().wait(gen, interval, timeout)
        if limit is None:
            return super().wait(gen, interval)
        return self._wait_with_timer(gen, interval, limit)

    def _wait_with_timer(self, gen: PQGen[Any], interval: float, limit: float) -> Any:
        """The same by public means: the socket is shut down at the deadline, which ends the wait with an error."""
        is_over = threading.Event()
        # A descriptor of our own: psycopg may close its one, and the number be given away, while the timer fires.
        with socket.socket(fileno=os.dup(self.pgconn.socket)) as own:

            def shut_down() -> None:
                is_over.set()
                with suppress(OSError):  # closed by the server meanwhile
                    own.shutdown(socket.SHUT_RDWR)

            timer = threading.Timer(limit, shut_down)
            timer.daemon = True
            timer.start()
            try:
                return super().wait(gen, interval)
            except psycopg.OperationalError:
                if not is_over.is_set():
                    raise
                raise self._no_answer(limit) from None
            finally:
                timer.cancel()
                timer.join()

    def _no_answer(self, limit: float) -> DatabaseTimeout:
        self.pgconn.finish()
        return DatabaseTimeout(f"no answer from the database within {limit:g} s")
