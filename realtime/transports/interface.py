"""The interface of transports. One may lose, repeat, reorder and delay changes; it must not block or raise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from realtime.change import Change

Receive = Callable[[Change], None]


class Transport(Protocol):
    is_healthy: bool  # False: the hub polls the database more often

    def publish(self, change: Change) -> None:
        """From any thread, with or without a hub in this process. Returns at once and never raises."""

    def is_reachable(self) -> bool:
        """Whether a change would reach the other processes now. From any thread."""

    async def start(self, receive: Receive) -> None:
        """Bind to the running loop, in which `receive` is called."""

    async def stop(self) -> None: ...

    async def subscribe(self, showtime_id: int) -> None:
        """Once it has returned, changes of other processes arrive, if the transport is healthy."""

    async def unsubscribe(self, showtime_id: int) -> None: ...
