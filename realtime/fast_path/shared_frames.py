"""One frame, built once, written to the transport of every viewer that is sent the same text.

What a room needs to write frames past ASGI, whichever server carries the sockets; `uvicorn_frames` and `daphne_frames`
make the writers. A socket without one gets its frames through ASGI. The idea of one frame for all is that of
`websockets.asyncio.server.broadcast`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from itertools import islice, repeat
from operator import call

EXTENSION = "bookmyseat.frame_writer"  # in an ASGI scope's extensions: a `FrameWriter` of that socket
ABORT = "bookmyseat.abort"  # there too: ends the connection without waiting for what is still to be written
LARGEST_WAIT = 64 * 1024  # bytes that wait for a client to read; with more, its pings are not answered

FrameWriter = Callable[[str], bool]
"""Writes a text at once where the socket takes it without waiting: True. False: nothing was written, use ASGI."""
DirectWrite = Callable[[bytes], int]
"""A non-blocking socket's own `send`: returns how many bytes it took."""


class DirectFrameWriter(ABC):
    """A `FrameWriter` whose socket can be written to directly while nothing waits to be written."""

    @abstractmethod
    def __call__(self, text: str) -> bool: ...

    @abstractmethod
    def direct(self, when_blocked: Callable[[], None]) -> DirectWrite | None:
        """The socket's `send`, valid until `when_blocked` is called: other bytes wait to be written first, or no more
        frames may follow. None where that is so already, or the socket cannot be written to directly."""

    @abstractmethod
    def finish(self, rest: bytes) -> None:
        """Write the part of a frame that the socket did not take, as soon as it takes it."""


def write_all(writes: list[DirectWrite], frame: bytes) -> list[int | None]:
    """How many bytes of the frame each took; None for a lost connection. The loop is the interpreter's own (`map`)."""
    taken: list[int | None] = []
    while len(taken) < len(writes):
        try:
            taken.extend(map(call, islice(writes, len(taken), None), repeat(frame)))
        except BlockingIOError:  # `taken` has the results before it
            taken.append(0)
        except OSError:
            taken.append(None)
    return taken


class _Latest:
    """The frame of the text that was asked for last: viewers at one version are sent the same text object."""

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
