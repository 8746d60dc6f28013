"""One socket: what it has been told, and what it is told next.

There is no queue per socket. A frame is made at the moment it can be sent, from where the viewer stands to where the
room is, so a slow viewer skips versions instead of filling memory, and never holds up another. Frames un-acked beyond
the window hold deltas back whichever server we run on (daphne never blocks, some servers never ping).
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
from realtime.live.cohort import MOST_BYTES, MOST_STEPS, Cohort
from realtime.live.protocol import Ack, Close, Sync

log = logging.getLogger(__name__)

WINDOW_FRAMES = 256
WINDOW_BYTES = 256 * 1024
ACK_DEADLINE = 45.0  # seconds
SEND_DEADLINE = 10.0
SYNC_EVERY = 1.0

Send = Callable[[str], Awaitable[None]]
Shut = Callable[[Close], Awaitable[None]]


class FrameSource(Protocol):
    """A state with a version, and what has to be said to bring anybody to it: a room, or the board."""

    @property
    def epoch(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def digest(self) -> int | None: ...
    def snapshot(self) -> str: ...
    def frame_for(self, epoch: str | None, v: int) -> str | None: ...


class Watched(Protocol):
    """What a viewer looks at. The room object is another one after its epoch has changed."""

    @property
    def room(self) -> FrameSource: ...
    def forget(self, viewer: Viewer) -> None: ...  # it has gone
    async def answer(self, viewer: Viewer, said: Sync) -> None: ...


class Health(Protocol):
    """How well the process knows the truth."""

    @property
    def age(self) -> int: ...  # milliseconds since the database answered
    @property
    def ok(self) -> bool: ...
    @property
    def heartbeat(self) -> float: ...  # seconds between two heartbeats on a socket


class Step:
    """From one version of a room to its present, for all who stand there in this moment."""

    __slots__ = ("begun", "digest", "epoch", "since", "size", "text", "v")

    def __init__(self, room: FrameSource, since: int, text: str) -> None:
        self.epoch, self.since, self.v, self.digest = room.epoch, since, room.version, room.digest
        self.text, self.size, self.begun = text, len(text), time.monotonic()


class Viewer:
    """A socket at (`epoch`, `v`) of a watched showtime. All methods run in the hub's loop."""

    __slots__ = (
        "_beat_at",
        "_beat_wanted",
        "_bytes",
        "_farewell",
        "_frames",
        "_hello",
        "_is_talking",
        "_mark",
        "_post",
        "_send",
        "_sending_since",
        "_shut",
        "_sync",
        "_sync_at",
        "_unsent",
        "_waiting_since",
        "cohort",
        "digest",
        "epoch",
        "gone",
        "pulse",
        "send_task",
        "v",
        "watched",
    )

    def __init__(
        self, watched: Watched, pulse: Health, *, send: Send, shut: Shut, hello: str, post: FrameWriter | None = None
    ) -> None:
        self.watched = watched
        self.pulse = pulse
        self.epoch: str | None = None
        self.v = -1
        self.digest: int | None = None
        self.gone = False
        self._send, self._shut, self._post = send, shut, post
        self._unsent: str | None = None  # chosen and counted, but the short way did not take it
        self._hello = hello
        self._sync: Sync | None = None
        self._sync_at = 0.0
        self._beat_wanted = False
        self._farewell: tuple[Close, str] | None = None
        self._is_talking = False
        self.send_task: asyncio.Task[None] | None = None  # lives while there is something to say
        self._sending_since: float | None = None
        self._frames = self._bytes = 0  # un-acked
        self._mark = (-1, 0, 0)  # an ack of this version means these frames and bytes were read
        self._waiting_since: float | None = None
        self.cohort: Cohort | None = None  # while in one, it knows where this viewer stands and what it was told since
        self.plan_beat(time.monotonic())

    # ---- what it hears -------------------------------------------------------------------------------------------

    def resume(self, epoch: str | None, v: int) -> None:
        """The client came with a state of its own. Where it is not ours, a snapshot will follow hello."""
        room = self.watched.room
        if epoch == room.epoch and 0 <= v <= room.version:
            self.epoch, self.v, self.digest = epoch, v, room.digest

    def sync(self, wanted: Sync) -> None:
        """Always answered, at most once a second; a forced snapshot is not forgotten over a later wish."""
        self.leave_cohort()
        if self._sync is None or self._sync.v != -1:
            self._sync = wanted
        self.wake()

    def ack(self, ack: Ack) -> None:
        """An ack of the newest version settles all that was sent; an older one what its mark stands for."""
        self.leave_cohort()
        version, frames, size = self._mark
        if ack.v >= self.v:
            self._frames = self._bytes = 0
        elif ack.v >= version:
            self._frames, self._bytes = self._frames - frames, self._bytes - size
        else:
            return
        self._mark = (self.v, self._frames, self._bytes)
        self._waiting_since = time.monotonic() if self._frames else None
        self.wake()

    # ---- what it says --------------------------------------------------------------------------------------------

    def wake(self) -> None:
        """There may be something to say. It is said at once; only a socket that makes us wait costs a task."""
        self.leave_cohort()
        if not self._is_talking and not self.gone and not (self._post and self._say_at_once(self._post)):
            self._is_talking = True
            self.send_task = begin(self._run())

    def step_from_here(self) -> Step | None:
        """What others who stand where this one does may `take` too; None where it is not a mere step."""
        room = self.watched.room
        if self.epoch != room.epoch or not 0 <= self.v < room.version:
            return None
        text = room.frame_for(self.epoch, self.v)
        return Step(room, self.v, text) if text is not None else None

    def take(self, step: Step) -> bool:
        """What `wake` would do for who has nothing else to be told, at half its cost. False: nothing was done."""
        if (
            self.v != step.since
            or self.epoch != step.epoch
            or self._has_more_to_say
            or not self._window_is_open
            or self._post is None
            or not self._post(step.text)
        ):
            return False
        self.v, self.digest = step.v, step.digest
        self._frames += 1
        self._bytes += step.size
        self._waiting_since = self._waiting_since or step.begun
        frame_counts.SHORT.count(step.text)
        return True

    # ---- together with others ------------------------------------------------------------------------------------

    def direct_write_from(self, room: FrameSource) -> DirectWrite | None:
        """How to write to the socket itself, for who may join others where the room stands; else None."""
        if (
            self.v != room.version
            or self.epoch != room.epoch
            or self._has_more_to_say
            or self._frames + MOST_STEPS > WINDOW_FRAMES
            or self._bytes + MOST_BYTES > WINDOW_BYTES
        ):
            return None
        return self._post.direct(self.blocked) if isinstance(self._post, DirectFrameWriter) else None

    def stand_alone(self, cohort: Cohort) -> None:
        """The cohort's, as it lets this viewer go."""
        self.v, self.digest = cohort.v, cohort.digest
        self._frames += cohort.frames
        self._bytes += cohort.size
        self._waiting_since = self._waiting_since or cohort.since

    def leave_cohort(self) -> None:
        if self.cohort is not None:
            self.cohort.let_go(self)

    def blocked(self) -> None:
        """The socket takes no more frames, for now or for good: what is still to be said goes the long way."""
        if self.cohort is not None:
            self.wake()

    def finish(self, rest: bytes) -> None:
        """The rest of a frame that the socket has taken in part."""
        assert isinstance(self._post, DirectFrameWriter)
        self._post.finish(rest)

    # ---- alone ---------------------------------------------------------------------------------------------------

    @property
    def _has_more_to_say(self) -> bool:
        """Than what the room's next version asks for; or is past saying anything."""
        return bool(
            self._is_talking
            or self._beat_wanted
            or self._hello
            or self._sync is not None
            or self._farewell is not None
            or self.gone
        )

    def _say_at_once(self, post: FrameWriter) -> bool:
        """All there is to say, by the short way; False when the socket would make us wait, or must be closed."""
        while (text := self.next_text()) is not None:
            if not post(text):
                self._unsent = text
                return False
            frame_counts.SHORT.count(text)
            if self._knows_all:
                break
        return self._farewell is None

    @property
    def _knows_all(self) -> bool:
        """There is no need to ask for a next frame. (Asking is not wrong, but costs a quarter of a delivery.)"""
        room = self.watched.room
        return self.v == room.version and self.epoch == room.epoch and self._sync is None and not self._beat_wanted

    async def _run(self) -> None:
        try:
            while (text := self._unsent or self.next_text()) is not None:
                self._unsent = None
                self._sending_since = time.monotonic()
                await self._send(text)
                self._sending_since = None
                frame_counts.LONG.count(text)
            if self._farewell is not None:
                code, bye = self._farewell
                self._sending_since = time.monotonic()
                await self._send(bye)
                frame_counts.LONG.count(bye)
                self.gone = True
                await self._shut(code)
        except Exception as error:  # each server has its own way of saying that the socket is closed
            log.debug("socket lost: %r", error)
            self.gone = True
        finally:
            self._is_talking = False
            self.send_task = None

    def next_text(self) -> str | None:
        """The next frame to send, made now; counted as sent."""
        text = self._choose()
        if text is not None:
            self._frames += 1
            self._bytes += len(text)
            self._waiting_since = self._waiting_since or time.monotonic()
        return text

    def _choose(self) -> str | None:
        room = self.watched.room
        if self._farewell is not None:
            return None
        if self._hello:
            hello, self._hello = self._hello, ""
            return hello
        if self._sync is not None and time.monotonic() >= self._sync_at:
            wanted, self._sync = self._sync, None
            self._sync_at = time.monotonic() + SYNC_EVERY
            return self._bring_from(room, wanted.epoch, wanted.v) or room.snapshot()
        if self._window_is_open and (text := self._bring_from(room, self.epoch, self.v)):
            return text
        if self._beat_wanted:
            self._beat_wanted = False
            return protocol.heartbeat(v=self.v, digest=self.digest, age=self.pulse.age, ok=self.pulse.ok)
        return None

    def _bring_from(self, room: FrameSource, epoch: str | None, v: int) -> str | None:
        text = room.frame_for(epoch, v)
        if self.epoch != room.epoch:
            self._mark = (-1, *self._mark[1:])  # versions of another life say nothing
        self.epoch, self.v, self.digest = room.epoch, room.version, room.digest
        return text

    @property
    def _window_is_open(self) -> bool:
        return self._frames < WINDOW_FRAMES and self._bytes < WINDOW_BYTES

    # ---- time ----------------------------------------------------------------------------------------------------

    def plan_beat(self, now: float, within: float | None = None) -> None:
        """Next heartbeat about one interval from now, spread by a fifth, or anywhere within so many seconds."""
        every = self.pulse.heartbeat
        self._beat_at = now + (random.uniform(0, within) if within else random.uniform(0.8, 1.2) * every)

    def _waits_too_long(self, now: float) -> bool:
        """For an ack of what this viewer, or the cohort it is in, was told."""
        since = self._waiting_since or (self.cohort.since if self.cohort is not None else None)
        return since is not None and now - since > ACK_DEADLINE and now - since > 3 * self.pulse.heartbeat

    def tend(self, now: float) -> None:
        """Called a few times a second: heartbeats, deadlines, a sync that had to wait."""
        if self._sending_since is not None:
            if now - self._sending_since > SEND_DEADLINE:
                self.cut_off(Close.SLOW)
        elif self._waits_too_long(now):
            self.dismiss(Close.NO_ACK, "nothing acknowledged for too long", retry=1000)
        elif now >= self._beat_at:
            self.plan_beat(now)
            self._beat_wanted = True
            self.wake()
        elif self._sync is not None:
            self.wake()

    # ---- the end -------------------------------------------------------------------------------------------------

    def dismiss(self, code: Close, reason: str, *, retry: int = 0) -> None:
        """Say bye and close; `retry` in milliseconds."""
        if self._farewell is None and not self.gone:
            self._farewell = (code, protocol.bye(code=code, retry=retry, reason=reason))
            self.wake()

    def cut_off(self, code: Close) -> None:
        """Close a socket that takes nothing any more; it holds no part of the hub from here on."""
        self.leave_cohort()
        self.gone = True
        if self.send_task is not None:
            self.send_task.cancel()
        asyncio.get_running_loop().create_task(self._close_quietly(code))

    async def _close_quietly(self, code: Close) -> None:
        try:
            await asyncio.wait_for(self._shut(code), 1.0)
        except Exception as error:  # a timeout, or the server's own word for a closed socket
            log.debug("socket not closed: %r", error)


def tell(viewers: Iterable[Viewer]) -> None:
    """Bring all of them to the present. Most stand where the one before them does, and take the same step."""
    step: Step | None = None
    for viewer in viewers:
        if step is None or viewer.v != step.since:
            step = viewer.step_from_here() or step
        if step is None or not viewer.take(step):
            viewer.wake()
