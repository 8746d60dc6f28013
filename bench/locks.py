"""What locking seats costs: CPU of the use case and of the whole request, locks per second, refusals; beside a naive
implementation with the ORM.

`python -m bench.locks [--seconds N] [--clients N]`: on PostgreSQL (durable commits) and on SQLite, each in a process
of its own with an empty database. For the throughput each client is a process with its own connection.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from bench.lock_contention import PER_ROW, ROUNDS, ROWS, measure_contention, spread
from bench.measures import cpu_seconds
from bench.support.postgres import new_postgres
from bench.support.servers import ROOT, SECRET_KEY, clean_environment
from bench.support.tables import print_table
from bench.support.trips import statements_in, trips_in

# ---- What is measured, in a process with Django and a database -----------------------------------------------------


def lock_naively(showtime_id: int, visitor: Any, labels: list[str], at: Any) -> None:
    """The same change as in a tutorial: each row is fetched, locked and saved through the ORM."""
    from django.db import transaction
    from django.db.models import F

    from booking.models import Booking, SeatChange, ShowtimeSeat
    from booking.refusals import SeatsTaken
    from cinema.models import Showtime

    with transaction.atomic():
        showtime = Showtime.objects.get(pk=showtime_id)
        booking = Booking.objects.select_for_update().get(showtime=showtime, visitor=visitor, status="locked")
        seats = ShowtimeSeat.objects.select_for_update(of=("self",)) if _has_row_locks() else ShowtimeSeat.objects
        requested = list(seats.filter(showtime=showtime, seat__label__in=labels).order_by("pk"))
        mine = list(seats.filter(booking=booking).order_by("pk"))
        if any(seat.status != "available" and seat.booking_id != booking.pk for seat in requested):
            raise SeatsTaken(labels, showtime.version)
        added = [seat for seat in requested if seat.booking_id != booking.pk]
        dropped = [seat for seat in mine if seat not in requested]
        showtime.version = F("version") + 1
        showtime.n_locked = F("n_locked") + len(added) - len(dropped)
        showtime.n_available = F("n_available") - len(added) + len(dropped)
        showtime.save()
        showtime.refresh_from_db()
        for seat in added + dropped:
            before = seat.status
            seat.status = "locked" if seat in added else "available"
            seat.booking = booking if seat in added else None
            seat.locked_until = booking.locked_until if seat in added else None
            seat.version = showtime.version
            seat.save()
            SeatChange.objects.create(
                showtime=showtime,
                version=showtime.version,
                index=seat.index,
                before=before,
                after=seat.status,
                booking_id=booking.pk,
                reason="lock",
                at=at,
            )
        booking.n_seats = len(requested)
        booking.save()


def _has_row_locks() -> bool:
    from django.db import connection

    return bool(connection.features.has_select_for_update)


def database_pids() -> list[int]:
    """The database's process that serves this connection; none on SQLite."""
    from django.db import connection

    if connection.vendor != "postgresql":
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return [cursor.fetchone()[0]]


@dataclass
class Cost:
    """Microseconds per call, one value per round."""

    cpu: list[float] = field(default_factory=list)  # of this process
    database: list[float] = field(default_factory=list)  # CPU of the database's process
    elapsed: list[float] = field(default_factory=list)

    def cells(self) -> list[str]:
        return [spread(self.cpu), spread(self.database), spread(self.elapsed)]


def cost_of(call: Callable[[int], object], times: int) -> Cost:
    """`ROUNDS` rounds of `times` calls, each with its number; the first 20 calls are not measured."""
    cost = Cost()
    for number in range(20):
        call(number)
    for _ in range(ROUNDS):
        pids = database_pids()
        database, cpu, begun = cpu_seconds(pids), time.process_time(), time.perf_counter()
        for number in range(times):
            call(number)
        cost.cpu.append(1e6 * (time.process_time() - cpu) / times)
        cost.elapsed.append(1e6 * (time.perf_counter() - begun) / times)
        cost.database.append(1e6 * (cpu_seconds(pids) - database) / times)
    return cost


def statements_of(call: Callable[[int], object]) -> str:
    """`statements in round trips` of one call."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    call(0)  # the first call reads the layout, which is cached
    with CaptureQueriesContext(connection) as captured:
        call(1)
    trips = trips_in(captured)
    return f"{len(statements_in(trips))} in {len(trips)}"


class AsgiClient:
    """A visitor whose requests enter as from an ASGI server: the product's handler and all middleware."""

    def __init__(self, handler: Any, showtime_id: int) -> None:
        from django.test import Client

        self.handler, self.path = handler, f"/api/showtimes/{showtime_id}/lock/"
        self.client = Client(enforce_csrf_checks=True)
        self.client.get(self.path)

    def put(self, labels: list[str], status: int) -> None:
        """The same request by Django's test client, in this thread, for counting statements."""
        answer = self.client.put(
            self.path,
            json.dumps({"seats": labels}),
            content_type="application/json",
            headers={"X-CSRFToken": self.client.cookies["csrftoken"].value},
        )
        assert answer.status_code == status, answer.content

    async def request(self, labels: list[str], status: int) -> None:
        cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in self.client.cookies.items())
        headers = {
            "host": "localhost",
            "content-type": "application/json",
            "cookie": cookies,
            "x-csrftoken": self.client.cookies["csrftoken"].value,
        }
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": "PUT",
            "path": self.path,
            "raw_path": self.path.encode(),
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
            "scheme": "http",
        }
        body = [{"type": "http.request", "body": json.dumps({"seats": labels}).encode(), "more_body": False}]
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            if body:
                return body.pop()
            await asyncio.Event().wait()
            raise AssertionError

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await self.handler(scope, receive, send)
        assert sent[0]["status"] == status, sent


Request = Callable[[int], tuple[list[str], int]]  # number of the call to (requested seats, expected status)


def alternating(number: int, row: str) -> list[str]:
    """Two seats of a row: between two calls one stays, one is released, one is locked."""
    return [f"{row}{1 + number % 2}", f"{row}{2 + number % 2}"]


def measure_one_client(times: int) -> list[list[str]]:
    """Rows of the table: the use case beside the naive ORM, then whole requests."""
    from django.utils import timezone

    from bench.support.factories import make_plan, make_showtime, new_visitor
    from booking.clients.client import NOT_COUNTED, Client
    from booking.locks import lock_seats

    at = timezone.now()
    showtime = make_showtime(make_plan(ROWS, PER_ROW)).pk
    counted = Client(("192.0.2.1",))
    alice, bob, carol = new_visitor(), new_visitor(), new_visitor()
    lock_seats(showtime_id=showtime, visitor=carol, labels=["C1", "C2"], at=at)
    lock_seats(showtime_id=showtime, visitor=bob, labels=["B1", "B2"], at=at)

    def lock(labels: list[str], client: Client = NOT_COUNTED) -> None:
        lock_seats(showtime_id=showtime, visitor=alice, labels=labels, at=at, client=client)

    def lock_by_orm(labels: list[str]) -> None:
        lock_naively(showtime, bob, labels, at)

    calls: list[tuple[str, Callable[[int], object]]] = [
        ("use case, changed seats", lambda number: lock(alternating(number, "A"))),
        ("the same, its address counted", lambda number: lock(alternating(number, "A"), counted)),
        ("naive ORM, changed seats", lambda number: lock_by_orm(alternating(number, "B"))),
        ("use case, refused", expecting_refusal(lock, ["A1", "C1"])),
        ("the same, its address counted", expecting_refusal(lambda labels: lock(labels, counted), ["A1", "C1"])),
        ("naive ORM, refused", expecting_refusal(lock_by_orm, ["B1", "C1"])),
    ]
    rows = [[name, statements_of(call), *cost_of(call, times).cells()] for name, call in calls]
    return rows + measure_requests(showtime, times)


def expecting_refusal(lock: Callable[[list[str]], None], labels: list[str]) -> Callable[[int], None]:
    """A call that tries to lock these seats and fails when it is not refused."""
    from booking.refusals import SeatsTaken

    def call(number: int) -> None:
        try:
            lock(labels)
        except SeatsTaken:
            return
        raise AssertionError("the seat is taken")

    return call


def measure_requests(showtime_id: int, times: int) -> list[list[str]]:
    """Rows of whole requests on the showtime, of which another visitor has C1."""
    from realtime.fast_path.http_handler import OneStepHandler

    client, rows = AsgiClient(OneStepHandler(), showtime_id), []
    client.put(["D1", "D2"], 200)
    requests: list[tuple[str, Request]] = [
        ("whole PUT …/lock/, changed seats", lambda number: (alternating(number, "D"), 200)),
        ("whole PUT …/lock/, refused", lambda number: (["D1", "C1"], 409)),
    ]
    for name, request in requests:
        statements = statements_of(partial(put_numbered, client, request))
        cost = asyncio.run(cost_of_requests(client, request, times))
        rows.append([name, statements, *cost.cells()])
    return rows


def put_numbered(client: AsgiClient, request: Request, number: int) -> None:
    client.put(*request(number))


async def cost_of_requests(client: AsgiClient, request: Request, times: int) -> Cost:
    """As `cost_of`; the database is asked by another thread's connection, so its CPU is not known."""
    cost = Cost()
    for number in range(20):
        await client.request(*request(number))
    for _ in range(ROUNDS):
        cpu, begun = time.process_time(), time.perf_counter()
        for number in range(times):
            await client.request(*request(number))
        cost.cpu.append(1e6 * (time.process_time() - cpu) / times)
        cost.elapsed.append(1e6 * (time.perf_counter() - begun) / times)
    return cost


# ---- One process for each database -----------------------------------------------------------------------------------

ONE_CLIENT = ["one client", "statements in trips", "CPU us", "database's CPU us", "elapsed us"]
MANY_CLIENTS = [
    "many at once",
    "clients",
    "pairs/s",
    "p50 ms",
    "p99 ms",
    "refusal p99 ms",
    "refused",
    "deadlocks",
    "faults",
]


def run_inside(options: argparse.Namespace) -> None:
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection

    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)
    call_command("migrate", verbosity=0)
    print(f"\n{connection.vendor}\n", flush=True)
    print_table(ONE_CLIENT, measure_one_client(options.times))
    print(flush=True)
    print_table(MANY_CLIENTS, measure_contention(options.clients, options.seconds))


def run_on(url: str, folder: Path, arguments: list[str]) -> None:
    """Measure in a process of its own; an empty `url` is SQLite."""
    env = clean_environment(
        DATA_DIR=folder,
        DATABASE_URL=url,
        DEBUG=0,
        SECRET_KEY=SECRET_KEY,
        ALLOWED_HOSTS="localhost,testserver",
        DEMO_PAYMENTS_ANYWAY=1,
        RATE_LIMITS=0,
        LOOP="external",
        SEAT_LOCK_SECONDS=3600,
        DJANGO_SETTINGS_MODULE="cinema.settings",
    )
    subprocess.run([sys.executable, "-m", "bench.locks", "--inside", *arguments], cwd=ROOT, env=env, check=True)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.locks", description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each round with many clients")
    parser.add_argument("--clients", type=int, default=32, help="on PostgreSQL")
    parser.add_argument("--times", type=int, default=500, help="calls of each round with one client")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.inside:
        return run_inside(options)
    with (
        new_postgres("max_connections=200") as (url, _),
        tempfile.TemporaryDirectory(prefix="bookmyseat-bench-") as folder,
    ):
        run_on(url, Path(folder), arguments)
        run_on("", Path(folder), arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
