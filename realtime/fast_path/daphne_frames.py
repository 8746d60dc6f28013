"""daphne: writes shared frames to the transport, past its handlers, autobahn's framing and two polls a frame.

Relies on, undocumented: autobahn 26.10, its protocol's ATTRIBUTES (`_perMessageCompress` is None while nothing is
compressed), and Twisted 26.10, `twisted.internet.tcp.Connection`'s TRANSPORT_ATTRIBUTES (bytes wait to be written in
`dataBuffer` and `_tempDataBuffer`). `find_frame_writer` checks each connection; where something is missing (TLS,
another version) frames are sent through ASGI.
"""

from __future__ import annotations

from typing import Any

from realtime.fast_path.shared_frames import FrameWriter, frame_of

ATTRIBUTES = ("state", "STATE_OPEN", "send_queue", "_perMessageCompress", "transport")
TRANSPORT_ATTRIBUTES = ("writeSomeData", "write", "dataBuffer", "_tempDataBuffer", "connected", "disconnecting")


class TwistedFrameWriter:
    """Writes at once, as long as nothing waits to be written on the connection."""

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
            return False  # the connection is lost; sending through ASGI will notice
        if sent < len(frame):
            transport.write(frame[sent:])
        return True


def find_frame_writer(protocol: Any) -> FrameWriter | None:
    """A writer for one of daphne's connections; None where it is not as expected."""
    transport = getattr(protocol, "transport", None)
    is_known = all(hasattr(protocol, name) for name in ATTRIBUTES)
    is_known = is_known and all(hasattr(transport, name) for name in TRANSPORT_ATTRIBUTES)
    return TwistedFrameWriter(protocol) if is_known else None
