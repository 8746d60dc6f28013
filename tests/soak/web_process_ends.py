"""One of two web processes ends under its viewers: they come back one after the other, and all maps are right."""

import asyncio
import os
import random
import signal
import statistics
import time

import websockets

from bench.support.servers import start_cluster
from realtime.sockets.limits import allow_files
from tests.realtime.live.chaos import eventually
from tests.realtime.servers import LiveMap, Visitor
from tests.soak.cluster_faults import SETTINGS, processes_of

AT_ONCE = 50
SPREAD = 5.0  # seconds at least; the hello says how many
GRACE = 5.0


class Returning:
    """A viewer as the browser has it: away with a bye or without, it comes back when it was told to, and resumes."""

    def __init__(self, server, showtime, door):
        self.server, self.showtime, self.door = server, showtime, door
        self.client, self.codes = None, []
        self.away_since = self.back_after = None
        self.reading = asyncio.create_task(self.keep_watching())

    async def keep_watching(self):
        wait = 0.0
        while True:
            await asyncio.sleep(wait)
            try:
                wait = await self.watch()
            except (OSError, websockets.WebSocketException, TimeoutError):
                wait = random.uniform(0, 1.0)

    async def watch(self):
        """Until the socket closes; seconds to wait before the next."""
        async with self.door, asyncio.timeout(30):
            viewer = LiveMap(self.server, self.showtime, self.client)
            await viewer.__aenter__()
        self.client = viewer.client
        if self.away_since is not None and self.back_after is None:
            self.back_after = time.perf_counter() - self.away_since
        last, code = await viewer.end(60)
        self.client.live = False
        self.codes.append(code)
        self.away_since, self.back_after = time.perf_counter(), None
        if last["type"] == "bye":
            return last["retry"] / 1000
        return random.uniform(0, viewer.frames[0]["spread"] / 1000)

    def is_right(self, truth):
        client = self.client
        return bool(client and client.live and (client.epoch, client.v, client.state) == truth)


async def one_process_ends(number, size):
    """(close codes, seconds away) of those that lost their socket."""
    allow_files()
    with start_cluster(**{**SETTINGS, "WS_HEARTBEAT_SECONDS": 10}) as server:
        visitor = Visitor(server.url)
        show = next(s for s in visitor.ask("GET", "/api/showtimes/")[1]["showtimes"] if s["sales"] == "open")
        door = asyncio.Semaphore(AT_ONCE)
        viewers = [Returning(server, show["id"], door) for _ in range(size)]

        def truth():
            m = Visitor(server.url).ask("GET", show["map"])[1]
            return m["epoch"], m["v"], m["state"]

        try:
            now = await asyncio.to_thread(truth)
            assert await eventually(lambda: all(v.is_right(now) for v in viewers), seconds=60), "not all came in"
            os.kill(processes_of(server, "web")[0], number)
            assert await eventually(lambda: any(v.codes for v in viewers), seconds=10), "nobody lost a socket"
            spread = max(SPREAD, size / 500)
            back = await eventually(lambda: all(v.is_right(now) for v in viewers), seconds=spread + GRACE, every=0.05)
            assert back, f"{sum(not v.is_right(now) for v in viewers)} are not back after {spread + GRACE} s"
            labels = [seat["label"] for seat in visitor.ask("GET", show["layout"])[1]["seats"]]
            free = next(label for label, letter in zip(labels, now[2], strict=True) if letter == "A")
            status, mine = await asyncio.to_thread(visitor.lock, show["id"], free)
            assert status == 200, mine
            then = await asyncio.to_thread(truth)
            assert await eventually(lambda: all(v.is_right(then) for v in viewers), seconds=5), "a change was missed"
            return [v.codes[0] for v in viewers if v.codes], [v.back_after for v in viewers if v.codes]
        finally:
            for viewer in viewers:
                viewer.reading.cancel()
            await asyncio.gather(*(viewer.reading for viewer in viewers), return_exceptions=True)


def check_spread(away):
    """Nobody storms in: in no second more than half of them."""
    fullest = max(sum(start <= moment < start + 1 for moment in away) for start in away)
    assert fullest <= 0.5 * len(away) + 10, f"{fullest} of {len(away)} came back within one second"
    middle, longest = statistics.median(away), max(away)
    return f"away {middle:.1f} s in the middle, {longest:.1f} s at most, {fullest} in the fullest second"


def terminated(size):
    codes, away = asyncio.run(one_process_ends(signal.SIGTERM, size))
    assert set(codes) == {4003}, f"close codes {sorted(set(map(str, codes)))}"
    return f"SIGTERM to one of two web processes, {size} viewers: {len(codes)} had bye 4003, {check_spread(away)}"


def killed(size):
    codes, away = asyncio.run(one_process_ends(signal.SIGKILL, size))
    return f"SIGKILL to one of two web processes, {size} viewers: {len(codes)} lost their socket, {check_spread(away)}"
