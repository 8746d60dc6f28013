"""Faults of a cluster under load, with viewers: Valkey killed and frozen, the database frozen."""

import asyncio
import os
import signal
import time
from contextlib import AsyncExitStack, asynccontextmanager

from bench.support.http_session import free_labels, open_showtimes
from bench.support.processes import children_of, processes_of_session
from bench.support.servers import start_cluster
from bench.support.tables import print_table
from bench.support.valkey import start_valkey
from tests.realtime.launcher.test_cluster import by_kind
from tests.realtime.live.chaos import eventually
from tests.realtime.servers import LiveMap, Visitor
from tests.soak.load import HEAD, Buyer, Load

SHOWTIMES = 4
BUYERS_PER_SHOWTIME = 6
# More than there are connections: some wait inside a statement, the others for a connection.
BUYERS_WITH_FROZEN_DATABASE = 15
VIEWERS_PER_SHOWTIME = 5
RATE = 50  # locks a second
CALM = 8.0  # seconds before and after each fault
CORRECT_WITHIN = 5.0  # seconds after the fault
SETTINGS = {"WORKERS": 2, "RATE_LIMITS": 0, "SEAT_LOCK_SECONDS": 3600, "WS_HEARTBEAT_SECONDS": 2}
SLOWEST_WITHOUT_VALKEY = 2.0  # seconds: no request waits for Valkey
SLOWEST_WITHOUT_DATABASE = 5.0  # a request waits for the query timeout


class Scene:
    """A cluster and its Valkey, some showtimes with buyers, and viewers of all of them."""

    def __init__(self, server, valkey, buyers_per_showtime):
        self.server, self.valkey, self.viewers = server, valkey, []
        visitor = Visitor(server.url)
        shows = open_showtimes(visitor)[-SHOWTIMES:]
        self.showtimes = [show["id"] for show in shows]
        buyers = []
        for show in shows:
            free = free_labels(visitor, show)
            buyers += [Buyer(server.port, show["id"], free[2 * n : 2 * n + 2]) for n in range(buyers_per_showtime)]
        self.load = Load(buyers, RATE)

    async def open_viewers(self, stack):
        for showtime in self.showtimes * VIEWERS_PER_SHOWTIME:
            viewer = await stack.enter_async_context(LiveMap(self.server, showtime))
            viewer.showtime = showtime
            viewer.reading = asyncio.create_task(listen(viewer))
            stack.callback(viewer.reading.cancel)
            self.viewers.append(viewer)
        assert await eventually(lambda: all(viewer.client.live for viewer in self.viewers), seconds=10)

    def maps(self):
        visitor = Visitor(self.server.url)
        answers = {showtime: visitor.ask("GET", f"/api/showtimes/{showtime}/map/") for showtime in self.showtimes}
        return {s: (m["epoch"], m["v"], m["state"]) for s, (status, m) in answers.items() if status == 200}

    async def wait_until_correct(self, *, seconds):
        """Seconds until every viewer is live and shows the truth; the load must be paused."""
        begun = time.perf_counter()
        truth = {}
        while time.perf_counter() - begun < seconds:
            if len(truth) < SHOWTIMES:
                truth = await asyncio.to_thread(self.maps)
            if all(is_correct(viewer, truth) for viewer in self.viewers):
                return time.perf_counter() - begun
            await asyncio.sleep(0.05)
        wrong = [(v.showtime, v.client.v, v.client.live) for v in self.viewers if not is_correct(v, truth)]
        raise AssertionError(f"not correct after {seconds} s: {wrong}; { ({s: v for s, (_, v, _) in truth.items()}) }")

    @property
    def n_closed(self):
        return sum(viewer.reading.done() for viewer in self.viewers)


def processes_of(server, kind):
    """Pids of the cluster's processes of a kind: web, worker, postgres, valkey."""
    return by_kind(processes_of_session(server.process.pid))[kind]


async def listen(viewer):
    while True:
        await viewer.receive(60)


def is_correct(viewer, truth):
    client = viewer.client
    return client.live and (client.epoch, client.v, client.state) == truth.get(viewer.showtime)


@asynccontextmanager
async def open_scene(buyers_per_showtime=BUYERS_PER_SHOWTIME):
    with start_valkey() as valkey, start_cluster(REDIS_URL=valkey.url, **SETTINGS) as server:
        async with AsyncExitStack() as stack:
            scene = Scene(server, valkey, buyers_per_showtime)
            stack.callback(scene.load.stop)
            await scene.open_viewers(stack)
            yield scene


async def run_fault(scene, name, begin, end, *, seconds, calm=CALM):
    """A calm phase, the fault, a calm phase, and a table. (answers during it, seconds until maps were correct)."""
    before = scene.load.begin_phase()
    await asyncio.sleep(calm)
    during = scene.load.begin_phase()
    await asyncio.to_thread(begin)
    try:
        await asyncio.sleep(seconds)
    finally:
        await asyncio.to_thread(end)
    ended = time.perf_counter()
    await asyncio.to_thread(scene.load.pause)
    paused = time.perf_counter() - ended
    correct_after = paused + await scene.wait_until_correct(seconds=CORRECT_WITHIN)
    after = scene.load.begin_phase()
    await asyncio.sleep(calm)
    await asyncio.to_thread(scene.load.pause)
    await scene.wait_until_correct(seconds=CORRECT_WITHIN)
    print(f"  {name}")
    print_table(HEAD, [before.row("before"), during.row("during"), after.row("after")])
    assert scene.n_closed == 0, f"{name}: {scene.n_closed} sockets were closed"
    assert before.all_granted and after.all_granted, f"{name}: requests failed without a fault"
    assert correct_after <= CORRECT_WITHIN, f"{name}: maps were correct only after {correct_after:.1f} s"
    return during, correct_after


def bridge_killed(seconds):
    return asyncio.run(without_valkey("bridge killed", "kill", "restart", seconds))


def bridge_frozen(seconds):
    return asyncio.run(without_valkey("bridge frozen", "freeze", "thaw", seconds))


async def without_valkey(name, begin, end, seconds):
    async with open_scene() as scene:
        valkey = scene.valkey
        fault = getattr(valkey, begin), getattr(valkey, end)
        during, correct_after = await run_fault(scene, name, *fault, seconds=seconds)
    assert during.all_granted, f"{name}: a request failed"
    assert during.slowest < SLOWEST_WITHOUT_VALKEY, f"{name}: a request took {during.slowest:.1f} s"
    return (
        f"{name} for {seconds:.0f} s: {len(during.taken)} requests, the slowest {1000 * during.slowest:.0f} ms,"
        f" no socket closed, all maps correct {correct_after:.1f} s after"
    )


def database_frozen(seconds):
    return asyncio.run(without_database(seconds))


async def without_database(seconds):
    async with open_scene(BUYERS_WITH_FROZEN_DATABASE) as scene:
        [postmaster] = processes_of(scene.server, "postgres")
        n_frames = [len(viewer.frames) for viewer in scene.viewers]
        during, correct_after = await run_fault(
            scene,
            "database frozen",
            lambda: signal_all(postmaster, signal.SIGSTOP),
            lambda: signal_all(postmaster, signal.SIGCONT),
            seconds=seconds,
        )
        informed = sum(map(was_informed, scene.viewers, n_frames))
    assert informed == len(scene.viewers), f"only {informed} of {len(scene.viewers)} viewers know that the map is old"
    busy = sum(status == 503 for _, status in during.taken)
    assert busy, "no request was answered with busy"
    stuck = sum(taken > SLOWEST_WITHOUT_DATABASE for taken, _ in during.taken)
    assert not stuck, f"database frozen: {stuck} requests took more than {SLOWEST_WITHOUT_DATABASE} s"
    slowest = max(taken for taken, status in during.taken if status == 503)
    return (
        f"database frozen for {seconds:.0f} s: {busy} times busy, the slowest after {slowest:.1f} s,"
        f" {informed} viewers informed, no socket closed, all maps correct {correct_after:.1f} s after"
    )


def was_informed(viewer, n_frames):
    """Whether a heartbeat after the first `n_frames` frames said that the database does not answer."""
    return any(frame["type"] == "heartbeat" and not frame["ok"] for frame in viewer.frames[n_frames:])


def signal_all(postmaster, number):
    """Send a signal to the postmaster and to every process of its own."""
    for pid in (postmaster, *children_of(postmaster)):
        os.kill(pid, number)
