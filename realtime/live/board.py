"""The live board: the counters of all showtimes in one room, for staff.

Nothing here waits for hints: the counters are written in the same statement as a showtime's version, so one query a
tick says how full every house is, wherever the change was made. It is asked only while somebody watches.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable, Sequence
from typing import Protocol

from booking.seats.occupancy import Occupancy
from cinema.models import new_epoch
from realtime import process
from realtime.fast_path.shared_frames import FrameWriter
from realtime.live import protocol
from realtime.live.protocol import Close, Sync
from realtime.live.viewer import Send, Shut, Viewer, tell

log = logging.getLogger(__name__)

TICK = 0.5  # seconds


class BoardSource(Protocol):
    async def occupancy(self) -> Sequence[Occupancy]:
        """Every showtime on the board now."""

    async def staff(self, sessions: Iterable[str]) -> set[str]:
        """Which of these session keys are staff's now."""


class BoardRoom:
    """The rows as last read, and for each the board's version that changed it. Pure: no loop, no database, no clock."""

    digest = None

    def __init__(self) -> None:
        self.epoch = new_epoch()
        self.version = 0
        self.rows: dict[int, Occupancy] = {}
        self._changed_at: dict[int, int] = {}
        self._frames: dict[int, str] = {}
        self._snapshot = ""

    def take(self, rows: Iterable[Occupancy]) -> bool:
        """What was read now. A row with an older version than we have is out of date and changes nothing.

        True when there is something to tell. A row that is no longer there is told to nobody: its time is over, and
        everybody has a clock.
        """
        known, self.rows = self.rows, {}
        changed = []
        for row in rows:
            before = known.get(row.showtime)
            self.rows[row.showtime] = row if before is None or row.v >= before.v else before
            if self.rows[row.showtime] != before:
                changed.append(row.showtime)
        if changed or len(self.rows) != len(known):
            self._snapshot = ""
        if changed:
            self.version += 1
            self._frames.clear()
            self._changed_at = {showtime: self._changed_at.get(showtime, 0) for showtime in self.rows}
            self._changed_at.update(dict.fromkeys(changed, self.version))
        return bool(changed)

    def snapshot(self) -> str:
        """The full list, encoded once per version."""
        if not self._snapshot:
            self._snapshot = self._encode(self.rows.values())
        return self._snapshot

    def frame_for(self, epoch: str | None, v: int) -> str | None:
        """The rows that changed since a viewer's version; None when there are none."""
        if epoch != self.epoch or not 0 <= v <= self.version:
            return self.snapshot()
        if v == self.version:
            return None
        if v not in self._frames:
            self._frames[v] = self._encode(row for row in self.rows.values() if self._changed_at[row.showtime] > v)
        return self._frames[v]

    def _encode(self, rows: Iterable[Occupancy]) -> str:
        return protocol.board(epoch=self.epoch, v=self.version, rows=[row._asdict() for row in rows])


class Board:
    """Keeps the room true while somebody watches. All methods run in the hub's loop."""

    def __init__(self, source: BoardSource, *, heartbeat: float, tick: float = TICK) -> None:
        self.room = BoardRoom()
        self.viewers: set[Viewer] = set()
        self.heartbeat = heartbeat
        self.ok = True
        self._source, self._tick = source, tick
        self._sessions: dict[Viewer, str] = {}
        self._asked_at = self._doors_at = time.monotonic()
        self._opening: asyncio.Task[None] | None = None
        self._keeping: asyncio.Task[None] | None = None

    @property
    def age(self) -> int:
        return int(1000 * (time.monotonic() - self._asked_at))

    async def join(
        self, session: str, *, spread: int, send: Send, shut: Shut, post: FrameWriter | None = None
    ) -> Viewer:
        """Let a socket watch; it is told hello and the full list. When `session` is staff's no longer it is closed."""
        loop = asyncio.get_running_loop()
        if self._opening is None or (self._opening.done() and self._keeping is None):
            self._opening = loop.create_task(self._ask())
        await asyncio.shield(self._opening)
        room = self.room
        hello = protocol.board_hello(
            epoch=room.epoch, v=room.version, node=process.NODE, heartbeat=int(1000 * self.heartbeat), spread=spread
        )
        viewer = Viewer(self, self, send=send, shut=shut, hello=hello, post=post)
        self.viewers.add(viewer)
        self._sessions[viewer] = session
        if self._keeping is None:
            self._keeping = loop.create_task(self._keep_asking())
        viewer.wake()
        return viewer

    def forget(self, viewer: Viewer) -> None:
        self.viewers.discard(viewer)
        self._sessions.pop(viewer, None)
        if not self.viewers and self._keeping is not None:
            self._keeping.cancel()
            self._keeping = None

    async def answer(self, viewer: Viewer, said: Sync) -> None:
        viewer.sync(said)

    def close(self) -> None:
        for task in (self._opening, self._keeping):
            if task is not None:
                task.cancel()

    # ---- the truth, asked again and again --------------------------------------------------------------------------

    async def _ask(self) -> None:
        asked_at = time.monotonic()
        rows = await self._source.occupancy()
        self._asked_at = asked_at
        self._tell_health(ok=True)
        if self.room.take(rows):
            tell(self.viewers)

    async def _keep_asking(self) -> None:
        while True:
            await asyncio.sleep(self._tick)
            try:
                await self._ask()
                if time.monotonic() - self._doors_at > self.heartbeat:
                    await self._watch_the_door()
            except Exception as error:  # a database that is away has many names
                if self.ok:
                    log.warning("board: the database does not answer: %s", error)
                self._tell_health(ok=False)

    async def _watch_the_door(self) -> None:
        """Whoever signed out, or is staff no longer, is sent away."""
        staff = await self._source.staff(set(self._sessions.values()))
        self._doors_at = time.monotonic()
        for viewer, session in list(self._sessions.items()):
            if session not in staff:
                viewer.dismiss(Close.SESSION_ENDED, "you are signed out")

    def _tell_health(self, *, ok: bool) -> None:
        if ok != self.ok:
            self.ok = ok
            for viewer in self.viewers:
                viewer.plan_beat(time.monotonic(), within=1.0)
