"""How many visitors have lost a race for seats of a showtime just now, as this process has seen it.

Best available sends everybody to the nearest block. Where many ask at once all but one lose it, ask again, and lose
again. So they are spread over as many blocks as visitors have lost.
"""

from __future__ import annotations

import time
import uuid

JUST_NOW = 3.0  # seconds
MOST_SHOWTIMES = 1000  # beyond that all are forgotten
MOST_BLOCKS = 40

_lost: dict[int, dict[uuid.UUID, float]] = {}  # by showtime and visitor: when, of the monotonic clock


def note_lost(showtime_id: int, visitor: uuid.UUID) -> None:
    """This visitor has requested seats that somebody else has."""
    if len(_lost) >= MOST_SHOWTIMES:
        _lost.clear()
    losers = _lost.setdefault(showtime_id, {})
    if len(losers) >= MOST_BLOCKS:
        losers.pop(next(iter(losers)), None)
    losers[visitor] = time.monotonic()


def spread_now(showtime_id: int) -> int:
    """Over how many blocks visitors are to be spread: 1 while nobody loses."""
    since = time.monotonic() - JUST_NOW
    return 1 + sum(at > since for at in list(_lost.get(showtime_id, {}).values()))


def forget_lost() -> None:
    """Forget everything, for tests."""
    _lost.clear()
