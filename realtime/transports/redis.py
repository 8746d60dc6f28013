"""Several processes: `channels_redis.pubsub`. The member of a group is the process, not the socket.

The layer does not report a subscription that no longer receives. So the process sends itself a nonce through its own
channel every two seconds. When none has arrived for five, the transport is unhealthy: the hub polls the database more
often, and the subscription is made again.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import random
import secrets
import time
from typing import Any

import redis
from channels_redis.pubsub import RedisPubSubChannelLayer
from django.conf import settings

from realtime import metrics
from realtime.change import Change
from realtime.fast_path.redis_layer import forget_channels
from realtime.transports.interface import Receive
from realtime.transports.local import LocalTransport
from realtime.transports.sender import Sender, group_of

log = logging.getLogger(__name__)

CANARY_INTERVAL = 2.0  # seconds
CANARY_TIMEOUT = 5.0
COMMAND_TIMEOUT = 0.5
SHORTEST_PAUSE, LONGEST_PAUSE = 0.25, 2.0  # between two attempts to make the subscription

# Set explicitly, because redis-py 8 changed its defaults, which do not suit the layer.
SOCKET_OPTIONS: dict[str, Any] = {"socket_timeout": 2.0, "socket_connect_timeout": 1.0, "socket_keepalive": True}


def make_layer(url: str) -> RedisPubSubChannelLayer:
    """A layer with names of this installation only: pub/sub is not divided by Redis' database numbers."""
    installation = hashlib.sha256(settings.SECRET_KEY.encode()).hexdigest()[:12]
    return RedisPubSubChannelLayer(hosts=[{"address": url, **SOCKET_OPTIONS}], prefix=f"bms-{installation}")


class RedisTransport(LocalTransport):
    """Changes of this process go to its hub as in the local transport, and to the other processes through Redis."""

    def __init__(self, url: str, node: str) -> None:
        super().__init__()
        self.is_healthy = False
        self._url = url
        self._node = node
        self._sender = Sender(lambda: make_layer(url))
        self._receive: Receive | None = None
        self._showtimes: set[int] = set()  # whose groups this process must be in
        self._layer: RedisPubSubChannelLayer | None = None  # while groups can be joined
        self._channel = ""
        self._nonce = ""
        self._received_at = 0.0
        self._broken = asyncio.Event()
        self._listening: asyncio.Task[None] | None = None

    def publish(self, change: Change) -> None:
        super().publish(change)
        self._sender.put(
            change.showtime_id,
            {
                "type": "seats.changed",
                "node": self._node,
                "showtime": change.showtime_id,
                "epoch": change.epoch,
                "before": change.before,
                "version": change.version,
                "stamp": change.stamp,
                "seats": {letter: list(indices) for letter, indices in change.seats.items()},
            },
        )

    def is_reachable(self) -> bool:
        """What the canary says where a hub runs, else whether Redis answers a ping now."""
        if self._bound is not None:
            return self.is_healthy
        try:
            with contextlib.closing(
                redis.Redis.from_url(self._url, socket_timeout=0.5, socket_connect_timeout=0.5)
            ) as r:
                return bool(r.ping())
        except redis.RedisError:
            return False

    async def start(self, receive: Receive) -> None:
        await super().start(receive)
        self._receive = receive
        self._showtimes, self._layer, self._broken = set(), None, asyncio.Event()
        self._listening = asyncio.get_running_loop().create_task(self._listen_forever())

    async def stop(self) -> None:
        await super().stop()
        if self._listening is not None:
            self._listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listening

    async def subscribe(self, showtime_id: int) -> None:
        """Waits half a second at most; on failure the hub polls, and `_listen_forever` subscribes again."""
        self._showtimes.add(showtime_id)
        if self._layer is not None:
            try:
                await asyncio.wait_for(self._layer.group_add(group_of(showtime_id), self._channel), COMMAND_TIMEOUT)
            except Exception as error:  # redis-py, asyncio and the operating system each have their own exceptions
                self._mark_unhealthy(error)

    async def unsubscribe(self, showtime_id: int) -> None:
        self._showtimes.discard(showtime_id)
        if self._layer is not None:
            with contextlib.suppress(Exception):  # a message for a room that was unloaded is ignored anyway
                await asyncio.wait_for(self._layer.group_discard(group_of(showtime_id), self._channel), COMMAND_TIMEOUT)

    # ---- the subscription ------------------------------------------------------------------------------------------

    async def _listen_forever(self) -> None:
        pause = SHORTEST_PAUSE
        while True:
            begun_at = time.monotonic()
            try:
                await self._listen()
            except Exception as error:  # as above
                self._mark_unhealthy(error)
            pause = SHORTEST_PAUSE if time.monotonic() - begun_at > 10 else min(2 * pause, LONGEST_PAUSE)
            await asyncio.sleep(random.uniform(0.5, 1.0) * pause)

    async def _listen(self) -> None:
        """One subscription, until it breaks or no longer receives."""
        layer = make_layer(self._url)
        reader: asyncio.Task[None] | None = None
        try:
            self._broken.clear()
            self._channel = await asyncio.wait_for(layer.new_channel(), COMMAND_TIMEOUT)
            reader = asyncio.get_running_loop().create_task(self._read(layer, self._channel))
            joined: set[int] = set()
            while missing := self._showtimes - joined:  # more may be added during the wait
                for showtime_id in missing:
                    await asyncio.wait_for(layer.group_add(group_of(showtime_id), self._channel), COMMAND_TIMEOUT)
                joined |= missing
            self._layer = layer
            metrics.SUBSCRIPTIONS.inc()
            await self._send_canaries(layer)
        finally:
            self._layer = None
            forget_channels(layer)
            if reader is not None:
                reader.cancel()
            with contextlib.suppress(Exception):  # it is not used again, whatever its state
                await asyncio.wait_for(layer.flush(), COMMAND_TIMEOUT)

    async def _send_canaries(self, layer: RedisPubSubChannelLayer) -> None:
        self._received_at = time.monotonic()
        while not self._broken.is_set():
            self._nonce = secrets.token_hex(4)
            await asyncio.wait_for(layer.send(self._channel, {"type": "canary", "nonce": self._nonce}), COMMAND_TIMEOUT)
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._broken.wait(), CANARY_INTERVAL)
            if time.monotonic() - self._received_at > CANARY_TIMEOUT:
                raise ConnectionError("nothing is received")

    async def _read(self, layer: RedisPubSubChannelLayer, channel: str) -> None:
        while True:
            message = await layer.receive(channel)
            if message["type"] == "canary":
                self._on_canary(message["nonce"])
            elif message["node"] != self._node and "stamp" in message and self._receive is not None:
                self._receive(change_of(message))  # without a stamp: of an earlier release; the poll finds the change

    def _on_canary(self, nonce: str) -> None:
        if nonce == self._nonce and self._layer is not None:
            self._received_at = time.monotonic()
            if not self.is_healthy:
                log.info("bridge: up")
            self.is_healthy = True

    def _mark_unhealthy(self, error: Exception) -> None:
        if self.is_healthy:
            metrics.BRIDGE_LOSSES.inc()
            log.warning("bridge: down (%r); the database is polled more often", error)
        self.is_healthy = False
        self._broken.set()


def change_of(message: dict[str, Any]) -> Change:
    names = ("showtime", "epoch", "before", "version", "seats", "stamp")
    return Change(*(message[name] for name in names))
