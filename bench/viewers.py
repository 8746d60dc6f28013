"""Many viewers in one process: plain sockets and epoll; frames are counted and acknowledged, not decoded.

The client is kept cheap so that the server is measured: one `recv` per readable socket, one `find` per frame. The CPU
that it uses per frame is printed, which shows whether the client or the server was the bottleneck.
"""

from __future__ import annotations

import base64
import contextlib
import os
import select
import socket
import struct
import time
from dataclasses import dataclass

ACK_EVERY = 64  # frames
CHUNK = 65536
TEXT, PING, PONG = 1, 9, 10  # opcodes of RFC 6455


@dataclass(slots=True)
class Viewer:
    """One viewer: its socket and what it has read."""

    socket: socket.socket
    rest: bytes = b""  # the beginning of a frame that has not arrived whole
    frames: int = 0  # text frames
    events: int = 0  # text frames with the marker
    closed: bool = False


class Viewers:
    """`size` viewers of one address.

    Args:
        path: of the WebSocket; None: plain TCP, no handshake.
        marker: bytes within the first 40 of each frame that counts as an event.
        acks: whether to acknowledge every 64th frame, as BookMySeat's protocol asks.
    """

    def __init__(self, port: int, path: str | None, size: int, *, marker: bytes, acks: bool) -> None:
        self.port, self.path, self.size = port, path, size
        self.marker, self.acks = marker, acks
        self.by_number: dict[int, Viewer] = {}  # the number is the socket's file descriptor
        self.poll = select.epoll()
        self.events = 0
        self.last_at = 0.0  # time.monotonic() of the last event

    def connect(self, at_once: int = 50) -> float:
        """Open all sockets, `at_once` handshakes at a time; returns the seconds taken."""
        begun = time.monotonic()
        left = self.size
        while left:
            batch = [self._open() for _ in range(min(at_once, left))]
            for viewer in batch:
                if self.path is not None:
                    self._finish_handshake(viewer)
                viewer.socket.setblocking(False)
                self.by_number[viewer.socket.fileno()] = viewer
                self.poll.register(viewer.socket.fileno(), select.EPOLLIN)
                self._parse(viewer, viewer.rest)  # frames may arrive together with the handshake's answer
            left -= len(batch)
        return time.monotonic() - begun

    def _open(self) -> Viewer:
        made = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.path is not None:
            key = base64.b64encode(os.urandom(16)).decode()
            made.sendall(
                f"GET {self.path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nUpgrade: websocket\r\n"
                f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
            )
        return Viewer(made)

    def _finish_handshake(self, viewer: Viewer) -> None:
        answer = b""
        while b"\r\n\r\n" not in answer:
            got = viewer.socket.recv(CHUNK)
            if not got:
                raise ConnectionError("closed during the handshake")
            answer += got
        head, _, viewer.rest = answer.partition(b"\r\n\r\n")
        if b" 101 " not in head.splitlines()[0]:
            raise ConnectionError(head.splitlines()[0].decode())

    def read(self, *, until: int | None = None, seconds: float) -> bool:
        """Read until there are `until` events in total (True) or the time is over (False)."""
        deadline = time.monotonic() + seconds
        while until is None or self.events < until:
            wait = deadline - time.monotonic()
            if wait <= 0:
                return False
            for number, _ in self.poll.poll(min(wait, 0.5), 512):
                self._receive(self.by_number[number])
        return True

    def _receive(self, viewer: Viewer) -> None:
        try:
            got = viewer.socket.recv(CHUNK)
        except BlockingIOError:
            return
        except ConnectionError:
            got = b""
        if not got:
            viewer.closed = True
            self.poll.unregister(viewer.socket.fileno())
            return
        self._parse(viewer, viewer.rest + got if viewer.rest else got)

    def _parse(self, viewer: Viewer, data: bytes) -> None:
        start, end = 0, len(data)
        while end - start >= 2:
            size, head = data[start + 1] & 127, 2
            if size == 126:
                if end - start < 4:
                    break
                size, head = int.from_bytes(data[start + 2 : start + 4], "big"), 4
            elif size == 127:
                if end - start < 10:
                    break
                size, head = int.from_bytes(data[start + 2 : start + 10], "big"), 10
            if end - start < head + size:
                break
            self._on_frame(viewer, data, start, start + head)
            start += head + size
        viewer.rest = data[start:]

    def _on_frame(self, viewer: Viewer, data: bytes, start: int, body: int) -> None:
        """`data[start]` is the first byte of the frame, `data[body]` the first of its payload."""
        opcode = data[start] & 15
        if opcode == PING:  # without the pong the server closes the connection
            self._send(viewer, PONG, data[body : body + (data[start + 1] & 127)])
        if opcode != TEXT:
            return
        viewer.frames += 1
        if data.find(self.marker, body, body + 40) >= 0:
            viewer.events += 1
            self.events += 1
            self.last_at = time.monotonic()
        if self.acks and viewer.frames % ACK_EVERY == 0:
            self._send(viewer, TEXT, b'{"type":"ack","v":%d}' % 2**53)

    def _send(self, viewer: Viewer, opcode: int, data: bytes) -> None:
        """One frame of at most 125 bytes. Its mask is zeros, which the protocol allows."""
        with contextlib.suppress(ConnectionError):  # closed by the server; what it sent before is still read
            viewer.socket.send(struct.pack("!BB", 0x80 | opcode, 0x80 | len(data)) + b"\0\0\0\0" + data)

    @property
    def n_open(self) -> int:
        return sum(not viewer.closed for viewer in self.by_number.values())

    def close(self) -> None:
        for viewer in self.by_number.values():
            viewer.socket.close()
        self.poll.close()
