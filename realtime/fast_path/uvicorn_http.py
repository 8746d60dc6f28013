"""uvicorn: time for the head of each request, strict heads, and its own refusals as problem documents.

Without it, a client that sends nothing, or one byte at a time, occupies an open file of the process for ever: uvicorn
has a timeout only between two requests, which a byte ends. Bodies are limited in `realtime.http_requests`.

Relies on, undocumented:
- uvicorn 0.54, `uvicorn.protocols.http.h11_impl.H11Protocol`: the METHODS, overridden here; its attribute `cycle`, None
  before the first request, and the `response_complete` of it. `choose_http_protocol` checks them at start; where one is
  missing, uvicorn serves with its own class, without the timeout.
- h11 0.16, `h11._readers.READERS`: what reads the head of a request. `read_heads_strictly` checks it; without it h11
  takes folded header lines and lines that end without CR, as RFC 9112 allows.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from cinema.web.problems import Malformed
from cinema.web.request_limits import HEAD_SECONDS
from realtime.fast_path.raw_answers import raw_answer
from realtime.fast_path.unfinished import READ_SECONDS, connections
from realtime.http_requests import refusal_of, refusal_of_upgrade

log = logging.getLogger(__name__)

METHODS = (
    "connection_made",
    "connection_lost",
    "data_received",
    "handle_websocket_upgrade",
    "on_response_complete",
    "pause_writing",
    "resume_writing",
    "send_400_response",
)


def choose_http_protocol() -> type | str:
    """The protocol for uvicorn to read HTTP with: h11's with timeouts, or "auto", uvicorn's own choice.

    Always h11's: what is refused must not depend on another parser being installed.
    """
    try:
        from uvicorn.protocols.http.h11_impl import H11Protocol
    except ImportError:
        log.warning("uvicorn has moved its HTTP protocol: connections without a request have no timeout")
        return "auto"
    missing = [name for name in METHODS if not hasattr(H11Protocol, name)]
    if not _sets(H11Protocol, "cycle"):
        missing.append("cycle")
    if missing:
        log.warning("uvicorn's HTTP protocol has no %s: connections without a request have no timeout", missing)
        return "auto"
    read_heads_strictly()
    return with_timeout(with_problems(H11Protocol))


def _sets(protocol: type, name: str) -> bool:
    """Whether the class's `__init__` names the attribute: it has no instance before the first connection."""
    code = getattr(protocol.__init__, "__code__", None)  # type: ignore[misc]  # of this very class
    return code is not None and name in code.co_names


def with_timeout(base: Any) -> type:
    class LimitedProtocol(base):  # type: ignore[misc]  # uvicorn's, imported where it is checked
        """uvicorn's own; the connection ends when a request's head has not come, or an answer is not read, in time."""

        def connection_made(self, transport: asyncio.Transport) -> None:
            super().connection_made(transport)
            self._expect_head()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self._is_answering():
                connections.done(self)

        def on_response_complete(self) -> None:
            super().on_response_complete()  # which may begin a request that came before its time
            if not self._is_answering():
                self._expect_head()

        def handle_websocket_upgrade(self, *event: Any) -> None:
            connections.done(self)
            super().handle_websocket_upgrade(*event)

        def connection_lost(self, exc: Exception | None) -> None:
            connections.done(self)
            super().connection_lost(exc)

        def pause_writing(self) -> None:
            super().pause_writing()
            connections.begin(self, READ_SECONDS, self.transport.abort)

        def resume_writing(self) -> None:
            super().resume_writing()
            if self._is_answering():
                connections.done(self)

        def _is_answering(self) -> bool:
            return self.cycle is not None and not self.cycle.response_complete

        def _expect_head(self) -> None:
            if not self.transport.is_closing():
                connections.begin(self, HEAD_SECONDS, self._end_unused)

        def _end_unused(self) -> None:
            connections.begin(self, READ_SECONDS, self.transport.abort)  # an answer may wait to be read
            self.transport.close()

    return LimitedProtocol


def with_problems(base: Any) -> type:
    class ProblemProtocol(base):  # type: ignore[misc]  # uvicorn's
        """uvicorn's own; what is not HTTP, or no WebSocket, is answered by a problem document."""

        def handle_websocket_upgrade(self, event: Any) -> None:
            """Refuse it as any request; what uvicorn's WebSocket protocol does not take would wait without an end."""
            method, path = event.method.decode("ascii"), unquote(event.target.decode("ascii").partition("?")[0])
            version = event.http_version.decode("ascii")
            refusal = refusal_of(method, path, version, event.headers) or refusal_of_upgrade(method, event.headers)
            if refusal is None:
                super().handle_websocket_upgrade(event)
                protocol = self.transport.get_protocol()
                if protocol is not self and not getattr(protocol, "handshake_initiated", True):
                    refusal = Malformed()  # too long a line, too many headers
            if refusal is not None:
                self.transport.write(raw_answer(refusal, path=path, method=method))
                self.transport.close()

        def send_400_response(self, msg: str) -> None:
            if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
                self.transport.write(raw_answer(Malformed()))
            self.transport.close()

    return ProblemProtocol


def read_heads_strictly() -> None:
    """Let h11 refuse folded header lines and bare line feeds, which a proxy in front may read in another way."""
    try:
        from h11 import CLIENT, IDLE, LocalProtocolError
        from h11._readers import READERS

        read: Any = READERS[CLIENT, IDLE]
    except (ImportError, KeyError, TypeError):
        log.warning("h11 has moved its readers: folded header lines are taken")
        return
    if not getattr(read, "is_strict", False):
        READERS[CLIENT, IDLE] = _strictly(read, LocalProtocolError)


def _strictly(read: Callable[[Any], Any], error: Callable[[str], Exception]) -> Callable[[Any], Any]:
    def read_strictly(buffer: Any) -> Any:
        before = bytes(buffer)
        request = read(buffer)
        if request is not None:
            head = before[: len(before) - len(buffer)]
            if b"\n " in head or b"\n\t" in head or head.count(b"\n") != head.count(b"\r\n"):
                raise error("folded header line, or a line without CR")
        return request

    read_strictly.is_strict = True  # type: ignore[attr-defined]
    return read_strictly
