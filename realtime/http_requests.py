"""HTTP requests in front of Django, on every server: what their head may be, how large and how slow their body.

The only check of a message's form. `refusal_of` decides by the head alone, before a byte of the body is read; daphne,
which reads a body before it calls an application, asks it in `realtime.fast_path.daphne_http`. A body that turns out to
be larger than its head said, or that does not come in time, is cut off while it is read. The head's own time is kept by
the servers. What the request says is checked by `cinema.web.request_input`.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from django.conf import settings
from django.http import HttpResponse

from cinema.web.problems import Malformed, MethodNotAllowed, Refusal, TooLarge, answer_unread
from cinema.web.request_limits import limit_of

Application = Callable[[dict[str, Any], Any, Any], Awaitable[None]]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

# What a client may still send after a 413, unread: closing at once would reset the connection under its answer.
LINGER_SECONDS = 2.0
LINGER_BYTES = 1024 * 1024
TOKENS = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+([ \t]*,[ \t]*[!#$%&'*+.^_`|~0-9A-Za-z-]+)*", re.ASCII)  # RFC 9110
FRAMING = frozenset((b"content-length", b"transfer-encoding", b"host"))
MOST_BYTES = 64 * 1024 * 1024  # bytes of bodies that are not complete, in a process; beyond it the oldest is given up


class Late(Malformed):
    """The body did not come in time; nothing of the request has been used."""

    status = 408

    def __init__(self) -> None:
        super().__init__("The request did not come whole in time. Nothing was changed.")


def refusal_of(method: str, path: str, version: str, headers: Iterable[tuple[bytes, bytes]]) -> Refusal | None:
    """Why a request is refused by its head, or None.

    Args:
        headers: with names in lower case.

    The body's length must be certain, or the next request on the connection could be one that a proxy in front has seen
    as part of this one (request smuggling).
    """
    if version not in ("1.0", "1.1"):
        return Malformed("This server speaks HTTP/1.1.")
    length: bytes | None = None
    coding: bytes | None = None
    hosts = 0
    for name, value in headers:
        if name not in FRAMING:
            continue
        if name == b"content-length":
            if not value.isdigit() or length not in (None, value):
                return Malformed("The length of the body is not clear.")
            length = value
        elif name == b"transfer-encoding":
            if coding is not None or value.lower() != b"chunked":
                return Malformed("The only transfer coding here is chunked.")
            coding = value
        else:
            hosts += 1
    if hosts > 1 or (not hosts and version == "1.1"):
        return Malformed("A request names one host.")
    if coding is not None and (length is not None or version == "1.0"):
        return Malformed("The length of the body is not clear.")
    if not method.isupper():
        return MethodNotAllowed(headers={"Allow": "DELETE, GET, HEAD, OPTIONS, POST, PUT"})
    if length is not None and (len(length) > 18 or int(length) > limit_of(path).size):
        return TooLarge(limit_of(path).size)
    return None


def refusal_of_upgrade(method: str, headers: Iterable[tuple[bytes, bytes]]) -> Refusal | None:
    """Why a request to become a WebSocket is refused by its head, or None. `refusal_of` is asked before.

    The libraries behind the servers refuse each in their own way: without an answer, with a 500, or with what the
    client wrote. They see only what this lets through.
    """
    found: dict[bytes, list[str]] = {}
    for name, value in headers:
        found.setdefault(name, []).append(value.decode("latin-1").strip())
    if method != "GET":
        return MethodNotAllowed(headers={"Allow": "GET"})
    if has_body((name, value.encode("latin-1")) for name, values in found.items() for value in values):
        return Malformed("A request for a WebSocket has no body.")
    if not _asks_for_upgrade(found.get(b"connection", [])) or found.get(b"sec-websocket-version") != ["13"]:
        return Malformed("A WebSocket begins with version 13.", headers={"Sec-WebSocket-Version": "13"})
    if not _is_key(found.get(b"sec-websocket-key", [])):
        return Malformed("A WebSocket begins with one key of 16 bytes.")
    if not all(TOKENS.fullmatch(value) for value in found.get(b"sec-websocket-protocol", [])):
        return Malformed("The names of the subprotocols are not clear.")
    if len(found.get(b"origin", [])) > 1:
        return Malformed("A request has one origin.")
    return None


def _asks_for_upgrade(values: list[str]) -> bool:
    return "upgrade" in (token.strip().lower() for value in values for token in value.split(","))


def _is_key(values: list[str]) -> bool:
    try:
        return len(values) == 1 and len(values[0]) == 24 and len(base64.b64decode(values[0], validate=True)) == 16
    except (binascii.Error, ValueError):
        return False


def with_request_limits(application: Application) -> Application:
    """The application behind this check. A request without a body costs some microseconds, and no task."""

    async def limited(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        scope["root_path"] = settings.FORCE_SCRIPT_NAME or ""  # daphne lets a client name another one
        if scope["method"] == "HEAD":
            send = without_body(send)
        refusal = refusal_of(scope["method"], scope["path"], scope["http_version"], scope["headers"])
        if refusal is not None:
            await answer(scope, receive, send, refusal)
        elif not has_body(scope["headers"]):
            await application(scope, receive, send)
        else:
            body = LimitedBody(receive, scope["path"])
            try:
                await application(scope, body.receive, send)
            finally:
                unfinished_bodies.remove(body)
            if body.refusal is not None:
                await answer(scope, receive, send, body.refusal)

    return limited


def has_body(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    return any(name in FRAMING and name != b"host" and value != b"0" for name, value in headers)


class LimitedBody:
    """Reads a body within its limit of bytes and seconds.

    `receive` gives the application what comes; once that is too much or too late, `refusal` is set and the application
    sees the client as gone, so it answers nothing.
    """

    def __init__(self, receive: Receive, path: str) -> None:
        self.size = 0
        self.refusal: Refusal | None = None
        self._receive = receive
        self._limit = limit_of(path)
        self._deadline = asyncio.get_running_loop().time() + self._limit.seconds
        self._timeout: asyncio.Timeout | None = None
        self._is_complete = False

    async def receive(self) -> Message:
        if self._is_complete:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._deadline) as self._timeout:
                message = await self._receive()
        except TimeoutError:
            return self._refuse(Late())
        finally:
            self._timeout = None
        size = len(message.get("body", b""))
        if self.size + size > self._limit.size:
            return self._refuse(TooLarge(self._limit.size))
        if message.get("more_body"):
            unfinished_bodies.add(self, size)
        else:
            self._complete()
        return message

    def give_up(self) -> None:
        """End it now, as if its time were over."""
        self._deadline = asyncio.get_running_loop().time()
        if self._timeout is not None:
            self._timeout.reschedule(self._deadline)

    def _refuse(self, refusal: Refusal) -> Message:
        self.refusal = refusal
        self._complete()
        return {"type": "http.disconnect"}

    def _complete(self) -> None:
        self._is_complete = True
        unfinished_bodies.remove(self)


class UnfinishedBodies:
    """What this process holds of bodies that are not complete. In the event loop only."""

    def __init__(self) -> None:
        self.total = 0
        self._bodies: dict[LimitedBody, None] = {}  # oldest first

    def add(self, body: LimitedBody, size: int) -> None:
        """`body` has grown by so many bytes."""
        self._bodies[body] = None
        body.size += size
        self.total += size
        while self.total > MOST_BYTES:
            oldest = next(iter(self._bodies))
            self.remove(oldest)
            oldest.give_up()

    def remove(self, body: LimitedBody) -> None:
        if body in self._bodies:
            del self._bodies[body]
            self.total -= body.size


unfinished_bodies = UnfinishedBodies()


def without_body(send: Send) -> Send:
    """Sends the head of a response only, with the length that its body would have."""

    async def send_head(message: Message) -> None:
        if message["type"] == "http.response.start":
            await send(message)
        elif not message.get("more_body"):
            await send({"type": "http.response.body", "body": b""})

    return send_head


async def answer(scope: Message, receive: Receive, send: Send, refusal: Refusal) -> None:
    """Answer a refusal and close the connection; what a client still sends after a 413 is read for a moment."""
    response = answer_unread(scope["path"], refusal)
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers_of(response)})
    lingers = isinstance(refusal, TooLarge) and scope["method"] != "HEAD"
    await send({"type": "http.response.body", "body": response.content, "more_body": lingers})
    if lingers:
        await discard(receive)
        await send({"type": "http.response.body", "body": b""})


def headers_of(response: HttpResponse) -> list[tuple[bytes, bytes]]:
    """Its headers, with a length and the end of the connection."""
    headers = [(name.encode("ascii"), value.encode("latin-1")) for name, value in response.items()]
    length = str(len(response.content)).encode()
    return [*headers, (b"Content-Length", length), (b"Connection", b"close")]


async def discard(receive: Receive) -> None:
    size = 0
    try:
        async with asyncio.timeout(LINGER_SECONDS):
            while size < LINGER_BYTES:
                message = await receive()
                size += len(message.get("body", b""))
                if message["type"] != "http.request" or not message.get("more_body"):
                    return
    except TimeoutError:
        pass
