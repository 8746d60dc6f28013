"""Two web processes and a bridge: each shows the changes of the other, whatever happens to the bridge (I10)."""

import asyncio
import statistics
import time
from contextlib import AsyncExitStack

import pytest

from bench.support.valkey import start_valkey
from realtime import process
from realtime.change import Change
from realtime.transports.redis import RedisTransport
from tests.realtime.live.chaos import eventually
from tests.realtime.servers import LiveMap, Visitor, start_uvicorn
from tests.report import report

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def bridge():
    with start_valkey() as running:
        yield running


@pytest.fixture(scope="module")
def pair(bridge):
    """Two web processes with one database, one secret and one bridge, without the loop."""
    common = {"REDIS_URL": bridge.url, "LOOP": "external", "SECRET_KEY": "the same for both", "RATE_LIMITS": "0"}
    with start_uvicorn(WS_HEARTBEAT_SECONDS="1", **common) as first:
        database = f"sqlite:///{first.data_dir}/db.sqlite3"
        with start_uvicorn(WS_HEARTBEAT_SECONDS="1", DATABASE_URL=database, **common) as second:
            yield first, second


class PairedShowtime:
    """A showtime of both processes, and the seats that are still free in it."""

    def __init__(self, pair, number):
        self.urls = [server.url for server in pair]
        visitor = Visitor(self.urls[0])
        showtime = visitor.ask("GET", "/api/showtimes/")[1]["showtimes"][number]
        self.pk, layout = showtime["id"], visitor.ask("GET", showtime["layout"])[1]
        state = self.map()["state"]
        self.free = [seat["label"] for seat in layout["seats"] if state[seat["i"]] == "A"]

    def map(self):
        return Visitor(self.urls[0]).ask("GET", f"/api/showtimes/{self.pk}/map/")[1]

    async def commit(self, which):
        """Lock a seat at one of the two; returns the new version, and how long the request took in seconds."""
        begun = time.perf_counter()
        status, mine = await asyncio.to_thread(Visitor(self.urls[which]).lock, self.pk, self.free.pop())
        assert status == 200, mine
        return mine["v"], time.perf_counter() - begun


async def watchers_of(stack, pair, showtime, *, each=3):
    watchers = []
    for server in pair:
        for _ in range(each):
            watcher = await stack.enter_async_context(LiveMap(server, showtime))
            watcher.reading = asyncio.create_task(receive_all(watcher))
            stack.callback(watcher.reading.cancel)
            watchers.append(watcher)
    assert await eventually(lambda: all(watcher.client.live for watcher in watchers), seconds=5)
    return watchers


async def receive_all(watcher):
    while True:
        await watcher.receive(60)


async def all_show(watchers, version, *, seconds):
    begun = time.perf_counter()
    shown = await eventually(lambda: all(w.client.v >= version for w in watchers), seconds=seconds)
    assert shown, ([w.client.v for w in watchers], version)
    assert not any(watcher.reading.done() for watcher in watchers), "a socket was closed"
    return time.perf_counter() - begun


def all_equal(watchers, showtime):
    current = showtime.map()
    return {(w.client.epoch, w.client.v, w.client.state) for w in watchers} == {
        (current["epoch"], current["v"], current["state"])
    }


async def bridge_is(pair, state, *, seconds=10.0):
    def answers():
        return all(Visitor(server.url).ask("GET", "/readyz")[1]["bridge"] == state for server in pair)

    return await eventually(answers, seconds=seconds, every=0.1)


async def test_a_change_committed_in_one_process_is_shown_at_once_by_the_other(pair):
    showtime = PairedShowtime(pair, 0)
    async with AsyncExitStack() as stack:
        watchers = await watchers_of(stack, pair, showtime.pk)
        assert await bridge_is(pair, "ok")
        times = []
        for number in range(20):
            await asyncio.sleep(0.06)
            begun = time.perf_counter()
            version, _ = await showtime.commit(number % 2)
            await all_show(watchers, version, seconds=3)
            times.append(1000 * (time.perf_counter() - begun))
        assert all_equal(watchers, showtime)
    median = statistics.median(times)
    report("commit in one process, shown by both", f"median {median:.0f} ms from the click, {len(times)} commits")
    assert median < 500, "faster than any poll"


async def test_when_the_bridge_is_killed_and_restarted_no_socket_closes(pair, bridge):
    showtime = PairedShowtime(pair, 1)
    async with AsyncExitStack() as stack:
        watchers = await watchers_of(stack, pair, showtime.pk)
        assert await bridge_is(pair, "ok")
        bridge.kill()
        took, late = [], []
        for number in range(4):
            version, seconds = await showtime.commit(number % 2)
            took.append(seconds)
            late.append(await all_show(watchers, version, seconds=5))
        assert max(took) < 2, "a booking does not wait for the bridge"
        assert await bridge_is(pair, "down")
        bridge.restart()
        version, _ = await showtime.commit(0)
        late.append(await all_show(watchers, version, seconds=5))
        assert await bridge_is(pair, "ok")
        version, _ = await showtime.commit(1)
        await all_show(watchers, version, seconds=3)
        assert all_equal(watchers, showtime)
    report("bridge killed", f"every map equal, {max(late):.1f} s late at most, no socket closed")


async def test_while_the_bridge_is_frozen_maps_are_half_a_second_late(pair, bridge):
    showtime = PairedShowtime(pair, 2)
    async with AsyncExitStack() as stack:
        watchers = await watchers_of(stack, pair, showtime.pk)
        assert await bridge_is(pair, "ok")
        bridge.freeze()
        try:
            took, late = [], []
            for number in range(4):
                version, seconds = await showtime.commit(number % 2)
                took.append(seconds)
                late.append(await all_show(watchers, version, seconds=5))
            assert max(took) < 2
            assert await bridge_is(pair, "down")
            version, _ = await showtime.commit(0)
            assert await all_show(watchers, version, seconds=5) < 2
        finally:
            bridge.thaw()
        assert await bridge_is(pair, "ok")
        version, _ = await showtime.commit(1)
        await all_show(watchers, version, seconds=3)
        assert all_equal(watchers, showtime)
    report("bridge frozen", f"every map equal, {max(late):.1f} s late at most, no socket closed")


async def test_subscriptions_that_are_cut_are_made_again(pair, bridge):
    import redis

    showtime = PairedShowtime(pair, 3)
    async with AsyncExitStack() as stack:
        watchers = await watchers_of(stack, pair, showtime.pk, each=1)
        assert await bridge_is(pair, "ok")
        for number in range(3):
            with redis.Redis.from_url(bridge.url) as operator:
                operator.client_kill_filter(_type="pubsub")
            version, _ = await showtime.commit(number % 2)
            await all_show(watchers, version, seconds=5)
        assert await bridge_is(pair, "ok")
        assert all_equal(watchers, showtime)


async def test_one_subscription_a_process_however_many_sockets(pair, bridge):
    import redis

    showtime = PairedShowtime(pair, 4)
    async with AsyncExitStack() as stack:
        await watchers_of(stack, pair, showtime.pk, each=12)
        with redis.Redis.from_url(bridge.url) as operator:
            ours = f"showtime.{showtime.pk}".encode()

            def processes_in_the_group():
                groups = [name for name in operator.pubsub_channels("*") if name.endswith(ours)]
                return [n for _, n in operator.pubsub_numsub(*groups)] if groups else []

            # Not at once: subscriptions that were cut are made again after a pause.
            assert await eventually(lambda: processes_in_the_group() == [2], seconds=10)
            assert len(list(operator.client_list(_type="pubsub"))) == 2


async def test_a_process_without_a_loop_publishes_too(bridge):
    """As `manage.py work` or any command publishes: no server, no loop, only the call."""
    received = []
    listener, command = RedisTransport(bridge.url, "listener"), RedisTransport(bridge.url, "command")
    await listener.start(received.append)
    await listener.subscribe(7)
    try:
        assert await eventually(lambda: listener.is_healthy)
        changes = [Change(7, "e", v, v + 1, {"L": [v], "A": [v + 1, v + 2]}) for v in range(50)]
        for change in changes:
            await asyncio.to_thread(command.publish, change)
        assert await eventually(lambda: len(received) == 50)
        assert received == changes
        command.publish(Change(8, "e", 0, 1, {"L": [1]}))
        listener.publish(Change(7, "e", 50, 51, {"L": [1]}))
        assert await eventually(lambda: len(received) == 51), "its own change once, not again through the bridge"
        await asyncio.sleep(0.2)
        assert len(received) == 51
    finally:
        await listener.stop()


async def test_publishing_to_an_absent_bridge_costs_the_caller_nothing():
    nowhere = RedisTransport("redis://127.0.0.1:1/0", process.NODE)
    begun = time.perf_counter()
    for v in range(500):
        nowhere.publish(Change(7, "e", v, v + 1, {"L": [v]}))
    assert time.perf_counter() - begun < 0.5
    assert not nowhere.is_reachable()
