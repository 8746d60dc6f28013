"""One process: the committing thread hands a change to the hub's loop."""

from __future__ import annotations

import asyncio
import contextlib

from realtime.change import Change
from realtime.transports.interface import Receive


class LocalTransport:
    """Loses nothing while the hub runs. Without a hub changes are dropped: nobody watches in this process."""

    is_healthy = True

    def __init__(self) -> None:
        self._bound: tuple[asyncio.AbstractEventLoop, Receive] | None = None

    def publish(self, change: Change) -> None:
        bound = self._bound  # read once: the loop's thread may unbind it
        if bound is not None:
            with contextlib.suppress(RuntimeError):  # the loop has closed in between
                bound[0].call_soon_threadsafe(bound[1], change)

    def is_reachable(self) -> bool:
        return True

    async def start(self, receive: Receive) -> None:
        self._bound = (asyncio.get_running_loop(), receive)

    async def stop(self) -> None:
        self._bound = None

    async def subscribe(self, showtime_id: int) -> None:
        pass

    async def unsubscribe(self, showtime_id: int) -> None:
        pass
