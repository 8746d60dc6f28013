"""Reads from the database, in threads of the hub's own: sending a frame never waits for a query."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from django.db import connections
from django.utils import timezone

from booking.seats import map as seat_map
from booking.seats.map import SeatChanges, SeatMap
from booking.seats.occupancy import Occupancy, read_occupancy
from cinema.accounts.staff import staff_sessions
from cinema.database.query_timeout import REQUEST_TIMEOUT, query_timeout
from cinema.models import Showtime

T = TypeVar("T")
ANSWER_TIMEOUT = 5.0  # seconds


@dataclass(frozen=True)
class Loaded:
    """A whole map, and when its showtime is over."""

    map: SeatMap
    ends_at: datetime


class Source(Protocol):
    async def load(self, showtime_id: int) -> Loaded:
        """Raises booking.refusals.NotFound."""

    async def changes(self, showtime_id: int, since: int) -> SeatChanges:
        """Raises booking.refusals.NotFound."""

    async def versions(self, showtime_ids: Iterable[int]) -> dict[int, tuple[str, int]]:
        """(epoch, version) of each showtime that there is."""


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

    async def changes(self, showtime_id: int, since: int) -> SeatChanges:
        return await self._read(lambda: seat_map.read_changes(showtime_id, since))

    async def versions(self, showtime_ids: Iterable[int]) -> dict[int, tuple[str, int]]:
        wanted = list(showtime_ids)
        return await self._read(lambda: seat_map.read_versions(wanted))


class DatabaseBoardSource(DatabaseReader):
    """The board's queries, in a thread of their own: rooms never wait for them."""

    def __init__(self) -> None:
        super().__init__(1, "board-database")

    async def occupancy(self) -> list[Occupancy]:
        return await self._read(lambda: read_occupancy(timezone.now()))

    async def staff(self, sessions: Iterable[str]) -> set[str]:
        wanted = list(sessions)
        return await self._read(lambda: staff_sessions(wanted))


def load(showtime_id: int) -> Loaded:
    found = seat_map.read_map(showtime_id)
    return Loaded(found, Showtime.objects.values_list("ends_at", flat=True).get(pk=showtime_id))


def closing_connections(query: Callable[[], T]) -> T:
    """Run a query, then close this thread's connections."""
    try:
        with query_timeout(REQUEST_TIMEOUT):
            return query()
    finally:
        connections.close_all()
