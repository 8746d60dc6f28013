"""Two web processes and a bridge: what one commits the other shows, whatever happens to the bridge (I10)."""

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
    """Two web processes with one database, one secret and one bridge; nobody runs the loop."""
    common = {"REDIS_URL": bridge.url, "LOOP": "external", "SECRET_KEY": "the same for both", "RATE_LIMITS": "0"}
    with start_uvicorn(WS_HEARTBEAT_SECONDS="1", **common) as first:
        database = f"sqlite:///{first.data_dir}/db.sqlite3"
        with start_uvicorn(WS_HEARTBEAT_SECONDS="1", DATABASE_URL=database, **common) as second:
            yield first, second


class House:
    """A showtime of the pair, its seats free at the beginning."""

    def __init__(self, pair, number):
        self.urls = [server.url for server in pair]
        visitor = Visitor(self.urls[0])
        showtime = visitor.ask("GET", "/api/showtimes/")[1]["showtimes"][number]
        self.showtime, layout = showtime["id"], visitor.ask("GET", showtime["layout"])[1]
        state = self.map()["state"]
        self.free = [seat["label"] for seat in layout["seats"] if state[seat["i"]] == "A"]

    def map(self):
        return Visitor(self.urls[0]).ask("GET", f"/api/showtimes/{self.showtime}/map/")[1]

    async def commit(self, which):
        """Somebody locks a seat at one of the two; the new version, and how long the request took."""
        begun = time.perf_counter()
        status, mine = await asyncio.to_thread(Visitor(self.urls[which]).lock, self.showtime, self.free.pop())
        assert status == 200, mine
        return mine["v"], time.perf_counter() - begun


async def watchers_of(stack, pair, showtime, *, each=3):
    watchers = []
    for server in pair:
        for _ in range(each):
            watcher = await stack.enter_async_context(LiveMap(server, showtime))
            watcher.reading = asyncio.create_task(listen(watcher))
            stack.callback(watcher.reading.cancel)
            watchers.append(watcher)
    assert await eventually(lambda: all(watcher.client.live for watcher in watchers), seconds=5)
    return watchers


async def listen(watcher):
    while True:
        await watcher.hear(60)


async def all_show(watchers, version, *, seconds):
    begun = time.perf_counter()
    shown = await eventually(lambda: all(w.client.v >= version for w in watchers), seconds=seconds)
    assert shown, ([w.client.v for w in watchers], version)
    assert not any(watcher.reading.done() for watcher in watchers), "a socket was closed"
    return time.perf_counter() - begun


def all_equal(watchers, house):
    truth = house.map()
    return {(w.client.epoch, w.client.v, w.client.state) for w in watchers} == {
        (truth["epoch"], truth["v"], truth["state"])
    }


async def bridge_is(pair, word, *, seconds=10.0):
    def answers():
        return all(Visitor(server.url).ask("GET", "/readyz")[1]["bridge"] == word for server in pair)

    return await eventually(answers, seconds=seconds, every=0.1)


async def test_what_one_process_commits_the_other_shows_at_once(pair):
    house = House(pair, 0)
    async with AsyncExitStack() as stack:
        watchers = await watchers_of(stack, pair, house.showtime)
        assert await bridge_is(pair, "ok")
        times = []
        for number in range(20):
            await asyncio.sleep(0.06)
            begun = time.perf_counter()
            version, _ = await house.commit(number % 2)
            await all_show(watchers, version, seconds=3)
            times.append(1000 * (time.perf_counter() - begun))
        assert all_equal(watchers, house)
    median = statistics.median(times)
    report("commit in one process, shown by both", f"median {median:.0f} ms from the click, {len(times)} commits")
    assert median < 500, "faster than any poll"


async def test_the_bridge_is_killed_and_comes_back_and_no_socket_notices(pair, bridge):
    house = House(pair, 1)
    async with AsyncExitStack() as stack:
        watchers = await watchers_of(stack, pair, house.showtime)
        assert await bridge_is(pair, "ok")
        bridge.kill()
        took, late = [], []
        for number in range(4):
            version, seconds = await house.commit(number % 2)
            took.append(seconds)
            late.append(await all_show(watchers, version, seconds=5))
        assert max(took) < 2, "a booking does not wait for the bridge"
        assert await bridge_is(pair, "down")
        bridge.restart()
        version, _ = await house.commit(0)
        late.append(await all_show(watchers, version, seconds=5))
        assert await bridge_is(pair, "ok")
        version, _ = await house.commit(1)
        await all_show(watchers, version, seconds=3)
        assert all_equal(watchers, house)
    report("bridge killed", f"every map equal, {max(late):.1f} s late at most, no socket closed")


async def test_the_bridge_is_frozen_and_the_maps_are_half_a_second_late(pair, bridge):
    house = House(pair, 2)
    async with AsyncExitStack() as stack:
        watchers = await watchers_of(stack, pair, house.showtime)
        assert await bridge_is(pair, "ok")
        bridge.freeze()
        try:
            took, late = [], []
            for number in range(4):
                version, seconds = await house.commit(number % 2)
                took.append(seconds)
                late.append(await all_show(watchers, version, seconds=5))
            assert max(took) < 2
            assert await bridge_is(pair, "down")
            version, _ = await house.commit(0)
            assert await all_show(watchers, version, seconds=5) < 2
        finally:
            bridge.thaw()
        assert await bridge_is(pair, "ok")
        version, _ = await house.commit(1)
        await all_show(watchers, version, seconds=3)
        assert all_equal(watchers, house)
    report("bridge frozen", f"every map equal, {max(late):.1f} s late at most, no socket closed")


async def test_its_subscriptions_are_cut_and_come_back(pair, bridge):
    import redis

    house = House(pair, 3)
    async with AsyncExitStack() as stack:
        watchers = await watchers_of(stack, pair, house.showtime, each=1)
        assert await bridge_is(pair, "ok")
        for number in range(3):
            with redis.Redis.from_url(bridge.url) as operator:
                operator.client_kill_filter(_type="pubsub")
            version, _ = await house.commit(number % 2)
            await all_show(watchers, version, seconds=5)
        assert await bridge_is(pair, "ok")
        assert all_equal(watchers, house)


async def test_one_subscription_a_process_however_many_sockets(pair, bridge):
    import redis

    house = House(pair, 4)
    async with AsyncExitStack() as stack:
        await watchers_of(stack, pair, house.showtime, each=12)
        with redis.Redis.from_url(bridge.url) as operator:
            ours = f"showtime.{house.showtime}".encode()

            def processes_in_the_group():
                groups = [name for name in operator.pubsub_channels("*") if name.endswith(ours)]
                return [n for _, n in operator.pubsub_numsub(*groups)] if groups else []

            # Not at once: subscriptions that were cut come back after a pause.
            assert await eventually(lambda: processes_in_the_group() == [2], seconds=10)
            assert len(list(operator.client_list(_type="pubsub"))) == 2


async def test_a_process_without_a_loop_is_heard_too(bridge):
    """As `manage.py work` or any command publishes: no server, no loop, only the call."""
    heard = []
    listener, command = RedisTransport(bridge.url, "listener"), RedisTransport(bridge.url, "command")
    await listener.start(heard.append)
    await listener.subscribe(7)
    try:
        assert await eventually(lambda: listener.is_healthy)
        changes = [Change(7, "e", v, v + 1, {"L": [v], "A": [v + 1, v + 2]}) for v in range(50)]
        for change in changes:
            await asyncio.to_thread(command.publish, change)
        assert await eventually(lambda: len(heard) == 50)
        assert heard == changes
        command.publish(Change(8, "e", 0, 1, {"L": [1]}))
        listener.publish(Change(7, "e", 50, 51, {"L": [1]}))
        assert await eventually(lambda: len(heard) == 51), "its own, once: not again through the bridge"
        await asyncio.sleep(0.2)
        assert len(heard) == 51
    finally:
        await listener.stop()


async def test_publishing_to_a_bridge_that_is_not_there_costs_the_caller_nothing():
    nowhere = RedisTransport("redis://127.0.0.1:1/0", process.NODE)
    begun = time.perf_counter()
    for v in range(500):
        nowhere.publish(Change(7, "e", v, v + 1, {"L": [v]}))
    assert time.perf_counter() - begun < 0.5
    assert not nowhere.is_reachable()
