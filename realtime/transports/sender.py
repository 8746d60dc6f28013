"""Publishes changes to the other processes, in a thread with a loop of its own.

So publishing is the same from a view, a thread, a management command and a worker without an event loop, and the
caller never waits for Redis. A change that cannot be sent is dropped: the polls of the other processes find it.
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

from realtime import metrics

log = logging.getLogger(__name__)

LONGEST_QUEUE = 1000
SEND_TIMEOUT = 0.5  # seconds for one message
EXIT_TIMEOUT = 0.5  # seconds that the exit of a process waits for queued messages

QueuedMessage = tuple[str, dict[str, Any]]  # group, message


def group_of(showtime_id: int) -> str:
    return f"showtime.{showtime_id}"


class Sender:
    """A queue of messages and its thread. The oldest are dropped when it is full, all when Redis does not answer."""

    def __init__(self, make_layer: Callable[[], RedisPubSubChannelLayer]) -> None:
        self._make_layer = make_layer
        self._queue: deque[QueuedMessage] = deque(maxlen=LONGEST_QUEUE)
        self._wake_up = threading.Event()
        self._idle = threading.Event()
        self._start_lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def put(self, showtime_id: int, message: dict[str, Any]) -> None:
        """From any thread; returns at once."""
        self._idle.clear()
        if len(self._queue) == LONGEST_QUEUE:
            metrics.HINTS_DROPPED.inc()
        self._queue.append((group_of(showtime_id), message))
        self._wake_up.set()
        with self._start_lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="bridge sender", daemon=True)
                self._thread.start()
                atexit.register(self._idle.wait, EXIT_TIMEOUT)

    def _run(self) -> None:
        with asyncio.Runner() as runner:
            layer = self._make_layer()
            while True:
                self._wake_up.wait()
                self._wake_up.clear()
                runner.run(self._send_all(layer))
                if not self._queue:
                    self._idle.set()

    async def _send_all(self, layer: RedisPubSubChannelLayer) -> None:
        while self._queue:
            group, message = self._queue.popleft()
            try:
                await asyncio.wait_for(layer.group_send(group, message), SEND_TIMEOUT)
            except Exception as error:  # redis-py, asyncio and the operating system each have their own exceptions
                log.debug("bridge: %s changes not sent: %r", 1 + len(self._queue), error)
                metrics.HINTS_DROPPED.inc(1 + len(self._queue))
                self._queue.clear()
