"""A showtime that this process watches: its room, its viewers, and the order of what arrives for it."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import datetime
from typing import TypeVar

from booking.refusals import NotFound
from realtime import counters
from realtime.change import Change
from realtime.live.cohort import FEWEST, Cohort, cohorts_of
from realtime.live.pace import Pace
from realtime.live.protocol import Close, Sync
from realtime.live.room import Outcome, Room
from realtime.live.source import Loaded, Source
from realtime.live.viewer import Viewer, tell

log = logging.getLogger(__name__)

TICK = 0.05  # seconds; at most one frame a tick and viewer
GOLDEN = 0.618  # of the circle: the turns of any number of ticks lie evenly spread
CHUNK = 500  # viewers that are told before the loop may see to something else
PATIENCE = 0.2  # seconds that a change which came too early waits for the one before it


Group = Cohort | list[Viewer]
T = TypeVar("T")


def room_of(loaded: Loaded) -> Room:
    m = loaded.map
    return Room(epoch=m.epoch, version=m.version, layout=m.layout, state=m.state, seat_versions=m.versions)


class WatchedShowtime:
    """All methods run in the hub's loop; `catch_up` is the only one that waits."""

    def __init__(self, showtime_id: int, loaded: Loaded, source: Source, pace: Pace) -> None:
        self.showtime_id = showtime_id
        self.room = room_of(loaded)
        self.ends_at: datetime = loaded.ends_at
        self.viewers: set[Viewer] = set()
        self._alone: set[Viewer] = set()  # who is in no cohort
        self._cohorts: list[Cohort] = []
        self.idle_since = time.monotonic()
        self._source = source
        self._pace = pace
        self._told_at = 0.0  # when the last tick began
        self._due_at = 0.0
        self._turns = 0
        self._tick: asyncio.TimerHandle | None = None
        self._telling: asyncio.Task[None] | None = None
        self._meanwhile: float | None = None  # when the room moved on while only some had been told
        self._patience: asyncio.TimerHandle | None = None
        self._catching_up: asyncio.Task[None] | None = None

    def receive(self, change: Change) -> None:
        """A hint from anywhere, in any order, any number of times."""
        outcome = self.room.apply(change)
        if outcome is Outcome.ORDERLY:
            self._moved()
        elif outcome is Outcome.GAP:
            counters.GAPS.inc()
            self._wait_for_the_missing()
        elif outcome is Outcome.ANOTHER_EPOCH:
            self.start_catching_up()

    def _wait_for_the_missing(self) -> None:
        if self._patience is None:
            self._patience = asyncio.get_running_loop().call_later(PATIENCE, self._lose_patience)

    def _lose_patience(self) -> None:
        self._patience = None
        if self.room.misses_something:
            self.start_catching_up()

    def not_heard_of(self, epoch: str, version: int) -> int:
        """How many versions up to this one no hint has told of, and nobody is asking for yet."""
        if epoch != self.room.epoch or self.room.misses_something or self._is_catching_up:
            return 0
        return max(0, version - self.room.version)

    @property
    def _is_catching_up(self) -> bool:
        return self._catching_up is not None and not self._catching_up.done()

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
                counters.ROOMS_LOADED.labels("new epoch").inc()
            elif self.room.catch_up(changes.version, changes.seats):
                self._moved()
            counters.CATCH_UPS.labels("done").inc()
        except NotFound:
            counters.CATCH_UPS.labels("no more").inc()
            self.dismiss_all(Close.GONE, "this showtime is no more")
        except Exception as error:  # a database that is away has many names; the poll asks again
            counters.CATCH_UPS.labels("failed").inc()
            log.warning("live map %s: cannot catch up: %s", self.showtime_id, error)

    def _begin_anew(self, loaded: Loaded) -> None:
        room, self.ends_at = room_of(loaded), loaded.ends_at
        if (room.layout, len(room.state)) != (self.room.layout, len(self.room.state)):
            self.dismiss_all(Close.DRAINING, "the seating plan has changed")  # they come back to another hello
        self.room = room
        self._moved()

    def _moved(self) -> None:
        """Tell the viewers, at once after a quiet tick, else at the end of the tick."""
        if self._telling is not None:
            self._meanwhile = self._meanwhile or time.monotonic()
        elif self._tick is None:
            self._plan_tick(time.monotonic())

    def _plan_tick(self, moved_at: float) -> None:
        self._due_at = max(moved_at, self._told_at + TICK)
        wait = max(0.0, self._told_at + self._pace.pause(TICK) - time.monotonic())
        self._tick = asyncio.get_running_loop().call_later(wait, self._tell)

    def _tell(self) -> None:
        self._tick = None
        self._told_at = time.monotonic()
        groups = self._in_turn()
        if len(self.viewers) <= CHUNK:
            for group in groups:
                self._tell_group(group)
            self._bring_together()
            self._told(time.monotonic() - self._told_at)
        else:
            self._telling = asyncio.get_running_loop().create_task(self._tell_in_chunks(groups))

    async def _tell_in_chunks(self, groups: list[Group]) -> None:
        """Each viewer is brought from where it stands to where the room is by then, so nobody hears late news."""
        spent, n = 0.0, 0
        try:
            for group in groups:
                size = len(group.viewers) if isinstance(group, Cohort) else len(group)
                if n + size > CHUNK:
                    await asyncio.sleep(0)
                    n = 0
                n += size
                begun = time.monotonic()
                self._tell_group(group)
                spent += time.monotonic() - begun
        finally:
            self._telling = None
        self._bring_together()
        self._told(spent)
        moved_at, self._meanwhile = self._meanwhile, None
        if moved_at is not None:
            self._plan_tick(moved_at)

    def _tell_group(self, group: Group) -> None:
        tell(group.tell(self.room) if isinstance(group, Cohort) else group)

    def _bring_together(self) -> None:
        if len(self._alone) >= FEWEST:
            self._cohorts += cohorts_of(self._alone_in_turn(), self._alone, self.room, most=CHUNK)

    def _in_turn(self) -> list[Group]:
        """All viewers, beginning elsewhere each time: nobody is always the last."""
        self._cohorts = [cohort for cohort in self._cohorts if cohort.viewers]
        self._turns += 1
        alone = self._alone_in_turn()
        chunks = [alone[at : at + CHUNK] for at in range(0, len(alone), CHUNK)]
        return self._turned([*self._cohorts, *chunks])

    def _alone_in_turn(self) -> list[Viewer]:
        return self._turned(list(self._alone))

    def _turned(self, row: list[T]) -> list[T]:
        first = int(len(row) * (self._turns * GOLDEN % 1))
        return row[first:] + row[:first]

    def _told(self, spent: float) -> None:
        now = time.monotonic()
        self._pace.took(self.showtime_id, spent, now)
        counters.TICK_LAG.observe(now - self._due_at)
        counters.TELLING.inc(spent)

    def admit(self, viewer: Viewer) -> None:
        self.viewers.add(viewer)
        self._alone.add(viewer)

    def forget(self, viewer: Viewer) -> None:
        viewer.leave_cohort()
        self.viewers.discard(viewer)
        self._alone.discard(viewer)
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
        for waiting in (self._tick, self._telling, self._patience, self._catching_up):
            if waiting is not None:
                waiting.cancel()
