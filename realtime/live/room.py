"""One showtime's live state, and the frames that bring a viewer to it. Pure: no loop, no database, no clock.

Versions are gap-free and numbered in the order of commits; a change holds the whole of (`before`, `version`] with
absolute states (rules R1 and R2 of docs/live-map.md). So a repeated or late change does no harm, and an early one
shows that another is missing.

That holds within one life of the database. When it goes back, numbers are used again, and changes of both lives fit
together. So a room remembers the stamp of each version since the last one that the database has confirmed; what the
database says of these versions tells whether the room has followed one life only.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum, auto

from booking.seats.map import Lineage
from booking.seats.stamps import Stamp
from realtime.change import Change
from realtime.live import protocol
from realtime.live.frame_source import FrameSource
from realtime.live.position import Versioned


class Outcome(Enum):
    APPLIED = auto()
    STALE = auto()  # the room has this version already
    GAP = auto()  # a change before it is missing; this one is kept
    ANOTHER_EPOCH = auto()  # the room must be loaded again
    IN_DOUBT = auto()  # the room may be of another life of the database: it must be compared first


class Room(FrameSource):
    """The state of one showtime at one version, and for every seat the version that last changed it.

    `confirmed` is the newest version of which the database is known to have had every version up to it. A new room is
    confirmed: it was read in one statement.
    """

    def __init__(
        self,
        *,
        epoch: str,
        version: int,
        layout: str,
        state: str,
        seat_versions: Iterable[int],
        stamp: Stamp | None = None,
    ) -> None:
        super().__init__(epoch, version)
        self.confirmed = version
        self.is_doubtful = False  # takes no changes until the database has been asked
        self._stamps: dict[int, Stamp | None] = {version: stamp}  # from the last confirmed version on
        self.layout = layout
        self.state = bytearray(state, "ascii")
        self.seat_versions = array("Q", seat_versions)
        self._early: dict[int, Change] = {}  # by the version before them
        self._digest: int | None = None

    def apply(self, change: Change) -> Outcome:
        """Apply a change if it is the next one, then the kept ones that follow it. After a gap nothing is applied."""
        if change.epoch != self.epoch:
            return Outcome.ANOTHER_EPOCH
        if self.is_doubtful:
            return Outcome.IN_DOUBT
        if change.version <= self.version:
            return self._compare_stale(change)
        if change.before > self.version:
            self._early[change.before] = change
            return Outcome.GAP
        self._write(change.version, change.seats, change.stamp)
        self._apply_early()
        return Outcome.APPLIED

    def _compare_stale(self, change: Change) -> Outcome:
        """A change that the room has already, unless another one had its number."""
        if self._stamps.get(change.version, change.stamp) == change.stamp:
            return Outcome.STALE
        self.is_doubtful = True
        return Outcome.IN_DOUBT

    # ---- compared with the database ------------------------------------------------------------------------------

    @property
    def first_stamped(self) -> int:
        """The version from which on the database is asked for stamps."""
        return min(self._stamps)

    def agrees_with(self, known: Lineage, *, at_least: int) -> bool:
        """Whether the database has, in one life, all that this room has followed.

        Args:
            known: read from the database, with the stamps from `first_stamped` on.
            at_least: the room's version when the read began. Meanwhile changes may have brought the room further.
        """
        return (
            known.epoch == self.epoch
            and known.version >= at_least
            and all(known.stamps.get(v) == stamp for v, stamp in self._stamps.items() if v <= known.version)
        )

    def confirm(self, version: int) -> None:
        """The database, which agrees, stands at `version`: what the room has up to there is confirmed."""
        passed = sorted(v for v in self._stamps if v <= version)
        for older in passed[:-1]:
            del self._stamps[older]
        if passed:  # else an answer that is older than another one
            self.confirmed = max(self.confirmed, min(version, self.version))

    def confirms(self, position: Versioned) -> bool:
        return position.version <= self.confirmed and self.describes(position)

    def catch_up(self, version: int, letters: Mapping[int, str], stamp: Stamp | None = None) -> bool:
        """Close a gap with every seat changed since `self.version`, as the database gave them in one statement.

        All of them are stamped with `version`: a later delta then names more seats than it must, which R2 allows.
        True when the version has changed.
        """
        before = self.version
        if version > before:
            seats: dict[str, list[int]] = {}
            for index, letter in letters.items():
                seats.setdefault(letter, []).append(index)
            self._write(version, seats, stamp)
        self._apply_early()
        return self.version > before

    @property
    def has_gap(self) -> bool:
        return bool(self._early)

    def _write(self, version: int, seats: Mapping[str, Sequence[int]], stamp: Stamp | None) -> None:
        self._stamps[version] = stamp
        for letter, indices in seats.items():
            code = ord(letter)
            for index in indices:
                self.state[index] = code
                self.seat_versions[index] = version
        self._digest = None
        self._set_version(version)

    def _apply_early(self) -> None:
        """Apply the kept changes that follow `version` without a gap; drop those that are in it."""
        for before in sorted(self._early):
            if before > self.version:
                return
            change = self._early.pop(before)
            if change.version > self.version:
                self._write(change.version, change.seats, change.stamp)

    @property
    def digest(self) -> int:
        if self._digest is None:
            self._digest = protocol.digest_of(self.state)
        return self._digest

    def _encode_snapshot(self) -> str:
        return protocol.snapshot(epoch=self.epoch, v=self.version, state=self.state.decode(), digest=self.digest)

    def _encode_delta(self, since: int) -> str:
        return protocol.delta(since=since, v=self.version, seats=self.changed_since(since))

    def changed_since(self, version: int) -> dict[str, list[int]]:
        """Letter -> indices of every seat that changed after `version`."""
        seats: dict[str, list[int]] = {}
        for index, seat_version in enumerate(self.seat_versions):
            if seat_version > version:
                seats.setdefault(chr(self.state[index]), []).append(index)
        return seats
