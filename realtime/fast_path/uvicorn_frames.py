"""uvicorn: a subclass of its WebSocket protocol that writes shared frames to the transport, or to the socket itself.

Relies on, undocumented:
- uvicorn 0.54, `websockets_sansio_impl.WebSocketsSansIOProtocol`: the METHODS, overridden or called, per connection the
  ATTRIBUTES, and that `handle_parser_exception` is called once `conn.close_sent` is known and before it is written.
  `choose_websocket_protocol` checks the methods at start, each connection its attributes.
- websockets 17.4: `extensions` of the protocol's `conn`, empty while frames are neither compressed nor changed.
- asyncio (CPython 3.11 to 3.14): a plain socket's transport is `_SelectorSocketTransport` and has it as `_sock`. TLS
  has no such socket, and uvloop queues before it.

Without the first two, uvicorn's own protocol sends the frames, through ASGI; without the third, the transport does.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from realtime.fast_path.shared_frames import (
    ABORT,
    EXTENSION,
    LARGEST_WAIT,
    DirectFrameWriter,
    DirectWrite,
    frame_of,
)

log = logging.getLogger(__name__)

PLAIN = "websockets-sansio"  # uvicorn's name of its own protocol
LINGER = 1.0  # seconds from a failed socket's close frame to its end
# After each of these the socket takes no frame of ours, for now or for good.
BLOCKING = (
    "pause_writing",
    "connection_lost",
    "shutdown",
    "handle_close",
    "handle_parser_exception",
    "keepalive_timeout",
)
METHODS = ("run_asgi", "send", "resume_writing", "handle_ping", *BLOCKING)
ATTRIBUTES = ("transport", "writable", "handshake_complete", "close_sent", "disconnected", "conn")


def choose_websocket_protocol(failure_bye: Callable[[int], str] | None = None) -> type | str:
    """The protocol for uvicorn to speak WebSocket with: its own class with shared frames, or "websockets-sansio".

    Args:
        failure_bye: the last frame, by close code, before a socket that broke the WebSocket protocol is closed.
    """
    try:
        from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
    except ImportError:
        log.warning("uvicorn has moved its WebSocket protocol: frames are sent through ASGI")
        return PLAIN
    missing = [name for name in METHODS if not hasattr(WebSocketsSansIOProtocol, name)]
    if missing:
        log.warning("uvicorn's WebSocket protocol has no %s: frames are sent through ASGI", missing)
        return PLAIN
    return with_shared_frames(WebSocketsSansIOProtocol, failure_bye)


class FailingWithBye:
    """The end of a socket that broke the WebSocket protocol: bye, the close frame, and time for both to arrive.

    uvicorn ends the connection at once: bytes not yet read would reset it, and the client would lose the close frame.
    So what still comes is read and dropped for LINGER; then the application is told.
    """

    failure_bye: Callable[[int], str] | None = None
    has_failed = False

    def data_received(self: Any, data: bytes) -> None:
        if not self.has_failed:
            super().data_received(data)  # type: ignore[misc]  # of uvicorn's class

    def handle_parser_exception(self: Any) -> None:
        closing = self.conn.close_sent
        self.has_failed = True
        if self.failure_bye is not None and self.handshake_complete and not self.close_sent:
            self.transport.write(frame_of(self.failure_bye(closing.code)))
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.transport.resume_reading()
        self.loop.call_later(LINGER, self._end_failed, closing.code, closing.reason)

    def _end_failed(self: Any, code: int, reason: str) -> None:
        if not self.disconnected:
            self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
            self.transport.close()


def with_shared_frames(base: Any, failure_bye: Callable[[int], str] | None = None) -> type:
    class SharedFrameProtocol(FailingWithBye, base):  # type: ignore[misc]  # uvicorn's, imported where it is checked
        """uvicorn's protocol, with a `FrameWriter` in the scope's extensions."""

        when_blocked: Callable[[], None] | None = None

        async def run_asgi(self) -> None:
            if self._is_as_expected():
                extensions: dict[str, Any] = self.scope["extensions"]  # ours is no part of ASGI
                extensions[EXTENSION] = UvicornFrameWriter(self)
                extensions[ABORT] = self.transport.abort
                # So `pause_writing` is called when the first byte has to wait. Nothing is gained by buffering frames:
                # each is made when it can be sent.
                self.transport.set_write_buffer_limits(high=0)
            await super().run_asgi()

        def _is_as_expected(self) -> bool:
            return all(hasattr(self, name) for name in ATTRIBUTES) and not getattr(self.conn, "extensions", True)

        def takes_frames(self) -> bool:
            """Whether a frame may be written now, before everything else."""
            if self.close_sent or self.disconnected or not self.handshake_complete or not self.writable.is_set():
                return False
            return not self.transport.is_closing()

        def _block(self) -> None:
            if self.when_blocked is not None:
                self.when_blocked()

        def handle_ping(self) -> None:
            """Answer it, unless the client reads nothing: its answers would wait here without an end."""
            if self.transport.get_write_buffer_size() < LARGEST_WAIT:
                super().handle_ping()
            else:
                self.conn.data_to_send()

        async def send(self, message: Any) -> None:
            await super().send(message)
            if message["type"] == "websocket.close":
                self._block()

    SharedFrameProtocol.failure_bye = failure_bye and staticmethod(failure_bye)
    for name in BLOCKING:
        setattr(SharedFrameProtocol, name, _blocking(getattr(SharedFrameProtocol, name)))
    return SharedFrameProtocol


def _blocking(method: Callable[..., None]) -> Callable[..., None]:
    """The same method; afterwards it calls `when_blocked`, so that nobody writes to the socket directly."""

    @wraps(method)
    def wrapped(self: Any, *args: Any) -> None:
        method(self, *args)
        self._block()

    return wrapped


class UvicornFrameWriter(DirectFrameWriter):
    """Writes to one of uvicorn's connections. At most one frame is buffered for a socket that does not read."""

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
        if type(transport).__name__ != "_SelectorSocketTransport" or not self._protocol.takes_frames():
            return None
        push: DirectWrite | None = getattr(getattr(transport, "_sock", None), "send", None)
        if push is None or transport.get_write_buffer_size():
            return None
        self._protocol.when_blocked = when_blocked
        return push

    def finish(self, rest: bytes) -> None:
        self._protocol.transport.write(rest)
