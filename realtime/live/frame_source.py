"""The base of `Room` and `BoardRoom`: a state with a version, and the frames that bring a viewer to it."""

from __future__ import annotations

from abc import ABC, abstractmethod

from realtime.live.position import Versioned


class FrameSource(ABC):
    """Encodes each frame once per version, for any number of viewers. Pure: no loop, no database, no clock."""

    def __init__(self, epoch: str, version: int) -> None:
        self.epoch = epoch
        self.version = version
        self._snapshot = ""
        self._deltas: dict[int, str] = {}  # by the version they start from; all lead to `version`

    @property
    def digest(self) -> int | None:
        """CRC-32 of the state, where viewers can check it."""
        return None

    def describes(self, position: Versioned) -> bool:
        """Whether a heartbeat can say what was sent to a viewer at this position: not before a first state."""
        return position.epoch == self.epoch and (position.digest is None) == (self.digest is None)

    def confirms(self, position: Versioned) -> bool:
        """Whether the database has confirmed what was sent to a viewer at this position."""
        return self.describes(position)

    def snapshot(self) -> str:
        """The frame of the whole state."""
        if not self._snapshot:
            self._snapshot = self._encode_snapshot()
        return self._snapshot

    def frame_for(self, epoch: str | None, version: int) -> str | None:
        """The frame that brings a viewer from (`epoch`, `version`) to the present; None when it is there.

        Viewers at the same version get the same text object.
        """
        if epoch != self.epoch or not 0 <= version <= self.version:
            return self.snapshot()
        if version == self.version:
            return None
        if version not in self._deltas:
            self._deltas[version] = self._encode_delta(version)
        return self._deltas[version]

    def _set_version(self, version: int) -> None:
        """After every change of the state: the frames of the version before are dropped."""
        self.version = version
        self._deltas.clear()
        self._snapshot = ""

    @abstractmethod
    def _encode_snapshot(self) -> str: ...

    @abstractmethod
    def _encode_delta(self, since: int) -> str:
        """The frame of everything that changed after version `since`."""
