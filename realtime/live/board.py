"""The live board: the counters of all showtimes in one room, for staff.

The counters are written in the same statement as a showtime's version, so one query per tick reads them all, whichever
process made the change: the board needs no hints. It polls only while somebody watches.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from booking.seats.occupancy import Occupancy
from cinema.models import new_epoch
from realtime import process
from realtime.fast_path.shared_frames import FrameWriter
from realtime.live import protocol
from realtime.live.frame_source import FrameSource
from realtime.live.poller import Poller
from realtime.live.protocol import Close, Sync
from realtime.live.viewer import CloseSocket, SendText, Viewer, send_to_each

log = logging.getLogger(__name__)

TICK = 0.5  # seconds


class BoardSource(Protocol):
    async def occupancy(self) -> Sequence[Occupancy]:
        """Every showtime on the board now."""

    async def staff(self, sessions: Iterable[str]) -> set[str]:
        """Those of these session keys that are staff's now."""

    async def begin_epoch(self, showtime_id: int, after: str) -> None:
        """As `booking.seats.epochs.begin_epoch`."""


class BoardRoom(FrameSource):
    """The rows as last read, and for each the board's version that changed it.

    Clients keep the row with the greater `v`. Within an epoch of the showtime that is the newer one. When a showtime
    goes on with a smaller version in another epoch, the board begins an epoch of its own, in which clients have no row.
    """

    def __init__(self) -> None:
        super().__init__(new_epoch(), 0)
        self.rows: dict[int, Occupancy] = {}
        self._changed_at: dict[int, int] = {}
        self._last: dict[int, Occupancy] = {}  # of each showtime that was ever here: a restore may hide it for a while

    def older(self, rows: Iterable[Occupancy]) -> list[Occupancy]:
        """Those of the rows, read now, that are older than the ones here in the same epoch: the database went back."""
        return [
            row
            for row in rows
            if (last := self._last.get(row.showtime)) is not None and row.epoch == last.epoch and row.v < last.v
        ]

    def update(self, rows: Sequence[Occupancy]) -> bool:
        """Take the rows as read now. A row older than the one here, in the same epoch, changes nothing.

        True when the version has changed. A row that is no longer there does not change it: clients know from its
        `ends_at` that its time is over.
        """
        older = {row.showtime for row in self.older(rows)}
        known, self.rows = self.rows, {}
        changed, goes_back = [], False
        for row in rows:
            last = self._last.get(row.showtime, row)
            taken = self.rows[row.showtime] = self._last[row.showtime] = last if row.showtime in older else row
            goes_back = goes_back or taken.v < last.v
            if taken != known.get(row.showtime):
                changed.append(row.showtime)
        if goes_back:
            self.epoch = new_epoch()
        if changed:
            self._set_version(self.version + 1)
            self._changed_at = {showtime: self._changed_at.get(showtime, 0) for showtime in self.rows}
            self._changed_at.update(dict.fromkeys(changed, self.version))
        elif len(self.rows) != len(known):
            self._snapshot = ""
        return bool(changed)

    def _encode_snapshot(self) -> str:
        return self._encode(self.rows.values())

    def _encode_delta(self, since: int) -> str:
        return self._encode(row for row in self.rows.values() if self._changed_at[row.showtime] > since)

    def _encode(self, rows: Iterable[Occupancy]) -> str:
        return protocol.board(epoch=self.epoch, v=self.version, rows=[on_the_wire(row) for row in rows])


def on_the_wire(row: Occupancy) -> dict[str, Any]:
    """The row as clients get it: without its showtime's epoch."""
    return {name: value for name, value in row._asdict().items() if name != "epoch"}


class Board(Poller):
    """The board's room, polled while somebody watches. All methods run in the hub's loop."""

    def __init__(self, source: BoardSource, *, heartbeat: float, tick: float = TICK) -> None:
        super().__init__(heartbeat=heartbeat)
        self.room = BoardRoom()
        self.viewers: set[Viewer] = set()
        self._source, self._tick = source, tick
        self._sessions: dict[Viewer, str] = {}
        self._sessions_checked_at = time.monotonic()
        self._first_poll: asyncio.Task[None] | None = None
        self._polling: asyncio.Task[None] | None = None

    def all_viewers(self) -> Iterable[Viewer]:
        return self.viewers

    async def join(
        self, session: str, *, spread: int, send: SendText, close: CloseSocket, writer: FrameWriter | None = None
    ) -> Viewer:
        """Add a socket: it is sent hello and the full list. It is closed when `session` is no longer staff's."""
        loop = asyncio.get_running_loop()
        if self._first_poll is None or (self._first_poll.done() and self._polling is None):
            self._first_poll = loop.create_task(self._read_rows())
        await asyncio.shield(self._first_poll)
        room = self.room
        hello = protocol.board_hello(
            epoch=room.epoch, v=room.version, node=process.NODE, heartbeat=int(1000 * self.heartbeat), spread=spread
        )
        viewer = Viewer(self, self, send=send, close=close, hello=hello, writer=writer)
        self.viewers.add(viewer)
        self._sessions[viewer] = session
        if self._polling is None:
            self._polling = loop.create_task(self._poll_forever())
        viewer.send_pending()
        return viewer

    def remove(self, viewer: Viewer) -> None:
        self.viewers.discard(viewer)
        self._sessions.pop(viewer, None)
        if not self.viewers and self._polling is not None:
            self._polling.cancel()
            self._polling = None

    async def answer(self, viewer: Viewer, sync: Sync) -> None:
        viewer.sync(sync)

    def await_confirmation(self, viewer: Viewer) -> None:
        """Rows are sent as they were read: there is nothing to wait for."""

    @property
    def is_missing(self) -> bool:
        return False

    def stop(self) -> None:
        for task in (self._first_poll, self._polling):
            if task is not None:
                task.cancel()

    # ---- polls ---------------------------------------------------------------------------------------------------

    async def _wait(self) -> None:
        await asyncio.sleep(self._tick)

    async def _poll(self) -> None:
        await self._read_rows()
        if time.monotonic() - self._sessions_checked_at > self.heartbeat:
            await self._close_signed_out()

    async def _read_rows(self) -> None:
        asked_at = time.monotonic()
        rows = await self._source.occupancy()
        if older := self.room.older(rows):
            for row in older:
                log.warning("board: the database has gone back in showtime %s; a new epoch begins", row.showtime)
                await self._source.begin_epoch(row.showtime, row.epoch)
            rows = await self._source.occupancy()
        self._record_answer(asked_at)
        if self.room.update(rows):
            send_to_each(self.viewers)

    async def _close_signed_out(self) -> None:
        """Close the sockets of users who have signed out, or are no longer staff."""
        staff = await self._source.staff(set(self._sessions.values()))
        self._sessions_checked_at = time.monotonic()
        for viewer, session in list(self._sessions.items()):
            if session not in staff:
                viewer.close(Close.SESSION_ENDED, "you are signed out")

    def _report_failure(self, error: Exception) -> None:
        if self.ok:
            log.warning("board: the database does not answer: %s", error)
