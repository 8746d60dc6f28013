"""Connections whose client owes something: the rest of a request, or reading an answer. Each has a deadline.

One timer for all of a process, instead of one for each request. Used by the protocols of uvicorn and daphne, in the
event loop only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

ROUND = 0.25  # seconds between two looks at the deadlines
READ_SECONDS = 60.0  # for a client to read what waits to be sent to it
GRACE = 1.0  # seconds that a connection has in any case; new ones come in bursts when many clients reconnect
MOST_BYTES = 64 * 1024 * 1024  # bytes of requests that are not complete, in a process


@dataclass(slots=True)
class Debt:
    """What a connection owes. `end` closes it at once; `size`: bytes that are held for it."""

    since: float
    until: float
    end: Callable[[], None]
    size: int = 0


class UnfinishedConnections:
    """Ends connections at their deadline; the oldest before it when there are too many, or they hold too much."""

    def __init__(self, most: int = 1000) -> None:
        self.most = most
        self._debts: dict[Any, Debt] = {}  # oldest first
        self._bytes = 0
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._debts)

    def begin(self, connection: Any, seconds: float, end: Callable[[], None]) -> None:
        """The connection has `seconds` from now; what it owed before is settled."""
        self.done(connection)
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._debts[connection] = Debt(now, now + seconds, end)
        if self._timer is None:
            self._timer = loop.call_later(ROUND, self._look)
        if len(self._debts) > self.most:
            oldest, debt = next(iter(self._debts.items()))
            if now - debt.since > GRACE:
                self._end(oldest)

    def grow(self, connection: Any, size: int) -> None:
        """So many more bytes are held for the connection."""
        debt = self._debts.get(connection)
        if debt is None:
            return
        debt.size += size
        self._bytes += size
        while self._bytes > MOST_BYTES:
            self._end(next(each for each, found in self._debts.items() if found.size))

    def done(self, connection: Any) -> None:
        """The connection owes nothing. Costs a dictionary's `pop` where it owed nothing."""
        debt = self._debts.pop(connection, None)
        if debt is not None:
            self._bytes -= debt.size

    def _end(self, connection: Any) -> None:
        end = self._debts[connection].end
        self.done(connection)
        end()

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for connection in [each for each, debt in self._debts.items() if debt.until <= now]:
            if connection in self._debts:
                self._end(connection)
        self._timer = loop.call_later(ROUND, self._look) if self._debts else None


connections = UnfinishedConnections()
