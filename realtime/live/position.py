"""How far a viewer has been brought: the state sent last, and what of it is not acknowledged. Pure: no clock."""

from __future__ import annotations

from typing import Protocol

# Un-acked; beyond one of them no deltas are sent.
WINDOW_FRAMES = 256
WINDOW_BYTES = 256 * 1024


class Versioned(Protocol):
    """One version of a state: `version` counts within `epoch`."""

    @property
    def epoch(self) -> str | None: ...
    @property
    def version(self) -> int: ...
    @property
    def digest(self) -> int | None: ...


class Position:
    """The version sent last, and the frames and bytes sent since the last acknowledgement. Of a viewer, or a cohort.

    `unacked_since` is when the first of those frames was sent, or the last acknowledgement of a part of them came.
    """

    __slots__ = ("_mark", "bytes", "digest", "epoch", "frames", "unacked_since", "version")

    def __init__(self, epoch: str | None = None, version: int = -1, digest: int | None = None) -> None:
        self.epoch, self.version, self.digest = epoch, version, digest
        self.frames = self.bytes = 0
        self.unacked_since: float | None = None
        self._mark = (-1, 0, 0)  # an ack of this version or a newer one settles so many frames and bytes

    def has_room(self, frames: int, size: int) -> bool:
        """Whether the window allows `frames` more, of `size` bytes in all."""
        return self.frames + frames <= WINDOW_FRAMES and self.bytes + size <= WINDOW_BYTES

    def advance(self, to: Versioned, frames: int, size: int, at: float | None) -> None:
        """Record `frames` frames, of `size` bytes in all, that lead to version `to`; the first was sent at `at`."""
        if to.epoch != self.epoch:
            self.epoch = to.epoch
            self._mark = (-1, *self._mark[1:])  # versions of the epoch before say nothing
        self.version, self.digest = to.version, to.digest
        self.frames += frames
        self.bytes += size
        if self.unacked_since is None:
            self.unacked_since = at

    def acknowledge(self, version: int, at: float) -> bool:
        """Take an ack: the newest version settles all that was sent, an older one what was sent up to the ack before.

        False: `version` is too old to settle anything.
        """
        marked, frames, size = self._mark
        if version >= self.version:
            self.frames = self.bytes = 0
        elif version >= marked:
            self.frames, self.bytes = self.frames - frames, self.bytes - size
        else:
            return False
        self._mark = (self.version, self.frames, self.bytes)
        self.unacked_since = at if self.frames else None
        return True
