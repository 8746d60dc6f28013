"""When viewers are told: soon when there is little to do, in pieces and less often when there is much, fairly."""

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
from tests.realtime.live.simulated_showtime import SHOWTIME, House
from tests.realtime.stage import in_thread


def test_a_tick_is_as_short_as_it_may_be_while_telling_is_quick():
    pace = Pace()
    pace.took(1, 0.001, 0.0)
    assert pace.pause(0.05) == 0.05


def test_telling_takes_half_of_the_time_at_most():
    pace = Pace()
    pace.took(1, 0.1, 0.0)
    assert pace.pause(0.05) == 0.2
    pace.took(1, 0.04, 0.2)
    assert pace.pause(0.05) == 0.08


def test_rooms_share_the_time_of_their_process():
    pace = Pace()
    for room in range(50):
        pace.took(room, 0.004, 0.0)
    assert round(pace.pause(0.05), 6) == 0.4


def test_no_pause_is_longer_than_half_a_second():
    pace = Pace()
    pace.took(1, 3.0, 0.0)
    assert pace.pause(0.05) == LONGEST


def test_rooms_that_stand_still_are_forgotten():
    pace = Pace()
    for room in range(50):
        pace.took(room, 0.004, 0.0)
    for at in (0.9, 1.1, 1.9, 2.2):
        pace.took(1, 0.004, at)
    assert pace.pause(0.05) == 0.05
    pace.took(2, 0.2, 3.0)
    pace.took(1, 0.004, 60.0)
    assert pace.pause(0.05) == 0.05, "after a long silence nothing of before counts"


class Posted:
    """A viewer's end with the short way: every text is taken at once."""

    def __init__(self, story=None, number=0, busy=0.0):
        self.client, self.story, self.number, self.busy = ReferenceClient(), story, number, busy
        self.versions = []

    def post(self, text):
        if self.busy:
            end = time.perf_counter() + self.busy
            while time.perf_counter() < end:
                pass
        frame = json.loads(text)
        self.client.receive(frame)
        if "v" in frame:
            self.versions.append(frame["v"])
        if self.story is not None:
            self.story.append(self.number)
        return True


async def crowd_of(hub, n, **kind):
    story, crowd = [], []
    for number in range(n):
        posted = Posted(story, number, **kind)
        await hub.join(SHOWTIME, None, -1, send=None, shut=None, post=posted.post)
        crowd.append(posted)
    story.clear()
    return story, crowd


async def test_nobody_is_always_the_last(quick):
    house = House(1)
    async with running_hub(LocalTransport(), house, poll=60, heartbeat=60) as hub:
        story, _ = await crowd_of(hub, 10)
        lasts = []
        for _ in range(10):
            hub.receive(house.commit())
            assert await eventually(lambda: len(story) == 10)
            assert sorted(story) == list(range(10))
            lasts.append(story[-1])
            story.clear()
        assert len(set(lasts)) >= 5


async def test_a_large_room_is_told_in_pieces_and_the_loop_runs_between_them(quick, monkeypatch):
    monkeypatch.setattr(watched_showtime, "CHUNK", 10)
    house = House(2)
    async with running_hub(LocalTransport(), house, poll=60, heartbeat=60) as hub:
        story, crowd = await crowd_of(hub, 95)
        hub.receive(house.commit())
        longest, turns = 0, 0
        while len(story) < 95:
            before = len(story)
            await asyncio.sleep(0)
            longest, turns = max(longest, len(story) - before), turns + 1
            assert turns < 100_000
        assert longest <= 10
        assert all(each.client.v == 1 for each in crowd)


async def test_changes_while_only_some_were_told_reach_all_in_order(quick, monkeypatch):
    monkeypatch.setattr(watched_showtime, "CHUNK", 3)
    house = House(3)
    async with running_hub(LocalTransport(), house, poll=60, heartbeat=60) as hub:
        _, crowd = await crowd_of(hub, 40)
        for _ in range(60):
            hub.receive(house.commit())
            for _ in range(house.random.randint(0, 12)):
                await asyncio.sleep(0)
            if house.random.random() < 0.3:
                await asyncio.sleep(0.012)
        assert await eventually(lambda: all((c.client.v, c.client.state) == (60, house.map) for c in crowd))
        for each in crowd:
            assert each.versions == sorted(each.versions)
            assert not each.client.send, "nobody had to ask"


async def test_stopping_in_the_middle_of_telling_tells_nobody_more(quick, monkeypatch):
    monkeypatch.setattr(watched_showtime, "CHUNK", 1)
    house = House(4)
    async with running_hub(LocalTransport(), house, poll=60, heartbeat=60) as hub:
        story, _ = await crowd_of(hub, 50)
        hub.receive(house.commit())
        assert await eventually(lambda: story, every=0)
    told = len(story)
    await asyncio.sleep(0.05)
    assert told <= len(story) < 50


async def test_under_load_ticks_are_stretched_until_half_of_the_time_is_free(quick):
    house = House(5)
    async with running_hub(LocalTransport(), house, poll=60, heartbeat=60) as hub:
        story, crowd = await crowd_of(hub, 20, busy=0.002)
        end, commits = time.monotonic() + 1.0, 0
        while time.monotonic() < end:
            hub.receive(house.commit())
            commits += 1
            await asyncio.sleep(0.004)
        frames = len(story) / 20
        assert frames * 0.04 < 0.7, "telling one frame takes 40 ms: no more than about half of a second"
        assert frames < commits / 3
        assert await eventually(lambda: all(each.client.v == commits for each in crowd))


@pytest.mark.django_db(transaction=True)
async def test_delivery_needs_no_database_and_no_other_thread(monkeypatch):
    """Hello, snapshot, resume, sync, deltas and heartbeats of a warm room: all of it from memory, in the loop."""
    monkeypatch.setattr(process, "_transport", LocalTransport())
    hub = Hub(transport=process.transport(), source=DatabaseSource(), heartbeat=60, poll=60)
    await hub.start()
    try:
        showtime = await in_thread(make_showtime)
        room = (await hub.watch(showtime.pk)).room

        detours = []

        def refuse(*args, **kwargs):
            detours.append(args)  # what is raised here may be caught on the way
            raise AssertionError("the way of a frame leads through a thread or the database")

        loop = asyncio.get_running_loop()
        with monkeypatch.context() as strict:
            strict.setattr(loop, "run_in_executor", refuse)
            strict.setattr("concurrent.futures.ThreadPoolExecutor.submit", refuse)
            strict.setattr("django.db.backends.utils.CursorWrapper.execute", refuse)
            strict.setattr("threading.Thread.start", refuse)
            crowd = [Posted() for _ in range(3)]
            viewers = [
                await hub.join(showtime.pk, epoch, v, send=None, shut=None, post=each.post)
                for each, (epoch, v) in zip(crowd, ((None, -1), (room.epoch, room.version), ("other", 7)), strict=True)
            ]
            hub.receive(change(room, showtime.pk))
            assert await eventually(lambda: all(room.version in each.versions for each in crowd))
            for viewer, v in zip(viewers, (room.version, -1, room.version - 1), strict=True):
                await viewer.watched.answer(viewer, Sync(room.epoch, v))
                viewer.tend(viewer._beat_at)
            assert all(len(each.versions) >= 4 for each in (crowd[0], crowd[2]))
            hub.leave(viewers[0])
            assert not detours
    finally:
        await hub.stop()


def change(room, showtime_id):
    return Change(showtime_id, room.epoch, room.version, room.version + 1, {"L": [0]})
