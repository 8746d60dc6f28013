"""One of two web processes ends: its viewers reconnect spread over time, and all maps are correct."""

import asyncio
import os
import random
import signal
import statistics
import time

import websockets

from bench.support.http_session import free_labels, open_showtimes
from bench.support.servers import start_cluster
from realtime.sockets.open_files import allow_files
from tests.realtime.live.chaos import eventually
from tests.realtime.servers import LiveMap, Visitor
from tests.soak.cluster_faults import SETTINGS, processes_of

AT_ONCE = 50  # handshakes
SPREAD = 5.0  # seconds at least; the hello frame says how many
GRACE = 5.0  # seconds


class ReconnectingViewer:
    """A viewer like the browser's: after a close, with or without `bye`, it waits the given time and resumes.

    Args:
        handshakes: a semaphore that limits handshakes at once.
    """

    def __init__(self, server, showtime, handshakes):
        self.server, self.showtime, self.handshakes = server, showtime, handshakes
        self.client, self.codes = None, []
        self.closed_at = self.away = None  # away: seconds from a close until the next handshake
        self.task = asyncio.create_task(self.stay_connected())

    async def stay_connected(self):
        wait = 0.0
        while True:
            await asyncio.sleep(wait)
            try:
                wait = await self.read_until_closed()
            except (OSError, websockets.WebSocketException, TimeoutError):
                wait = random.uniform(0, 1.0)

    async def read_until_closed(self):
        """Seconds to wait before the next connection."""
        async with self.handshakes, asyncio.timeout(30):
            viewer = LiveMap(self.server, self.showtime, self.client)
            await viewer.__aenter__()
        self.client = viewer.client
        if self.closed_at is not None and self.away is None:
            self.away = time.perf_counter() - self.closed_at
        last, code = await viewer.wait_closed(60)
        self.client.live = False
        self.codes.append(code)
        self.closed_at, self.away = time.perf_counter(), None
        if last["type"] == "bye":
            return last["retry"] / 1000
        return random.uniform(0, viewer.frames[0]["spread"] / 1000)

    def is_correct(self, truth):
        client = self.client
        return bool(client and client.live and (client.epoch, client.v, client.state) == truth)


async def end_one_process(number, size):
    """(close codes, seconds away) of the viewers that lost their socket, after signal `number`."""
    allow_files()
    with start_cluster(**{**SETTINGS, "WS_HEARTBEAT_SECONDS": 10}) as server:
        visitor = Visitor(server.url)
        show = open_showtimes(visitor)[0]
        handshakes = asyncio.Semaphore(AT_ONCE)
        viewers = [ReconnectingViewer(server, show["id"], handshakes) for _ in range(size)]

        def read_map():
            found = Visitor(server.url).ask("GET", show["map"])[1]
            return found["epoch"], found["v"], found["state"]

        async def all_correct(truth, **limits):
            return await eventually(lambda: all(v.is_correct(truth) for v in viewers), **limits)

        try:
            truth = await asyncio.to_thread(read_map)
            assert await all_correct(truth, seconds=60), "not all have connected"
            os.kill(processes_of(server, "web")[0], number)
            assert await eventually(lambda: any(v.codes for v in viewers), seconds=10), "no socket was closed"
            limit = max(SPREAD, size / 500) + GRACE
            if not await all_correct(truth, seconds=limit, every=0.05):
                raise AssertionError(f"{sum(not v.is_correct(truth) for v in viewers)} are not back after {limit} s")
            [label, *_] = free_labels(visitor, show)
            status, answer = await asyncio.to_thread(visitor.lock, show["id"], label)
            assert status == 200, answer
            truth = await asyncio.to_thread(read_map)
            assert await all_correct(truth, seconds=5), "a change was missed"
            return [v.codes[0] for v in viewers if v.codes], [v.away for v in viewers if v.codes]
        finally:
            for viewer in viewers:
                viewer.task.cancel()
            await asyncio.gather(*(viewer.task for viewer in viewers), return_exceptions=True)


def check_spread(away):
    """Reconnections are spread: at most half of them in any one second."""
    most = max(sum(start <= moment < start + 1 for moment in away) for start in away)
    assert most <= 0.5 * len(away) + 10, f"{most} of {len(away)} reconnected within one second"
    return (
        f"away {statistics.median(away):.1f} s (median), {max(away):.1f} s at most, {most} back in one second at most"
    )


def terminated(size):
    codes, away = asyncio.run(end_one_process(signal.SIGTERM, size))
    assert set(codes) == {4003}, f"close codes {sorted(set(map(str, codes)))}"
    return f"SIGTERM to one of two web processes, {size} viewers: {len(codes)} had bye 4003, {check_spread(away)}"


def killed(size):
    codes, away = asyncio.run(end_one_process(signal.SIGKILL, size))
    return f"SIGKILL to one of two web processes, {size} viewers: {len(codes)} lost their socket, {check_spread(away)}"
