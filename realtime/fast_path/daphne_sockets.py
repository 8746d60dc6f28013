"""daphne, however it is started (`serve`, `runserver`, `daphne`): the largest message of a client on a socket.

By itself daphne reads a message of a megabyte, holds what the server sends to the same limit, and ends a socket that
breaks the protocol by dropping the connection, so that the client learns no close code.

Relies on daphne 4.2 and autobahn 26.10, undocumented: `WebSocketProtocol.onConnect`, which is called before the first
frame is read; the METHODS and ATTRIBUTES of autobahn's protocol; what waits in the transport (`daphne_frames`). They
are checked when `limit_messages` is called, once, in a serving process.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from daphne.ws_protocol import WebSocketProtocol

from realtime.fast_path.shared_frames import LARGEST_WAIT

log = logging.getLogger(__name__)

METHODS = ("onConnect", "sendMessage", "_fail_connection", "onPing")
ATTRIBUTES = ("maxMessagePayloadSize", "maxFramePayloadSize", "failByDrop")


def limit_messages(largest: int, failure_bye: Callable[[int], str]) -> None:
    """Close a socket with 1009 for a message of more than `largest` bytes, in one frame or in many.

    Pings are answered while the client reads.

    Args:
        failure_bye: the last frame, by close code, before a socket that broke the WebSocket protocol is closed.
    """
    missing = [name for name in METHODS if not hasattr(WebSocketProtocol, name)]
    missing += [name for name in ATTRIBUTES if name not in getattr(WebSocketProtocol, "CONFIG_ATTRS_COMMON", ())]
    if missing:
        log.warning("daphne's WebSocket protocol has no %s: messages are as large as it allows", missing)
        return
    connect, send = WebSocketProtocol.onConnect, WebSocketProtocol.sendMessage
    fail, ping = WebSocketProtocol._fail_connection, WebSocketProtocol.onPing

    @wraps(connect)
    def on_connect(self: Any, request: Any) -> Any:
        self.maxMessagePayloadSize = self.maxFramePayloadSize = largest
        self.failByDrop = False
        return connect(self, request)

    @wraps(send)
    def send_message(self: Any, *args: Any, **options: Any) -> Any:
        inbound, self.maxMessagePayloadSize = self.maxMessagePayloadSize, 0  # maps and boards are longer
        try:
            return send(self, *args, **options)
        finally:
            self.maxMessagePayloadSize = inbound

    @wraps(fail)
    def fail_connection(self: Any, code: int = 1001, reason: str = "") -> None:
        if self.state == self.STATE_OPEN:
            self.sendMessage(failure_bye(code).encode())
        fail(self, code, reason)

    @wraps(ping)
    def on_ping(self: Any, payload: bytes) -> None:
        """Answer it, unless the client reads nothing: its answers would wait here without an end."""
        if _waiting(self.transport) < LARGEST_WAIT:
            ping(self, payload)

    for name, method in zip(METHODS, (on_connect, send_message, fail_connection, on_ping), strict=True):
        setattr(WebSocketProtocol, name, method)


def _waiting(transport: Any) -> int:
    """Bytes that wait to be written; 0 where the transport does not say."""
    parts: int = getattr(transport, "_tempDataLen", 0)
    return len(getattr(transport, "dataBuffer", b"")) - getattr(transport, "offset", 0) + parts
