"""Viewers who stand together are brought on together: one loop of writes, which is the interpreter's own, for all.

Of what a frame costs beside the kernel's part, most is looking at each viewer in turn. So those who were just told the
same form a cohort: it knows for all of them where they stand and what they were told since, and next time looks at
none of them. Whoever has anything of its own to hear or to say leaves first, and is then what it would be had it been
told alone (tests/realtime/live/test_steps.py holds it to that). Nobody joins one later.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from realtime.fast_path import frame_counts
from realtime.fast_path.shared_frames import DirectWrite, frame_of, write_all

if TYPE_CHECKING:
    from realtime.live.viewer import FrameSource, Viewer

FEWEST = 8  # fewer are told as quickly one by one
MOST_STEPS = 64  # a cohort then ends, so that what its viewers may be told un-acked stays bounded
MOST_BYTES = 64 * 1024  # likewise


class Cohort:
    """Viewers at the same (`epoch`, `v`) of one room, with nothing else to be told. All in the hub's loop."""

    def __init__(self, viewers: dict[Viewer, DirectWrite], alone: set[Viewer]) -> None:
        """`alone` is who is in no cohort: these leave it now, and come back when they are let go."""
        first = next(iter(viewers))
        self.epoch, self.v, self.digest = first.epoch, first.v, first.digest
        self.frames = self.size = 0  # told to each since
        self.since: float | None = None  # when the first of them
        self.viewers, self._pushes = list(viewers), list(viewers.values())
        self._place = {viewer: place for place, viewer in enumerate(self.viewers)}
        self._alone = alone
        alone.difference_update(viewers)
        for viewer in viewers:
            viewer.cohort = self

    def let_go(self, viewer: Viewer) -> None:
        """From here on this viewer stands alone, where all stand."""
        place, last, push = self._place.pop(viewer), self.viewers.pop(), self._pushes.pop()
        if last is not viewer:
            self.viewers[place], self._pushes[place], self._place[last] = last, push, place
        self._alone.add(viewer)
        viewer.cohort = None
        viewer.stand_alone(self)

    def tell(self, room: FrameSource) -> list[Viewer]:
        """Bring all to where the room is; those who must be told one by one instead have left and are returned."""
        if not self.viewers or (self.epoch == room.epoch and self.v == room.version):
            return []
        text = room.frame_for(self.epoch, self.v) if self.epoch == room.epoch else None
        if text is None or self.frames >= MOST_STEPS or self.size + len(text) > MOST_BYTES:
            return self._let_go_all(list(self.viewers))
        begun, frame = time.monotonic(), frame_of(text)
        written = write_all(self._pushes, frame)
        if written.count(len(frame)) == len(written):
            self._step(room, text, begun)
            return []
        everybody = list(self.viewers)
        untold = self._let_go_all([viewer for viewer, n in zip(everybody, written, strict=True) if n is None])
        self._step(room, text, begun)
        for viewer, n in zip(everybody, written, strict=True):
            if n is not None and n < len(frame):
                self.let_go(viewer)
                viewer.finish(frame[n:])
        return untold

    def _let_go_all(self, viewers: list[Viewer]) -> list[Viewer]:
        for viewer in viewers:
            self.let_go(viewer)
        return viewers

    def _step(self, room: FrameSource, text: str, begun: float) -> None:
        self.v, self.digest = room.version, room.digest
        self.frames += 1
        self.size += len(text)
        self.since = self.since or begun
        frame_counts.SHORT.count(text, len(self.viewers))


def cohorts_of(viewers: Iterable[Viewer], alone: set[Viewer], room: FrameSource, *, most: int) -> list[Cohort]:
    """Of these, who are alone, the ones who stand where the room does and wait for nothing else, in this order."""
    ready = [(viewer, push) for viewer in viewers if (push := viewer.direct_write_from(room)) is not None]
    groups = [dict(ready[first : first + most]) for first in range(0, len(ready), most)]
    return [Cohort(group, alone) for group in groups if len(group) >= FEWEST]
