"""The shortest way from a room to a socket: one frame built once, written to every transport that takes it.

For uvicorn a subclass of its own WebSocket protocol, given to the server by class. What it relies on is checked by
`fitting_protocol`; where uvicorn has changed, the plain one is taken and frames go the way of ASGI. For daphne a
`TwistedFrameWriter` beside each connection, where `find_frame_writer` finds what it relies on. The idea of one frame
for all is that of `websockets.asyncio.server.broadcast`.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import wraps
from itertools import islice, repeat
from operator import call
from typing import Any

log = logging.getLogger(__name__)

EXTENSION = "bookmyseat.post"  # in an ASGI scope's extensions: a `FrameWriter` of that socket
ABORT = "bookmyseat.abort"  # there too: ends the connection, whatever is still to be written
PLAIN = "websockets-sansio"
# After each of these a frame of ours has no place on the socket, for now or for good.
BLOCKING = (
    "pause_writing",
    "connection_lost",
    "shutdown",
    "handle_close",
    "handle_parser_exception",
    "keepalive_timeout",
)
RELIED_ON = ("run_asgi", "send", "resume_writing", *BLOCKING)

FrameWriter = Callable[[str], bool]
"""Says a text at once where the socket takes it without waiting: True. False: nothing was written, say it by ASGI."""
DirectWrite = Callable[[bytes], int]
"""A non-blocking socket's own `send`: how many bytes it took."""


class DirectFrameWriter(ABC):
    """A `FrameWriter` on a socket that can be written to without asking anybody each time."""

    @abstractmethod
    def __call__(self, text: str) -> bool: ...

    @abstractmethod
    def direct(self, when_blocked: Callable[[], None]) -> DirectWrite | None:
        """The socket's `send`, to be used until `when_blocked` is called: something waits to be written before what
        comes, or no more frames may. None where it is so already, or there is no such way."""

    @abstractmethod
    def finish(self, rest: bytes) -> None:
        """Writes what the socket did not take of a frame, as soon as it does."""


def write_all(pushes: list[DirectWrite], frame: bytes) -> list[int | None]:
    """How much of the frame each took; None for a connection that is lost. The loop is the interpreter's own."""
    taken: list[int | None] = []
    while len(taken) < len(pushes):
        try:
            taken.extend(map(call, islice(pushes, len(taken), None), repeat(frame)))
        except BlockingIOError:  # what was taken before it is kept
            taken.append(0)
        except OSError:
            taken.append(None)
    return taken


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

        when_blocked: Callable[[], None] | None = None

        async def run_asgi(self) -> None:
            if self._is_as_we_know_it():
                extensions: dict[str, Any] = self.scope["extensions"]  # ours is no part of ASGI
                extensions[EXTENSION] = UvicornFrameWriter(self)
                extensions[ABORT] = self.transport.abort
                # So `pause_writing` tells of the first byte that waits. Frames are made when they can be sent: there
                # is no use in keeping some.
                self.transport.set_write_buffer_limits(high=0)
            await super().run_asgi()

        def _is_as_we_know_it(self) -> bool:
            known = ("transport", "writable", "handshake_complete", "close_sent", "disconnected", "conn")
            return all(hasattr(self, name) for name in known) and not self.conn.extensions

        def takes_frames(self) -> bool:
            """At once, and at all."""
            if self.close_sent or self.disconnected or not self.handshake_complete or not self.writable.is_set():
                return False
            return not self.transport.is_closing()

        def _block(self) -> None:
            if self.when_blocked is not None:
                self.when_blocked()

        async def send(self, message: Any) -> None:
            await super().send(message)
            if message["type"] == "websocket.close":
                self._block()

    for name in BLOCKING:
        setattr(SharedFrameProtocol, name, _blocking(getattr(WebSocketsSansIOProtocol, name)))
    return SharedFrameProtocol


def _blocking(method: Callable[..., None]) -> Callable[..., None]:
    """The same, and whoever writes to the socket directly is told to stop."""

    @wraps(method)
    def wrapped(self: Any, *args: Any) -> None:
        method(self, *args)
        self._block()

    return wrapped


class UvicornFrameWriter(DirectFrameWriter):
    """Writes to one of uvicorn's connections. At most one frame is kept for a socket that does not read."""

    __slots__ = ("_protocol",)

    def __init__(self, protocol: Any) -> None:
        self._protocol = protocol

    def __call__(self, text: str) -> bool:
        if not self._protocol.takes_frames():
            return False
        self._protocol.transport.write(frame_of(text))
        return True

    def direct(self, when_blocked: Callable[[], None]) -> DirectWrite | None:
        transport = self._protocol.transport
        # asyncio's own on a plain socket: TLS has none to write to, and uvloop keeps a queue before it.
        if type(transport).__name__ != "_SelectorSocketTransport" or not self._protocol.takes_frames():
            return None
        push: DirectWrite | None = getattr(getattr(transport, "_sock", None), "send", None)
        if push is None or transport.get_write_buffer_size():
            return None
        self._protocol.when_blocked = when_blocked
        return push

    def finish(self, rest: bytes) -> None:
        self._protocol.transport.write(rest)


OF_AUTOBAHN = ("state", "STATE_OPEN", "send_queue", "_perMessageCompress", "transport")
OF_TWISTED = ("writeSomeData", "write", "dataBuffer", "_tempDataBuffer", "connected", "disconnecting")


class TwistedFrameWriter:
    """Writes to a connection of daphne's: past its handlers, autobahn's framing and two visits of the poll for each
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


def find_frame_writer(protocol: Any) -> FrameWriter | None:
    """The short way of one of daphne's connections; None where it is not what we know (TLS, another twisted)."""
    transport = getattr(protocol, "transport", None)
    fits = all(hasattr(protocol, name) for name in OF_AUTOBAHN) and all(hasattr(transport, n) for n in OF_TWISTED)
    return TwistedFrameWriter(protocol) if fits else None
