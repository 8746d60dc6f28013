"""How much one socket may say."""

from __future__ import annotations

import time

RATE = 1.0  # messages a second in the long run
BURST = 20


class Allowance:
    """A bucket that fills by `RATE` a second up to `BURST`; every message takes one."""

    def __init__(self) -> None:
        self._left = float(BURST)
        self._at = time.monotonic()

    def takes_one(self) -> bool:
        now = time.monotonic()
        self._left = min(BURST, self._left + (now - self._at) * RATE)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
