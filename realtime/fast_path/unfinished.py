"""Connections that wait for their client: for the rest of a request, or until an answer is read. Each has a deadline.

One timer for all of a process, instead of one for each request. Used by the protocols of uvicorn and daphne, in the
event loop only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from realtime.http_requests import MOST_BYTES

ROUND = 0.25  # seconds between two looks at the deadlines
READ_SECONDS = 60.0  # for a client to read what waits to be sent to it
GRACE = 1.0  # seconds that a connection has in any case; new ones come in bursts when many clients reconnect


@dataclass(slots=True)
class Wait:
    """For the client of one connection. `end` closes the connection; `size`: bytes that are held for it."""

    since: float
    until: float
    end: Callable[[], None]
    size: int = 0


class UnfinishedConnections:
    """Ends connections at their deadline; the oldest before it when there are too many, or they hold too much."""

    def __init__(self, most: int = 1000) -> None:
        self.most = most
        self._waits: dict[Any, Wait] = {}  # oldest first
        self._bytes = 0
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._waits)

    def begin(self, connection: Any, seconds: float, end: Callable[[], None]) -> None:
        """The connection has `seconds` from now, in the place of an earlier deadline."""
        self.done(connection)
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._waits[connection] = Wait(now, now + seconds, end)
        if self._timer is None:
            self._timer = loop.call_later(ROUND, self._look)
        if len(self._waits) > self.most:
            oldest, wait = next(iter(self._waits.items()))
            if now - wait.since > GRACE:
                self._end(oldest)

    def grow(self, connection: Any, size: int) -> None:
        """So many more bytes are held for the connection."""
        wait = self._waits.get(connection)
        if wait is None:
            return
        wait.size += size
        self._bytes += size
        while self._bytes > MOST_BYTES:
            self._end(next(each for each, found in self._waits.items() if found.size))

    def done(self, connection: Any) -> None:
        """The connection waits for nothing. Costs a dictionary's `pop` where it had no deadline."""
        wait = self._waits.pop(connection, None)
        if wait is not None:
            self._bytes -= wait.size

    def _end(self, connection: Any) -> None:
        end = self._waits[connection].end
        self.done(connection)
        end()

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for connection in [each for each, wait in self._waits.items() if wait.until <= now]:
            if connection in self._waits:
                self._end(connection)
        self._timer = loop.call_later(ROUND, self._look) if self._waits else None


connections = UnfinishedConnections()
