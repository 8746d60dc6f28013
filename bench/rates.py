"""1, 10, 50, 200 changes a second before 1,000 viewers of one showtime on one uvicorn process: frames, CPU, delay.

`python -m bench.rates [--seconds N] [--viewers N] [--rates 1 10 …]`. Changes are made by the use case
`booking.locks.lock_seats` in a process of its own and come over Redis, so the server's CPU is that of telling alone.
The baseline is the same changes with nobody watching; a server that passes each one on would send `changes/s` frames.
"""

from __future__ import annotations

import argparse
import json
import os
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

from bench.crowd import Crowd, Seat
from bench.fanout import CLIENT, OURS, SERVER, Buyer
from bench.measures import allow_files, children_of, cpu_seconds, memory_kib, pin, print_table, spread_of
from bench.support.servers import ROOT, Server, clean_environment, demo_cluster, start_cluster, start_server
from cinema.environment import kept_secret
from realtime.launcher.postgres import Postgres
from realtime.launcher.valkey import Valkey

ROUNDS = 3
AS_SERVED = {"DEBUG": 0, "ALLOWED_HOSTS": "localhost,127.0.0.1", "DEMO_PAYMENTS_ANYWAY": 1}
SETTLE = 5.0  # seconds that the last frames may take


@dataclass
class House:
    """One web process, its database and its bridge; a showtime with two free seats."""

    port: int
    web: list[int]
    showtime: int
    labels: list[str]
    changer: dict[str, str]  # the environment of a process that makes changes

    @property
    def path(self) -> str:
        return f"/ws/showtimes/{self.showtime}/"


@contextmanager
def house(kind: str = "uvicorn") -> Iterator[House]:
    """`uvicorn`: one process of the cluster; `daphne`: that of `make run`, on the same database and bridge."""
    folder = Path(tempfile.mkdtemp(prefix="bookmyseat-bench-"))
    folder.chmod(0o755)  # root's PostgreSQL runs as nobody, who must get in
    for name in ("postgres", "postgres_password"):
        subprocess.run(["cp", "-a", demo_cluster() / name, folder], check=True)
    postgres = Postgres(
        folder / "postgres", kept_secret(folder / "postgres_password"), options=("max_connections=100",)
    )
    valkey = Valkey(folder / "valkey", "bench")
    children = [postgres.start(), valkey.start()]
    try:
        shared = {"DATABASE_URL": postgres.url(), "REDIS_URL": valkey.url, "SECRET_KEY": "only for the benchmark"}
        with start_house(kind, shared) as server:
            family = children_of(server.process.pid)
            web = [pid for pid, line in family.items() if "realtime.launcher.web" in line] or [server.process.pid]
            pin([server.process.pid, *family], SERVER)
            buyer = Buyer("127.0.0.1", server.port)
            labels = [choice[0] for choice in buyer.choices]
            # As the cluster's own processes have it: with DEBUG every statement would be written down, which costs more
            # than making it.
            env = clean_environment(DATA_DIR=folder / "changer", LOOP="external", **AS_SERVED, **OURS, **shared)
            yield House(server.port, web, buyer.showtime, labels, env | {"DJANGO_SETTINGS_MODULE": "cinema.settings"})
    finally:
        for child in reversed(children):
            child.stop()
        shutil.rmtree(folder, ignore_errors=True)


def start_house(kind: str, shared: dict[str, str]) -> Server:
    if kind == "daphne":
        return start_server(**AS_SERVED, **OURS, **shared)
    return start_cluster(WORKERS=1, **OURS, **shared)


# ---- who makes the changes ------------------------------------------------------------------------------------------


def change(showtime_id: int, labels: list[str], rate: float, seconds: float) -> None:
    """Takes the one seat and gives back the other, `rate` times a second or as often as the machine can; prints when
    each version was committed."""
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
        held = lock_seats(showtime_id=showtime_id, visitor=visitor, labels=[labels[number % 2]], at=timezone.now())
        committed[held.version] = time.monotonic()
    taken = time.monotonic() - begun
    release_lock(showtime_id=showtime_id, visitor=visitor, at=timezone.now())
    time.sleep(0.5)  # the bridge's thread has the last one to send
    print(json.dumps({"committed": committed, "seconds": taken}), flush=True)


# ---- who watches ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Known:
    """What a viewer shows. The same for all who have read the same frames, so each step is worked out once."""

    v: int = -1
    state: str = ""


class Audience(Crowd):
    """A crowd that applies every frame it reads and checks every digest; `stopped` of them stop reading."""

    def __init__(self, house: House, size: int, stopped: int = 0) -> None:
        super().__init__("127.0.0.1", house.port, house.path, size, marker=b'"delta"', acks=True)
        self.known: dict[int, Known] = {}
        self.steps: dict[tuple[Known, bytes], Known] = {}
        self.arrivals: list[tuple[float, int]] = []  # when, and the version that the viewer had before
        self.gaps = self.wrong_digests = 0
        self.stopped = stopped

    def stop_some(self) -> None:
        for number in list(self.seats)[: self.stopped]:
            self.poll.unregister(number)

    def wake_them(self) -> None:
        import select

        for number in list(self.seats)[: self.stopped]:
            self.poll.register(number, select.EPOLLIN)

    def _frame(self, seat: Seat, data: bytes, start: int, body: int) -> None:
        super()._frame(seat, data, start, body)
        if data[start] & 15 != 1:
            return
        size = data[start + 1] & 127
        if size > 125:
            size = int.from_bytes(data[start + 2 : body], "big")
        number = seat.socket.fileno()
        before, text = self.known.get(number, Known()), data[body : body + size]
        step = (before, text)
        if step not in self.steps:
            if len(self.steps) > 50_000:
                self.steps.clear()
            self.steps[step] = self.apply(before, json.loads(text))
        after = self.known[number] = self.steps[step]
        if after.v > before.v >= 0:
            self.arrivals.append((time.monotonic(), before.v))

    def apply(self, known: Known, frame: dict) -> Known:
        kind = frame["type"]
        if kind == "snapshot":
            return Known(frame["v"], frame["state"])
        if kind == "heartbeat" and frame["v"] == known.v:
            self.wrong_digests += frame["digest"] != zlib.crc32(known.state.encode())
        if kind != "delta" or frame["v"] <= known.v:
            return known
        self.gaps += frame["from"] > known.v
        letters = list(known.state)
        for letter, places in frame["seats"].items():
            for place in places:
                letters[place] = letter
        return Known(frame["v"], "".join(letters))


@dataclass
class Figures:
    frames: float  # per viewer and second
    cpu: float  # share of a core, percent
    delays: list[float]  # milliseconds from the commit of the oldest change of a frame until a viewer has read it
    right: int
    made: float  # changes a second
    gaps: int
    wrong_digests: int
    away: int = 0  # whose socket the server has ended
    memory: float = 0.0  # KiB more, for each viewer that stopped reading


def measure(at: House, rate: float, viewers: int, seconds: float, stopped: int = 0) -> Figures:
    crowd = Audience(at, viewers, stopped)
    crowd.enter()
    crowd.read(seconds=2.0)
    crowd.stop_some()
    crowd.arrivals.clear()
    events, memory = crowd.events, memory_kib(at.web)
    command = [sys.executable, "-m", "bench.rates", "--change", str(at.showtime), *at.labels, str(rate), str(seconds)]
    begun, cpu = time.monotonic(), cpu_seconds(at.web)
    with tempfile.TemporaryFile("w+") as answer:  # a pipe holds 64 KiB, and would stop whoever writes more into it
        changer = subprocess.Popen(command, cwd=ROOT, env=at.changer, stdout=answer)
        most = memory
        while changer.poll() is None:
            crowd.read(seconds=0.2 if not stopped else 2.0)
            most = max(most, memory_kib(at.web)) if stopped else most
        assert changer.returncode == 0, "the process that makes changes failed"
        answer.seek(0)
        made = json.load(answer)
    spent, taken = cpu_seconds(at.web) - cpu, time.monotonic() - begun
    memory = most - memory  # at its highest: before the end those who answer no ping may have been ended
    frames = crowd.events - events
    found = delays(crowd, made["committed"])  # those who stopped are not among them
    crowd.wake_them()
    truth = true_map(at)
    end = time.monotonic() + SETTLE
    while time.monotonic() < end and n_right(crowd, truth) < crowd.n_open:
        crowd.read(seconds=0.2)
    figures = Figures(
        frames / max(1, viewers - stopped) / made["seconds"],
        100 * spent / taken,
        found,
        n_right(crowd, truth),
        len(made["committed"]) / made["seconds"],
        crowd.gaps,
        crowd.wrong_digests,
        viewers - crowd.n_open,
        memory / stopped if stopped else 0.0,
    )
    crowd.leave()
    return figures


def true_map(at: House) -> Known:
    import http.client

    line = http.client.HTTPConnection("127.0.0.1", at.port, timeout=30)
    line.request("GET", f"/api/showtimes/{at.showtime}/map/")
    found = json.loads(line.getresponse().read())
    line.close()
    return Known(found["v"], found["state"])


def n_right(crowd: Audience, truth: Known) -> int:
    return sum(known == truth and not crowd.seats[number].closed for number, known in crowd.known.items())


def delays(crowd: Audience, committed: dict[str, float]) -> list[float]:
    found = ((moment, committed.get(str(before + 1))) for moment, before in crowd.arrivals)
    return sorted(1e3 * (moment - at) for moment, at in found if at is not None)


def percentile(values: list[float], share: float) -> float:
    return values[min(len(values) - 1, int(share * len(values)))] if values else 0.0


HEAD = [
    "changes/s",
    "viewers",
    "made/s",
    "frames/viewer/s",
    "web CPU %",
    "delay p50 ms",
    "delay p99 ms",
    "right at the end",
]
HEAD += ["gaps", "wrong digests"]


def row(rate: float, viewers: int, rounds: list[Figures]) -> list[str]:
    return [
        f"{rate:g}",
        str(viewers) if viewers else "nobody (baseline)",
        spread_of([each.made for each in rounds]),
        spread_of([each.frames for each in rounds]) if viewers else "-",
        spread_of([each.cpu for each in rounds]),
        spread_of([statistics.median(each.delays) for each in rounds if each.delays], "{:.0f}"),
        spread_of([percentile(each.delays, 0.99) for each in rounds if each.delays], "{:.0f}"),
        f"{min(each.right for each in rounds)} of {viewers}" if viewers else "-",
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
    allow_files(20_000)
    pin([os.getpid()], CLIENT)
    rows, wrong = [], []
    with house() as at:
        for rate in options.rates:
            for viewers in (0, options.viewers):
                rounds = [measure(at, rate, viewers, options.seconds) for _ in range(options.rounds)]
                rows.append(row(rate, viewers, rounds))
                faulty = [f for f in rounds if f.right < viewers or f.gaps or f.wrong_digests or f.frames > 20.5]
                wrong += [f"{rate:g} changes a second: {len(faulty)} faulty rounds"] if faulty else []
    print_table(HEAD, rows)
    if wrong:
        sys.exit("; ".join(wrong))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--change"]:
        change(int(sys.argv[2]), sys.argv[3:5], float(sys.argv[5]), float(sys.argv[6]))
    else:
        main(sys.argv[1:])
