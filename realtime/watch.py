"""A showtime that this process watches: its room, its viewers, and the order of what arrives for it."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import datetime

from booking.refusals import NotFound
from realtime.protocol import Close, Sync
from realtime.room import Change, Outcome, Room
from realtime.source import Loaded, Source
from realtime.viewer import Viewer

log = logging.getLogger(__name__)

TICK = 0.05  # seconds; at most one frame a tick and viewer
PATIENCE = 0.2  # seconds that a change which came too early waits for the one before it


def room_of(loaded: Loaded) -> Room:
    m = loaded.map
    return Room(epoch=m.epoch, version=m.version, layout=m.layout, state=m.state, seat_versions=m.versions)


class Watch:
    """All methods run in the hub's loop; `catch_up` is the only one that waits."""

    def __init__(self, showtime_id: int, loaded: Loaded, source: Source) -> None:
        self.showtime_id = showtime_id
        self.room = room_of(loaded)
        self.ends_at: datetime = loaded.ends_at
        self.viewers: set[Viewer] = set()
        self.idle_since = time.monotonic()
        self._source = source
        self._told_at = 0.0
        self._tick: asyncio.TimerHandle | None = None
        self._patience: asyncio.TimerHandle | None = None
        self._catching_up: asyncio.Task[None] | None = None

    def receive(self, change: Change) -> None:
        """A hint from anywhere, in any order, any number of times."""
        outcome = self.room.apply(change)
        if outcome is Outcome.ORDERLY:
            self._moved()
        elif outcome is Outcome.GAP and self._patience is None:
            self._patience = asyncio.get_running_loop().call_later(PATIENCE, self._lose_patience)
        elif outcome is Outcome.ANOTHER_EPOCH:
            self.start_catching_up()

    def _lose_patience(self) -> None:
        self._patience = None
        if self.room.misses_something:
            self.start_catching_up()

    def start_catching_up(self) -> asyncio.Task[None]:
        """One question to the database at a time, however many want it."""
        if self._catching_up is None or self._catching_up.done():
            self._catching_up = asyncio.get_running_loop().create_task(self._catch_up())
        return self._catching_up

    async def _catch_up(self) -> None:
        try:
            changes = await self._source.changes(self.showtime_id, self.room.version)
            if changes.epoch != self.room.epoch:
                self._begin_anew(await self._source.load(self.showtime_id))
            elif self.room.catch_up(changes.version, changes.seats):
                self._moved()
        except NotFound:
            self.dismiss_all(Close.GONE, "this showtime is no more")
        except Exception as error:  # a database that is away has many names; the poll asks again
            log.warning("live map %s: cannot catch up: %s", self.showtime_id, error)

    def _begin_anew(self, loaded: Loaded) -> None:
        room, self.ends_at = room_of(loaded), loaded.ends_at
        if (room.layout, len(room.state)) != (self.room.layout, len(self.room.state)):
            self.dismiss_all(Close.DRAINING, "the seating plan has changed")  # they come back to another hello
        self.room = room
        self._moved()

    def _moved(self) -> None:
        """Tell the viewers, at once after a quiet tick, else at the end of the tick."""
        if self._tick is None:
            wait = max(0.0, self._told_at + TICK - time.monotonic())
            self._tick = asyncio.get_running_loop().call_later(wait, self._tell)

    def _tell(self) -> None:
        self._tick = None
        self._told_at = time.monotonic()
        for viewer in self.viewers:
            viewer.wake()

    def forget(self, viewer: Viewer) -> None:
        self.viewers.discard(viewer)
        self.idle_since = time.monotonic()

    async def answer(self, viewer: Viewer, said: Sync) -> None:
        """Bring the viewer from where it says it is to the present; to more than we knew, if it has seen more."""
        if said.epoch == self.room.epoch and said.v > self.room.version:
            await self.start_catching_up()
        viewer.sync(said)

    def dismiss_all(self, code: Close, reason: str, retry: int = 0) -> None:
        for viewer in self.viewers:
            viewer.dismiss(code, reason, retry=retry)

    def stop(self) -> None:
        for timer in (self._tick, self._patience, self._catching_up):
            if timer is not None:
                timer.cancel()
