"""A showtime in memory with all its versions: the reference that clients are compared with, and a hub's source.

Like a database's, its answers are slow, out of date when they arrive, and fail now and then.
"""

import asyncio
import copy
import random
import time
from datetime import timedelta

from django.utils import timezone

from booking.refusals import NotFound
from booking.seats.map import Lineage, SeatChanges, SeatMap
from realtime.change import Change
from realtime.live.protocol import digest_of
from realtime.live.source import Loaded

SHOWTIME = 7


class SimulatedShowtime:
    def __init__(self, seed=0, *, n=12, failing=0.0, slow=0.0):
        self.random = random.Random(seed)
        self.n, self.failing, self.slow = n, failing, slow
        self.down = False
        self.epoch, self.version = "e0", 0
        self.n_epochs = 0
        self.past = []  # (when it ended, history) of each earlier life
        self.went_back_in = set()  # epochs; what was shown of them until it was noticed may be mixed of two lives
        self.missing = False
        self.state, self.versions = ["A"] * n, [0] * n
        self.history = {}  # of this life
        self.states = {}  # of all lives: after a restore a version may have had several states
        self.stamps, self._clock = {}, 0  # the stamp of each version of this life; every commit has another one
        self.saved = None
        self.loads = self.queries = 0
        self.ends_at = timezone.now() + timedelta(hours=2)
        self._record()

    def _record(self):
        self.history[self.epoch, self.version] = self.map
        self.states.setdefault((self.epoch, self.version), set()).add(self.map)

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
        self._clock += 1
        self.stamps[self.version] = self._clock
        self._record()
        return Change(SHOWTIME, self.epoch, self.version - 1, self.version, seats, self._clock)

    def change_epoch(self):
        """As after the restore of a backup, with a smaller version."""
        self.version //= 2
        self.versions = [min(version, self.version) for version in self.versions]
        self.stamps = {version: stamp for version, stamp in self.stamps.items() if version <= self.version}
        self._begin_epoch()

    def _begin_epoch(self):
        self.n_epochs += 1
        self.epoch = f"e{self.n_epochs}"
        self._record()

    def dump(self):
        """What `restore` puts back."""
        names = ("epoch", "version", "state", "versions", "stamps", "history")
        self.saved = {name: copy.copy(getattr(self, name)) for name in names}

    def restore(self):
        """The database goes back to the dump, the epoch too. Later versions may have numbers that others had."""
        self.past.append((time.monotonic(), self.history))
        self.went_back_in |= {self.epoch, self.saved["epoch"]}
        for name, value in self.saved.items():
            setattr(self, name, copy.copy(value))

    def had(self, epoch, version, digest, since):
        """Whether the database had this state, then or before, at some time since `since` on the monotonic clock."""
        lives = [history for ended_at, history in self.past if ended_at >= since]
        states = [history.get((epoch, version)) for history in (*lives, self.history)]
        return any(state is not None and digest_of(state.encode()) == digest for state in states)

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
        asked_at = time.monotonic()
        return await self._read(lambda: Loaded(self._read_map(), self.ends_at, asked_at))

    def _read_map(self):
        self._look()
        stamp = self.stamps.get(self.version)
        return SeatMap(SHOWTIME, self.epoch, self.version, "layout", self.map, tuple(self.versions), stamp)

    async def changes(self, showtime_id, since, first):
        return await self._read(lambda: self._read_changes(since, first))

    def _read_changes(self, since, first):
        self._look()
        seats = {i: self.state[i] for i in range(self.n) if self.versions[i] > since}
        return SeatChanges(self.epoch, self.version, self._stamps_from(first), since, seats)

    async def versions_of(self, first):
        return await self._read(lambda: {} if self.missing or SHOWTIME not in first else self._lineage(first))

    def _lineage(self, first):
        return {SHOWTIME: Lineage(self.epoch, self.version, self._stamps_from(first[SHOWTIME]))}

    def _stamps_from(self, first):
        return {version: stamp for version, stamp in self.stamps.items() if first <= version <= self.version}

    def _look(self):
        if self.missing:
            raise NotFound

    async def begin_epoch(self, showtime_id, after):
        def begin():
            if self.epoch == after:
                self._begin_epoch()

        await self._read(begin)


class SimulatedSource:
    """The showtime as a hub reads it."""

    def __init__(self, showtime):
        self.load, self.changes, self.versions = showtime.load, showtime.changes, showtime.versions_of
        self.begin_epoch = showtime.begin_epoch
