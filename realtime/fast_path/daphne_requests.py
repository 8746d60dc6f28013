"""daphne's connection and request, with the limits of `realtime.http_requests`. What they rely on: `daphne_http`."""

from __future__ import annotations

import logging
from io import BytesIO
from typing import Any
from urllib.parse import unquote

from daphne import http_protocol
from twisted.web import http

from cinema.web.problems import Failure, Malformed, Refusal, TooLarge, answer_unread
from cinema.web.request_limits import HEAD_SECONDS, limit_of
from realtime.fast_path.raw_answers import raw_answer
from realtime.fast_path.unfinished import READ_SECONDS, connections
from realtime.http_requests import LINGER_BYTES, LINGER_SECONDS, Late, headers_of, refusal_of, refusal_of_upgrade

log = logging.getLogger(__name__)

Channel: Any = http.HTTPChannel  # twisted's types end half-way
Request: Any = http_protocol.WebRequest


class LimitedChannel(Channel):  # type: ignore[misc]
    """One connection: it has a deadline while a request is read, or an answer waits to be read."""

    is_websocket = False

    def connectionMade(self) -> None:
        super().connectionMade()
        self._expect_head()

    def lineReceived(self, line: bytes) -> None:
        if line[:1] in (b" ", b"\t"):  # a folded header line, which a proxy in front may read in another way
            self._respondToBadRequestAndDisconnect()
        else:
            try:
                super().lineReceived(line)
            except ValueError:  # a length of thousands of digits
                self._respondToBadRequestAndDisconnect()

    def lineLengthExceeded(self, line: bytes) -> None:
        self._respondToBadRequestAndDisconnect()

    def allContentReceived(self) -> None:
        connections.done(self)
        super().allContentReceived()

    def requestDone(self, request: Any) -> None:
        self._expect_head()  # before the next request, which may be there already
        super().requestDone(request)

    def pauseProducing(self) -> None:
        super().pauseProducing()
        if not self.is_websocket:
            connections.begin(self, READ_SECONDS, self.transport.abortConnection)

    def resumeProducing(self) -> None:
        super().resumeProducing()
        if not self.is_websocket:
            connections.done(self) if self.requests else self._expect_head()

    def connectionLost(self, reason: Any) -> None:
        connections.done(self)
        super().connectionLost(reason)

    def expect_body(self, seconds: float, path: str) -> None:
        connections.begin(self, seconds, lambda: self.refuse(raw_answer(Late(), path=path)))

    def linger(self, answer: bytes) -> None:
        """Write a refusal; what still comes is read for a moment, or a reset would end the answer."""
        self.transport.write(answer)
        connections.begin(self, LINGER_SECONDS, self._end_unused)

    def refuse(self, answer: bytes) -> None:
        self.transport.write(answer)
        self._end_unused()

    def _expect_head(self) -> None:
        connections.begin(self, HEAD_SECONDS, self._end_unused)

    def _end_unused(self) -> None:
        connections.begin(self, READ_SECONDS, self.transport.abortConnection)  # an answer may wait to be read
        self.loseConnection()

    def _respondToBadRequestAndDisconnect(self) -> None:
        self.refuse(raw_answer(Malformed()))


class LimitedRequest(Request):  # type: ignore[misc]
    """One request: refused by its head, or cut off while its body comes."""

    refusal: Refusal | None = None

    def __init__(self, channel: Any, queued: Any = False) -> None:
        super().__init__(channel, queued, parsePOSTFormSubmission=False)  # Django reads forms
        self.size = 0
        self.head_path = "/"

    def gotLength(self, length: int | None) -> None:
        """The head is complete."""
        self.content = BytesIO()  # twisted would take a file for a larger one
        self.requestHeaders.removeHeader(b"daphne-root-path")
        method, target, version = _first_line(self.channel)
        self.head_path = unquote(target.partition("?")[0])
        head = self._head()
        refusal = refusal_of(method, self.head_path, version.rpartition("/")[2], head)
        if refusal is None and self._is_upgrade():
            refusal = refusal_of_upgrade(method, head)
            self.requestHeaders.removeHeader(b"sec-websocket-extensions")  # none is used; autobahn would judge them
        if refusal is not None:
            self._refuse(refusal, method)
        elif length != 0:
            self.channel.expect_body(limit_of(self.head_path).seconds, self.head_path)

    def _is_upgrade(self) -> bool:
        """As daphne decides it."""
        upgrade = self.requestHeaders.getRawHeaders(b"Upgrade") or [b""]
        return bool(upgrade[0].lower() == b"websocket")

    def _head(self) -> list[tuple[bytes, bytes]]:
        found = self.requestHeaders.getAllRawHeaders()
        return [(name.lower(), value) for name, values in found for value in values]

    def handleContentChunk(self, data: bytes) -> None:
        self.size += len(data)
        limit = limit_of(self.head_path).size
        if self.refusal is not None:
            if self.size > LINGER_BYTES:
                self.channel.loseConnection()
        elif self.size > limit:
            self._refuse(TooLarge(limit))
        else:
            connections.grow(self.channel, len(data))
            super().handleContentChunk(data)

    def _refuse(self, refusal: Refusal, method: str = "") -> None:
        self.refusal = refusal
        self.requestHeaders.removeHeader(b"expect")  # else twisted would ask for the body now
        self.content = BytesIO()
        self.size = 0
        answer = raw_answer(refusal, path=self.head_path, method=method)
        is_body_to_come = isinstance(refusal, TooLarge)
        self.channel.linger(answer) if is_body_to_come else self.channel.refuse(answer)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        if self.refusal is not None:
            self.channel.loseConnection()
        else:
            super().requestReceived(command, path, version)

    def process(self) -> Any:
        self.channel.is_websocket = self._is_upgrade()
        return super().process()

    def basic_error(self, status: int, status_text: bytes, body: str) -> None:
        """daphne's own page: a bad head (4xx), or an error of the application's."""
        try:
            path = unquote((self.path or b"/").decode("ascii", "replace"))
            response = answer_unread(path, Malformed() if status < 500 else Failure())
            start = {"type": "http.response.start", "status": response.status_code, "headers": headers_of(response)}
            self.handle_reply(start)
            self.handle_reply({"type": "http.response.body", "body": response.content})
        except Exception:  # an answer has begun; an error here would end daphne's own watch over all requests
            log.exception("a request could not be answered")
            self.loseConnection()


def _first_line(channel: Any) -> tuple[str, str, str]:
    """Method, target and version of the request whose head the channel has read."""
    defaults = {"_command": b"GET", "_path": b"/", "_version": b"HTTP/1.1"}
    method, target, version = (getattr(channel, name, default) for name, default in defaults.items())
    return method.decode("ascii", "replace"), target.decode("ascii", "replace"), version.decode("ascii", "replace")


class LimitedFactory(http_protocol.HTTPFactory):  # type: ignore[misc]  # daphne has no types
    protocol = LimitedChannel

    def buildProtocol(self, addr: Any) -> Any:
        protocol = super().buildProtocol(addr)
        protocol.requestFactory = LimitedRequest
        return protocol
