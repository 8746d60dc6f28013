"""Faults of a real cluster under load: the bridge killed and frozen, the database frozen. Viewers watch."""

import asyncio
import os
import signal
import time
from contextlib import AsyncExitStack, asynccontextmanager

from bench.support.processes import children_of, processes_of_session
from bench.support.servers import start_cluster
from bench.support.valkey import start_valkey
from tests.launcher.test_cluster import by_kind
from tests.realtime.live.chaos import eventually
from tests.realtime.servers import LiveMap, Visitor
from tests.soak.load import Buyer, Load, print_table

SHOWTIMES = 4
BUYERS_OF_EACH = 6
BUYERS_OF_A_FROZEN_HOUSE = 15  # more than there are connections: these wait with their statement, the others do not
VIEWERS_OF_EACH = 5
RATE = 50  # locks a second
CALM = 8.0  # seconds before and after each fault
RIGHT_WITHIN = 5.0
SETTINGS = {"WORKERS": 2, "RATE_LIMITS": 0, "SEAT_LOCK_SECONDS": 3600, "WS_HEARTBEAT_SECONDS": 2}
PATIENCE_OF_A_REQUEST = 5.0  # with the bridge away no request waits for it; with the database away for a few seconds
NO_WAIT = 2.0


class Stage:
    """A cluster, its bridge, some showtimes with buyers, and viewers of all of them."""

    def __init__(self, server, valkey, buyers_of_each):
        self.server, self.valkey, self.viewers = server, valkey, []
        visitor = Visitor(server.url)
        shows = [s for s in visitor.ask("GET", "/api/showtimes/")[1]["showtimes"] if s["sales"] == "open"]
        self.showtimes = [show["id"] for show in shows[-SHOWTIMES:]]
        buyers = []
        for show in shows[-SHOWTIMES:]:
            state = visitor.ask("GET", show["map"])[1]["state"]
            labels = [seat["label"] for seat in visitor.ask("GET", show["layout"])[1]["seats"]]
            free = [label for label, letter in zip(labels, state, strict=True) if letter == "A"]
            buyers += [Buyer(server.port, show["id"], free[2 * n : 2 * n + 2]) for n in range(buyers_of_each)]
        self.load = Load(buyers, RATE)

    async def open_viewers(self, stack):
        for showtime in self.showtimes * VIEWERS_OF_EACH:
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

    async def are_right(self, *, seconds):
        """How long it takes until every viewer is live and shows the truth; the load must be at rest."""
        begun = time.perf_counter()
        truth = {}
        while time.perf_counter() - begun < seconds:
            if len(truth) < SHOWTIMES:
                truth = await asyncio.to_thread(self.maps)
            if all(is_right(viewer, truth) for viewer in self.viewers):
                return time.perf_counter() - begun
            await asyncio.sleep(0.05)
        wrong = [(v.showtime, v.client.v, v.client.live) for v in self.viewers if not is_right(v, truth)]
        raise AssertionError(f"not right {seconds} s after: {wrong}; { ({s: v for s, (_, v, _) in truth.items()}) }")

    @property
    def n_closed(self):
        return sum(viewer.reading.done() for viewer in self.viewers)


def processes_of(server, kind):
    """The cluster's own: web, worker, postgres, valkey."""
    return by_kind(processes_of_session(server.process.pid))[kind]


async def listen(viewer):
    while True:
        await viewer.hear(60)


def is_right(viewer, truth):
    client = viewer.client
    return client.live and (client.epoch, client.v, client.state) == truth.get(viewer.showtime)


@asynccontextmanager
async def playing(buyers_of_each=BUYERS_OF_EACH):
    with start_valkey() as valkey, start_cluster(REDIS_URL=valkey.url, **SETTINGS) as server:
        async with AsyncExitStack() as stack:
            stage = Stage(server, valkey, buyers_of_each)
            stack.callback(stage.load.stop)
            await stage.open_viewers(stack)
            yield stage


async def suffer(stage, name, begin, end, *, seconds, calm=CALM):
    """Calm, the fault, calm again, with a table. (answers during the fault, seconds until all maps were right)."""
    before = stage.load.phase()
    await asyncio.sleep(calm)
    during = stage.load.phase()
    await asyncio.to_thread(begin)
    try:
        await asyncio.sleep(seconds)
    finally:
        await asyncio.to_thread(end)
    over = time.perf_counter()
    await asyncio.to_thread(stage.load.rest)
    rested = time.perf_counter() - over
    right = rested + await stage.are_right(seconds=RIGHT_WITHIN)
    after = stage.load.phase()
    await asyncio.sleep(calm)
    await asyncio.to_thread(stage.load.rest)
    await stage.are_right(seconds=RIGHT_WITHIN)
    print(f"  {name}")
    print_table([before.row("before"), during.row("during"), after.row("after")])
    assert stage.n_closed == 0, f"{name}: {stage.n_closed} sockets were closed"
    assert before.all_granted and after.all_granted, f"{name}: requests failed without a fault"
    assert right <= RIGHT_WITHIN, f"{name}: maps were right only after {right:.1f} s"
    return during, right


def bridge_killed(seconds):
    return asyncio.run(without_the_bridge("bridge killed", "kill", "restart", seconds))


def bridge_frozen(seconds):
    return asyncio.run(without_the_bridge("bridge frozen", "freeze", "thaw", seconds))


async def without_the_bridge(name, begin, end, seconds):
    async with playing() as stage:
        valkey = stage.valkey
        during, right = await suffer(stage, name, getattr(valkey, begin), getattr(valkey, end), seconds=seconds)
    assert during.all_granted, f"{name}: a request failed"
    assert during.slowest < NO_WAIT, f"{name}: a request took {during.slowest:.1f} s"
    return (
        f"{name} for {seconds:.0f} s: {len(during.taken)} requests, the slowest {1000 * during.slowest:.0f} ms,"
        f" no socket closed, all maps right {right:.1f} s after"
    )


def database_frozen(seconds):
    return asyncio.run(without_the_database(seconds))


async def without_the_database(seconds):
    async with playing(BUYERS_OF_A_FROZEN_HOUSE) as stage:
        [postmaster] = processes_of(stage.server, "postgres")
        heard = [len(viewer.frames) for viewer in stage.viewers]
        during, right = await suffer(
            stage,
            "database frozen",
            lambda: signal_family(postmaster, signal.SIGSTOP),
            lambda: signal_family(postmaster, signal.SIGCONT),
            seconds=seconds,
        )
        told = sum(map(was_told, stage.viewers, heard))
    assert told == len(stage.viewers), f"only {told} of {len(stage.viewers)} viewers were told that the map is old"
    busy = sum(status == 503 for _, status in during.taken)
    assert busy, "nobody was told that the database is busy"
    stuck = sum(taken > PATIENCE_OF_A_REQUEST for taken, _ in during.taken)
    assert not stuck, f"database frozen: {stuck} requests waited more than {PATIENCE_OF_A_REQUEST} s"
    slowest = max(taken for taken, status in during.taken if status == 503)
    return (
        f"database frozen for {seconds:.0f} s: {busy} times busy, the slowest after {slowest:.1f} s,"
        f" {told} viewers told, no socket closed, all maps right {right:.1f} s after"
    )


def was_told(viewer, since):
    """Whether a heartbeat said that the database does not answer."""
    return any(frame["type"] == "heartbeat" and not frame["ok"] for frame in viewer.frames[since:])


def signal_family(postmaster, number):
    """The server and every process of its own."""
    for pid in (postmaster, *children_of(postmaster)):
        os.kill(pid, number)
