"""One process: a change goes from the committing thread straight into the hub's loop."""

from __future__ import annotations

import asyncio
import contextlib

from realtime.change import Change
from realtime.transports.interface import Receive


class LocalTransport:
    """Nothing is lost while the hub runs; without a hub nobody watches here and nothing is kept."""

    is_healthy = True

    def __init__(self) -> None:
        self._bound: tuple[asyncio.AbstractEventLoop, Receive] | None = None

    def publish(self, change: Change) -> None:
        bound = self._bound  # read once: another thread may unbind it
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
