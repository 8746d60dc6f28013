"""What one seat change costs before N viewers: the whole path (lock over HTTP, commit, room, sockets), beside a stock
Channels consumer on the same server and a bare loop of send() in C.

`python -m bench.fanout [viewers …]`: server on core 0, viewers and publisher on core 1, all on loopback.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from bench.measures import cpu_seconds, memory_kib, pin
from bench.support.http_session import HttpSession, exchange, free_labels, open_showtimes
from bench.support.processes import children_of
from bench.support.servers import start_cluster, start_server
from bench.support.tables import print_table, spread_of
from bench.viewers import Viewers
from realtime.launcher.processes import free_port, wait_until
from realtime.launcher.valkey import Valkey
from realtime.sockets.open_files import allow_files

ROOT = Path(__file__).resolve().parent.parent
SERVER, CLIENT = 0, 1
FRAME = 76  # bytes of a delta of two seats, for the bare loop
ROUNDS = 3
DELIVERY_TIMEOUT = 60.0  # seconds


@dataclass
class Peer:
    """A server under test on 127.0.0.1."""

    name: str
    port: int
    path: str | None  # of the WebSocket; None: plain TCP
    publish: Callable[[], object]  # makes one change
    pids: list[int]  # whose CPU and memory are measured
    acks: bool


@dataclass
class Figures:
    """Of one peer at one size; a list has one value per round."""

    whole: list[float] = field(default_factory=list)  # CPU microseconds per delivered frame, making the change included
    fan_out: list[float] = field(default_factory=list)  # without the cost of a change without viewers
    last: list[float] = field(default_factory=list)  # milliseconds from the request to the last viewer's frame
    client: list[float] = field(default_factory=list)  # CPU microseconds of this process per frame
    lost: int = 0
    memory: float = 0.0  # KiB per viewer
    connect: float = 0.0  # CPU milliseconds per viewer


def retry_once(ask: Callable[..., Any], *arguments: Any) -> Any:
    """The result of a request that is sent again when the server has closed the idle connection."""
    try:
        return ask(*arguments)
    except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
        return ask(*arguments)


class Buyer:
    """A visitor who locks one of two seats alternately: every PUT changes two seats."""

    def __init__(self, port: int) -> None:
        self.session = HttpSession(port)
        show = open_showtimes(self.session)[-1]
        self.showtime, self.lock = show["id"], show["lock"]
        self.seats, self.n_chosen = free_labels(self.session, show)[:2], 0
        self.session.ask("GET", self.lock)

    def choose(self) -> None:
        seat = self.seats[self.n_chosen % 2]
        status, answer = retry_once(self.session.ask, "PUT", self.lock, {"seats": [seat]})
        if status != 200:
            raise RuntimeError(f"PUT {self.lock}: {status} {answer}")
        self.n_chosen += 1


OURS = {"RATE_LIMITS": 0, "WS_HEARTBEAT_SECONDS": 50, "SEAT_LOCK_SECONDS": 3600}


@contextmanager
def ours_on_uvicorn() -> Iterator[Peer]:
    with start_cluster(WORKERS=1, **OURS) as server:
        children = children_of(server.process.pid)
        measured = [pid for pid, line in children.items() if "realtime.launcher.web" in line or "valkey-server" in line]
        pin([server.process.pid, *children], SERVER)
        buyer = Buyer(server.port)
        path = f"/ws/showtimes/{buyer.showtime}/"
        yield Peer("BookMySeat, uvicorn", server.port, path, buyer.choose, measured, acks=True)


@contextmanager
def ours_on_daphne() -> Iterator[Peer]:
    with start_server(**OURS) as server:
        pin([server.process.pid], SERVER)
        buyer = Buyer(server.port)
        path = f"/ws/showtimes/{buyer.showtime}/"
        yield Peer("BookMySeat, daphne", server.port, path, buyer.choose, [server.process.pid], acks=True)


@contextmanager
def stock(command: list[str], name: str) -> Iterator[Peer]:
    """`bench.stock` on the ASGI server that `command` names, with a Valkey of its own."""
    folder = Path(tempfile.mkdtemp(prefix="bookmyseat-bench-"))
    valkey = Valkey(folder, "bench")
    redis = valkey.start()
    port = free_port()
    env = {**os.environ, "STOCK_REDIS_URL": valkey.url}
    server = subprocess.Popen(
        [sys.executable, "-m", *[part.format(port=port) for part in command]],
        cwd=ROOT,
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DELIVERY_TIMEOUT)
        versions = count()

        def publish() -> None:
            v = next(versions)
            body = json.dumps({"type": "delta", "from": v, "v": v + 1, "seats": {"L": [17], "A": [18]}})
            retry_once(exchange, connection, "POST", "/publish", body, {"Content-Type": "application/json"})

        def answers() -> bool:
            try:
                publish()
            except OSError:
                return False
            return True

        if not wait_until(answers, seconds=20):
            raise RuntimeError(f"{name} does not start")
        pids = [server.pid, redis.pid]
        pin(pids, SERVER)
        yield Peer(name, port, "/ws/showtime/1/", publish, pids, acks=False)
    finally:
        server.kill()
        server.wait()
        redis.stop()
        shutil.rmtree(folder, ignore_errors=True)


STOCK = "bench.stock:application"
UVICORN = ["uvicorn", STOCK, "--port", "{port}", "--ws", "websockets-sansio", "--ws-per-message-deflate", "false"]
UVICORN += ["--log-level", "error"]
DAPHNE = ["daphne", "-p", "{port}", "-b", "127.0.0.1", "-v", "0", STOCK]


@contextmanager
def send_loop(size: int) -> Iterator[Peer | None]:
    """The bare loop in C; None when there is no compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix="bookmyseat-bench-"))
    program = folder / "send_loop"
    subprocess.run([compiler, "-O2", "-o", program, ROOT / "bench/send_loop.c"], check=True)
    port = free_port()
    command = [program, str(port), str(size), str(FRAME)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin and process.stdout
    try:
        process.stdout.readline()
        pin([process.pid], SERVER)

        def publish() -> None:
            assert process.stdin
            process.stdin.write(b".")
            process.stdin.flush()

        yield Peer("bare send() loop in C", port, None, publish, [process.pid], acks=False)
    finally:
        process.stdin.close()
        process.wait(10)
        shutil.rmtree(folder, ignore_errors=True)


def measure(peer: Peer, size: int, events: int) -> Figures:
    """`ROUNDS` rounds of `events` changes, one after the other, with `size` viewers."""
    figures = Figures()
    unwatched = cost_of_change(peer, events) if peer.path is not None else 0.0
    memory, cpu = memory_kib(peer.pids), cpu_seconds(peer.pids)
    viewers = Viewers(peer.port, peer.path, size, marker=b'"delta"', acks=peer.acks)
    viewers.connect()
    viewers.read(seconds=1.0)
    figures.connect = 1e3 * (cpu_seconds(peer.pids) - cpu) / size
    figures.memory = (memory_kib(peer.pids) - memory) / size
    make_change(peer, viewers)  # the first is not measured
    for _ in range(ROUNDS):
        measure_round(peer, viewers, events, unwatched, figures)
    viewers.close()
    return figures


def measure_round(peer: Peer, viewers: Viewers, events: int, unwatched: float, figures: Figures) -> None:
    """Add one round to `figures`; `unwatched` is the cost of a change without viewers, in CPU seconds."""
    cpu, own_cpu, before = cpu_seconds(peer.pids), time.process_time(), viewers.events
    delays = [make_change(peer, viewers) for _ in range(events)]
    delivered = viewers.events - before
    spent = cpu_seconds(peer.pids) - cpu
    figures.whole.append(1e6 * spent / max(1, delivered))
    figures.fan_out.append(1e6 * (spent - unwatched * events) / max(1, delivered))
    figures.client.append(1e6 * (time.process_time() - own_cpu) / max(1, delivered))
    figures.last.append(statistics.median(delays))
    figures.lost += viewers.size * events - delivered


def make_change(peer: Peer, viewers: Viewers) -> float:
    """Make a change and wait until every viewer has its frame; milliseconds until the last one."""
    begun, target = time.monotonic(), viewers.events + viewers.size
    peer.publish()
    viewers.read(until=target, seconds=DELIVERY_TIMEOUT)
    return 1e3 * (viewers.last_at - begun)


def cost_of_change(peer: Peer, events: int) -> float:
    """CPU seconds of one change without viewers; the first changes, which plan statements and fill caches, left out."""
    changes = max(events, 50)
    for _ in range(changes):
        peer.publish()
    cpu = cpu_seconds(peer.pids)
    for _ in range(changes):
        peer.publish()
    return (cpu_seconds(peer.pids) - cpu) / changes


HEAD = [
    "peer",
    "viewers",
    "CPU us/frame, fan-out",
    "with the change",
    "x send()",
    "times cheaper than stock",
    "last viewer ms",
    "KiB/viewer",
    "connect CPU ms",
    "client us/frame",
    "lost",
]


def row(name: str, size: int, figures: Figures, bare: float | None, stock_cost: float | None) -> list[str]:
    """`bare` and `stock_cost`: fan-out of the bare loop and of the stock peer, medians in microseconds per frame."""
    fan_out = statistics.median(figures.fan_out)
    cheaper = "1" if stock_cost is None else f"{stock_cost / fan_out:.1f}" if fan_out > 0 else "-"
    return [
        name,
        str(size),
        spread_of(figures.fan_out),
        spread_of(figures.whole),
        f"{fan_out / bare:.1f}" if bare else "-",
        cheaper,
        spread_of(figures.last),
        f"{figures.memory:.1f}",
        f"{figures.connect:.2f}",
        f"{statistics.median(figures.client):.1f}",
        str(figures.lost),
    ]


def rows_of(size: int) -> list[list[str]]:
    """The bare loop, then each stock peer followed by BookMySeat on the same server."""
    pairs = [
        (ours_on_uvicorn, lambda: stock(UVICORN, "stock Channels, uvicorn")),
        (ours_on_daphne, lambda: stock(DAPHNE, "stock Channels, daphne")),
    ]
    events, rows, bare = max(4, min(60, 60_000 // size)), [], None
    with send_loop(size) as peer:
        if peer:
            figures = measure(peer, size, events)
            bare = statistics.median(figures.fan_out)
            rows.append(row(peer.name, size, figures, bare, None))
    for ours, theirs in pairs:
        with theirs() as peer:
            baseline = measure(peer, size, max(3, events // 4))
            rows.append(row(peer.name, size, baseline, bare, None))
        with ours() as peer:
            figures = measure(peer, size, events)
            rows.append(row(peer.name, size, figures, bare, statistics.median(baseline.fan_out)))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.fanout", description=__doc__)
    parser.add_argument("viewers", type=int, nargs="*", default=[100, 1000, 5000])
    options = parser.parse_args()
    allow_files()
    pin([os.getpid()], CLIENT)
    rows = []
    for size in options.viewers:
        rows += rows_of(size)
        print(f"{size} viewers: done", file=sys.stderr, flush=True)
    print_table(HEAD, rows)


if __name__ == "__main__":
    main()
