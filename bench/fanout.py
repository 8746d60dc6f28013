"""What it costs to tell everybody: our whole path (lock over HTTP, commit, room, sockets) beside a stock Channels
consumer on the same server, and beside a bare loop of send().

`python -m bench.fanout [viewers …]`: server on core 0, viewers and publisher on core 1, everything on loopback.
"""

from __future__ import annotations

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
from http.cookies import SimpleCookie
from pathlib import Path

from bench.crowd import Crowd
from bench.measures import allow_files, children_of, cpu_seconds, memory_kib, pin, print_table, spread_of
from bench.support.servers import start_cluster, start_server
from realtime.launcher.processes import free_port, wait_until
from realtime.launcher.valkey import Valkey

ROOT = Path(__file__).resolve().parent.parent
SERVER, CLIENT = 0, 1
FRAME = 76  # bytes of a delta of two seats, for the yardstick
ROUNDS = 3
PATIENCE = 60.0


@dataclass
class Peer:
    """A server under test: where its viewers connect, how a change is made, which processes it is."""

    name: str
    host: str
    port: int
    path: str | None
    publish: Callable[[], object]
    pids: list[int]
    acks: bool


@dataclass
class Figures:
    """Of one peer at one size; a list has one value per round."""

    whole: list[float] = field(default_factory=list)  # CPU microseconds per delivered frame, making the change included
    fan_out: list[float] = field(default_factory=list)  # without what the change costs when nobody watches
    last: list[float] = field(default_factory=list)  # milliseconds from asking for the change to the last viewer
    client: list[float] = field(default_factory=list)
    lost: int = 0
    memory: float = 0.0  # KiB per viewer
    connect: float = 0.0  # CPU milliseconds per viewer


def exchange(
    line: http.client.HTTPConnection, method: str, path: str, body: str | None, headers: dict[str, str]
) -> http.client.HTTPResponse:
    """A request on a line that may have been idle while the viewers came, so that the server has closed it."""
    try:
        line.request(method, path, body, headers)
        return line.getresponse()
    except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
        line.close()
        line.request(method, path, body, headers)
        return line.getresponse()


class Buyer:
    """One visitor who takes one of two seats in turn: every PUT is a change of two seats."""

    def __init__(self, host: str, port: int) -> None:
        self.line = http.client.HTTPConnection(host, port, timeout=30)
        shows = self.ask("GET", "/api/showtimes/")["showtimes"]
        show = next(each for each in reversed(shows) if each["sales"] == "open")
        self.showtime, self.lock = show["id"], show["lock"]
        state = self.ask("GET", show["map"])["state"]
        labels = [seat["label"] for seat in self.ask("GET", show["layout"])["seats"]]
        free = [label for label, letter in zip(labels, state, strict=True) if letter == "A"]
        self.choices, self.turn = [free[:1], free[1:2]], 0
        self.cookies: dict[str, str] = {}
        self.ask("GET", self.lock)

    def ask(self, method: str, path: str, body: object = None) -> dict:
        cookies = getattr(self, "cookies", {})
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
        if body is not None:
            headers |= {"Content-Type": "application/json", "X-CSRFToken": cookies["csrftoken"]}
        answer = exchange(self.line, method, path, json.dumps(body) if body is not None else None, headers)
        text = answer.read()
        for line in answer.headers.get_all("Set-Cookie") or []:
            cookies.update({name: morsel.value for name, morsel in SimpleCookie(line).items()})
        if answer.status != 200:
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:300]!r}")
        return json.loads(text)

    def choose(self) -> None:
        self.ask("PUT", self.lock, {"seats": self.choices[self.turn % 2]})
        self.turn += 1


OURS = {"RATE_LIMITS": 0, "WS_HEARTBEAT_SECONDS": 50, "SEAT_LOCK_SECONDS": 3600}


@contextmanager
def ours_on_uvicorn() -> Iterator[Peer]:
    with start_cluster(WORKERS=1, **OURS) as server:
        family = children_of(server.process.pid)
        mine = [pid for pid, line in family.items() if "realtime.launcher.web" in line or "valkey-server" in line]
        pin([server.process.pid, *family], SERVER)
        buyer = Buyer("127.0.0.1", server.port)
        path = f"/ws/showtimes/{buyer.showtime}/"
        yield Peer("BookMySeat, uvicorn", "127.0.0.1", server.port, path, buyer.choose, mine, acks=True)


@contextmanager
def ours_on_daphne() -> Iterator[Peer]:
    with start_server(**OURS) as server:
        pin([server.process.pid], SERVER)
        buyer = Buyer("127.0.0.1", server.port)
        path = f"/ws/showtimes/{buyer.showtime}/"
        pids = [server.process.pid]
        yield Peer("BookMySeat, daphne", "127.0.0.1", server.port, path, buyer.choose, pids, acks=True)


@contextmanager
def stock(command: list[str], name: str) -> Iterator[Peer]:
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
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        turn = iter(range(10**9))

        def publish() -> None:
            v = next(turn)
            body = json.dumps({"type": "delta", "from": v, "v": v + 1, "seats": {"L": [17], "A": [18]}})
            exchange(line, "POST", "/publish", body, {"Content-Type": "application/json"}).read()

        def answers() -> bool:
            try:
                publish()
            except OSError:
                line.close()
                return False
            return True

        if not wait_until(answers, seconds=20):
            raise RuntimeError(f"{name} does not start")
        pids = [server.pid, redis.pid]
        pin(pids, SERVER)
        yield Peer(name, "127.0.0.1", port, "/ws/showtime/1/", publish, pids, acks=False)
    finally:
        server.kill()
        server.wait()
        redis.stop()
        shutil.rmtree(folder, ignore_errors=True)


UVICORN = [
    "uvicorn",
    "bench.stock:application",
    "--port",
    "{port}",
    "--ws",
    "websockets-sansio",
    "--log-level",
    "error",
]
UVICORN += ["--ws-per-message-deflate", "false"]
DAPHNE = ["daphne", "-p", "{port}", "-b", "127.0.0.1", "-v", "0", "bench.stock:application"]


@contextmanager
def yardstick(size: int) -> Iterator[Peer | None]:
    """The bare loop in C, or nothing when there is no compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix="bookmyseat-bench-"))
    subprocess.run([compiler, "-O2", "-o", folder / "yardstick", ROOT / "bench/yardstick.c"], check=True)
    port = free_port()
    process = subprocess.Popen(
        [folder / "yardstick", str(port), str(size), str(FRAME)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin and process.stdout
    try:
        process.stdout.readline()
        pin([process.pid], SERVER)

        def publish() -> None:
            assert process.stdin
            process.stdin.write(b".")
            process.stdin.flush()

        yield Peer("bare send() loop in C", "127.0.0.1", port, None, publish, [process.pid], acks=False)
    finally:
        process.stdin.close()
        process.wait(10)
        shutil.rmtree(folder, ignore_errors=True)


def measure(peer: Peer, size: int, events: int) -> Figures:
    """Everything about one peer with that many viewers: `ROUNDS` rounds of `events` changes one after the other."""
    figures = Figures()
    alone = cost_of_change(peer, events) if peer.path is not None else 0.0
    memory, cpu = memory_kib(peer.pids), cpu_seconds(peer.pids)
    crowd = Crowd(peer.host, peer.port, peer.path, size, marker=b'"delta"', acks=peer.acks)
    crowd.enter()
    crowd.read(seconds=1.0)
    figures.connect = 1e3 * (cpu_seconds(peer.pids) - cpu) / size
    figures.memory = (memory_kib(peer.pids) - memory) / size
    one_change(peer, crowd, size)  # the first is not measured
    for _ in range(ROUNDS):
        cpu, mine, lasts, got = cpu_seconds(peer.pids), time.process_time(), [], crowd.events
        for _ in range(events):
            lasts.append(one_change(peer, crowd, size))
        frames = crowd.events - got
        spent = cpu_seconds(peer.pids) - cpu
        figures.whole.append(1e6 * spent / max(1, frames))
        figures.fan_out.append(1e6 * (spent - alone * events) / max(1, frames))
        figures.client.append(1e6 * (time.process_time() - mine) / max(1, frames))
        figures.last.append(statistics.median(lasts))
        figures.lost += size * events - frames
    crowd.leave()
    return figures


def one_change(peer: Peer, crowd: Crowd, size: int) -> float:
    """Makes a change and waits until every viewer has it; milliseconds."""
    begun, wanted = time.monotonic(), crowd.events + size
    peer.publish()
    crowd.read(until=wanted, seconds=PATIENCE)
    return 1e3 * (crowd.last_at - begun)


def cost_of_change(peer: Peer, events: int) -> float:
    """CPU seconds of one change that nobody watches; not of the first ones, which plan statements and fill caches."""
    changes = max(events, 50)
    for _ in range(changes):
        peer.publish()
    cpu = cpu_seconds(peer.pids)
    for _ in range(changes):
        peer.publish()
    return (cpu_seconds(peer.pids) - cpu) / changes


def row(name: str, size: int, figures: Figures, yard: float | None, baseline: float | None) -> list[str]:
    mine = statistics.median(figures.fan_out)
    return [
        name,
        str(size),
        spread_of(figures.fan_out),
        spread_of(figures.whole),
        f"{mine / yard:.1f}" if yard else "-",
        f"{baseline / mine:.1f}" if baseline else "1",
        spread_of(figures.last),
        f"{figures.memory:.1f}",
        f"{figures.connect:.2f}",
        f"{statistics.median(figures.client):.1f}",
        str(figures.lost),
    ]


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


def main(sizes: list[int]) -> None:
    allow_files(20_000)
    pin([os.getpid()], CLIENT)
    pairs = [
        (ours_on_uvicorn, lambda: stock(UVICORN, "stock Channels, uvicorn")),
        (ours_on_daphne, lambda: stock(DAPHNE, "stock Channels, daphne")),
    ]
    rows = []
    for size in sizes:
        events = max(4, min(60, 60_000 // size))
        with yardstick(size) as peer:
            bare = measure(peer, size, events) if peer else None
        yard = statistics.median(bare.fan_out) if bare else None
        if bare:
            rows.append(row("bare send() loop in C", size, bare, yard, None))
        for ours, theirs in pairs:
            with theirs() as peer:
                base = measure(peer, size, max(3, events // 4))
                rows.append(row(peer.name, size, base, yard, None))
            with ours() as peer:
                mine = measure(peer, size, events)
                rows.append(row(peer.name, size, mine, yard, statistics.median(base.fan_out)))
        print(f"{size} viewers: done", file=sys.stderr, flush=True)
    print_table(HEAD, rows)


if __name__ == "__main__":
    main([int(text) for text in sys.argv[1:]] or [100, 1000, 5000])
