"""Viewers at the same version are sent the same frame together: one loop of writes, run by the interpreter itself.

Beside the kernel's part, most of the cost of a frame is looking at each viewer. A cohort holds one position for all
its viewers and writes to their sockets without looking at them. A viewer that needs another frame leaves the
cohort first; its position is then the same as if it had been sent every frame alone (tests/realtime/live/test_steps.py
checks that). No viewer joins a cohort after it was formed.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from realtime.fast_path import frame_counts
from realtime.fast_path.shared_frames import DirectWrite, frame_of, write_all
from realtime.live.frame_source import FrameSource
from realtime.live.position import Position
from realtime.live.viewer import Viewer

FEWEST = 8  # fewer are sent to as quickly one by one
MOST_FRAMES = 64  # a cohort is then dissolved, so that what its viewers have not acknowledged stays bounded
MOST_BYTES = 64 * 1024  # likewise


class Cohort:
    """Viewers at the same version of one room, with nothing else to be sent. All methods run in the hub's loop.

    Its position counts from an empty window: the frames and bytes that each viewer was sent since it joined.
    """

    def __init__(self, viewers: dict[Viewer, DirectWrite], single: set[Viewer]) -> None:
        """`single`: the viewers in no cohort. These are taken out of it, and put back when they leave."""
        first = next(iter(viewers)).position
        self.position = Position(first.epoch, first.version, first.digest)
        self.viewers, self._writes = list(viewers), list(viewers.values())
        self._index = {viewer: index for index, viewer in enumerate(self.viewers)}
        self._single = single
        single.difference_update(viewers)
        for viewer in viewers:
            viewer.cohort = self

    def release(self, viewer: Viewer) -> None:
        """Take a viewer out: from here on its own position counts."""
        index, last, write = self._index.pop(viewer), self.viewers.pop(), self._writes.pop()
        if last is not viewer:
            self.viewers[index], self._writes[index], self._index[last] = last, write, index
        self._single.add(viewer)
        viewer.cohort = None
        sent = self.position
        viewer.position.advance(sent, sent.frames, sent.bytes, sent.unacked_since)

    def send(self, room: FrameSource) -> list[Viewer]:
        """Bring all viewers to the room's version. Returns those that left instead and must be sent to one by one."""
        at = self.position
        if not self.viewers or (at.epoch == room.epoch and at.version == room.version):
            return []
        text = room.frame_for(at.epoch, at.version) if at.epoch == room.epoch else None
        if text is None or at.frames >= MOST_FRAMES or at.bytes + len(text) > MOST_BYTES:
            return self._release_all(list(self.viewers))
        begun_at, frame = time.monotonic(), frame_of(text)
        written = write_all(self._writes, frame)
        if written.count(len(frame)) == len(written):
            self._advance(room, text, begun_at)
            return []
        viewers = list(self.viewers)
        unsent = self._release_all([viewer for viewer, n in zip(viewers, written, strict=True) if n is None])
        self._advance(room, text, begun_at)
        for viewer, n in zip(viewers, written, strict=True):
            if n is not None and n < len(frame):
                self.release(viewer)
                viewer.finish(frame[n:])
        return unsent

    def _release_all(self, viewers: list[Viewer]) -> list[Viewer]:
        for viewer in viewers:
            self.release(viewer)
        return viewers

    def _advance(self, room: FrameSource, text: str, at: float) -> None:
        self.position.advance(room, 1, len(text), at)
        frame_counts.DIRECT.count(text, len(self.viewers))


def form_cohorts(viewers: Iterable[Viewer], single: set[Viewer], room: FrameSource, *, most: int) -> list[Cohort]:
    """Put the single viewers that are at the room's version, and may be sent to together, into cohorts of `most`."""
    ready = [
        (viewer, write)
        for viewer in viewers
        if (write := viewer.direct_write_at(room, MOST_FRAMES, MOST_BYTES)) is not None
    ]
    groups = [dict(ready[first : first + most]) for first in range(0, len(ready), most)]
    return [Cohort(group, single) for group in groups if len(group) >= FEWEST]
