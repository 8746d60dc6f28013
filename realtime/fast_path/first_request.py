"""uvicorn: a connection has ten seconds to complete the head of its first request, plain HTTP or an upgrade.

Without it, a client that sends nothing, or one byte at a time, occupies an open file of the process for ever: uvicorn
has a timeout only between two requests. daphne (twisted) has one of its own.

Relies on uvicorn 0.54, undocumented: `uvicorn.protocols.http.auto.AutoHTTPProtocol` (h11 or httptools, whichever is
installed), its `handle_websocket_upgrade`, and its attribute `cycle`, None until the head of a request is complete.
`choose_http_protocol` checks them at start; where one is missing, uvicorn serves with its own class, without the
timeout.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

log = logging.getLogger(__name__)

FIRST_REQUEST_TIMEOUT = 10.0  # seconds from the connection to the end of its first request's head
METHODS = ("connection_made", "connection_lost", "handle_websocket_upgrade")


def choose_http_protocol() -> type | str:
    """The protocol for uvicorn to read HTTP with: its own class with the timeout, or "auto", its own choice."""
    try:
        from uvicorn.protocols.http.auto import AutoHTTPProtocol
    except ImportError:
        log.warning("uvicorn has moved its HTTP protocol: connections without a request have no timeout")
        return "auto"
    missing = [name for name in METHODS if not hasattr(AutoHTTPProtocol, name)]
    if not _sets(AutoHTTPProtocol, "cycle"):
        missing.append("cycle")
    if missing:
        log.warning("uvicorn's HTTP protocol has no %s: connections without a request have no timeout", missing)
        return "auto"
    return with_timeout(AutoHTTPProtocol)


def _sets(protocol: type, name: str) -> bool:
    """Whether the class's `__init__` names the attribute: it has no instance before the first connection."""
    code = getattr(protocol.__init__, "__code__", None)  # type: ignore[misc]  # of this very class
    return code is not None and name in code.co_names


def with_timeout(base: Any) -> type:
    class FirstRequestProtocol(base):  # type: ignore[misc]  # uvicorn chooses it
        """uvicorn's own, and the connection ends when no request has come in time."""

        def connection_made(self, transport: asyncio.Transport) -> None:
            super().connection_made(transport)
            self.first_request_timer = asyncio.get_running_loop().call_later(
                FIRST_REQUEST_TIMEOUT, self._end_unused, transport
            )

        def handle_websocket_upgrade(self, *event: Any) -> None:
            self.first_request_timer.cancel()
            super().handle_websocket_upgrade(*event)

        def connection_lost(self, exc: Exception | None) -> None:
            self.first_request_timer.cancel()
            super().connection_lost(exc)

        def _end_unused(self, transport: asyncio.Transport) -> None:
            if self.cycle is None:
                transport.abort()

    return FirstRequestProtocol
