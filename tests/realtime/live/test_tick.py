"""When viewers are sent a tick: at once when there is little to do, in chunks and less often when there is much."""

import asyncio
import json
import time

import pytest

from bench.support.factories import make_showtime
from realtime import process
from realtime.change import Change
from realtime.live import watched_showtime
from realtime.live.hub import Hub
from realtime.live.pace import LONGEST, Pace
from realtime.live.protocol import Sync
from realtime.live.source import DatabaseSource
from realtime.transports.local import LocalTransport
from tests.realtime.live.chaos import eventually, running_hub
from tests.realtime.live.reference_client import ReferenceClient
from tests.realtime.live.simulated_showtime import SHOWTIME, SimulatedShowtime
from tests.realtime.stage import in_thread


def test_a_tick_is_as_short_as_allowed_while_sending_is_quick():
    pace = Pace()
    pace.record_tick(1, 0.001, 0.0)
    assert pace.pause(0.05) == 0.05


def test_sending_takes_half_of_the_time_at_most():
    pace = Pace()
    pace.record_tick(1, 0.1, 0.0)
    assert pace.pause(0.05) == 0.2
    pace.record_tick(1, 0.04, 0.2)
    assert pace.pause(0.05) == 0.08


def test_rooms_share_the_time_of_their_process():
    pace = Pace()
    for room in range(50):
        pace.record_tick(room, 0.004, 0.0)
    assert round(pace.pause(0.05), 6) == 0.4


def test_no_pause_is_longer_than_half_a_second():
    pace = Pace()
    pace.record_tick(1, 3.0, 0.0)
    assert pace.pause(0.05) == LONGEST


def test_rooms_without_ticks_are_forgotten():
    pace = Pace()
    for room in range(50):
        pace.record_tick(room, 0.004, 0.0)
    for at in (0.9, 1.1, 1.9, 2.2):
        pace.record_tick(1, 0.004, at)
    assert pace.pause(0.05) == 0.05
    pace.record_tick(2, 0.2, 3.0)
    pace.record_tick(1, 0.004, 60.0)
    assert pace.pause(0.05) == 0.05, "after a long pause earlier ticks do not count"


class FastSocket:
    """A client whose frame writer takes every text at once, after `busy` seconds of computing."""

    def __init__(self, order=None, number=0, busy=0.0):
        self.client, self.order, self.number, self.busy = ReferenceClient(), order, number, busy
        self.versions = []

    def write(self, text):
        if self.busy:
            end = time.perf_counter() + self.busy
            while time.perf_counter() < end:
                pass
        frame = json.loads(text)
        self.client.receive(frame)
        if "v" in frame:
            self.versions.append(frame["v"])
        if self.order is not None:
            self.order.append(self.number)
        return True


async def join_many(hub, n, **kind):
    """(the numbers of the sockets in the order in which they were written to, the sockets)"""
    order, sockets = [], []
    for number in range(n):
        socket = FastSocket(order, number, **kind)
        await hub.join(SHOWTIME, None, -1, send=None, close=None, writer=socket.write)
        sockets.append(socket)
    order.clear()
    return order, sockets


async def test_no_viewer_is_always_the_last(quick):
    showtime = SimulatedShowtime(1)
    async with running_hub(LocalTransport(), showtime, poll=60, heartbeat=60) as hub:
        order, _ = await join_many(hub, 10)
        lasts = []
        for _ in range(10):
            hub.receive(showtime.commit())
            assert await eventually(lambda: len(order) == 10)
            assert sorted(order) == list(range(10))
            lasts.append(order[-1])
            order.clear()
        assert len(set(lasts)) >= 5


async def test_a_large_room_is_sent_to_in_chunks_and_the_loop_runs_between_them(quick, monkeypatch):
    monkeypatch.setattr(watched_showtime, "CHUNK", 10)
    showtime = SimulatedShowtime(2)
    async with running_hub(LocalTransport(), showtime, poll=60, heartbeat=60) as hub:
        order, sockets = await join_many(hub, 95)
        hub.receive(showtime.commit())
        longest, rounds = 0, 0
        while len(order) < 95:
            before = len(order)
            await asyncio.sleep(0)
            longest, rounds = max(longest, len(order) - before), rounds + 1
            assert rounds < 100_000
        assert longest <= 10
        assert all(each.client.v == 1 for each in sockets)


async def test_changes_between_two_chunks_reach_all_viewers_in_order(quick, monkeypatch):
    monkeypatch.setattr(watched_showtime, "CHUNK", 3)
    showtime = SimulatedShowtime(3)
    async with running_hub(LocalTransport(), showtime, poll=60, heartbeat=60) as hub:
        _, sockets = await join_many(hub, 40)
        for _ in range(60):
            hub.receive(showtime.commit())
            for _ in range(showtime.random.randint(0, 12)):
                await asyncio.sleep(0)
            if showtime.random.random() < 0.3:
                await asyncio.sleep(0.012)
        assert await eventually(lambda: all((c.client.v, c.client.state) == (60, showtime.map) for c in sockets))
        for each in sockets:
            assert each.versions == sorted(each.versions)
            assert not each.client.send, "no client had to sync"


async def test_stopping_between_two_chunks_sends_nothing_more(quick, monkeypatch):
    monkeypatch.setattr(watched_showtime, "CHUNK", 1)
    showtime = SimulatedShowtime(4)
    async with running_hub(LocalTransport(), showtime, poll=60, heartbeat=60) as hub:
        order, _ = await join_many(hub, 50)
        hub.receive(showtime.commit())
        assert await eventually(lambda: order, every=0)
    sent = len(order)
    await asyncio.sleep(0.05)
    assert sent <= len(order) < 50


async def test_under_load_ticks_are_stretched_until_half_of_the_time_is_free(quick):
    showtime = SimulatedShowtime(5)
    async with running_hub(LocalTransport(), showtime, poll=60, heartbeat=60) as hub:
        order, sockets = await join_many(hub, 20, busy=0.002)
        begun, commits = time.monotonic(), 0
        while (taken := time.monotonic() - begun) < 1.0:
            hub.receive(showtime.commit())
            commits += 1
            await asyncio.sleep(0.004)
        frames = len(order) / 20
        assert frames * 0.04 < 0.7 * taken + 0.04, "sending a tick takes 40 ms: all of them about half of the time"
        assert frames < commits
        assert await eventually(lambda: all(each.client.v == commits for each in sockets))


@pytest.mark.django_db(transaction=True)
async def test_delivery_needs_no_database_and_no_other_thread(monkeypatch):
    """Hello, snapshot, resume, sync, deltas and heartbeats of a loaded room: all from memory, in the loop."""
    monkeypatch.setattr(process, "_transport", LocalTransport())
    hub = Hub(transport=process.transport(), source=DatabaseSource(), heartbeat=60, poll=60)
    await hub.start()
    try:
        showtime = await in_thread(make_showtime)
        room = (await hub.find_watched(showtime.pk)).room

        refused = []

        def refuse(*args, **kwargs):
            refused.append(args)  # the exception may be caught
            raise AssertionError("a frame needs a thread or the database")

        loop = asyncio.get_running_loop()
        with monkeypatch.context() as strict:
            strict.setattr(loop, "run_in_executor", refuse)
            strict.setattr("concurrent.futures.ThreadPoolExecutor.submit", refuse)
            strict.setattr("django.db.backends.utils.CursorWrapper.execute", refuse)
            strict.setattr("threading.Thread.start", refuse)
            sockets = [FastSocket() for _ in range(3)]
            viewers = [
                await hub.join(showtime.pk, epoch, v, send=None, close=None, writer=each.write)
                for each, (epoch, v) in zip(
                    sockets, ((None, -1), (room.epoch, room.version), ("other", 7)), strict=True
                )
            ]
            hub.receive(change(room, showtime.pk))
            assert await eventually(lambda: all(room.version in each.versions for each in sockets))
            for viewer, v in zip(viewers, (room.version, -1, room.version - 1), strict=True):
                await viewer.watched.answer(viewer, Sync(room.epoch, v))
                viewer.check_time(viewer._heartbeat_at)
            assert all(len(each.versions) >= 4 for each in (sockets[0], sockets[2]))
            hub.leave(viewers[0])
            assert not refused
    finally:
        await hub.stop()


def change(room, showtime_id):
    return Change(showtime_id, room.epoch, room.version, room.version + 1, {"L": [0]})
