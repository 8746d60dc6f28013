"""Everybody comes back at once after a restart: how long until all have the map, what it costs, how many queries.

`python -m bench.storm [viewers …]`. The web process is killed and started again by its cluster; as soon as it answers,
all viewers knock before one of them is let in. Baseline: the same crowd coming in fifty at a time, the room warm.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import sys
import time
import urllib.request
from dataclasses import dataclass

from bench.crowd import Crowd
from bench.fanout import CLIENT, OURS, SERVER, Buyer
from bench.measures import allow_files, children_of, cpu_seconds, pin, print_table, spread_of
from bench.support.servers import Server, start_cluster
from realtime.launcher.processes import wait_until

ROUNDS = 3
PATIENCE = 120.0
LOADED = re.compile(r"^\w*rooms_loaded_total(?:\{[^}]*\})? ([0-9.e+]+)$", re.MULTILINE)


@dataclass
class Entry:
    seconds: float  # until the last has hello and snapshot
    cpu: float  # milliseconds a viewer
    queries: int  # loads of a room by this process


def web_process(server: Server) -> int:
    [pid] = [pid for pid, line in children_of(server.process.pid).items() if "realtime.launcher.web" in line]
    return pid


def rooms_loaded(server: Server) -> int:
    """How often the web process has read a whole room from the database, as it says itself."""
    with urllib.request.urlopen(f"{server.url}/metrics", timeout=30) as answer:
        return int(sum(float(number) for number in LOADED.findall(answer.read().decode())))


def come_in(server: Server, path: str, size: int, at_once: int) -> Entry:
    pid, loaded = web_process(server), rooms_loaded(server)
    crowd = Crowd("127.0.0.1", server.port, path, size, marker=b'"snapshot"', acks=True)
    begun, cpu = time.monotonic(), cpu_seconds([pid])
    crowd.enter(at_once)
    crowd.read(until=size, seconds=PATIENCE)
    entry = Entry(time.monotonic() - begun, 1e3 * (cpu_seconds([pid]) - cpu) / size, rooms_loaded(server) - loaded)
    assert crowd.events == size, f"only {crowd.events} of {size} have a map after {PATIENCE:.0f} s"
    crowd.leave()
    return entry


def restart(server: Server) -> float:
    """Kills the web process; seconds until the next one answers."""
    before, begun = web_process(server), time.monotonic()
    os.kill(before, signal.SIGKILL)

    def is_another() -> bool:
        found = [pid for pid, line in children_of(server.process.pid).items() if "realtime.launcher.web" in line]
        return len(found) == 1 and found[0] != before and server.is_healthy()

    assert wait_until(is_another, seconds=60), "the web process does not come back"
    pin([web_process(server)], SERVER)
    return time.monotonic() - begun


HEAD = ["viewers", "how they come", "seconds until all have the map", "CPU ms/viewer", "process back s", "room queries"]


def rows_of(size: int) -> list[list[str]]:
    with start_cluster(WORKERS=1, **OURS) as server:
        pin([server.process.pid, *children_of(server.process.pid)], SERVER)
        path = f"/ws/showtimes/{Buyer('127.0.0.1', server.port).showtime}/"
        come_in(server, path, 1, 1)  # the room is warm
        calm = [come_in(server, path, size, 50) for _ in range(ROUNDS)]
        storms, away = [], []
        for _ in range(ROUNDS):
            away.append(restart(server))
            storms.append(come_in(server, path, size, size))
    assert all(entry.queries <= 1 for entry in storms), f"queries: {[entry.queries for entry in storms]}"
    assert not any(entry.queries for entry in calm), "a warm room costs no query"
    return [
        [str(size), "50 at a time, warm (baseline)", *figures(calm), "-", "0"],
        [str(size), "all at once, cold", *figures(storms), spread_of(away), str(max(e.queries for e in storms))],
    ]


def figures(entries: list[Entry]) -> list[str]:
    return [spread_of([e.seconds for e in entries], "{:.2f}"), spread_of([e.cpu for e in entries], "{:.2f}")]


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.storm", description=__doc__)
    parser.add_argument("viewers", type=int, nargs="*", default=[1000, 5000])
    options = parser.parse_args(arguments)
    allow_files(20_000)
    pin([os.getpid()], CLIENT)
    print_table(HEAD, [line for size in options.viewers for line in rows_of(size)])


if __name__ == "__main__":
    main(sys.argv[1:])
