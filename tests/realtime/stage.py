"""A hub on the real database in the test's loop, fed by the real signal, and reference clients on it."""

import asyncio
import json
from contextlib import asynccontextmanager

from realtime import process
from realtime.live.hub import Hub
from realtime.live.source import DatabaseSource, closing_connections
from realtime.transports.local import LocalTransport
from tests.realtime.live.chaos import eventually
from tests.realtime.live.reference_client import ReferenceClient


async def in_thread(function, *args, **kwargs):
    """As a view does it: in a thread, whose database connection is closed after it."""
    return await asyncio.to_thread(closing_connections, lambda: function(*args, **kwargs))


class Watcher:
    """A reference client on a hub; `frames` are parsed, `texts` as they were sent."""

    def __init__(self):
        self.client, self.texts, self.frames = ReferenceClient(), [], []

    async def send(self, text):
        self.texts.append(text)
        self.frames.append(json.loads(text))
        self.client.receive(self.frames[-1])

    async def close(self, code):
        self.client.live = False


@asynccontextmanager
async def watching(monkeypatch, showtime_id, *, n=1, transport=None, poll=60.0):
    """The hub, and `n` watchers after their first snapshot. By default there are no polls, only the signal."""
    transport = transport or LocalTransport()
    monkeypatch.setattr(process, "_transport", transport)
    hub = Hub(transport=transport, source=DatabaseSource(), heartbeat=60.0, poll=poll)
    await hub.start()
    try:
        watchers = [Watcher() for _ in range(n)]
        for watcher in watchers:
            await hub.join(showtime_id, None, -1, send=watcher.send, close=watcher.close)
        assert await eventually(lambda: all(watcher.client.live for watcher in watchers))
        yield hub, watchers
    finally:
        await hub.stop()
