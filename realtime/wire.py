"""The shortest way from a room to a socket: one frame built once, written to every transport that takes it.

For uvicorn a subclass of its own WebSocket protocol, given to the server by class. What it relies on is checked by
`fitting_protocol`; where uvicorn has changed, the plain one is taken and frames go the way of ASGI. For daphne a
`TwistedPost` beside each connection, where `fitting_post` finds what it relies on. The idea of one frame for all is
that of `websockets.asyncio.server.broadcast`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

log = logging.getLogger(__name__)

EXTENSION = "bookmyseat.post"  # in an ASGI scope's extensions: a `Post` of that socket
ABORT = "bookmyseat.abort"  # there too: ends the connection, whatever is still to be written
PLAIN = "websockets-sansio"
RELIED_ON = ("run_asgi", "send", "pause_writing", "resume_writing", "connection_lost")

Post = Callable[[str], bool]
"""Says a text at once where the socket takes it without waiting: True. False: nothing was written, say it by ASGI."""


class _Latest:
    """The frame of the text that was asked for last: viewers who stand together are told the same object."""

    text = ""
    frame = b"\x81\x00"


def frame_of(text: str) -> bytes:
    """The text as one unmasked WebSocket frame (RFC 6455, 5.2), built once for all who get the same text object."""
    if text is not _Latest.text:
        body = text.encode()
        _Latest.text, _Latest.frame = text, _head(len(body)) + body
    return _Latest.frame


def _head(size: int) -> bytes:
    if size < 126:
        return bytes((0x81, size))
    if size < 1 << 16:
        return b"\x81\x7e" + size.to_bytes(2, "big")
    return b"\x81\x7f" + size.to_bytes(8, "big")


def fitting_protocol() -> type | str:
    """What uvicorn is to speak WebSocket with: ours, or the name of its own when that is not what we know."""
    try:
        from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
    except ImportError:
        log.warning("uvicorn has moved its WebSocket protocol: frames go the long way")
        return PLAIN
    if not all(hasattr(WebSocketsSansIOProtocol, name) for name in RELIED_ON):
        log.warning("uvicorn's WebSocket protocol has changed: frames go the long way")
        return PLAIN

    class SharedFrameProtocol(WebSocketsSansIOProtocol):
        """uvicorn's protocol, with a short way out for finished frames."""

        async def run_asgi(self) -> None:
            if self._is_as_we_know_it():
                extensions: dict[str, Any] = self.scope["extensions"]  # ours is no part of ASGI
                extensions[EXTENSION] = self.post
                extensions[ABORT] = self.transport.abort
            await super().run_asgi()

        def _is_as_we_know_it(self) -> bool:
            known = ("transport", "writable", "handshake_complete", "close_sent", "disconnected", "conn")
            return all(hasattr(self, name) for name in known) and not self.conn.extensions

        def post(self, text: str) -> bool:
            """A `Post`. Never more than the transport's high-water mark is kept for a socket that does not read."""
            if self.close_sent or self.disconnected or not self.handshake_complete or not self.writable.is_set():
                return False
            if self.transport.is_closing():
                return False
            self.transport.write(frame_of(text))
            return True

    return SharedFrameProtocol


OF_AUTOBAHN = ("state", "STATE_OPEN", "send_queue", "_perMessageCompress", "transport")
OF_TWISTED = ("writeSomeData", "write", "dataBuffer", "_tempDataBuffer", "connected", "disconnecting")


class TwistedPost:
    """A `Post` on a connection of daphne's: past its handlers, autobahn's framing and two visits of the poll for each
    frame, that is for as long as nothing waits to be written there."""

    __slots__ = ("_protocol", "_transport")

    def __init__(self, protocol: Any) -> None:
        self._protocol, self._transport = protocol, protocol.transport

    def __call__(self, text: str) -> bool:
        protocol, transport = self._protocol, self._transport
        if protocol.state != protocol.STATE_OPEN or protocol.send_queue or protocol._perMessageCompress is not None:
            return False
        if transport.dataBuffer or transport._tempDataBuffer or transport.disconnecting or not transport.connected:
            return False
        frame = frame_of(text)
        sent = transport.writeSomeData(frame)
        if not isinstance(sent, int):
            return False  # the connection is lost; the long way will say so
        if sent < len(frame):
            transport.write(frame[sent:])
        return True


def fitting_post(protocol: Any) -> Post | None:
    """The short way of one of daphne's connections; None where it is not what we know (TLS, another twisted)."""
    transport = getattr(protocol, "transport", None)
    fits = all(hasattr(protocol, name) for name in OF_AUTOBAHN) and all(hasattr(transport, n) for n in OF_TWISTED)
    return TwistedPost(protocol) if fits else None
