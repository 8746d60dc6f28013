"""Drain: say bye to the sockets before the server closes them.

uvicorn closes all sockets first and tells the application afterwards. So the signal is caught before uvicorn sees it:
the sockets are drained, then the server's own handler runs. A second signal reaches it at once.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import Awaitable, Callable
from types import FrameType
from typing import Any

from realtime import process
from realtime.live import hub

log = logging.getLogger(__name__)

SIGNALS = (signal.SIGTERM, signal.SIGINT)
DRAIN_TIMEOUT = 1.2  # seconds


async def drain() -> None:
    """Drain the hub; returns after DRAIN_TIMEOUT at the latest, also when that fails."""
    try:
        await asyncio.wait_for(hub.drain(), DRAIN_TIMEOUT)
    except Exception:  # whatever the sockets do, the process must end
        log.exception("the sockets were not drained")


def drain_on_signals() -> None:
    """Call it in the serving loop, after the server has set its handlers. Does nothing outside the main thread."""
    if threading.current_thread() is not threading.main_thread():
        return
    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        server_handler = signal.getsignal(number)
        if callable(server_handler):
            signal.signal(number, draining_first(loop, server_handler))


def draining_first(
    loop: asyncio.AbstractEventLoop, server_handler: Callable[[int, FrameType | None], Any]
) -> Callable[[int, FrameType | None], None]:
    """A signal handler that drains in the loop, and then calls the server's."""

    def handle(number: int, frame: FrameType | None) -> None:
        if process.is_draining() or loop.is_closed():
            server_handler(number, frame)
        else:
            loop.call_soon_threadsafe(lambda: loop.create_task(drain_then_exit(number)))

    async def drain_then_exit(number: int) -> None:
        try:
            await hub.drain()
        finally:
            server_handler(number, None)

    return handle


async def lifespan(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    """The ASGI lifespan, where the server has one: catch the signals at the start, drain at the end at the latest."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            drain_on_signals()
            await send({"type": "lifespan.startup.complete"})
        else:
            await hub.drain()
            await send({"type": "lifespan.shutdown.complete"})
            return
