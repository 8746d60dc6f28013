"""A transport that loses, repeats, reorders and delays changes, and viewers that are slow, lose frames or reconnect."""

import asyncio
import json
import random
import time
from contextlib import asynccontextmanager

from realtime.live.hub import Hub
from realtime.live.protocol import Ack, Sync
from realtime.transports.local import LocalTransport
from tests.realtime.live.reference_client import ReferenceClient
from tests.realtime.live.simulated_showtime import SHOWTIME, SimulatedSource

NEVER = 60  # seconds between polls or heartbeats


class ChaosTransport(LocalTransport):
    def __init__(self, seed, *, loss=0.25, repeat=0.15, delay=0.08):
        super().__init__()
        self.random = random.Random(seed)
        self.loss, self.repeat, self.delay = loss, repeat, delay

    def publish(self, change):
        loop, receive = self._bound
        for _ in range(2 if self.random.random() < self.repeat else 1):
            if self.random.random() >= self.loss:
                loop.call_later(self.random.uniform(0, self.delay), receive, change)


class SimulatedViewer:
    """A reference client on a hub, without a server between. Compares every state that it shows with the showtime's."""

    def __init__(self, hub, showtime, seed=0, *, loses=0.0, slow=0.0, leaves=0.0):
        self.hub, self.showtime, self.random = hub, showtime, random.Random(seed)
        self.loses, self.slow, self.leaves = loses, slow, leaves
        self.client, self.viewer = ReferenceClient(), None
        self.frames, self.closed, self.shown, self.faults = [], None, 0, []
        self.socket = self.confirmed = 0

    async def connect(self):
        self.socket += 1
        socket, epoch, v, viewer = self.socket, self.client.epoch, self.client.v, None

        async def send(text):
            frame = json.loads(text)
            self.check_digest(frame, viewer)
            await asyncio.sleep(self.random.uniform(0, self.slow))
            # A frame of a new epoch arrives: sockets lose no frame, only a faulty client does.
            is_new_epoch = frame.get("epoch", self.client.epoch) != self.client.epoch
            if socket == self.socket and (is_new_epoch or self.random.random() >= self.loses):
                self.receive(frame)

        async def close(code):
            self.closed = code

        self.viewer = viewer = await self.hub.join(SHOWTIME, epoch, v, send=send, close=close)

    def receive(self, frame):
        self.frames.append(frame)
        before = self.client.epoch, self.client.v
        self.client.receive(frame)
        self.check(before)
        if self.client.acks:
            self.viewer.ack(Ack(self.client.acks.pop()["v"]))
        while self.client.send:
            self.send_sync(self.client.send.pop(0))

    def check_digest(self, frame, viewer):
        """A heartbeat confirms only what the database had, no longer ago than the heartbeat says."""
        if frame["type"] == "heartbeat" and frame["ok"]:
            epoch, since = viewer.position.epoch, time.monotonic() - (frame["age"] + 1) / 1000
            self.confirmed += 1
            if not self.showtime.had(epoch, frame["v"], frame["digest"], since):
                self.faults.append(f"{epoch} {frame['v']} was confirmed, which the database does not have")

    def check(self, before):
        client = self.client
        if client.state is not None:
            self.shown += 1
            if client.epoch not in self.showtime.went_back_in and client.state not in self.showtime.states.get(
                (client.epoch, client.v), ()
            ):
                self.faults.append(f"no such state at {client.epoch} {client.v}")
            if client.epoch == before[0] and client.v < before[1]:
                self.faults.append(f"went back from {before} to {client.v}")

    def send_sync(self, sync):
        asyncio.get_running_loop().create_task(self.viewer.watched.answer(self.viewer, Sync(sync["epoch"], sync["v"])))

    async def run(self, until):
        """Watch until the event is set: sync again when an answer is lost, leave and resume at random."""
        await self.connect()
        while not until.is_set():
            await asyncio.sleep(0.1)
            if self.random.random() < self.leaves:
                self.hub.leave(self.viewer)
                self.client.live = False
                await asyncio.sleep(self.random.uniform(0, 0.1))
                await self.connect()
            elif not self.client.live:
                self.send_sync(
                    {"epoch": self.client.epoch, "v": -1 if self.client.asked is None else self.client.asked}
                )

    @property
    def is_current(self):
        client, showtime = self.client, self.showtime
        return client.live and (client.epoch, client.v, client.state) == (
            showtime.epoch,
            showtime.version,
            showtime.map,
        )


async def eventually(question, *, seconds=30.0, every=0.01):
    """True as soon as `question()` is true, False when it is not within `seconds`: long enough for a busy machine."""
    end = asyncio.get_running_loop().time() + seconds
    while not question():
        if asyncio.get_running_loop().time() > end:
            return False
        await asyncio.sleep(every)
    return True


@asynccontextmanager
async def running_hub(transport, showtime, *, heartbeat=0.15, poll=0.1):
    """A hub with this showtime, in the test's loop."""
    hub = Hub(transport=transport, source=SimulatedSource(showtime), heartbeat=heartbeat, poll=poll)
    await hub.start()
    try:
        yield hub
    finally:
        await hub.stop()


async def watching(hub, showtime, n=3):
    viewers = [SimulatedViewer(hub, showtime, number) for number in range(n)]
    for viewer in viewers:
        await viewer.connect()
    assert await eventually(lambda: all(viewer.is_current for viewer in viewers))
    return viewers


def sold(hub, showtime, commits):
    for _ in range(commits):
        hub.receive(showtime.commit())


def all_current(viewers):
    return all(viewer.is_current for viewer in viewers)


def no_faults(viewers):
    assert not [fault for viewer in viewers for fault in viewer.faults]
    return True
