"""The two ends of a socket: what a browser connects to, and the polite refusal.

A refusal is accepted first, then `bye` and the close code, because a browser cannot see a code otherwise; only a
foreign Origin is turned away at the handshake.
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
from realtime import counters, process
from realtime.fast_path import shared_frames
from realtime.fast_path.shared_frames import FrameWriter
from realtime.live import hub, protocol
from realtime.live.protocol import Ack, BadMessage, Close
from realtime.live.viewer import Viewer
from realtime.sockets import limits
from realtime.sockets.limits import Allowance
from realtime.sockets.origins import has_origin, headers_of, is_welcome

log = logging.getLogger(__name__)

LAST_PATIENCE = 12.0  # seconds from our close frame to the end of the connection (uvicorn waits 10 for an answer)

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class SocketConsumer(AsyncConsumer):  # type: ignore[misc]  # channels has no types
    """What every socket of ours does: check the Origin, accept, say bye.

    Lighter than Channels' own: no channel layer (the process is the member of a group, not the socket), no task and
    no timer for each message, no thread hop to close database connections, which are not used here.
    """

    is_shut = False

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        self.scope, self.send = scope, send
        address = self.address()
        self.objection = limits.door.enter(address, time.monotonic())
        try:
            while True:
                message = await receive()
                await getattr(self, message["type"].replace(".", "_"))(message)
        except StopConsumer:
            pass
        finally:
            limits.door.leave(address)
            self.left()

    def address(self) -> Address | None:
        """Where the socket comes from, looking past our own proxies."""
        client = self.scope.get("client")
        forwarded = b",".join(text for name, text in headers_of(self.scope) if name == b"x-forwarded-for")
        return nearest_address(client[0] if client else "", forwarded.decode("latin-1"))

    def left(self) -> None:
        """The socket is closed, whoever closed it."""

    async def websocket_connect(self, message: Message) -> None:
        if not is_welcome(headers_of(self.scope)):
            counters.REFUSED.labels("origin").inc()
            await self.send({"type": "websocket.close"})
            return
        offered = protocol.SUBPROTOCOL in self.scope.get("subprotocols", [])
        await self.send({"type": "websocket.accept", "subprotocol": protocol.SUBPROTOCOL if offered else None})
        if self.objection and settings.RATE_LIMITS:
            return await self.refuse_for(self.objection)
        await self.accepted()

    async def refuse_for(self, objection: str) -> None:
        reason = "this server is full" if objection == "full" else "too many from your address"
        await self.refuse(Close.OVERLOAD, reason, retry=limits.door.retry(), counted=objection)

    async def accepted(self) -> None:
        raise NotImplementedError

    async def websocket_receive(self, message: Message) -> None:
        pass

    async def websocket_disconnect(self, message: Message) -> None:
        if not self.is_shut:
            counters.closed_by_client(message.get("code"))
        raise StopConsumer

    async def say(self, text: str) -> None:
        await self.send({"type": "websocket.send", "text": text})

    @property
    def short_way(self) -> FrameWriter | None:
        """Past ASGI, where the server has one."""
        found: FrameWriter | None = self.scope.get("extensions", {}).get(shared_frames.EXTENSION)
        return found

    async def shut(self, code: Close) -> None:
        self.is_shut = True
        abort = self.scope.get("extensions", {}).get(shared_frames.ABORT)
        if (
            abort is not None
        ):  # the server itself would wait for ever until a socket that does not read has taken it all
            asyncio.get_running_loop().call_later(LAST_PATIENCE, abort)
        counters.CLOSES.labels("server", str(int(code))).inc()
        await self.send({"type": "websocket.close", "code": int(code)})

    async def refuse(self, code: Close, reason: str, *, retry: int = 0, counted: str = "") -> None:
        counters.REFUSED.labels(counted or code.name.lower()).inc()
        await self.say(protocol.bye(code=code, retry=retry, reason=reason))
        await self.shut(code)


class NowhereConsumer(SocketConsumer):
    """Any other address."""

    async def accepted(self) -> None:
        await self.refuse(Close.GONE, "there is nothing here")


class ViewingConsumer(SocketConsumer):
    """A socket with a viewer behind it: joins when it may, hears `sync` and `ack`, leaves."""

    viewer: Viewer | None = None

    async def accepted(self) -> None:
        self.allowance = Allowance()
        if process.is_draining():
            return await self.refuse(Close.DRAINING, "the server restarts", retry=random.randint(500, 5000))
        try:
            self.hub = await hub.current()
            await self.join()
        except Exception:  # whatever the database's driver raises; the client comes back
            log.exception("live map: a socket to %s could not be served", self.scope["path"])
            await self.refuse(Close.SERVER_ERROR, "the live map is not available now", retry=random.randint(1000, 5000))

    async def join(self) -> None:
        """Set `viewer`, or refuse."""
        raise NotImplementedError

    async def websocket_receive(self, message: Message) -> None:
        viewer = self.viewer
        if viewer is None or viewer.gone:
            return
        if settings.RATE_LIMITS and not self.allowance.takes_one():
            return viewer.dismiss(Close.BAD_MESSAGE, "too many messages")
        try:
            said = protocol.parse(message.get("text"))
        except BadMessage as error:
            return viewer.dismiss(Close.BAD_MESSAGE, f"message not understood: {error}")
        if isinstance(said, Ack):
            viewer.ack(said)
        else:
            await viewer.watched.answer(viewer, said)

    def left(self) -> None:
        if self.viewer is not None:
            self.hub.leave(self.viewer)


class ShowtimeConsumer(ViewingConsumer):
    """`/ws/showtimes/<id>/`: the live map of one showtime, the same for everybody."""

    async def join(self) -> None:
        epoch, v = self.position()
        try:
            self.viewer = await self.hub.join(
                self.showtime_id, epoch, v, send=self.say, shut=self.shut, post=self.short_way
            )
        except (NotFound, hub.ShowtimeEnded):
            await self.refuse(Close.GONE, "there is no such showtime, or it is over")

    @property
    def showtime_id(self) -> int:
        return int(self.scope["url_route"]["kwargs"]["showtime_id"])

    def position(self) -> tuple[str | None, int]:
        """`?epoch=…&v=…`; what cannot be read counts as nothing known."""
        query = parse_qs(self.scope.get("query_string", b"").decode("latin-1"))
        epoch, v = query.get("epoch", [""])[0], query.get("v", [""])[0]
        readable = v.isascii() and v.isdigit() and len(v) < 19
        return (epoch, int(v)) if epoch and readable else (None, -1)


class BoardConsumer(ViewingConsumer):
    """`/ws/board/`: the counters of all showtimes, for staff only, from a page of ours only."""

    async def join(self) -> None:
        session = self.session_key()
        if not has_origin(headers_of(self.scope)) or not session:
            return await self.refuse(Close.FORBIDDEN, "for staff only")
        if session not in await self.hub.board_source.staff([session]):
            return await self.refuse(Close.FORBIDDEN, "for staff only")
        self.viewer = await self.hub.join_board(session, send=self.say, shut=self.shut, post=self.short_way)

    def session_key(self) -> str:
        """What the session's cookie says; "" without one."""
        cookies = b"; ".join(value for name, value in headers_of(self.scope) if name.lower() == b"cookie")
        return parse_cookie(cookies.decode("latin-1")).get(settings.SESSION_COOKIE_NAME, "")
