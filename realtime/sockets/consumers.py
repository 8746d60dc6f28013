"""The WebSocket consumers: a showtime's map, the board, and any other path.

A refused socket is accepted first, then sent `bye` and closed with its code, because a browser cannot read the code
otherwise. Only a foreign Origin is refused at the handshake.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

from channels.consumer import AsyncConsumer
from channels.exceptions import StopConsumer
from django.conf import settings
from django.http import parse_cookie

from booking.refusals import NotFound
from cinema.web.client_address import Address, nearest_address
from realtime import metrics, process
from realtime.fast_path import shared_frames
from realtime.fast_path.shared_frames import FrameWriter
from realtime.live import hub, protocol
from realtime.live.protocol import Ack, BadMessage, Close
from realtime.live.viewer import Viewer
from realtime.sockets import limits
from realtime.sockets.limits import TokenBucket
from realtime.sockets.origins import has_origin, headers_of, is_allowed

log = logging.getLogger(__name__)

CLOSE_TIMEOUT = 12.0  # seconds from our close frame to the abort of the connection (uvicorn waits 10 for an answer)

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class SocketConsumer(AsyncConsumer):  # type: ignore[misc]  # channels has no types
    """What every socket does: check the Origin, accept, send bye, close.

    Lighter than Channels' own consumers: no channel layer (the process is the member of a group, not the socket), no
    task and no timer for each message, no thread hop to close database connections, which are not used here.
    """

    is_closed = False

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        self.scope, self.send = scope, send
        address = self.address()
        self.refusal = limits.limiter.enter(address, time.monotonic())
        try:
            while True:
                message = await receive()
                await getattr(self, message["type"].replace(".", "_"))(message)
        except StopConsumer:
            pass
        finally:
            limits.limiter.leave(address)
            self.on_disconnect()

    def address(self) -> Address | None:
        """The client's address, as our own proxies forward it."""
        client = self.scope.get("client")
        forwarded = b",".join(text for name, text in headers_of(self.scope) if name == b"x-forwarded-for")
        return nearest_address(client[0] if client else "", forwarded.decode("latin-1"))

    def on_disconnect(self) -> None:
        """The socket is closed, by either side."""

    async def websocket_connect(self, message: Message) -> None:
        if not is_allowed(headers_of(self.scope)):
            metrics.REFUSED.labels("origin").inc()
            await self.send({"type": "websocket.close"})
            return
        offered = protocol.SUBPROTOCOL in self.scope.get("subprotocols", [])
        await self.send({"type": "websocket.accept", "subprotocol": protocol.SUBPROTOCOL if offered else None})
        if self.refusal and settings.RATE_LIMITS:
            return await self.refuse_over_limit(self.refusal)
        await self.on_accept()

    async def refuse_over_limit(self, limit: str) -> None:
        reason = "this server is full" if limit == "full" else "too many from your address"
        await self.refuse(Close.OVERLOAD, reason, retry=limits.limiter.retry(), counted_as=limit)

    async def on_accept(self) -> None:
        raise NotImplementedError

    async def websocket_receive(self, message: Message) -> None:
        pass

    async def websocket_disconnect(self, message: Message) -> None:
        if not self.is_closed:
            metrics.count_close_by_client(message.get("code"))
        raise StopConsumer

    async def send_text(self, text: str) -> None:
        await self.send({"type": "websocket.send", "text": text})

    @property
    def frame_writer(self) -> FrameWriter | None:
        """Writes frames past ASGI, where the server has one."""
        found: FrameWriter | None = self.scope.get("extensions", {}).get(shared_frames.EXTENSION)
        return found

    async def close(self, code: Close) -> None:
        self.is_closed = True
        abort = self.scope.get("extensions", {}).get(shared_frames.ABORT)
        if abort is not None:  # the server would wait for ever for a client that does not read
            asyncio.get_running_loop().call_later(CLOSE_TIMEOUT, abort)
        metrics.CLOSES.labels("server", str(int(code))).inc()
        await self.send({"type": "websocket.close", "code": int(code)})

    async def refuse(self, code: Close, reason: str, *, retry: int = 0, counted_as: str = "") -> None:
        metrics.REFUSED.labels(counted_as or code.name.lower()).inc()
        await self.send_text(protocol.bye(code=code, retry=retry, reason=reason))
        await self.close(code)


class UnknownPathConsumer(SocketConsumer):
    async def on_accept(self) -> None:
        await self.refuse(Close.GONE, "there is nothing here")


class ViewerConsumer(SocketConsumer):
    """A socket with a viewer: it joins the hub, receives `sync` and `ack`, and leaves."""

    viewer: Viewer | None = None

    async def on_accept(self) -> None:
        self.bucket = TokenBucket()
        if process.is_draining():
            return await self.refuse(Close.DRAINING, "the server restarts", retry=random.randint(500, 5000))
        try:
            self.hub = await hub.current()
            await self.join()
        except Exception:  # any exception of the database's driver; the client reconnects
            log.exception("live map: a socket to %s could not be served", self.scope["path"])
            await self.refuse(Close.SERVER_ERROR, "the live map is not available now", retry=random.randint(1000, 5000))

    async def join(self) -> None:
        """Set `viewer`, or refuse."""
        raise NotImplementedError

    async def websocket_receive(self, message: Message) -> None:
        viewer = self.viewer
        if viewer is None or viewer.is_closed:
            return
        if settings.RATE_LIMITS and not self.bucket.take():
            return viewer.close(Close.BAD_MESSAGE, "too many messages")
        try:
            frame = protocol.parse(message.get("text") or message.get("bytes"))
        except BadMessage as error:
            return viewer.close(error.code, f"message not understood: {error}", retry=error.retry)
        if isinstance(frame, Ack):
            viewer.ack(frame)
        else:
            await viewer.watched.answer(viewer, frame)

    def on_disconnect(self) -> None:
        if self.viewer is not None:
            self.hub.leave(self.viewer)


class ShowtimeConsumer(ViewerConsumer):
    """`/ws/showtimes/<id>/`: the live map of one showtime. Every viewer gets the same frames."""

    async def join(self) -> None:
        epoch, v = self.resume_from()
        try:
            self.viewer = await self.hub.join(
                self.showtime_id, epoch, v, send=self.send_text, close=self.close, writer=self.frame_writer
            )
        except (NotFound, hub.ShowtimeEnded):
            await self.refuse(Close.GONE, "there is no such showtime, or it is over")

    @property
    def showtime_id(self) -> int:
        return int(self.scope["url_route"]["kwargs"]["showtime_id"])

    def resume_from(self) -> tuple[str | None, int]:
        """`?epoch=…&v=…`; (None, -1) when they are missing or not valid."""
        query = parse_qs(self.scope.get("query_string", b"").decode("latin-1"))
        epoch, v = query.get("epoch", [""])[0], query.get("v", [""])[0]
        is_valid = v.isascii() and v.isdigit() and len(v) < 19
        return (epoch, int(v)) if epoch and is_valid else (None, -1)


class BoardConsumer(ViewerConsumer):
    """`/ws/board/`: the counters of all showtimes, for staff only, from our own pages only."""

    async def join(self) -> None:
        session = self.session_key()
        if not has_origin(headers_of(self.scope)) or not session:
            return await self.refuse(Close.FORBIDDEN, "for staff only")
        if session not in await self.hub.board_source.staff([session]):
            return await self.refuse(Close.FORBIDDEN, "for staff only")
        self.viewer = await self.hub.join_board(
            session, send=self.send_text, close=self.close, writer=self.frame_writer
        )

    def session_key(self) -> str:
        """The session's cookie; "" without one, or when the database could hold no such key."""
        cookies = b"; ".join(value for name, value in headers_of(self.scope) if name.lower() == b"cookie")
        key = parse_cookie(cookies.decode("latin-1")).get(settings.SESSION_COOKIE_NAME, "")
        return "" if "\0" in key else key
