"""One socket: nothing piles up for a slow one, nobody waits for it, and silence has an end (I9)."""

import asyncio
import json
import time

import pytest

from realtime.live import viewer as viewer_module
from realtime.live.protocol import Ack, Close, Sync
from realtime.transports.local import LocalTransport
from tests.realtime.live.chaos import eventually, running_hub
from tests.realtime.live.reference_client import ReferenceClient
from tests.realtime.live.simulated_showtime import SHOWTIME, House


class Socket:
    """A socket that takes frames, or stops taking them while `open` is not set."""

    def __init__(self):
        self.frames, self.code, self.open = [], None, asyncio.Event()
        self.open.set()

    async def send(self, text):
        await self.open.wait()
        self.frames.append(json.loads(text))

    async def shut(self, code):
        self.code = code

    def kinds(self):
        return [frame["type"] for frame in self.frames]

    def map(self):
        client = ReferenceClient()
        for frame in self.frames:
            client.receive(frame)
        return client.v, client.state


@pytest.fixture
async def stage(quick):
    house = House(1)
    async with running_hub(LocalTransport(), house, heartbeat=60, poll=60) as hub:
        socket = Socket()
        viewer = await hub.join(SHOWTIME, None, -1, send=socket.send, shut=socket.shut)
        assert await eventually(lambda: socket.kinds() == ["hello", "snapshot"])
        yield house, hub, socket, viewer


async def test_a_stuck_socket_gets_one_frame_for_all_it_missed_and_delays_nobody(stage):
    house, hub, stuck, _ = stage
    quick = Socket()
    await hub.join(SHOWTIME, None, -1, send=quick.send, shut=quick.shut)
    stuck.open.clear()
    for _ in range(50):
        hub.receive(house.commit())
        await asyncio.sleep(0.005)
    assert await eventually(lambda: quick.map() == (50, house.map))
    assert len(stuck.frames) == 2
    stuck.open.set()
    assert await eventually(lambda: stuck.map() == (50, house.map))
    assert len(stuck.frames) <= 4  # the one it was stuck in, and one for the rest


async def test_deltas_stop_at_the_window_heartbeats_go_on_and_an_ack_brings_the_rest_in_one(stage, monkeypatch):
    house, hub, socket, viewer = stage
    monkeypatch.setattr(viewer_module, "WINDOW_FRAMES", 10)
    for _ in range(30):
        hub.receive(house.commit())
        await asyncio.sleep(0.015)
    assert len(socket.frames) == 10
    held_at, state = socket.map()
    viewer._beat_at = 0
    assert await eventually(lambda: socket.kinds()[-1] == "heartbeat")
    assert (socket.frames[-1]["v"], socket.frames[-1]["digest"]) == (held_at, digest(state))
    viewer.ack(Ack(held_at))
    assert await eventually(lambda: socket.map() == (30, house.map))
    assert socket.kinds()[11:] == ["delta"]


def digest(state):
    from realtime.live.protocol import digest_of

    return digest_of(state.encode())


async def test_a_window_of_bytes_holds_too(stage, monkeypatch):
    house, hub, socket, _ = stage
    monkeypatch.setattr(viewer_module, "WINDOW_BYTES", 400)
    for _ in range(20):
        hub.receive(house.commit())
        await asyncio.sleep(0.015)
    assert len(socket.frames) < 10


async def test_a_socket_that_never_acknowledges_is_closed_with_4004(stage, monkeypatch):
    _, hub, socket, viewer = stage
    viewer.tend(time.monotonic() + 179)  # three heartbeats of a minute
    assert socket.code is None
    viewer.tend(time.monotonic() + 181)
    assert await eventually(lambda: socket.code == Close.NO_ACK)
    assert socket.frames[-1]["code"] == 4004


async def test_the_deadline_is_45_seconds_with_the_usual_heartbeat(stage):
    _, hub, socket, viewer = stage
    hub.heartbeat = 15.0
    viewer._beat_at = time.monotonic() + 999
    viewer.tend(time.monotonic() + 44)
    await asyncio.sleep(0.05)
    assert socket.code is None
    viewer.tend(time.monotonic() + 46)
    assert await eventually(lambda: socket.code == Close.NO_ACK)


async def test_a_socket_that_acknowledges_stays(stage):
    _, hub, socket, viewer = stage
    viewer.ack(Ack(0))
    viewer._beat_at = time.monotonic() + 999
    viewer.tend(time.monotonic() + 500)
    await asyncio.sleep(0.05)
    assert socket.code is None


async def test_a_send_that_blocks_for_ten_seconds_ends_with_4001(stage):
    house, hub, socket, viewer = stage
    socket.open.clear()
    hub.receive(house.commit())
    await asyncio.sleep(0.05)
    viewer.tend(time.monotonic() + 9)
    assert not viewer.gone
    viewer.tend(time.monotonic() + 11)
    assert await eventually(lambda: socket.code == Close.SLOW)
    assert await eventually(lambda: hub.n_viewers == 0), "the hub lets go of it"


async def test_a_sync_is_answered_and_a_second_one_a_moment_later_too_but_not_at_once(stage, monkeypatch):
    house, hub, socket, viewer = stage
    monkeypatch.setattr(viewer_module, "SYNC_EVERY", 0.3)
    await viewer.watched.answer(viewer, Sync("e0", 0))
    assert await eventually(lambda: len(socket.frames) == 3)
    for _ in range(5):
        await viewer.watched.answer(viewer, Sync("e0", 0))
    await asyncio.sleep(0.1)
    assert len(socket.frames) == 3
    assert await eventually(lambda: len(socket.frames) == 4, seconds=1)
    await asyncio.sleep(0.5)
    assert len(socket.frames) == 4


async def test_a_forced_snapshot_is_not_forgotten_over_a_later_sync(stage, monkeypatch):
    house, hub, socket, viewer = stage
    for _ in range(3):
        hub.receive(house.commit())
    monkeypatch.setattr(viewer_module, "SYNC_EVERY", 0.2)
    await viewer.watched.answer(viewer, Sync("e0", 1))
    await asyncio.sleep(0.05)
    assert socket.frames[-1] == {**socket.frames[-1], "type": "delta", "from": 1, "v": 3}
    await viewer.watched.answer(viewer, Sync("e0", -1))
    await viewer.watched.answer(viewer, Sync("e0", 3))
    assert await eventually(lambda: socket.kinds()[-1] == "snapshot", seconds=1)


async def test_whoever_resumes_at_the_present_hears_hello_and_nothing_more(stage):
    house, hub, _, _ = stage
    hub.receive(house.commit())
    socket = Socket()
    await hub.join(SHOWTIME, "e0", 1, send=socket.send, shut=socket.shut)
    await asyncio.sleep(0.1)
    assert socket.kinds() == ["hello"]


async def test_whoever_resumes_from_the_past_hears_one_delta(stage):
    house, hub, _, _ = stage
    for _ in range(5):
        hub.receive(house.commit())
    socket = Socket()
    await hub.join(SHOWTIME, "e0", 2, send=socket.send, shut=socket.shut)
    assert await eventually(lambda: len(socket.frames) == 2)
    assert socket.frames[1] == {**socket.frames[1], "type": "delta", "from": 2, "v": 5}


@pytest.mark.parametrize(("epoch", "v"), [("e9", 3), ("e0", 99), (None, 3)])
async def test_whoever_resumes_from_elsewhere_hears_a_snapshot(stage, epoch, v):
    _, hub, _, _ = stage
    socket = Socket()
    await hub.join(SHOWTIME, epoch, v, send=socket.send, shut=socket.shut)
    assert await eventually(lambda: socket.kinds() == ["hello", "snapshot"])


async def test_several_commits_within_a_tick_are_one_frame(stage, monkeypatch):
    house, hub, socket, _ = stage
    hub.receive(house.commit())
    await eventually(lambda: len(socket.frames) == 3)
    monkeypatch.setattr("realtime.live.watched_showtime.TICK", 0.05)
    hub.receive(house.commit())
    for _ in range(5):
        hub.receive(house.commit())
    assert await eventually(lambda: socket.map()[0] == 7)
    assert len(socket.frames) == 4


async def test_everybody_is_given_the_very_same_text(stage):
    house, hub, _, _ = stage
    texts = []

    async def send(text):
        texts.append(text)

    for _ in range(20):
        await hub.join(SHOWTIME, None, -1, send=send, shut=None)
    await eventually(lambda: len(texts) == 40)
    texts.clear()
    hub.receive(house.commit())
    assert await eventually(lambda: len(texts) == 20)
    assert len({id(text) for text in texts}) == 1


async def test_when_the_showtime_is_over_its_viewers_are_told_4504(stage):
    house, hub, socket, _ = stage
    hub.watches[SHOWTIME].ends_at = house.ends_at.replace(year=2000)
    assert await eventually(lambda: socket.code == Close.GONE)
    assert socket.frames[-1]["type"] == "bye"


async def test_draining_says_bye_with_a_time_to_come_back(stage):
    _, hub, socket, _ = stage
    await hub.drain()
    assert socket.code == Close.DRAINING
    bye = socket.frames[-1]
    assert (bye["type"], bye["code"]) == ("bye", 4003)
    assert 0 <= bye["retry"] <= 5000


async def test_draining_does_not_wait_long_for_a_socket_that_is_stuck(stage):
    house, hub, socket, _ = stage
    socket.open.clear()
    hub.receive(house.commit())
    await asyncio.sleep(0.05)
    begun = time.monotonic()
    await hub.drain()
    assert time.monotonic() - begun < 1.5


async def test_a_room_that_nobody_watches_is_kept_warm_for_a_minute_then_let_go(stage, monkeypatch):
    house, hub, socket, viewer = stage
    hub.leave(viewer)
    await hub._unload_idle()
    assert SHOWTIME in hub.watches
    hub.watches[SHOWTIME].idle_since -= 61
    await hub._unload_idle()
    assert not hub.watches
