"""Where rooms get the truth: the database, read by two threads of the hub's own, never on the way of a frame."""

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
PATIENCE = 5.0  # seconds


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

    async def versions(self, showtime_ids: Iterable[int]) -> dict[int, tuple[str, int]]: ...


class Asking:
    """Questions to the database from the hub's loop; connections are given back after use."""

    def __init__(self, threads: int, name: str) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)

    async def _ask(self, question: Callable[[], T]) -> T:
        """Raises TimeoutError when no answer comes: a frozen database neither answers nor fails."""
        async with asyncio.timeout(PATIENCE):
            return await asyncio.get_running_loop().run_in_executor(self._threads, giving_back, question)


class DatabaseSource(Asking):
    """Each answer is one statement (rule R3)."""

    def __init__(self) -> None:
        super().__init__(2, "hub-database")

    async def load(self, showtime_id: int) -> Loaded:
        return await self._ask(lambda: load(showtime_id))

    async def changes(self, showtime_id: int, since: int) -> SeatChanges:
        return await self._ask(lambda: seat_map.read_changes(showtime_id, since))

    async def versions(self, showtime_ids: Iterable[int]) -> dict[int, tuple[str, int]]:
        wanted = list(showtime_ids)
        return await self._ask(lambda: seat_map.read_versions(wanted))


class DatabaseBoard(Asking):
    """What the board asks, in a thread of its own: rooms never wait for it."""

    def __init__(self) -> None:
        super().__init__(1, "board-database")

    async def occupancy(self) -> list[Occupancy]:
        return await self._ask(lambda: read_occupancy(timezone.now()))

    async def staff(self, sessions: Iterable[str]) -> set[str]:
        wanted = list(sessions)
        return await self._ask(lambda: staff_sessions(wanted))


def load(showtime_id: int) -> Loaded:
    found = seat_map.read_map(showtime_id)
    return Loaded(found, Showtime.objects.values_list("ends_at", flat=True).get(pk=showtime_id))


def giving_back(question: Callable[[], T]) -> T:
    try:
        with query_timeout(REQUEST_TIMEOUT):
            return question()
    finally:
        connections.close_all()
