"""A showtime that this process watches: its room, its viewers, and the order of the changes that arrive for it."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import datetime
from typing import TypeVar

from booking.refusals import NotFound
from booking.seats.map import Lineage
from realtime import metrics
from realtime.change import Change
from realtime.live.cohort import FEWEST, Cohort, form_cohorts
from realtime.live.pace import Pace
from realtime.live.poller import HEALTH_CHANGE_SPREAD, milliseconds_since
from realtime.live.protocol import Close, Sync
from realtime.live.room import Outcome, Room
from realtime.live.source import Loaded, Source
from realtime.live.viewer import Viewer, send_to_each

log = logging.getLogger(__name__)

TICK = 0.05  # seconds; each viewer is sent at most one frame a tick
GOLDEN_RATIO = 0.618  # so that the first viewers of any number of ticks lie evenly spread
CHUNK = 500  # viewers that are sent to before other work of the loop may run
GAP_TIMEOUT = 0.2  # seconds that an early change waits for the one before it
MISSING_TIMEOUT = 10.0  # seconds without its row until a showtime is no more: a restore may be under way

Batch = Cohort | list[Viewer]
T = TypeVar("T")


def room_of(loaded: Loaded) -> Room:
    m = loaded.map
    return Room(
        epoch=m.epoch, version=m.version, layout=m.layout, state=m.state, seat_versions=m.versions, stamp=m.stamp
    )


class NotYet(Exception):
    """What was read cannot be shown: a restore is under way. The next poll tries again."""


class WatchedShowtime:
    """All methods run in the hub's loop."""

    def __init__(self, showtime_id: int, loaded: Loaded, source: Source, pace: Pace) -> None:
        self.showtime_id = showtime_id
        self.room = room_of(loaded)
        self.ends_at: datetime = loaded.ends_at
        self.viewers: set[Viewer] = set()
        self.idle_since = time.monotonic()
        self._single: set[Viewer] = set()  # viewers in no cohort
        self._cohorts: list[Cohort] = []
        self._source = source
        self._pace = pace
        self._ticks = 0
        self._tick_began_at = 0.0
        self._tick_due_at = 0.0
        self._tick_timer: asyncio.TimerHandle | None = None
        self._sending: asyncio.Task[None] | None = None  # a tick that is sent in chunks
        self._moved_since: float | None = None  # when the room's version first changed during `_sending`
        self._gap_timer: asyncio.TimerHandle | None = None
        self._catching_up: asyncio.Task[None] | None = None
        self._must_read_again = False  # what is being read may be older than what the poll has found
        self._former_epochs: set[str] = set()  # none of them is ever shown again
        self._confirmed_at = loaded.asked_at
        self._waiting: set[Viewer] = set()  # their heartbeats wait until their version is confirmed
        self._missing_since: float | None = None

    # ---- changes -------------------------------------------------------------------------------------------------

    def receive(self, change: Change) -> None:
        """A hint, from any process, in any order, any number of times."""
        outcome = self.room.apply(change)
        if outcome is Outcome.APPLIED:
            self._plan_tick()
        elif outcome is Outcome.GAP:
            metrics.GAPS.inc()
            self._start_gap_timer()
        elif outcome in (Outcome.ANOTHER_EPOCH, Outcome.IN_DOUBT):
            self.start_catching_up()

    def _start_gap_timer(self) -> None:
        if self._gap_timer is None:
            self._gap_timer = asyncio.get_running_loop().call_later(GAP_TIMEOUT, self._on_gap_timeout)

    def _on_gap_timeout(self) -> None:
        self._gap_timer = None
        if self.room.has_gap:
            self.start_catching_up()

    def count_lost_hints(self, known: Lineage | None) -> int:
        """How many versions no hint has announced, and no catch-up is reading yet."""
        if known is None or known.epoch != self.room.epoch or self.room.has_gap or self._is_catching_up:
            return 0
        return max(0, known.version - self.room.version)

    @property
    def _is_catching_up(self) -> bool:
        return self._catching_up is not None and not self._catching_up.done()

    def start_catching_up(self) -> asyncio.Task[None]:
        """One query to the database at a time, shared by all who need it."""
        if self._catching_up is None or self._catching_up.done():
            self._catching_up = asyncio.get_running_loop().create_task(self._catch_up())
        return self._catching_up

    # ---- compared with the database ------------------------------------------------------------------------------

    def compare(self, known: Lineage | None, *, at_least: int, asked_at: float) -> None:
        """Take what a poll has read of this showtime, of which the room was at version `at_least` when it began.

        None: there is no such showtime.
        """
        if known is not None and self.room.agrees_with(known, at_least=at_least):
            self.room.is_doubtful = False
            self._set_missing(False)
            self._confirm(known.version, asked_at)
            if known.version > self.room.version:
                self.start_catching_up()
        else:
            self.room.is_doubtful = self._must_read_again = True
            self.start_catching_up()

    def _confirm(self, version: int, asked_at: float) -> None:
        """Nothing by an answer that was overtaken by a later question's: the database may have gone back in between."""
        if asked_at < self._confirmed_at:
            return
        self.room.confirm(version)
        self._confirmed_at = asked_at
        for viewer in list(self._waiting):
            viewer.send_pending()
            if not viewer.heartbeat_is_due:
                self._waiting.discard(viewer)

    async def _catch_up(self) -> None:
        try:
            self._must_read_again = True
            while self._must_read_again:
                self._must_read_again = False
                await self._read_changes()
            self._set_missing(False)
            metrics.CATCH_UPS.labels("done").inc()
        except NotFound:
            metrics.CATCH_UPS.labels("no more").inc()
            self._set_missing(True)
        except Exception as error:  # each driver has its own exceptions for a database that is away; the poll retries
            metrics.CATCH_UPS.labels("failed").inc()
            log.warning("live map %s: cannot catch up: %s", self.showtime_id, error)

    async def _read_changes(self) -> None:
        room, version, asked_at = self.room, self.room.version, time.monotonic()
        changes = await self._source.changes(self.showtime_id, version, room.first_stamped)
        if not room.agrees_with(changes, at_least=version):
            return await self._load_again(changes.epoch)
        room.is_doubtful = False
        if room.catch_up(changes.version, changes.seats, changes.stamps.get(changes.version)):
            self._plan_tick()
        self._confirm(changes.version, asked_at)

    async def _load_again(self, epoch: str) -> None:
        """Replace the room by the map of another epoch. The database is in `epoch`.

        If this room has shown that epoch, the database has gone back, and another one is begun first. Of the processes
        that notice it one begins it; the others find it. Should this one die in between, so do the others.
        """
        has_gone_back = epoch == self.room.epoch or epoch in self._former_epochs
        if has_gone_back:
            log.warning("live map %s: the database has gone back; a new epoch begins", self.showtime_id)
            await self._source.begin_epoch(self.showtime_id, epoch)
        self._replace_room(await self._source.load(self.showtime_id))
        metrics.ROOMS_LOADED.labels("gone back" if has_gone_back else "new epoch").inc()

    def _replace_room(self, loaded: Loaded) -> None:
        """Raises NotYet, and the room is as before."""
        old, room = self.room, room_of(loaded)
        if room.epoch == old.epoch or room.epoch in self._former_epochs:
            raise NotYet("the database has gone back again")
        if room.layout != old.layout:
            self.close_all(Close.DRAINING, "the seating plan has changed")  # the new layout is in another hello
        elif len(room.state) != len(old.state):
            raise NotYet("not all seats are there")
        self._former_epochs.add(old.epoch)
        self.room, self.ends_at, self._confirmed_at = room, loaded.ends_at, loaded.asked_at
        self._plan_tick()

    # ---- what heartbeats report ----------------------------------------------------------------------------------

    @property
    def age(self) -> int:
        """Milliseconds since the database was asked and confirmed what heartbeats confirm."""
        return milliseconds_since(self._confirmed_at)

    @property
    def is_missing(self) -> bool:
        """Whether the database has no such showtime, for now or for good."""
        return self._missing_since is not None

    def _set_missing(self, is_missing: bool) -> None:
        now = time.monotonic()
        if is_missing != self.is_missing:
            self._missing_since = now if is_missing else None
            for viewer in self.viewers:
                viewer.plan_heartbeat(now, within=HEALTH_CHANGE_SPREAD)
        elif self._missing_since is not None and now - self._missing_since > MISSING_TIMEOUT:
            self.close_all(Close.GONE, "this showtime is no more")

    @property
    def is_waited_for(self) -> bool:
        """Whether a heartbeat waits for a poll."""
        return bool(self._waiting)

    def await_confirmation(self, viewer: Viewer) -> None:
        self._waiting.add(viewer)

    # ---- ticks ---------------------------------------------------------------------------------------------------

    def _plan_tick(self) -> None:
        """The room's version has changed: send it at once if the last tick is over, else at its end."""
        if self._sending is not None:
            self._moved_since = self._moved_since or time.monotonic()
        elif self._tick_timer is None:
            self._start_tick_timer(time.monotonic())

    def _start_tick_timer(self, moved_at: float) -> None:
        self._tick_due_at = max(moved_at, self._tick_began_at + TICK)
        wait = max(0.0, self._tick_began_at + self._pace.pause(TICK) - time.monotonic())
        self._tick_timer = asyncio.get_running_loop().call_later(wait, self._send_tick)

    def _send_tick(self) -> None:
        self._tick_timer = None
        self._tick_began_at = time.monotonic()
        groups = self._next_order()
        if len(self.viewers) <= CHUNK:
            for group in groups:
                self._send_to_group(group)
            self._form_cohorts()
            self._record_tick(time.monotonic() - self._tick_began_at)
        else:
            self._sending = asyncio.get_running_loop().create_task(self._send_in_chunks(groups))

    async def _send_in_chunks(self, groups: list[Batch]) -> None:
        """Each viewer is brought to the room's version of that moment, so later chunks are not sent older news."""
        spent, n = 0.0, 0
        try:
            for group in groups:
                size = len(group.viewers) if isinstance(group, Cohort) else len(group)
                if n + size > CHUNK:
                    await asyncio.sleep(0)
                    n = 0
                n += size
                begun_at = time.monotonic()
                self._send_to_group(group)
                spent += time.monotonic() - begun_at
        finally:
            self._sending = None
        self._form_cohorts()
        self._record_tick(spent)
        moved_at, self._moved_since = self._moved_since, None
        if moved_at is not None:
            self._start_tick_timer(moved_at)

    def _send_to_group(self, group: Batch) -> None:
        send_to_each(group.send(self.room) if isinstance(group, Cohort) else group)

    def _form_cohorts(self) -> None:
        if len(self._single) >= FEWEST:
            viewers = self._rotated(list(self._single))
            self._cohorts += form_cohorts(viewers, self._single, self.room, most=CHUNK)

    def _next_order(self) -> list[Batch]:
        """All viewers, beginning with another one each tick: nobody is always the last."""
        self._cohorts = [cohort for cohort in self._cohorts if cohort.viewers]
        self._ticks += 1
        single = self._rotated(list(self._single))
        chunks = [single[first : first + CHUNK] for first in range(0, len(single), CHUNK)]
        return self._rotated([*self._cohorts, *chunks])

    def _rotated(self, row: list[T]) -> list[T]:
        first = int(len(row) * (self._ticks * GOLDEN_RATIO % 1))
        return row[first:] + row[:first]

    def _record_tick(self, spent: float) -> None:
        now = time.monotonic()
        self._pace.record_tick(self.showtime_id, spent, now)
        metrics.TICK_LAG.observe(now - self._tick_due_at)
        metrics.SENDING_TIME.inc(spent)

    # ---- viewers -------------------------------------------------------------------------------------------------

    def add(self, viewer: Viewer) -> None:
        self.viewers.add(viewer)
        self._single.add(viewer)

    def remove(self, viewer: Viewer) -> None:
        viewer.leave_cohort()
        self.viewers.discard(viewer)
        self._single.discard(viewer)
        self._waiting.discard(viewer)
        self.idle_since = time.monotonic()

    async def answer(self, viewer: Viewer, sync: Sync) -> None:
        """Bring the viewer from the version in `sync` to the present, which is read anew if the viewer is ahead."""
        if sync.epoch == self.room.epoch and sync.v > self.room.version:
            await self.start_catching_up()
        viewer.sync(sync)

    def close_all(self, code: Close, reason: str, retry: int = 0) -> None:
        for viewer in self.viewers:
            viewer.close(code, reason, retry=retry)

    def stop(self) -> None:
        for waiting in (self._tick_timer, self._sending, self._gap_timer, self._catching_up):
            if waiting is not None:
                waiting.cancel()
