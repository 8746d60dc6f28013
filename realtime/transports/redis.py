"""Several processes: `channels_redis.pubsub`, whose group member is the process, not the socket.

The layer tells nobody when it goes deaf, so the process sings to itself: a nonce every two seconds through its own
channel. While none comes back the bridge counts as unhealthy, the hub asks the database more often, and the
subscription is built anew.
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

from realtime import counters
from realtime.change import Change
from realtime.fast_path.redis_layer import forget_channels
from realtime.transports.interface import Receive
from realtime.transports.local import LocalTransport
from realtime.transports.sender import Sender, group_of

log = logging.getLogger(__name__)

CANARY_EVERY = 2.0  # seconds
DEAF_AFTER = 5.0
PATIENCE = 0.5  # for one command
LONGEST_PAUSE = 2.0  # between two tries to build the subscription

# Said outright, because redis-py 8 changed its defaults under the layer.
SOCKET_OPTIONS: dict[str, Any] = {"socket_timeout": 2.0, "socket_connect_timeout": 1.0, "socket_keepalive": True}


def make_layer(url: str) -> RedisPubSubChannelLayer:
    """A layer on names of this installation's own: pub/sub is not divided by Redis' database numbers."""
    installation = hashlib.sha256(settings.SECRET_KEY.encode()).hexdigest()[:12]
    return RedisPubSubChannelLayer(hosts=[{"address": url, **SOCKET_OPTIONS}], prefix=f"bms-{installation}")


class RedisTransport(LocalTransport):
    """Changes of this process go straight to its hub, as locally; the others hear of them through Redis."""

    def __init__(self, url: str, node: str) -> None:
        super().__init__()
        self.is_healthy = False
        self._url = url
        self._node = node
        self._sender = Sender(lambda: make_layer(url))
        self._receive: Receive | None = None
        self._wanted: set[int] = set()
        self._layer: RedisPubSubChannelLayer | None = None  # while it is ready for groups
        self._channel = ""
        self._nonce = ""
        self._heard_at = 0.0
        self._broken = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None

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
                "seats": {letter: list(indices) for letter, indices in change.seats.items()},
            },
        )

    def is_reachable(self) -> bool:
        """For the operator: the canary's word where a hub runs, else whether Redis answers a ping now."""
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
        self._wanted, self._layer, self._broken = set(), None, asyncio.Event()
        self._keeper = asyncio.get_running_loop().create_task(self._keep_listening())

    async def stop(self) -> None:
        await super().stop()
        if self._keeper is not None:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper

    async def subscribe(self, showtime_id: int) -> None:
        """Waits half a second at most; where it fails the hub polls, and the keeper subscribes again."""
        self._wanted.add(showtime_id)
        if self._layer is not None:
            try:
                await asyncio.wait_for(self._layer.group_add(group_of(showtime_id), self._channel), PATIENCE)
            except Exception as error:  # redis-py, asyncio and the operating system all have a word for it
                self._lose_health(error)

    async def unsubscribe(self, showtime_id: int) -> None:
        self._wanted.discard(showtime_id)
        if self._layer is not None:
            with contextlib.suppress(Exception):  # a message for a room that is gone is ignored anyway
                await asyncio.wait_for(self._layer.group_discard(group_of(showtime_id), self._channel), PATIENCE)

    # ---- keeping the ear open --------------------------------------------------------------------------------------

    async def _keep_listening(self) -> None:
        pause = 0.25
        while True:
            begun_at = time.monotonic()
            try:
                await self._listen()
            except Exception as error:  # as above
                self._lose_health(error)
            pause = 0.25 if time.monotonic() - begun_at > 10 else min(2 * pause, LONGEST_PAUSE)
            await asyncio.sleep(random.uniform(0.5, 1.0) * pause)

    async def _listen(self) -> None:
        """One subscription, until it breaks or goes deaf."""
        layer = make_layer(self._url)
        reader: asyncio.Task[None] | None = None
        try:
            self._broken.clear()
            self._channel = await asyncio.wait_for(layer.new_channel(), PATIENCE)
            reader = asyncio.get_running_loop().create_task(self._read(layer, self._channel))
            joined: set[int] = set()
            while missing := self._wanted - joined:  # more may be wanted while we wait
                for showtime_id in missing:
                    await asyncio.wait_for(layer.group_add(group_of(showtime_id), self._channel), PATIENCE)
                joined |= missing
            self._layer = layer
            counters.SUBSCRIPTIONS.inc()
            await self._sing(layer)
        finally:
            self._layer = None
            forget_channels(layer)
            if reader is not None:
                reader.cancel()
            with contextlib.suppress(Exception):  # it is thrown away, whatever state it is in
                await asyncio.wait_for(layer.flush(), PATIENCE)

    async def _sing(self, layer: RedisPubSubChannelLayer) -> None:
        self._heard_at = time.monotonic()
        while not self._broken.is_set():
            self._nonce = secrets.token_hex(4)
            await asyncio.wait_for(layer.send(self._channel, {"type": "canary", "nonce": self._nonce}), PATIENCE)
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._broken.wait(), CANARY_EVERY)
            if time.monotonic() - self._heard_at > DEAF_AFTER:
                raise ConnectionError("the bridge is deaf")

    async def _read(self, layer: RedisPubSubChannelLayer, channel: str) -> None:
        while True:
            message = await layer.receive(channel)
            if message["type"] == "canary":
                self._hear(message["nonce"])
            elif message["node"] != self._node and self._receive is not None:
                self._receive(change_of(message))

    def _hear(self, nonce: str) -> None:
        if nonce == self._nonce and self._layer is not None:
            self._heard_at = time.monotonic()
            if not self.is_healthy:
                log.info("bridge: up")
            self.is_healthy = True

    def _lose_health(self, error: Exception) -> None:
        if self.is_healthy:
            counters.BRIDGE_LOSSES.inc()
            log.warning("bridge: down (%r); the database is asked more often", error)
        self.is_healthy = False
        self._broken.set()


def change_of(message: dict[str, Any]) -> Change:
    return Change(message["showtime"], message["epoch"], message["before"], message["version"], message["seats"])
