"""What every transport can do. It may lose, repeat, reorder and delay; it may not block or raise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from realtime.change import Change

Receive = Callable[[Change], None]


class Transport(Protocol):
    is_healthy: bool  # False: the hub asks the database more often

    def publish(self, change: Change) -> None:
        """From any thread, with or without a hub in this process. Returns at once and never raises."""

    def is_reachable(self) -> bool:
        """For the operator, from any thread: whether a change would reach the other processes now."""

    async def start(self, receive: Receive) -> None:
        """Bind to the running loop: `receive` is called there."""

    async def stop(self) -> None: ...

    async def subscribe(self, showtime_id: int) -> None:
        """From its return on, changes of other processes arrive, if the transport is healthy."""

    async def unsubscribe(self, showtime_id: int) -> None: ...
