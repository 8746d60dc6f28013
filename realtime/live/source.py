"""Reads from the database, in threads of the hub's own: sending a frame never waits for a query."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeVar

from django.db import connections
from django.utils import timezone

from booking.refusals import NotFound
from booking.seats import map as seat_map
from booking.seats.epochs import begin_epoch
from booking.seats.map import Lineage, SeatChanges, SeatMap
from booking.seats.occupancy import Occupancy, read_occupancy
from cinema.accounts.staff import staff_sessions
from cinema.database.query_timeout import REQUEST_TIMEOUT, query_timeout
from cinema.models import Showtime

T = TypeVar("T")
ANSWER_TIMEOUT = 5.0  # seconds


@dataclass(frozen=True)
class Loaded:
    """A whole map, when its showtime is over, and when the read began, on the monotonic clock."""

    map: SeatMap
    ends_at: datetime
    asked_at: float = field(default_factory=time.monotonic)


class Source(Protocol):
    async def load(self, showtime_id: int) -> Loaded:
        """Raises booking.refusals.NotFound."""

    async def changes(self, showtime_id: int, since: int, first: int) -> SeatChanges:
        """Seats that changed after `since`, stamps from `first` on. Raises booking.refusals.NotFound."""

    async def versions(self, first: Mapping[int, int]) -> dict[int, Lineage]:
        """Where each showtime stands that there is, with the stamps from the given version on."""

    async def begin_epoch(self, showtime_id: int, after: str) -> None:
        """Begin another epoch if it is still `after`, as `booking.seats.epochs.begin_epoch`."""


class DatabaseReader:
    """Runs queries for the hub's loop in `threads` threads; their connections are closed after each."""

    def __init__(self, threads: int, name: str) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)

    async def _read(self, query: Callable[[], T]) -> T:
        """Raises TimeoutError when no answer comes: a frozen database neither answers nor fails."""
        async with asyncio.timeout(ANSWER_TIMEOUT):
            return await asyncio.get_running_loop().run_in_executor(self._threads, closing_connections, query)


class DatabaseSource(DatabaseReader):
    """State and version come from one statement (rule R3); `load` reads the end of the showtime with a second one."""

    def __init__(self) -> None:
        super().__init__(2, "hub-database")

    async def load(self, showtime_id: int) -> Loaded:
        return await self._read(lambda: load(showtime_id))

    async def changes(self, showtime_id: int, since: int, first: int) -> SeatChanges:
        return await self._read(lambda: seat_map.read_changes(showtime_id, since, first))

    async def versions(self, first: Mapping[int, int]) -> dict[int, Lineage]:
        return await self._read(lambda: seat_map.read_versions(first))

    async def begin_epoch(self, showtime_id: int, after: str) -> None:
        await self._read(lambda: begin_epoch(showtime_id, after=after))


class DatabaseBoardSource(DatabaseReader):
    """The board's queries, in a thread of their own: rooms never wait for them."""

    def __init__(self) -> None:
        super().__init__(1, "board-database")

    async def occupancy(self) -> list[Occupancy]:
        return await self._read(lambda: read_occupancy(timezone.now()))

    async def begin_epoch(self, showtime_id: int, after: str) -> None:
        await self._read(lambda: begin_epoch(showtime_id, after=after))

    async def staff(self, sessions: Iterable[str]) -> set[str]:
        wanted = list(sessions)
        return await self._read(lambda: staff_sessions(wanted))


def load(showtime_id: int) -> Loaded:
    asked_at = time.monotonic()
    found = seat_map.read_map(showtime_id)
    ends_at = Showtime.objects.values_list("ends_at", flat=True).filter(pk=showtime_id).first()
    if ends_at is None:
        raise NotFound("There is no such showtime any more.")
    return Loaded(found, ends_at, asked_at)


def closing_connections(query: Callable[[], T]) -> T:
    """Run a query, then close this thread's connections."""
    try:
        with query_timeout(REQUEST_TIMEOUT):
            return query()
    finally:
        connections.close_all()
