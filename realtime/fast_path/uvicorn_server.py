"""uvicorn's server, which says bye to the sockets before it closes them.

Relies on uvicorn 0.54, undocumented: the METHODS of `uvicorn.Server` that it calls at a signal and at the end, and its
attributes `servers` and `should_exit`. `make_server` checks the methods; where one is missing, uvicorn's own server
runs with the ASGI lifespan, whose handler in `realtime.launcher.drain` says bye before uvicorn sees the signal.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Awaitable, Callable
from types import FrameType

import uvicorn

log = logging.getLogger(__name__)

METHODS = ("handle_exit", "shutdown")

Drain = Callable[[], Awaitable[None]]


class DrainingServer(uvicorn.Server):
    """Refuses new sockets, drains the open ones, and then ends as uvicorn does."""

    def __init__(self, config: uvicorn.Config, *, drain: Drain, on_exit: Callable[[], None]) -> None:
        super().__init__(config)
        self.drain, self.on_exit = drain, on_exit

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if not self.should_exit:
            self.on_exit()
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for listener in (*getattr(self, "servers", ()), *(sockets or ())):
            listener.close()
        await self.drain()
        await super().shutdown(sockets)


def make_server(config: uvicorn.Config, *, drain: Drain, on_exit: Callable[[], None]) -> uvicorn.Server:
    """The server of a configuration that is not loaded yet.

    Args:
        drain: says bye to the sockets, in bounded time; called once new ones are refused.
        on_exit: called at the first signal to end.
    """
    missing = [name for name in METHODS if not hasattr(uvicorn.Server, name)]
    if not missing:
        config.lifespan = "off"
        return DrainingServer(config, drain=drain, on_exit=on_exit)
    log.warning("uvicorn's server has no %s: the sockets are drained by the ASGI lifespan", missing)
    config.lifespan = "on"
    return uvicorn.Server(config)
