"""Publishing to the other processes, from a thread with a loop of its own.

So it is the same from a view, a thread, a management command and the worker that has no server loop, and nobody ever
waits for Redis. What cannot be sent is dropped: the polls of the others find it.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from channels_redis.pubsub import RedisPubSubChannelLayer

from realtime import counters

log = logging.getLogger(__name__)

LONGEST_QUEUE = 1000
PATIENCE = 0.5  # seconds for one message
LAST_WORDS = 0.5  # seconds that the end of a process waits for them

Parcel = tuple[str, dict[str, Any]]


def group_of(showtime_id: int) -> str:
    return f"showtime.{showtime_id}"


class Sender:
    """`put` from any thread; the oldest are dropped when too many wait, and all of them when Redis does not answer."""

    def __init__(self, make_layer: Callable[[], RedisPubSubChannelLayer]) -> None:
        self._make_layer = make_layer
        self._parcels: deque[Parcel] = deque(maxlen=LONGEST_QUEUE)
        self._something = threading.Event()
        self._idle = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def put(self, showtime_id: int, message: dict[str, Any]) -> None:
        self._idle.clear()
        if len(self._parcels) == LONGEST_QUEUE:
            counters.HINTS_DROPPED.inc()
        self._parcels.append((group_of(showtime_id), message))
        self._something.set()
        with self._starting:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name="bridge sender", daemon=True)
                self._thread.start()
                atexit.register(self._idle.wait, LAST_WORDS)

    def _work(self) -> None:
        with asyncio.Runner() as runner:
            layer = self._make_layer()
            while True:
                self._something.wait()
                self._something.clear()
                runner.run(self._send_all(layer))
                if not self._parcels:
                    self._idle.set()

    async def _send_all(self, layer: RedisPubSubChannelLayer) -> None:
        while self._parcels:
            group, message = self._parcels.popleft()
            try:
                await asyncio.wait_for(layer.group_send(group, message), PATIENCE)
            except Exception as error:  # redis-py, asyncio and the operating system all have a word for it
                log.debug("bridge: %s changes not sent: %r", 1 + len(self._parcels), error)
                counters.HINTS_DROPPED.inc(1 + len(self._parcels))
                self._parcels.clear()
