"""One socket: what it was sent, and what it is sent next.

There is no queue per socket. A frame is made when it can be sent, from the viewer's version to the room's, so a slow
viewer skips versions, uses no memory and delays nobody. Deltas are held back while too much is un-acked, because not
every server makes a sender wait (daphne never does, and some servers never ping).
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from realtime.fast_path import frame_counts
from realtime.fast_path.eager import begin
from realtime.fast_path.shared_frames import DirectFrameWriter, DirectWrite, FrameWriter
from realtime.live import protocol
from realtime.live.frame_source import FrameSource
from realtime.live.position import Position, Versioned
from realtime.live.protocol import Ack, Close, Sync

log = logging.getLogger(__name__)

ACK_TIMEOUT = 45.0  # seconds
SEND_TIMEOUT = 10.0
CLOSE_TIMEOUT = 1.0
SYNC_INTERVAL = 1.0  # at the shortest, between two answers
RESUMED_HEARTBEAT = 2.0  # seconds: a client that resumed from its own state is soon sent a digest to check it
LONGEST_WAIT = 3.0  # seconds that a heartbeat waits to be confirmed before deltas wait for it

SendText = Callable[[str], Awaitable[None]]
CloseSocket = Callable[[Close], Awaitable[None]]


class Watched(Protocol):
    """What a viewer watches: a showtime, or the board. Its room is another object after a change of the epoch."""

    @property
    def room(self) -> FrameSource: ...
    @property
    def age(self) -> int: ...  # milliseconds since the database was asked and confirmed what heartbeats confirm
    @property
    def is_missing(self) -> bool: ...  # the database has no such showtime, for now or for good
    def await_confirmation(self, viewer: Viewer) -> None: ...
    def remove(self, viewer: Viewer) -> None: ...
    async def answer(self, viewer: Viewer, sync: Sync) -> None: ...


class Health(Protocol):
    """What heartbeats report of the process: whether the database answers."""

    @property
    def ok(self) -> bool: ...
    @property
    def heartbeat(self) -> float: ...  # seconds between two heartbeats on a socket


class CohortOfViewer(Protocol):
    """The cohort of a viewer: its position counts what was sent to each of its viewers since they joined."""

    @property
    def position(self) -> Position: ...
    def release(self, viewer: Viewer) -> None: ...


class Step:
    """The frame from version `since` of a room to its present one, for all viewers that are at `since`."""

    __slots__ = ("at", "digest", "epoch", "since", "size", "text", "version")

    def __init__(self, room: FrameSource, since: int, text: str) -> None:
        self.epoch, self.since, self.version, self.digest = room.epoch, since, room.version, room.digest
        self.text, self.size, self.at = text, len(text), time.monotonic()


class Viewer:
    """The sending side of one socket that watches a showtime or the board. All methods run in the hub's loop."""

    __slots__ = (
        "_bye",
        "_close",
        "_due_since",
        "_heartbeat_at",
        "_hello",
        "_is_sending",
        "_send",
        "_sending_since",
        "_sync",
        "_sync_at",
        "_unsent",
        "_writer",
        "cohort",
        "health",
        "heartbeat_is_due",
        "is_closed",
        "position",
        "send_task",
        "watched",
    )

    def __init__(
        self,
        watched: Watched,
        health: Health,
        *,
        send: SendText,
        close: CloseSocket,
        hello: str,
        writer: FrameWriter | None = None,
    ) -> None:
        self.watched = watched
        self.health = health
        self.position = Position()
        self.cohort: CohortOfViewer | None = None  # while in one, what it was sent is counted there
        self.is_closed = False
        self.send_task: asyncio.Task[None] | None = None  # while a frame waits for the socket
        self._send, self._close, self._writer = send, close, writer
        self._hello = hello
        self._bye: tuple[Close, str] | None = None
        self._unsent: str | None = None  # recorded as sent, but refused by the writer
        self._sync: Sync | None = None
        self._sync_at = 0.0
        self.heartbeat_is_due = False
        self._due_since = 0.0
        self._is_sending = False
        self._sending_since: float | None = None
        self._heartbeat_at = 0.0
        self.plan_heartbeat(time.monotonic())

    # ---- received ------------------------------------------------------------------------------------------------

    def resume(self, epoch: str | None, version: int) -> None:
        """Start from the version that the client has. If it is not one of this room, a snapshot follows hello.

        Its state may be of another life of the same epoch, if no process has seen the database go back. So its first
        heartbeat, with a digest, comes soon.
        """
        room = self.watched.room
        if epoch == room.epoch and 0 <= version <= room.version:
            self.position = Position(epoch, version, room.digest if version == room.version else None)
            soon = time.monotonic() + random.uniform(0.5, 1.0) * RESUMED_HEARTBEAT
            self._heartbeat_at = min(self._heartbeat_at, soon)

    def sync(self, wanted: Sync) -> None:
        """Always answered, at most once a second. A later sync does not replace one that asks for a snapshot."""
        self.leave_cohort()
        if self._sync is None or self._sync.v != -1:
            self._sync = wanted
        self.send_pending()

    def ack(self, ack: Ack) -> None:
        if self.cohort is not None:  # leave_cohort(), without the cost of a call
            self.cohort.release(self)
        if self.position.acknowledge(ack.v, time.monotonic()):
            self.send_pending()

    # ---- sent ----------------------------------------------------------------------------------------------------

    def send_pending(self) -> None:
        """Send what there is to send, now. Only a socket that makes the sender wait costs a task."""
        if self.cohort is not None:  # leave_cohort(), without the cost of a call
            self.cohort.release(self)
        if self._is_sending or self.is_closed:
            return
        if self._writer is None or not self._write_pending(self._writer):
            self._is_sending = True
            self.send_task = begin(self._send_all())

    def next_step(self) -> Step | None:
        """The delta to the room's version, which others at this viewer's version may `take`; None without a delta."""
        room, position = self.watched.room, self.position
        if position.epoch != room.epoch or not 0 <= position.version < room.version:
            return None
        text = room.frame_for(position.epoch, position.version)
        return Step(room, position.version, text) if text is not None else None

    def take(self, step: Step) -> bool:
        """What `send_pending` would do, at half its cost, when `step` is all that must be sent. False: nothing sent."""
        writer = self._writer
        if writer is None or not self.can_share(step.epoch, step.since, 1, 1) or not writer(step.text):
            return False
        self.position.advance(step, 1, step.size, step.at)
        frame_counts.DIRECT.count(step.text)
        return True

    def can_share(self, epoch: str, version: int, frames: int, size: int) -> bool:
        """Whether the frames for all viewers at (`epoch`, `version`) are those that this one must be sent next.

        It is at that version, has nothing of its own to be sent, and room for `frames` frames of `size` bytes in all.
        """
        position = self.position
        return (
            position.version == version
            and position.epoch == epoch
            and not (self._is_sending or self.heartbeat_is_due or self._hello or self.is_closed)
            and self._sync is None
            and self._bye is None
            and position.has_room(frames, size)
        )

    # ---- in a cohort ---------------------------------------------------------------------------------------------

    def direct_write_at(self, room: FrameSource, frames: int, size: int) -> DirectWrite | None:
        """The socket's own write, for a cohort at the room's version that sends no more than this; else None."""
        if not self.can_share(room.epoch, room.version, frames, size):
            return None
        return self._writer.direct(self.on_blocked) if isinstance(self._writer, DirectFrameWriter) else None

    def leave_cohort(self) -> None:
        if self.cohort is not None:
            self.cohort.release(self)

    def on_blocked(self) -> None:
        """The socket takes no more direct writes, for now or for good."""
        if self.cohort is not None:
            self.send_pending()

    def finish(self, rest: bytes) -> None:
        """Write the rest of a frame of which the socket took a part."""
        assert isinstance(self._writer, DirectFrameWriter)
        self._writer.finish(rest)

    # ---- alone ---------------------------------------------------------------------------------------------------

    def _write_pending(self, writer: FrameWriter) -> bool:
        """All there is to send, past ASGI. False when the socket makes the sender wait, or must be closed."""
        while (text := self.next_text()) is not None:
            if not writer(text):
                self._unsent = text
                return False
            frame_counts.DIRECT.count(text)
            if self._is_up_to_date():
                break
        return self._bye is None

    def _is_up_to_date(self) -> bool:
        """`next_text` would return None. (False is always safe; calling it once more costs a quarter of a delivery.)"""
        room, position = self.watched.room, self.position
        return (
            position.version == room.version
            and position.epoch == room.epoch
            and self._sync is None
            and not self.heartbeat_is_due
        )

    async def _send_all(self) -> None:
        try:
            while (text := self._unsent or self.next_text()) is not None:
                self._unsent = None
                self._sending_since = time.monotonic()
                await self._send(text)
                self._sending_since = None
                frame_counts.VIA_ASGI.count(text)
            if self._bye is not None:
                code, bye = self._bye
                self._sending_since = time.monotonic()
                await self._send(bye)
                frame_counts.VIA_ASGI.count(bye)
                self.is_closed = True
                await self._close(code)
        except Exception as error:  # each server has its own exception for a closed socket
            log.debug("socket lost: %r", error)
            self.is_closed = True
        finally:
            self._is_sending = False
            self.send_task = None

    def next_text(self) -> str | None:
        """The next frame to send, made now and recorded as sent. `bye` is not among them."""
        if self._bye is not None:
            return None
        room, position = self.watched.room, self.position
        to: Versioned = room
        text: str | None = None
        if self._hello:
            text, self._hello, to = self._hello, "", position
        elif self._sync is not None and time.monotonic() >= self._sync_at:
            text = self._answer(self._sync, room)
        elif self.heartbeat_is_due and self._may_send_heartbeat(room):
            text, to = self._make_heartbeat(), position
        elif position.has_room(1, 1) and not self._waits_with_deltas(room):
            text = room.frame_for(position.epoch, position.version)
        if text is not None:
            position.advance(to, 1, len(text), time.monotonic())
        return text

    def _answer(self, sync: Sync, room: FrameSource) -> str:
        self._sync, self._sync_at = None, time.monotonic() + SYNC_INTERVAL
        return room.frame_for(sync.epoch, sync.v) or room.snapshot()

    # ---- heartbeats ----------------------------------------------------------------------------------------------

    @property
    def _is_ok(self) -> bool:
        return self.health.ok and not self.watched.is_missing

    def _may_send_heartbeat(self, room: FrameSource) -> bool:
        """While the database answers, only once it has confirmed what this viewer was sent."""
        return room.confirms(self.position) if self._is_ok else room.describes(self.position)

    def _waits_with_deltas(self, room: FrameSource) -> bool:
        """A viewer whose every version is followed by another one before a poll can confirm it waits for the poll.

        Not with a snapshot: no poll confirms another epoch.
        """
        has_waited = self.heartbeat_is_due and time.monotonic() - self._due_since > LONGEST_WAIT
        return has_waited and self._is_ok and room.describes(self.position)

    def _make_heartbeat(self) -> str:
        self.heartbeat_is_due = False
        position = self.position
        return protocol.heartbeat(v=position.version, digest=position.digest, age=self.watched.age, ok=self._is_ok)

    # ---- by the clock --------------------------------------------------------------------------------------------

    def plan_heartbeat(self, now: float, within: float | None = None) -> None:
        """The next one comes about one interval from now, spread by a fifth, or at a random time `within` seconds."""
        wait = random.uniform(0, within) if within else random.uniform(0.8, 1.2) * self.health.heartbeat
        self._heartbeat_at = now + wait

    def _ack_is_overdue(self, now: float) -> bool:
        since = self.position.unacked_since
        if since is None and self.cohort is not None:
            since = self.cohort.position.unacked_since
        return since is not None and now - since > ACK_TIMEOUT and now - since > 3 * self.health.heartbeat

    def check_time(self, now: float) -> None:
        """Called a few times a second: timeouts, the heartbeat, a sync that had to wait."""
        if self._sending_since is not None:
            if now - self._sending_since > SEND_TIMEOUT:
                self.abort(Close.SLOW)
        elif self._ack_is_overdue(now):
            self.close(Close.NO_ACK, "nothing acknowledged for too long", retry=1000)
        elif now >= self._heartbeat_at or self.heartbeat_is_due:
            self._send_heartbeat(now)
        elif self._sync is not None:
            self.send_pending()

    def _send_heartbeat(self, now: float) -> None:
        if now >= self._heartbeat_at:
            self.plan_heartbeat(now)
            if not self.heartbeat_is_due:
                self.heartbeat_is_due, self._due_since = True, now
        self.send_pending()
        if self.heartbeat_is_due:
            self.watched.await_confirmation(self)

    # ---- closed --------------------------------------------------------------------------------------------------

    def close(self, code: Close, reason: str, *, retry: int = 0) -> None:
        """Send bye, then close; `retry` in milliseconds."""
        if self._bye is None and not self.is_closed:
            self._bye = (code, protocol.bye(code=code, retry=retry, reason=reason))
            self.send_pending()

    def abort(self, code: Close) -> None:
        """Close a socket that takes no frames, without bye. The hub keeps no reference to it."""
        self.leave_cohort()
        self.is_closed = True
        if self.send_task is not None:
            self.send_task.cancel()
        asyncio.get_running_loop().create_task(self._close_quietly(code))

    async def _close_quietly(self, code: Close) -> None:
        try:
            await asyncio.wait_for(self._close(code), CLOSE_TIMEOUT)
        except Exception as error:  # a timeout, or the server's own exception for a closed socket
            log.debug("socket not closed: %r", error)


def send_to_each(viewers: Iterable[Viewer]) -> None:
    """Bring all of them to the room's version. Most are at the same version as the one before, and take its step."""
    step: Step | None = None
    for viewer in viewers:
        if step is not None and viewer.take(step):
            continue
        if step is None or viewer.position.version != step.since:
            step = viewer.next_step() or step
            if step is not None and viewer.take(step):
                continue
        viewer.send_pending()
