"""A crowd of viewers in one process: plain sockets and epoll, frames counted and acknowledged, nothing decoded.

Lean enough to measure a server with: it does one `recv` for what is there and one `find` per frame. The tables print
what a frame costs this client, so that it can be seen whether the client or the server was the bottleneck.
"""

from __future__ import annotations

import base64
import contextlib
import os
import select
import socket
import struct
import time
from dataclasses import dataclass, field

ACK_EVERY = 64
CHUNK = 65536


@dataclass(slots=True)
class Seat:
    """One viewer: its socket and what it has read."""

    socket: socket.socket
    rest: bytes = b""
    frames: int = 0  # of any kind
    events: int = 0  # those that are counted
    version: int = -1
    closed: bool = False
    codes: list[int] = field(default_factory=list)


class Crowd:
    """`size` viewers of one address. `marker` is what a frame that counts contains within its first 40 bytes."""

    def __init__(self, host: str, port: int, path: str | None, size: int, *, marker: bytes, acks: bool) -> None:
        self.where, self.path, self.size = (host, port), path, size
        self.marker, self.acks = marker, acks
        self.seats: dict[int, Seat] = {}
        self.poll = select.epoll()
        self.events = 0
        self.last_at = 0.0

    def enter(self, at_once: int = 50) -> float:
        """Opens all sockets, some at a time; returns seconds taken. `path` None: no handshake is spoken."""
        begun = time.monotonic()
        left = self.size
        while left:
            batch = [self._knock() for _ in range(min(at_once, left))]
            for one in batch:
                if self.path is not None:
                    self._greet(one)
                one.socket.setblocking(False)
                self.seats[one.socket.fileno()] = one
                self.poll.register(one.socket.fileno(), select.EPOLLIN)
                self._parse(one, one.rest)  # what came right behind the handshake
            left -= len(batch)
        return time.monotonic() - begun

    def _knock(self) -> Seat:
        made = socket.create_connection(self.where, timeout=30)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.path is not None:
            key = base64.b64encode(os.urandom(16)).decode()
            host = f"{self.where[0]}:{self.where[1]}"
            made.sendall(
                f"GET {self.path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
            )
        return Seat(made)

    def _greet(self, seat: Seat) -> None:
        answer = b""
        while b"\r\n\r\n" not in answer:
            got = seat.socket.recv(CHUNK)
            if not got:
                raise ConnectionError("closed during the handshake")
            answer += got
        head, _, seat.rest = answer.partition(b"\r\n\r\n")
        if b" 101 " not in head.splitlines()[0]:
            raise ConnectionError(head.splitlines()[0].decode())

    def read(self, *, until: int | None = None, seconds: float) -> bool:
        """Reads what comes, until `until` counted frames came in all (True) or the time is over."""
        deadline = time.monotonic() + seconds
        while until is None or self.events < until:
            wait = deadline - time.monotonic()
            if wait <= 0:
                return False
            for number, _ in self.poll.poll(min(wait, 0.5), 512):
                self._take(self.seats[number])
        return True

    def _take(self, seat: Seat) -> None:
        try:
            got = seat.socket.recv(CHUNK)
        except BlockingIOError:
            return
        except ConnectionError:
            got = b""
        if not got:
            seat.closed = True
            self.poll.unregister(seat.socket.fileno())
            return
        self._parse(seat, seat.rest + got if seat.rest else got)

    def _parse(self, seat: Seat, data: bytes) -> None:
        place, end = 0, len(data)
        while end - place >= 2:
            size, head = data[place + 1] & 127, 2
            if size == 126:
                if end - place < 4:
                    break
                size, head = int.from_bytes(data[place + 2 : place + 4], "big"), 4
            elif size == 127:
                if end - place < 10:
                    break
                size, head = int.from_bytes(data[place + 2 : place + 10], "big"), 10
            if end - place < head + size:
                break
            self._frame(seat, data, place, place + head)
            place += head + size
        seat.rest = data[place:]

    def _frame(self, seat: Seat, data: bytes, start: int, body: int) -> None:
        kind = data[start] & 15
        if kind == 8:
            seat.codes.append(int.from_bytes(data[body : body + 2], "big"))
        if kind == 9:
            self._answer(seat, data[body : body + (data[start + 1] & 127)])
        if kind != 1:
            return
        seat.frames += 1
        if data.find(self.marker, body, body + 40) >= 0:
            seat.events += 1
            self.events += 1
            self.last_at = time.monotonic()
        if self.acks and seat.frames % ACK_EVERY == 0:
            self.say(seat, b'{"type":"ack","v":%d}' % 2**53)

    def say(self, seat: Seat, text: bytes) -> None:
        """A masked text frame of at most 125 bytes; the mask is zeros, which the wire allows."""
        self._send(seat, 0x81, text)

    def _answer(self, seat: Seat, ping: bytes) -> None:
        """As every browser does; a server ends whoever does not."""
        self._send(seat, 0x8A, ping)

    def _send(self, seat: Seat, kind: int, data: bytes) -> None:
        with contextlib.suppress(ConnectionError):  # the server has ended it; what it said before is still to be read
            seat.socket.send(struct.pack("!BB", kind, 0x80 | len(data)) + b"\0\0\0\0" + data)

    @property
    def n_open(self) -> int:
        return sum(not seat.closed for seat in self.seats.values())

    def leave(self) -> None:
        for seat in self.seats.values():
            seat.socket.close()
        self.poll.close()
