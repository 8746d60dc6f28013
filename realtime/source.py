"""Where rooms get the truth: the database, read by two threads of the hub's own, never on the way of a frame."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from django.db import connections

from booking import seatmap
from booking.seatmap import SeatChanges, SeatMap
from cinema.models import Showtime

T = TypeVar("T")


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


class DatabaseSource:
    """Each answer is one statement (rule R3); connections are given back after use."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="hub-database")

    async def load(self, showtime_id: int) -> Loaded:
        return await self._ask(lambda: load(showtime_id))

    async def changes(self, showtime_id: int, since: int) -> SeatChanges:
        return await self._ask(lambda: seatmap.read_changes(showtime_id, since))

    async def versions(self, showtime_ids: Iterable[int]) -> dict[int, tuple[str, int]]:
        wanted = list(showtime_ids)
        return await self._ask(lambda: seatmap.read_versions(wanted))

    async def _ask(self, question: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, giving_back, question)


def load(showtime_id: int) -> Loaded:
    seat_map = seatmap.read_map(showtime_id)
    return Loaded(seat_map, Showtime.objects.values_list("ends_at", flat=True).get(pk=showtime_id))


def giving_back(question: Callable[[], T]) -> T:
    try:
        return question()
    finally:
        connections.close_all()
