"""How often rooms may send to their viewers: every tick, less often when that would take more than half of the time.

Pure: no loop, no clock of its own.
"""

from __future__ import annotations

LONGEST = 0.5  # seconds


class Pace:
    """How long the last tick of each changing room took. Shared by the rooms of a process: they share its core."""

    def __init__(self) -> None:
        self._begun_at = 0.0
        self._last_duration: dict[int, float] = {}
        self._sum = self._sum_before = 0.0

    def record_tick(self, showtime_id: int, seconds: float, now: float) -> None:
        """Record the length of a room's tick. Rooms without a tick for a second or so are forgotten."""
        if now - self._begun_at > 2 * LONGEST:
            is_recent = now - self._begun_at < 4 * LONGEST
            self._begun_at, self._last_duration = now, {}
            self._sum_before, self._sum = self._sum if is_recent else 0.0, 0.0
        self._sum += seconds - self._last_duration.get(showtime_id, 0.0)
        self._last_duration[showtime_id] = seconds

    def pause(self, tick: float) -> float:
        """Seconds from the start of a tick to the start of the room's next: `tick` when there is little to do."""
        return max(tick, min(LONGEST, 2 * max(self._sum, self._sum_before)))
