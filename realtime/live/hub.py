"""All rooms of this process, in one event loop: loading, polling, heartbeats, the end.

Started by the first socket in whatever loop that runs in (daphne has no lifespan). A restarted loop gets a new hub.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from datetime import datetime

from django.conf import settings
from django.utils import timezone

from realtime import counters, process
from realtime.change import Change
from realtime.fast_path.shared_frames import FrameWriter
from realtime.live import protocol
from realtime.live.board import Board, BoardSource
from realtime.live.pace import Pace
from realtime.live.protocol import Close
from realtime.live.source import DatabaseBoard, DatabaseSource, Source
from realtime.live.viewer import Send, Shut, Viewer
from realtime.live.watched_showtime import WatchedShowtime
from realtime.transports import Transport

log = logging.getLogger(__name__)

UNHEALTHY_POLL = 0.5  # seconds
IDLE = 60.0  # seconds that a room without viewers is kept warm
SWEEP = 0.25
FAREWELL = 1.0  # seconds that sockets get to take their bye
RECONNECTS = 500  # a second, that a spread is made for


class ShowtimeEnded(Exception):
    """The showtime has ended: nothing will change any more."""


class Hub:
    """Keeps a room per watched showtime true and its viewers told. All methods run in the hub's loop."""

    def __init__(self, *, transport: Transport, source: Source, heartbeat: float, poll: float) -> None:
        self.loop = asyncio.get_running_loop()
        self.transport = transport
        self.source = source
        self.heartbeat = heartbeat
        self.poll = poll
        self.ok = True
        self.watches: dict[int, WatchedShowtime] = {}
        self.pace = Pace()
        self.board: Board | None = None
        self.board_source: BoardSource = DatabaseBoard()
        self._asked_at = time.monotonic()
        self._loading: dict[int, asyncio.Task[WatchedShowtime]] = {}
        self._early: dict[int, list[Change]] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        await self.transport.start(self.receive)
        self._tasks = [self.loop.create_task(self._keep_polling()), self.loop.create_task(self._keep_sweeping())]

    async def stop(self) -> None:
        for task in (*self._tasks, *self._loading.values()):
            task.cancel()
        for watch in self.watches.values():
            watch.stop()
        if self.board is not None:
            self.board.close()
        await self.transport.stop()

    # ---- viewers -------------------------------------------------------------------------------------------------

    @property
    def n_viewers(self) -> int:
        rooms = sum(len(watch.viewers) for watch in self.watches.values())
        return rooms + (len(self.board.viewers) if self.board else 0)

    @property
    def spread(self) -> int:
        """Milliseconds over which that many viewers come back without a storm."""
        return int(1000 * max(5.0, self.n_viewers / RECONNECTS))

    async def join(
        self, showtime_id: int, epoch: str | None, v: int, *, send: Send, shut: Shut, post: FrameWriter | None = None
    ) -> Viewer:
        """Let a socket watch; what it is sent first is hello. No query when the room is warm.

        Raises:
            NotFound: there is no such showtime.
            Over: there was.
        """
        watch = await self.watch(showtime_id)
        if watch.ends_at <= timezone.now():
            raise ShowtimeEnded
        if epoch == watch.room.epoch and v > watch.room.version:
            await watch.start_catching_up()  # the client has seen more than we have: it must not go back
        room = watch.room
        hello = protocol.hello(
            epoch=room.epoch,
            v=room.version,
            n=len(room.state),
            layout=room.layout,
            node=process.NODE,
            heartbeat=int(self.heartbeat * 1000),
            spread=self.spread,
        )
        viewer = Viewer(watch, self, send=send, shut=shut, hello=hello, post=post)
        viewer.resume(epoch, v)
        watch.admit(viewer)  # no await since the state was read: nothing can fall between
        viewer.wake()
        return viewer

    async def join_board(self, session: str, *, send: Send, shut: Shut, post: FrameWriter | None = None) -> Viewer:
        """Let a socket watch all showtimes at once, as long as its session is staff's."""
        if self.board is None:
            self.board = Board(self.board_source, heartbeat=self.heartbeat)
        return await self.board.join(session, spread=self.spread, send=send, shut=shut, post=post)

    def leave(self, viewer: Viewer) -> None:
        viewer.gone = True
        viewer.watched.forget(viewer)

    # ---- rooms ---------------------------------------------------------------------------------------------------

    async def watch(self, showtime_id: int) -> WatchedShowtime:
        """The showtime's room, loaded once however many ask at the same time. Raises NotFound."""
        if showtime_id in self.watches:
            return self.watches[showtime_id]
        if showtime_id not in self._loading:
            self._loading[showtime_id] = self.loop.create_task(self._load(showtime_id))
        return await asyncio.shield(self._loading[showtime_id])

    async def _load(self, showtime_id: int) -> WatchedShowtime:
        self._early[showtime_id] = []
        try:
            await self.transport.subscribe(showtime_id)  # before the state is read (rule R4)
            watch = WatchedShowtime(showtime_id, await self.source.load(showtime_id), self.source, self.pace)
            counters.ROOMS_LOADED.labels("first viewer").inc()
            self.watches[showtime_id] = watch
            for change in self._early[showtime_id]:
                watch.receive(change)
            return watch
        except BaseException:
            self.loop.create_task(self.transport.unsubscribe(showtime_id))
            raise
        finally:
            del self._early[showtime_id], self._loading[showtime_id]

    def receive(self, change: Change) -> None:
        """What the transport brings."""
        if change.showtime_id in self._early:
            self._early[change.showtime_id].append(change)
        elif change.showtime_id in self.watches:
            self.watches[change.showtime_id].receive(change)

    # ---- the truth, asked again and again --------------------------------------------------------------------------

    @property
    def age(self) -> int:
        return int(1000 * (time.monotonic() - self._asked_at))

    async def _keep_polling(self) -> None:
        while True:
            await self._wait_for_poll(time.monotonic() + self.poll * random.uniform(0.75, 1.25))
            await self._unload_idle()
            try:
                await self._ask()
            except Exception as error:  # a database that is away has many names
                counters.POLLS.labels("failed").inc()
                log.warning("live map: the database does not answer: %s", error)
                self._tell_health(ok=False)

    async def _wait_for_poll(self, due_at: float) -> None:
        """Until then, or half a second where the transport is not healthy, also when it stops being so meanwhile."""
        while (left := due_at - time.monotonic()) > 0:
            await asyncio.sleep(min(left, UNHEALTHY_POLL))
            if not self.transport.is_healthy:
                return

    async def _ask(self) -> None:
        """One query for all rooms; whatever pub/sub lost is found here."""
        asked_at = time.monotonic()
        known = await self.source.versions(self.watches)
        self._asked_at = asked_at
        counters.POLLS.labels("answered").inc()
        self._tell_health(ok=True)
        for showtime_id, watch in list(self.watches.items()):
            epoch, version = known.get(showtime_id, ("", 0))
            counters.HINTS_LOST.inc(watch.not_heard_of(epoch, version))
            if epoch != watch.room.epoch or version > watch.room.version:
                watch.start_catching_up()

    def _tell_health(self, *, ok: bool) -> None:
        if ok != self.ok:
            self.ok = ok
            for viewer in self._viewers():
                viewer.plan_beat(time.monotonic(), within=1.0)

    async def _unload_idle(self) -> None:
        now = time.monotonic()
        for showtime_id, watch in list(self.watches.items()):
            if not watch.viewers and now - watch.idle_since > IDLE:
                del self.watches[showtime_id]
                watch.stop()
                await self.transport.unsubscribe(showtime_id)

    def _viewers(self) -> list[Viewer]:
        rooms = [viewer for watch in self.watches.values() for viewer in watch.viewers]
        return rooms if self.board is None else [*rooms, *self.board.viewers]

    async def _keep_sweeping(self) -> None:
        while True:
            await asyncio.sleep(SWEEP)
            self._sweep(time.monotonic(), timezone.now())

    def _sweep(self, now: float, at: datetime) -> None:
        for watch in self.watches.values():
            if watch.ends_at <= at:
                watch.dismiss_all(Close.GONE, "this showtime is over")
        for viewer in self._viewers():
            if viewer.gone:
                self.leave(viewer)
            else:
                viewer.tend(now)

    # ---- the end ---------------------------------------------------------------------------------------------------

    async def drain(self) -> None:
        """Say bye 4003 to everybody, spread over time, and wait a little for the sockets to take it."""
        spread = self.spread
        for viewer in self._viewers():
            viewer.dismiss(Close.DRAINING, "the server restarts", retry=random.randint(0, spread))
        saying_it = [viewer.send_task for viewer in self._viewers() if viewer.send_task is not None]
        if saying_it:
            await asyncio.wait(saying_it, timeout=FAREWELL)
        await self.stop()


_hub: Hub | None = None


def running() -> Hub | None:
    """This process's hub, if a socket has ever come; from any thread, to be looked at only."""
    return _hub


async def current() -> Hub:
    """This process's hub in the running loop, started if it is not."""
    global _hub
    if _hub is None or _hub.loop is not asyncio.get_running_loop():
        _hub = Hub(
            transport=process.transport(),
            source=DatabaseSource(),
            heartbeat=settings.WS_HEARTBEAT.total_seconds(),
            poll=settings.LIVE_POLL.total_seconds(),
        )
        await _hub.start()
    return _hub


async def drain() -> None:
    """Refuse new sockets from now on, and send everybody away with 4003. A second call does nothing."""
    if process.is_draining():
        return
    process.start_draining()
    if _hub is not None and _hub.loop is asyncio.get_running_loop():
        await _hub.drain()
