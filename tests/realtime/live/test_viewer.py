"""One socket: a slow one uses no memory and delays nobody, and an unresponsive one is closed (I9)."""

import asyncio
import json
import time

import pytest

from realtime.live import position
from realtime.live import viewer as live_viewer
from realtime.live.protocol import Ack, Close, Sync
from realtime.transports.local import LocalTransport
from tests.realtime.live.chaos import eventually, running_hub
from tests.realtime.live.reference_client import ReferenceClient
from tests.realtime.live.simulated_showtime import SHOWTIME, SimulatedShowtime


class Socket:
    """A socket that takes frames, or stops taking them while `open` is not set."""

    def __init__(self):
        self.frames, self.code, self.open = [], None, asyncio.Event()
        self.open.set()

    async def send(self, text):
        await self.open.wait()
        self.frames.append(json.loads(text))

    async def close(self, code):
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
    showtime = SimulatedShowtime(1)
    async with running_hub(LocalTransport(), showtime, heartbeat=60, poll=60) as hub:
        socket = Socket()
        viewer = await hub.join(SHOWTIME, None, -1, send=socket.send, close=socket.close)
        assert await eventually(lambda: socket.kinds() == ["hello", "snapshot"])
        yield showtime, hub, socket, viewer


async def test_a_stuck_socket_gets_one_frame_for_all_it_missed_and_delays_nobody(stage):
    showtime, hub, stuck, _ = stage
    quick = Socket()
    await hub.join(SHOWTIME, None, -1, send=quick.send, close=quick.close)
    stuck.open.clear()
    for _ in range(50):
        hub.receive(showtime.commit())
        await asyncio.sleep(0.005)
    assert await eventually(lambda: quick.map() == (50, showtime.map))
    assert len(stuck.frames) == 2
    stuck.open.set()
    assert await eventually(lambda: stuck.map() == (50, showtime.map))
    assert len(stuck.frames) <= 4  # the one that was being sent, and one for the rest


async def test_deltas_stop_at_the_window_heartbeats_do_not_and_after_an_ack_one_delta_brings_the_rest(
    stage, monkeypatch
):
    showtime, hub, socket, viewer = stage
    monkeypatch.setattr(position, "WINDOW_FRAMES", 10)
    for _ in range(8):  # hello, snapshot and one delta for each
        hub.receive(showtime.commit())
        assert await eventually(lambda: socket.map() == (showtime.version, showtime.map))
    for _ in range(22):
        hub.receive(showtime.commit())
        await asyncio.sleep(0.015)
    assert len(socket.frames) == 10
    stopped_at, state = socket.map()
    viewer._heartbeat_at = 0
    assert await eventually(lambda: socket.kinds()[-1] == "heartbeat")
    assert (socket.frames[-1]["v"], socket.frames[-1]["digest"]) == (stopped_at, digest(state))
    viewer.ack(Ack(stopped_at))
    assert await eventually(lambda: socket.map() == (30, showtime.map))
    assert socket.kinds()[11:] == ["delta"]


def digest(state):
    from realtime.live.protocol import digest_of

    return digest_of(state.encode())


async def test_there_is_a_window_of_bytes_too(stage, monkeypatch):
    showtime, hub, socket, _ = stage
    monkeypatch.setattr(position, "WINDOW_BYTES", 400)
    for _ in range(20):
        hub.receive(showtime.commit())
        await asyncio.sleep(0.015)
    assert len(socket.frames) < 10


async def test_a_socket_that_never_acknowledges_is_closed_with_4004(stage, monkeypatch):
    _, hub, socket, viewer = stage
    viewer.check_time(time.monotonic() + 179)  # three heartbeats of a minute
    assert socket.code is None
    viewer.check_time(time.monotonic() + 181)
    assert await eventually(lambda: socket.code == Close.NO_ACK)
    assert socket.frames[-1]["code"] == 4004


async def test_the_deadline_is_45_seconds_with_the_usual_heartbeat(stage):
    _, hub, socket, viewer = stage
    hub.heartbeat = 15.0
    viewer._heartbeat_at = time.monotonic() + 999
    viewer.check_time(time.monotonic() + 44)
    await asyncio.sleep(0.05)
    assert socket.code is None
    viewer.check_time(time.monotonic() + 46)
    assert await eventually(lambda: socket.code == Close.NO_ACK)


async def test_a_socket_that_acknowledges_stays_open(stage):
    _, hub, socket, viewer = stage
    viewer.ack(Ack(0))
    viewer._heartbeat_at = time.monotonic() + 999
    viewer.check_time(time.monotonic() + 500)
    await asyncio.sleep(0.05)
    assert socket.code is None


async def test_a_send_that_blocks_for_ten_seconds_ends_with_4001(stage):
    showtime, hub, socket, viewer = stage
    socket.open.clear()
    hub.receive(showtime.commit())
    assert await eventually(lambda: viewer._sending_since is not None)
    viewer.check_time(viewer._sending_since + 9)
    assert not viewer.is_closed
    viewer.check_time(viewer._sending_since + 11)
    assert await eventually(lambda: socket.code == Close.SLOW)
    assert await eventually(lambda: hub.n_viewers == 0), "the hub forgets it"


async def test_a_sync_is_answered_at_once_and_the_next_after_the_interval(stage, monkeypatch):
    showtime, hub, socket, viewer = stage
    monkeypatch.setattr(live_viewer, "SYNC_INTERVAL", 0.3)
    begun = time.monotonic()
    await viewer.watched.answer(viewer, Sync("e0", 0))
    assert await eventually(lambda: len(socket.frames) == 3)
    for _ in range(5):
        await viewer.watched.answer(viewer, Sync("e0", 0))
    assert await eventually(lambda: len(socket.frames) == 4)
    assert time.monotonic() - begun >= 0.3
    await asyncio.sleep(0.5)
    assert len(socket.frames) == 4


async def test_a_later_sync_does_not_replace_one_for_a_snapshot(stage, monkeypatch):
    showtime, hub, socket, viewer = stage
    for _ in range(3):
        hub.receive(showtime.commit())
    monkeypatch.setattr(live_viewer, "SYNC_INTERVAL", 0.2)
    await viewer.watched.answer(viewer, Sync("e0", 1))
    assert await eventually(lambda: socket.frames[-1].get("from") == 1)
    assert socket.frames[-1] == {**socket.frames[-1], "type": "delta", "from": 1, "v": 3}
    await viewer.watched.answer(viewer, Sync("e0", -1))
    await viewer.watched.answer(viewer, Sync("e0", 3))
    assert await eventually(lambda: socket.kinds()[-1] == "snapshot")


async def test_a_client_that_resumes_at_the_present_version_gets_only_hello(stage):
    showtime, hub, _, _ = stage
    hub.receive(showtime.commit())
    socket = Socket()
    await hub.join(SHOWTIME, "e0", 1, send=socket.send, close=socket.close)
    await asyncio.sleep(0.1)
    assert socket.kinds() == ["hello"]


async def test_a_client_that_resumes_from_an_older_version_gets_one_delta(stage):
    showtime, hub, _, _ = stage
    for _ in range(5):
        hub.receive(showtime.commit())
    socket = Socket()
    await hub.join(SHOWTIME, "e0", 2, send=socket.send, close=socket.close)
    assert await eventually(lambda: len(socket.frames) == 2)
    assert socket.frames[1] == {**socket.frames[1], "type": "delta", "from": 2, "v": 5}


@pytest.mark.parametrize(("epoch", "v"), [("e9", 3), ("e0", 99), (None, 3)])
async def test_a_client_that_resumes_from_an_unknown_version_gets_a_snapshot(stage, epoch, v):
    _, hub, _, _ = stage
    socket = Socket()
    await hub.join(SHOWTIME, epoch, v, send=socket.send, close=socket.close)
    assert await eventually(lambda: socket.kinds() == ["hello", "snapshot"])


async def test_several_commits_within_a_tick_are_one_frame(stage, monkeypatch):
    showtime, hub, socket, _ = stage
    hub.receive(showtime.commit())
    await eventually(lambda: len(socket.frames) == 3)
    monkeypatch.setattr("realtime.live.watched_showtime.TICK", 0.05)
    hub.receive(showtime.commit())
    for _ in range(5):
        hub.receive(showtime.commit())
    assert await eventually(lambda: socket.map()[0] == 7)
    assert len(socket.frames) == 4


async def test_all_viewers_are_sent_the_same_text_object(stage):
    showtime, hub, _, _ = stage
    texts = []

    async def send(text):
        texts.append(text)

    for _ in range(20):
        await hub.join(SHOWTIME, None, -1, send=send, close=None)
    await eventually(lambda: len(texts) == 40)
    texts.clear()
    hub.receive(showtime.commit())
    assert await eventually(lambda: len(texts) == 20)
    assert len({id(text) for text in texts}) == 1


async def test_when_the_showtime_is_over_its_viewers_are_closed_with_4504(stage):
    showtime, hub, socket, _ = stage
    hub.watched[SHOWTIME].ends_at = showtime.ends_at.replace(year=2000)
    assert await eventually(lambda: socket.code == Close.GONE)
    assert socket.frames[-1]["type"] == "bye"


async def test_draining_sends_bye_with_a_time_to_reconnect(stage):
    _, hub, socket, _ = stage
    await hub.drain()
    assert socket.code == Close.DRAINING
    bye = socket.frames[-1]
    assert (bye["type"], bye["code"]) == ("bye", 4003)
    assert 0 <= bye["retry"] <= 5000


async def test_draining_waits_a_second_at_most_for_a_stuck_socket(stage):
    showtime, hub, socket, _ = stage
    socket.open.clear()
    hub.receive(showtime.commit())
    await asyncio.sleep(0.05)
    begun = time.monotonic()
    async with asyncio.timeout(30):  # without an end to its patience it would wait for ever
        await hub.drain()
    assert time.monotonic() - begun >= 1 and not socket.open.is_set()


async def test_a_room_without_viewers_is_kept_for_a_minute_then_unloaded(stage, monkeypatch):
    showtime, hub, socket, viewer = stage
    hub.leave(viewer)
    await hub._unload_idle()
    assert SHOWTIME in hub.watched
    hub.watched[SHOWTIME].idle_since -= 61
    await hub._unload_idle()
    assert not hub.watched
