"""All rooms of this process, in one event loop: loading, polling, heartbeats, draining.

Started by the first socket in the loop that it runs in (daphne has no lifespan). A restarted loop gets a new hub.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from datetime import datetime

from django.conf import settings
from django.utils import timezone

from realtime import metrics, process
from realtime.change import Change
from realtime.fast_path.shared_frames import FrameWriter
from realtime.live import protocol
from realtime.live.board import Board, BoardSource
from realtime.live.pace import Pace
from realtime.live.poller import HEALTH_CHANGE_SPREAD, Poller
from realtime.live.protocol import Close
from realtime.live.source import DatabaseBoardSource, DatabaseSource, Source
from realtime.live.viewer import CloseSocket, SendText, Viewer
from realtime.live.watched_showtime import WatchedShowtime
from realtime.transports import Transport

log = logging.getLogger(__name__)

QUICK_POLL = 0.5  # seconds between two polls while the transport is unhealthy, or heartbeats wait for one
IDLE_TIMEOUT = 60.0  # seconds that a room without viewers is kept
SWEEP_INTERVAL = 0.25  # seconds
DRAIN_TIMEOUT = 1.0  # seconds in which sockets may take their bye
RECONNECTS_PER_SECOND = 500


class ShowtimeEnded(Exception):
    """The showtime is over: its seats will not change any more."""


class Hub(Poller):
    """Keeps a room for each watched showtime and sends its changes to its viewers. All methods run in one loop."""

    def __init__(self, *, transport: Transport, source: Source, heartbeat: float, poll: float) -> None:
        super().__init__(heartbeat=heartbeat)
        self.loop = asyncio.get_running_loop()
        self.transport = transport
        self.source = source
        self.poll = poll
        self.watched: dict[int, WatchedShowtime] = {}
        self.pace = Pace()
        self.board: Board | None = None
        self.board_source: BoardSource = DatabaseBoardSource()
        self._loading: dict[int, asyncio.Task[WatchedShowtime]] = {}
        self._early: dict[int, list[Change]] = {}  # received while their showtime is loading
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        await self.transport.start(self.receive)
        self._tasks = [self.loop.create_task(self._poll_forever()), self.loop.create_task(self._sweep_forever())]

    async def stop(self) -> None:
        for task in (*self._tasks, *self._loading.values()):
            task.cancel()
        for watched in self.watched.values():
            watched.stop()
        if self.board is not None:
            self.board.stop()
        await self.transport.stop()

    # ---- viewers -------------------------------------------------------------------------------------------------

    def all_viewers(self) -> list[Viewer]:
        viewers = [viewer for watched in self.watched.values() for viewer in watched.viewers]
        return viewers if self.board is None else [*viewers, *self.board.viewers]

    @property
    def n_viewers(self) -> int:
        n = sum(len(watched.viewers) for watched in self.watched.values())
        return n + (len(self.board.viewers) if self.board else 0)

    @property
    def spread(self) -> int:
        """Milliseconds over which so many viewers reconnect without overloading the server."""
        return int(1000 * max(5.0, self.n_viewers / RECONNECTS_PER_SECOND))

    async def join(
        self,
        showtime_id: int,
        epoch: str | None,
        v: int,
        *,
        send: SendText,
        close: CloseSocket,
        writer: FrameWriter | None = None,
    ) -> Viewer:
        """Add a socket to a showtime's viewers; it is sent hello first. No query when the room is loaded.

        Raises:
            NotFound: there is no such showtime.
            ShowtimeEnded: there was.
        """
        watched = await self.find_watched(showtime_id)
        if watched.ends_at <= timezone.now():
            raise ShowtimeEnded
        if epoch == watched.room.epoch and v > watched.room.version:
            await watched.start_catching_up()  # the client has a newer version than we: it must not go back
        room = watched.room
        hello = protocol.hello(
            epoch=room.epoch,
            v=room.version,
            n=len(room.state),
            layout=room.layout,
            node=process.NODE,
            heartbeat=int(self.heartbeat * 1000),
            spread=self.spread,
        )
        viewer = Viewer(watched, self, send=send, close=close, hello=hello, writer=writer)
        viewer.resume(epoch, v)
        if not self.ok or watched.is_missing:
            viewer.plan_heartbeat(time.monotonic(), within=HEALTH_CHANGE_SPREAD)
        watched.add(viewer)  # no await since the state was read: no change can come between
        viewer.send_pending()
        return viewer

    async def join_board(
        self, session: str, *, send: SendText, close: CloseSocket, writer: FrameWriter | None = None
    ) -> Viewer:
        """Add a socket to the board's viewers, until its session is no longer staff's."""
        if self.board is None:
            self.board = Board(self.board_source, heartbeat=self.heartbeat)
        return await self.board.join(session, spread=self.spread, send=send, close=close, writer=writer)

    def leave(self, viewer: Viewer) -> None:
        viewer.is_closed = True
        viewer.watched.remove(viewer)

    # ---- rooms ---------------------------------------------------------------------------------------------------

    async def find_watched(self, showtime_id: int) -> WatchedShowtime:
        """The showtime with its room, which is loaded once for all who ask at the same time. Raises NotFound."""
        if showtime_id in self.watched:
            return self.watched[showtime_id]
        if showtime_id not in self._loading:
            self._loading[showtime_id] = self.loop.create_task(self._load(showtime_id))
        return await asyncio.shield(self._loading[showtime_id])

    async def _load(self, showtime_id: int) -> WatchedShowtime:
        self._early[showtime_id] = []
        try:
            await self.transport.subscribe(showtime_id)  # before the state is read (rule R4)
            watched = WatchedShowtime(showtime_id, await self.source.load(showtime_id), self.source, self.pace)
            metrics.ROOMS_LOADED.labels("first viewer").inc()
            self.watched[showtime_id] = watched
            for change in self._early[showtime_id]:
                watched.receive(change)
            return watched
        except BaseException:
            self.loop.create_task(self.transport.unsubscribe(showtime_id))
            raise
        finally:
            del self._early[showtime_id], self._loading[showtime_id]

    def receive(self, change: Change) -> None:
        """A change from the transport."""
        if change.showtime_id in self._early:
            self._early[change.showtime_id].append(change)
        elif change.showtime_id in self.watched:
            self.watched[change.showtime_id].receive(change)

    async def _unload_idle(self) -> None:
        now = time.monotonic()
        for showtime_id, watched in list(self.watched.items()):
            if not watched.viewers and now - watched.idle_since > IDLE_TIMEOUT:
                del self.watched[showtime_id]
                watched.stop()
                await self.transport.unsubscribe(showtime_id)

    # ---- polls ---------------------------------------------------------------------------------------------------

    async def _wait(self) -> None:
        await self._wait_for_poll(time.monotonic() + self.poll * random.uniform(0.75, 1.25))
        await self._unload_idle()

    async def _wait_for_poll(self, due_at: float) -> None:
        """Until `due_at`, or at most half a second more once the transport is unhealthy or a heartbeat waits."""
        while (left := due_at - time.monotonic()) > 0:
            await asyncio.sleep(min(left, QUICK_POLL))
            if not self.transport.is_healthy or any(watched.is_waited_for for watched in self.watched.values()):
                return

    async def _poll(self) -> None:
        """One query for the versions of all rooms: finds every change that was lost, and a database that has gone back.

        It is compared with the rooms as they were when it began: changes that arrive meanwhile may move them on.
        """
        asked_at = time.monotonic()
        asked = [(watched, watched.room, watched.room.version) for watched in self.watched.values()]
        known = await self.source.versions({watched.showtime_id: room.first_stamped for watched, room, _ in asked})
        self._record_answer(asked_at)
        metrics.POLLS.labels("answered").inc()
        for watched, room, version in asked:
            if watched.room is room:
                found = known.get(watched.showtime_id)
                metrics.HINTS_LOST.inc(watched.count_lost_hints(found))
                watched.compare(found, at_least=version, asked_at=asked_at)

    def _report_failure(self, error: Exception) -> None:
        metrics.POLLS.labels("failed").inc()
        log.warning("live map: the database does not answer: %s", error)

    # ---- by the clock --------------------------------------------------------------------------------------------

    async def _sweep_forever(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_INTERVAL)
            self._sweep(time.monotonic(), timezone.now())

    def _sweep(self, now: float, at: datetime) -> None:
        for watched in self.watched.values():
            if watched.ends_at <= at:
                watched.close_all(Close.GONE, "this showtime is over")
        for viewer in self.all_viewers():
            if viewer.is_closed:
                self.leave(viewer)
            else:
                viewer.check_time(now)

    async def drain(self) -> None:
        """Send bye 4003 to all viewers, with reconnects spread over time; wait a second at most until it is sent."""
        spread = self.spread
        for viewer in self.all_viewers():
            viewer.close(Close.DRAINING, "the server restarts", retry=random.randint(0, spread))
        sending = [viewer.send_task for viewer in self.all_viewers() if viewer.send_task is not None]
        if sending:
            await asyncio.wait(sending, timeout=DRAIN_TIMEOUT)
        await self.stop()


_hub: Hub | None = None


def running() -> Hub | None:
    """This process's hub, or None before its first socket; from any thread, for reading only."""
    return _hub


async def current() -> Hub:
    """This process's hub in the running loop; started by the first call."""
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
    """Refuse new sockets from now on, and close all open ones with 4003. A second call does nothing."""
    if process.is_draining():
        return
    process.start_draining()
    if _hub is not None and _hub.loop is asyncio.get_running_loop():
        await _hub.drain()
