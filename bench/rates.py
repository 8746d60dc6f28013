"""1, 10, 50, 200 changes per second before 1,000 viewers of one showtime on one uvicorn process: frames, CPU, delay.

`python -m bench.rates [--seconds N] [--viewers N] [--rates 1 10 …]`. Changes are made by the use case
`booking.locks.lock_seats` in another process and arrive over Redis, so the web process's CPU is that of sending alone.
Baseline: the same changes without viewers. A server that sent each change on its own would send `changes/s` frames.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.fanout import CLIENT, OURS, SERVER, Buyer
from bench.measures import cpu_seconds, memory_kib, pin
from bench.support.http_session import HttpSession
from bench.support.processes import children_of, web_processes_of
from bench.support.servers import (
    ROOT,
    SECRET_KEY,
    Server,
    clean_environment,
    demo_cluster,
    start_cluster,
    start_server,
)
from bench.support.tables import percentile, print_table, spread_of
from bench.viewers import TEXT, Viewer, Viewers
from cinema.environment import kept_secret
from realtime.launcher.postgres import Postgres
from realtime.launcher.valkey import Valkey
from realtime.sockets.open_files import allow_files

ROUNDS = 3
AS_SERVED = {"DEBUG": 0, "ALLOWED_HOSTS": "localhost,127.0.0.1", "DEMO_PAYMENTS_ANYWAY": 1}
LAST_FRAMES_TIMEOUT = 5.0  # seconds


@dataclass
class Installation:
    """One web process with its PostgreSQL and Valkey, and a showtime with two free seats."""

    port: int
    web: list[int]  # pids
    showtime: int
    labels: list[str]
    changer: dict[str, str]  # the environment of the process that makes changes

    @property
    def path(self) -> str:
        return f"/ws/showtimes/{self.showtime}/"


@contextmanager
def start_installation(kind: str = "uvicorn") -> Iterator[Installation]:
    """`uvicorn`: the web process of a cluster; `daphne`: that of `make run` on the same database and Valkey."""
    folder = Path(tempfile.mkdtemp(prefix="bookmyseat-bench-"))
    folder.chmod(0o755)  # started by root, PostgreSQL runs as `nobody`, which must reach the folder
    for name in ("postgres", "postgres_password"):
        subprocess.run(["cp", "-a", demo_cluster() / name, folder], check=True)
    postgres = Postgres(
        folder / "postgres", kept_secret(folder / "postgres_password"), options=("max_connections=100",)
    )
    valkey = Valkey(folder / "valkey", "bench")
    children = [postgres.start(), valkey.start()]
    try:
        shared = {"DATABASE_URL": postgres.url(), "REDIS_URL": valkey.url, "SECRET_KEY": SECRET_KEY}
        with start_web(kind, shared) as server:
            web = web_processes_of(server.process.pid) or [server.process.pid]
            pin([server.process.pid, *children_of(server.process.pid)], SERVER)
            buyer = Buyer(server.port)
            # Without DEBUG, as in the cluster: recording every statement costs more than making the change.
            env = clean_environment(DATA_DIR=folder / "changer", LOOP="external", **AS_SERVED, **OURS, **shared)
            env |= {"DJANGO_SETTINGS_MODULE": "cinema.settings"}
            yield Installation(server.port, web, buyer.showtime, buyer.seats, env)
    finally:
        for child in reversed(children):
            child.stop()
        shutil.rmtree(folder, ignore_errors=True)


def start_web(kind: str, shared: dict[str, str]) -> Server:
    if kind == "daphne":
        return start_server(**AS_SERVED, **OURS, **shared)
    return start_cluster(WORKERS=1, **OURS, **shared)


# ---- Making changes --------------------------------------------------------------------------------------------------


def change(showtime_id: int, labels: list[str], rate: float, seconds: float) -> None:
    """Lock one seat and release the other, `rate` times per second or as often as the machine can.

    Prints JSON: `committed`, from version to the monotonic time of its commit, and `seconds` taken.
    """
    import uuid

    import django

    django.setup()
    from django.utils import timezone

    from booking.locks import lock_seats, release_lock

    visitor, committed = uuid.uuid4(), {}
    begun = time.monotonic()
    for number in range(int(rate * seconds)):
        time.sleep(max(0.0, begun + number / rate - time.monotonic()))
        if time.monotonic() > begun + seconds:
            break
        seats = [labels[number % 2]]
        lock = lock_seats(showtime_id=showtime_id, visitor=visitor, labels=seats, at=timezone.now())
        committed[lock.version] = time.monotonic()
    taken = time.monotonic() - begun
    release_lock(showtime_id=showtime_id, visitor=visitor, at=timezone.now())
    time.sleep(0.5)  # the transport's thread sends the last change
    print(json.dumps({"committed": committed, "seconds": taken}), flush=True)


# ---- Viewing them ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shown:
    """What a viewer shows: version and one letter per seat."""

    v: int = -1
    state: str = ""


class CheckingViewers(Viewers):
    """Viewers that apply every frame and check every digest; `stopped` of them stop reading.

    Viewers that have read the same frames show the same, so each step is computed once and looked up for the others.
    """

    def __init__(self, target: Installation, size: int, stopped: int = 0) -> None:
        super().__init__(target.port, target.path, size, marker=b'"delta"', acks=True)
        self.shown: dict[int, Shown] = {}
        self.steps: dict[tuple[Shown, bytes], Shown] = {}
        self.arrivals: list[tuple[float, int]] = []  # when, and the version that the viewer showed before
        self.gaps = self.wrong_digests = 0
        self.stopped = stopped

    def stop_reading(self) -> None:
        for number in list(self.by_number)[: self.stopped]:
            self.poll.unregister(number)

    def resume_reading(self) -> None:
        for number in list(self.by_number)[: self.stopped]:
            self.poll.register(number, select.EPOLLIN)

    def _on_frame(self, viewer: Viewer, data: bytes, start: int, body: int) -> None:
        super()._on_frame(viewer, data, start, body)
        if data[start] & 15 != TEXT:
            return
        size = data[start + 1] & 127
        if size > 125:
            size = int.from_bytes(data[start + 2 : body], "big")
        number = viewer.socket.fileno()
        before, text = self.shown.get(number, Shown()), data[body : body + size]
        step = (before, text)
        if step not in self.steps:
            if len(self.steps) > 50_000:
                self.steps.clear()
            self.steps[step] = self.apply(before, json.loads(text))
        after = self.shown[number] = self.steps[step]
        if after.v > before.v >= 0:
            self.arrivals.append((time.monotonic(), before.v))

    def apply(self, shown: Shown, frame: dict) -> Shown:
        kind = frame["type"]
        if kind == "snapshot":
            return Shown(frame["v"], frame["state"])
        if kind == "heartbeat" and frame["v"] == shown.v:
            self.wrong_digests += frame["digest"] != zlib.crc32(shown.state.encode())
        if kind != "delta" or frame["v"] <= shown.v:
            return shown
        self.gaps += frame["from"] > shown.v
        letters = list(shown.state)
        for letter, indices in frame["seats"].items():
            for index in indices:
                letters[index] = letter
        return Shown(frame["v"], "".join(letters))

    def n_correct(self, truth: Shown) -> int:
        return sum(shown == truth and not self.by_number[number].closed for number, shown in self.shown.items())

    def delays(self, committed: dict[str, float]) -> list[float]:
        """Sorted milliseconds from the commit of the oldest change of a frame until a viewer has read it."""
        found = ((moment, committed.get(str(before + 1))) for moment, before in self.arrivals)
        return sorted(1e3 * (moment - at) for moment, at in found if at is not None)


@dataclass
class Figures:
    """Of one round."""

    frames: float  # per viewer and second
    cpu: float  # of the web process, percent of a core
    delays: list[float]  # sorted milliseconds
    correct: int  # viewers that show the truth at the end
    made: float  # changes per second
    gaps: int
    wrong_digests: int
    closed: int = 0  # viewers whose socket the server has closed
    memory: float = 0.0  # additional KiB per viewer that stopped reading


@dataclass
class Changes:
    """What the process that makes changes has done, and what the web process has used meanwhile."""

    committed: dict[str, float]
    seconds: float
    cpu: float  # percent of a core
    memory: float  # KiB more than before, at its highest


def measure(target: Installation, rate: float, size: int, seconds: float, stopped: int = 0) -> Figures:
    """One round of `rate` changes per second with `size` viewers, of whom `stopped` do not read."""
    viewers = CheckingViewers(target, size, stopped)
    viewers.connect()
    viewers.read(seconds=2.0)
    viewers.stop_reading()
    viewers.arrivals.clear()
    before = viewers.events
    changes = run_changes(target, viewers, rate, seconds)
    frames = viewers.events - before
    delays = viewers.delays(changes.committed)  # without the viewers that have stopped
    viewers.resume_reading()
    truth = read_map(target)
    deadline = time.monotonic() + LAST_FRAMES_TIMEOUT
    while time.monotonic() < deadline and viewers.n_correct(truth) < viewers.n_open:
        viewers.read(seconds=0.2)
    figures = Figures(
        frames=frames / max(1, size - stopped) / changes.seconds,
        cpu=changes.cpu,
        delays=delays,
        correct=viewers.n_correct(truth),
        made=len(changes.committed) / changes.seconds,
        gaps=viewers.gaps,
        wrong_digests=viewers.wrong_digests,
        closed=size - viewers.n_open,
        memory=changes.memory / stopped if stopped else 0.0,
    )
    viewers.close()
    return figures


def run_changes(target: Installation, viewers: CheckingViewers, rate: float, seconds: float) -> Changes:
    """Make the changes in a process of its own while the viewers read."""
    command = [sys.executable, "-m", "bench.rates", "--change", str(target.showtime), *target.labels]
    lowest = highest = memory_kib(target.web)
    begun, cpu = time.monotonic(), cpu_seconds(target.web)
    with tempfile.TemporaryFile("w+") as answer:  # a full pipe (64 KiB) would block the process
        changer = subprocess.Popen([*command, str(rate), str(seconds)], cwd=ROOT, env=target.changer, stdout=answer)
        while changer.poll() is None:
            viewers.read(seconds=2.0 if viewers.stopped else 0.2)
            if viewers.stopped:  # highest: at the end the server may have closed sockets that answer no ping
                highest = max(highest, memory_kib(target.web))
        assert changer.returncode == 0, "the process that makes changes failed"
        answer.seek(0)
        made = json.load(answer)
    share = 100 * (cpu_seconds(target.web) - cpu) / (time.monotonic() - begun)
    return Changes(made["committed"], made["seconds"], share, highest - lowest)


def read_map(target: Installation) -> Shown:
    """The truth, by HTTP."""
    _, found = HttpSession(target.port).ask("GET", f"/api/showtimes/{target.showtime}/map/")
    return Shown(found["v"], found["state"])


HEAD = [
    "changes/s",
    "viewers",
    "made/s",
    "frames/viewer/s",
    "web CPU %",
    "delay p50 ms",
    "delay p99 ms",
    "correct at the end",
    "gaps",
    "wrong digests",
]


def row(rate: float, size: int, rounds: list[Figures]) -> list[str]:
    return [
        f"{rate:g}",
        str(size) if size else "none (baseline)",
        spread_of([each.made for each in rounds]),
        spread_of([each.frames for each in rounds]) if size else "-",
        spread_of([each.cpu for each in rounds]),
        spread_of([statistics.median(each.delays) for each in rounds if each.delays], "{:.0f}"),
        spread_of([percentile(each.delays, 0.99) for each in rounds if each.delays], "{:.0f}"),
        f"{min(each.correct for each in rounds)} of {size}" if size else "-",
        str(sum(each.gaps for each in rounds)),
        str(sum(each.wrong_digests for each in rounds)),
    ]


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.rates", description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--viewers", type=int, default=1000)
    parser.add_argument("--rates", type=float, nargs="+", default=[1, 10, 50, 200])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args(arguments)
    allow_files()
    pin([os.getpid()], CLIENT)
    rows, faults = [], []
    with start_installation() as target:
        for rate in options.rates:
            for size in (0, options.viewers):
                rounds = [measure(target, rate, size, options.seconds) for _ in range(options.rounds)]
                rows.append(row(rate, size, rounds))
                faulty = [f for f in rounds if f.correct < size or f.gaps or f.wrong_digests or f.frames > 20.5]
                faults += [f"{rate:g} changes per second: {len(faulty)} faulty rounds"] if faulty else []
    print_table(HEAD, rows)
    if faults:
        sys.exit("; ".join(faults))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--change"]:
        change(int(sys.argv[2]), sys.argv[3:5], float(sys.argv[5]), float(sys.argv[6]))
    else:
        main(sys.argv[1:])
