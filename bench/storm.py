"""All viewers reconnect at once after a restart: seconds until all have the map, CPU, and queries.

`python -m bench.storm [viewers …]`. The web process is killed and restarted by its cluster; as soon as it answers, all
viewers open their socket before the first handshake is read. Baseline: fifty at a time, with the room already loaded.
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

from bench.fanout import CLIENT, OURS, SERVER, Buyer
from bench.measures import cpu_seconds, pin
from bench.support.processes import children_of, web_processes_of
from bench.support.servers import Server, start_cluster
from bench.support.tables import print_table, spread_of
from bench.viewers import Viewers
from realtime.launcher.processes import wait_until
from realtime.sockets.open_files import allow_files

ROUNDS = 3
SNAPSHOT_TIMEOUT = 120.0  # seconds
LOADED = re.compile(r"^\w*rooms_loaded_total(?:\{[^}]*\})? ([0-9.e+]+)$", re.MULTILINE)


@dataclass
class Arrival:
    """Of all viewers in one round."""

    seconds: float  # until the last one has its snapshot
    cpu: float  # milliseconds per viewer
    queries: int  # rooms that the web process has loaded


def web_process(server: Server) -> int:
    [pid] = web_processes_of(server.process.pid)
    return pid


def rooms_loaded(server: Server) -> int:
    """How many rooms the web process has read from the database, by its own metric."""
    with urllib.request.urlopen(f"{server.url}/metrics", timeout=30) as answer:
        return int(sum(float(number) for number in LOADED.findall(answer.read().decode())))


def connect_all(server: Server, path: str, size: int, at_once: int) -> Arrival:
    pid, loaded = web_process(server), rooms_loaded(server)
    viewers = Viewers(server.port, path, size, marker=b'"snapshot"', acks=True)
    begun, cpu = time.monotonic(), cpu_seconds([pid])
    viewers.connect(at_once)
    viewers.read(until=size, seconds=SNAPSHOT_TIMEOUT)
    seconds, cpu = time.monotonic() - begun, cpu_seconds([pid]) - cpu
    assert viewers.events == size, f"only {viewers.events} of {size} have a map after {SNAPSHOT_TIMEOUT:.0f} s"
    arrival = Arrival(seconds, 1e3 * cpu / size, rooms_loaded(server) - loaded)
    viewers.close()
    return arrival


def restart(server: Server) -> float:
    """Kill the web process; seconds until the next one answers."""
    before, begun = web_process(server), time.monotonic()
    os.kill(before, signal.SIGKILL)

    def is_replaced() -> bool:
        found = web_processes_of(server.process.pid)
        return len(found) == 1 and found[0] != before and server.is_healthy()

    assert wait_until(is_replaced, seconds=60), "the web process was not restarted"
    pin([web_process(server)], SERVER)
    return time.monotonic() - begun


HEAD = ["viewers", "arrival", "seconds until all have the map", "CPU ms/viewer", "restart s", "room queries"]


def rows_of(size: int) -> list[list[str]]:
    with start_cluster(WORKERS=1, **OURS) as server:
        pin([server.process.pid, *children_of(server.process.pid)], SERVER)
        path = f"/ws/showtimes/{Buyer(server.port).showtime}/"
        connect_all(server, path, 1, 1)  # loads the room
        baseline = [connect_all(server, path, size, 50) for _ in range(ROUNDS)]
        storms, restarts = [], []
        for _ in range(ROUNDS):
            restarts.append(restart(server))
            storms.append(connect_all(server, path, size, size))
    assert all(each.queries <= 1 for each in storms), f"queries: {[each.queries for each in storms]}"
    assert not any(each.queries for each in baseline), "a loaded room costs no query"
    queries = str(max(each.queries for each in storms))
    return [
        [str(size), "50 at a time, warm (baseline)", *figures(baseline), "-", "0"],
        [str(size), "all at once, cold", *figures(storms), spread_of(restarts), queries],
    ]


def figures(rounds: list[Arrival]) -> list[str]:
    return [spread_of([each.seconds for each in rounds], "{:.2f}"), spread_of([each.cpu for each in rounds], "{:.2f}")]


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.storm", description=__doc__)
    parser.add_argument("viewers", type=int, nargs="*", default=[1000, 5000])
    options = parser.parse_args(arguments)
    allow_files()
    pin([os.getpid()], CLIENT)
    print_table(HEAD, [line for size in options.viewers for line in rows_of(size)])


if __name__ == "__main__":
    main(sys.argv[1:])
