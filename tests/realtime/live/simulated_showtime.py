"""A showtime in memory with all its versions: the reference that clients are compared with, and a hub's source.

Like a database's, its answers are slow, out of date when they arrive, and fail now and then.
"""

import asyncio
import random
from datetime import timedelta

from django.utils import timezone

from booking.refusals import NotFound
from booking.seats.map import SeatChanges, SeatMap
from realtime.change import Change
from realtime.live.source import Loaded

SHOWTIME = 7


class SimulatedShowtime:
    def __init__(self, seed=0, *, n=12, failing=0.0, slow=0.0):
        self.random = random.Random(seed)
        self.n, self.failing, self.slow = n, failing, slow
        self.down = False
        self.epoch, self.version = "e0", 0
        self.state, self.versions = ["A"] * n, [0] * n
        self.history = {}
        self.loads = self.queries = 0
        self.ends_at = timezone.now() + timedelta(hours=2)
        self._record()

    def _record(self):
        self.history[self.epoch, self.version] = "".join(self.state)

    @property
    def map(self):
        return "".join(self.state)

    def commit(self, **seats):
        """One transaction over random seats, or over these: commit(L=[1, 2])."""
        if not seats:
            for seat in self.random.sample(range(self.n), self.random.randint(1, 4)):
                seats.setdefault(self.random.choice("ALBX"), []).append(seat)
        self.version += 1
        for letter, indices in seats.items():
            for seat in indices:
                self.state[seat], self.versions[seat] = letter, self.version
        self._record()
        return Change(SHOWTIME, self.epoch, self.version - 1, self.version, seats)

    def change_epoch(self):
        """As after the restore of a backup, with a smaller version."""
        self.epoch, self.version = f"e{int(self.epoch[1:]) + 1}", self.version // 2
        self.versions = [min(version, self.version) for version in self.versions]
        self._record()

    async def _read(self, query):
        self.queries += 1
        await asyncio.sleep(self.random.uniform(0, self.slow))
        if self.down or self.random.random() < self.failing:
            raise OSError("the database is away")
        answer = query()
        await asyncio.sleep(self.random.uniform(0, self.slow))
        return answer

    async def load(self, showtime_id):
        if showtime_id != SHOWTIME:
            raise NotFound
        self.loads += 1
        return await self._read(
            lambda: Loaded(
                SeatMap(SHOWTIME, self.epoch, self.version, "layout", self.map, tuple(self.versions)), self.ends_at
            )
        )

    async def changes(self, showtime_id, since):
        return await self._read(
            lambda: SeatChanges(
                self.epoch, since, self.version, {i: self.state[i] for i in range(self.n) if self.versions[i] > since}
            )
        )

    async def versions_of(self, ids):
        return await self._read(lambda: {SHOWTIME: (self.epoch, self.version)} if SHOWTIME in ids else {})


class SimulatedSource:
    """The showtime as a hub reads it."""

    def __init__(self, showtime):
        self.load, self.changes, self.versions = showtime.load, showtime.changes, showtime.versions_of
