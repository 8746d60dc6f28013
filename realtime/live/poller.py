"""The base of `Hub` and `Board`: they poll the database, and heartbeats say when it last answered."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterable

from realtime.live.viewer import Viewer

HEALTH_CHANGE_SPREAD = 1.0  # seconds over which the heartbeats that report it are spread


def milliseconds_since(instant: float) -> int:
    """`instant` is on the monotonic clock."""
    return int(1000 * (time.monotonic() - instant))


class Poller(ABC):
    """Polls the database, and is the `Health` of its viewers. All methods run in the hub's loop."""

    def __init__(self, *, heartbeat: float) -> None:
        self.heartbeat = heartbeat
        self.ok = True  # the last poll was answered
        self._asked_at = time.monotonic()  # when the last poll that was answered began

    @property
    def age(self) -> int:
        """Milliseconds since the database was last asked and answered."""
        return milliseconds_since(self._asked_at)

    @abstractmethod
    def all_viewers(self) -> Iterable[Viewer]:
        """Those that are sent a heartbeat when `ok` changes."""

    @abstractmethod
    async def _wait(self) -> None:
        """Until the next poll is due."""

    @abstractmethod
    async def _poll(self) -> None:
        """One query, and what follows from its answer."""

    @abstractmethod
    def _report_failure(self, error: Exception) -> None:
        """Log a failed poll; `ok` is still that of the poll before."""

    async def _poll_forever(self) -> None:
        while True:
            await self._wait()
            try:
                await self._poll()
            except Exception as error:  # each driver has its own exceptions for a database that is away
                self._report_failure(error)
                self._set_ok(False)

    def _record_answer(self, asked_at: float) -> None:
        self._asked_at = asked_at
        self._set_ok(True)

    def _set_ok(self, ok: bool) -> None:
        if ok != self.ok:
            self.ok = ok
            now = time.monotonic()
            for viewer in self.all_viewers():
                viewer.plan_heartbeat(now, within=HEALTH_CHANGE_SPREAD)
