"""How long a request waits for one answer of the database. A frozen one neither answers nor fails, and neither do
keepalives help: its kernel is well.

Whoever gives up closes the connection, since what comes of the statement cannot be known any more. Inside a transaction
nothing will: the server finds nobody there when it goes on, and undoes it. Only where COMMIT itself, or a statement
that is a transaction of its own, was under way may it still happen. So every way of writing must bear to be gone again:
see "A database that stands still" in docs/performance.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import psycopg
from psycopg.abc import PQGen
from psycopg.errors import _WaitTimeout

REQUEST_TIMEOUT = 4.0  # seconds

_limit: ContextVar[float | None] = ContextVar("patience", default=None)  # None: for ever, as commands do


class NoAnswer(psycopg.OperationalError):
    """The database has neither answered nor failed; whether it will do what it was asked is unknown."""


@contextmanager
def query_timeout(seconds: float) -> Iterator[None]:
    """No statement begun within is waited for longer."""
    before = _limit.set(seconds)
    try:
        yield
    finally:
        _limit.reset(before)


class TimeoutConnection(psycopg.Connection[Any]):
    """psycopg's own, except that it gives up when the patience of the caller is over."""

    def wait(self, gen: PQGen[Any], interval: float = 0.1, timeout: float | None = None) -> Any:
        limit = _limit.get()
        if timeout is not None or limit is None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, limit)
        except _WaitTimeout:
            self.pgconn.finish()
            raise NoAnswer(f"no answer from the database within {limit:g} s") from None
