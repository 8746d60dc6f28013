"""One showtime's live state, and what has to be said to bring any viewer to it. Pure: no loop, no database, no clock.

Versions are gap-free and numbered in the order of commits; a change names the whole of (`before`, `version`] with
absolute states (rules R1 and R2 of docs/live-map.md). So a change can be repeated or come too late without harm, and
one that comes too early shows that another is missing.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum, auto

from realtime.change import Change
from realtime.live import protocol


class Outcome(Enum):
    ORDERLY = auto()  # the room moved on
    STALE = auto()  # seen before, nothing to do
    GAP = auto()  # something before it is missing; the change is kept
    ANOTHER_EPOCH = auto()  # the room's own life has ended, load it anew


class Room:
    """The state of one showtime at one version, and for every seat the version that last changed it."""

    def __init__(self, *, epoch: str, version: int, layout: str, state: str, seat_versions: Iterable[int]) -> None:
        self.epoch = epoch
        self.version = version
        self.layout = layout
        self.state = bytearray(state, "ascii")
        self.seat_versions = array("Q", seat_versions)
        self._early: dict[int, Change] = {}
        self._frames: dict[int, str] = {}  # delta by the version it starts from, all up to `version`
        self._snapshot = ""
        self._digest: int | None = None

    def apply(self, change: Change) -> Outcome:
        """Takes a change in its order, and those kept that follow it. A gap changes nothing that shows."""
        if change.epoch != self.epoch:
            return Outcome.ANOTHER_EPOCH
        if change.version <= self.version:
            return Outcome.STALE
        if change.before > self.version:
            self._early[change.before] = change
            return Outcome.GAP
        self._take(change.version, change.seats)
        self._take_early()
        return Outcome.ORDERLY

    def catch_up(self, version: int, letters: Mapping[int, str]) -> bool:
        """Closes a gap with what the database said in one statement: every seat changed since `self.version`.

        They are all stamped with `version`: a later delta then names more seats than it must, which R2 allows.
        True when the room moved on.
        """
        before = self.version
        if version > before:
            seats: dict[str, list[int]] = {}
            for index, letter in letters.items():
                seats.setdefault(letter, []).append(index)
            self._take(version, seats)
        self._take_early()
        return self.version > before

    @property
    def misses_something(self) -> bool:
        return bool(self._early)

    def _take(self, version: int, seats: Mapping[str, Sequence[int]]) -> None:
        for letter, indices in seats.items():
            code = ord(letter)
            for index in indices:
                self.state[index] = code
                self.seat_versions[index] = version
        self.version = version
        self._frames.clear()
        self._snapshot, self._digest = "", None

    def _take_early(self) -> None:
        """Kept changes whose turn has come. Those that the room has passed are dropped."""
        for before in sorted(self._early):
            if before > self.version:
                return
            change = self._early.pop(before)
            if change.version > self.version:
                self._take(change.version, change.seats)

    @property
    def digest(self) -> int:
        if self._digest is None:
            self._digest = protocol.digest_of(self.state)
        return self._digest

    def snapshot(self) -> str:
        """The frame of the whole state, encoded once per version."""
        if not self._snapshot:
            self._snapshot = protocol.snapshot(
                epoch=self.epoch, v=self.version, state=self.state.decode(), digest=self.digest
            )
        return self._snapshot

    def frame_for(self, epoch: str | None, v: int) -> str | None:
        """What brings a viewer at (`epoch`, `v`) to the present; None when it is there.

        Viewers at the same version get the same text object: encoded once, whatever their number.
        """
        if epoch != self.epoch or not 0 <= v <= self.version:
            return self.snapshot()
        if v == self.version:
            return None
        if v not in self._frames:
            self._frames[v] = protocol.delta(since=v, v=self.version, seats=self.changed_since(v))
        return self._frames[v]

    def changed_since(self, v: int) -> dict[str, list[int]]:
        """Letter -> indices of every seat that changed after version `v`, any older version."""
        seats: dict[str, list[int]] = {}
        for index, seat_version in enumerate(self.seat_versions):
            if seat_version > v:
                seats.setdefault(chr(self.state[index]), []).append(index)
        return seats
