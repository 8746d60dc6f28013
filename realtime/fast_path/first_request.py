"""The first request of a connection to uvicorn: it comes soon, and when it is a socket it takes no detour.

A connection that says nothing, or says it a letter at a time, holds a file of the process: it gets ten seconds. uvicorn
itself has a deadline only between two requests. daphne's server (twisted) has one of its own.
"""

from __future__ import annotations

import asyncio
import re
from typing import Any

from uvicorn.protocols.http.auto import AutoHTTPProtocol

FIRST_REQUEST = 10.0  # seconds from the connection to the end of its first request's head
UPGRADE = re.compile(rb"\r\nupgrade:[ \t]*websocket[ \t]*\r\n", re.IGNORECASE)
CONNECTION = re.compile(rb"\r\nconnection:[^\r\n]*\bupgrade\b", re.IGNORECASE)
RELIED_ON = ("config", "server_state", "app_state", "connections", "transport", "scope")

Base: Any = AutoHTTPProtocol  # h11 or httptools, whichever is installed


def socket_request(data: bytes) -> bytes | None:
    """A whole head that asks for a WebSocket, its header names in small letters as ASGI has them; None for others."""
    if not data.startswith(b"GET ") or not data.endswith(b"\r\n\r\n") or data.count(b"\r\n\r\n") != 1:
        return None
    if not UPGRADE.search(data) or not CONNECTION.search(data):
        return None
    first, *headers = data[:-4].split(b"\r\n")
    halves = (line.partition(b":") for line in headers)
    lines = [first, *(name.lower() + colon + value for name, colon, value in halves)]
    return b"\r\n".join(lines) + b"\r\n\r\n"


class HurriedProtocol(Base):  # type: ignore[misc]  # chosen by uvicorn when it is imported
    """uvicorn's own, with that deadline, and a door for sockets before its HTTP parser.

    The parser would read the head of a request only to write it out again for the WebSocket library, which reads it as
    strictly: a fifth of what it costs to let a viewer in.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self.is_fresh = all(hasattr(self, name) for name in RELIED_ON)
        self.deadline = asyncio.get_running_loop().call_later(FIRST_REQUEST, self._hurry, transport)

    def data_received(self, data: bytes) -> None:
        if self.is_fresh:
            self.is_fresh = False
            head = socket_request(data) if self.config.ws_protocol_class is not None else None
            if head is not None:
                return self._hand_over(head)
        super().data_received(data)

    def _hand_over(self, head: bytes) -> None:
        """What uvicorn does once it has parsed such a request (`handle_websocket_upgrade`)."""
        self.deadline.cancel()
        self.connections.discard(self)
        protocol = self.config.ws_protocol_class(
            config=self.config, server_state=self.server_state, app_state=self.app_state
        )
        protocol.connection_made(self.transport)
        protocol.data_received(head)
        self.transport.set_protocol(protocol)

    def _hurry(self, transport: asyncio.Transport) -> None:
        if getattr(self, "scope", self) is None:  # no request has come; where uvicorn has changed, all is as it was
            transport.abort()
