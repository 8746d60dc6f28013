"""What a click costs: CPU of the use case and of the whole request, locks a second, refusals; beside the naive ORM way.

`python -m bench.locks [--seconds N] [--clients N]`: on PostgreSQL (durable commits) and on SQLite, each in a process
of its own with a fresh database. Clients of the throughput are processes with a connection each.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.lock_rush import PER_ROW, ROUNDS, ROWS, measure_many, spread
from bench.measures import cpu_seconds, print_table
from bench.support.servers import ROOT, clean_environment
from bench.support.trips import statements_in, trips_in
from realtime.launcher.postgres import Postgres

# ---- what is measured, inside a process with Django and a database -------------------------------------------------


def naive(showtime_id: int, visitor: Any, labels: list[str], at: Any) -> None:
    """The same change as tutorials write it: each row fetched, locked and saved through the ORM."""
    from django.db import transaction
    from django.db.models import F

    from booking.models import Booking, SeatChange, ShowtimeSeat
    from booking.refusals import SeatsTaken
    from cinema.models import Showtime

    with transaction.atomic():
        showtime = Showtime.objects.get(pk=showtime_id)
        booking = Booking.objects.select_for_update().get(showtime=showtime, visitor=visitor, status="locked")
        seats = ShowtimeSeat.objects.select_for_update(of=("self",)) if _has_rows() else ShowtimeSeat.objects
        wanted = list(seats.filter(showtime=showtime, seat__label__in=labels).order_by("pk"))
        mine = list(seats.filter(booking=booking).order_by("pk"))
        if any(seat.status != "available" and seat.booking_id != booking.pk for seat in wanted):
            raise SeatsTaken(labels, showtime.version)
        added = [seat for seat in wanted if seat.booking_id != booking.pk]
        dropped = [seat for seat in mine if seat not in wanted]
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
        booking.n_seats = len(wanted)
        booking.save()


def _has_rows() -> bool:
    from django.db import connection

    return bool(connection.features.has_select_for_update)


def backend() -> list[int]:
    """The process of the database that serves this connection."""
    from django.db import connection

    if connection.vendor != "postgresql":
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return [cursor.fetchone()[0]]


def cost(job: Callable[[int], object], times: int) -> tuple[list[float], list[float], list[float]]:
    """Microseconds a call, one value a round: CPU here, CPU of the database's process, elapsed."""
    cpu, database, elapsed = [], [], []
    for number in range(20):
        job(number)
    for _ in range(ROUNDS):
        pids = backend()
        its, mine, begun = cpu_seconds(pids), time.process_time(), time.perf_counter()
        for number in range(times):
            job(number)
        cpu.append(1e6 * (time.process_time() - mine) / times)
        elapsed.append(1e6 * (time.perf_counter() - begun) / times)
        database.append(1e6 * (cpu_seconds(pids) - its) / times)
    return cpu, database, elapsed


def said_by(job: Callable[[int], object]) -> str:
    """How many statements it takes, and how often their answers are waited for."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    job(0)  # the first reads the layout, which is kept
    with CaptureQueriesContext(connection) as captured:
        job(1)
    trips = trips_in(captured)
    return f"{len(statements_in(trips))} in {len(trips)}"


class Browser:
    """A visitor whose requests enter the product as a server hands them over: ASGI, our handler, all middleware."""

    def __init__(self, handler: Any, showtime_id: int) -> None:
        from django.test import Client

        self.handler, self.path = handler, f"/api/showtimes/{showtime_id}/lock/"
        self.client = Client(enforce_csrf_checks=True)
        self.client.get(self.path)

    def put(self, labels: list[str], status: int) -> None:
        """By Django's test client, in this thread; for counting statements."""
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


def measure_alone(times: int) -> list[list[str]]:
    """One client after the other: rows of the table."""
    from django.utils import timezone

    from bench.support.factories import make_plan, make_showtime, new_visitor
    from booking.locks import lock_seats
    from booking.refusals import SeatsTaken
    from realtime.fast_path.http_handler import OneStepHandler

    at = timezone.now()
    showtime = make_showtime(make_plan(ROWS, PER_ROW))
    alice, bob, carol = new_visitor(), new_visitor(), new_visitor()
    lock_seats(showtime_id=showtime.pk, visitor=carol, labels=["C1", "C2"], at=at)
    lock_seats(showtime_id=showtime.pk, visitor=bob, labels=["B1", "B2"], at=at)

    def wish(number: int, row: str) -> list[str]:
        return [f"{row}{1 + number % 2}", f"{row}{2 + number % 2}"]  # one seat stays, one goes, one comes

    def ours(number: int) -> None:
        lock_seats(showtime_id=showtime.pk, visitor=alice, labels=wish(number, "A"), at=at)

    def theirs(number: int) -> None:
        naive(showtime.pk, bob, wish(number, "B"), at)

    def refused(number: int) -> None:
        try:
            lock_seats(showtime_id=showtime.pk, visitor=alice, labels=["A1", "C1"], at=at)
        except SeatsTaken:
            return
        raise AssertionError("the seat is taken")

    def refused_naively(number: int) -> None:
        try:
            naive(showtime.pk, bob, ["B1", "C1"], at)
        except SeatsTaken:
            return
        raise AssertionError("the seat is taken")

    jobs = [
        ("use case, a changed wish", ours),
        ("naive ORM, a changed wish", theirs),
        ("use case, refused", refused),
        ("naive ORM, refused", refused_naively),
    ]
    rows = [[name, said_by(job), *map(spread, cost(job, times))] for name, job in jobs]
    browser = Browser(OneStepHandler(), showtime.pk)
    browser.put(["D1", "D2"], 200)
    requests: list[tuple[str, Callable[[int], tuple[list[str], int]]]] = [
        ("whole PUT …/lock/, a changed wish", lambda number: (wish(number, "D"), 200)),
        ("whole PUT …/lock/, refused", lambda number: (["D1", "C1"], 409)),
    ]
    for name, request in requests:
        said = said_by(putting(browser, request))
        cpu, _, elapsed = asyncio.run(cost_of_requests(browser, request, times))
        rows.append([name, said, spread(cpu), "-", spread(elapsed)])
    return rows


def putting(browser: Browser, request: Callable[[int], tuple[list[str], int]]) -> Callable[[int], None]:
    return lambda number: browser.put(*request(number))


async def cost_of_requests(
    browser: Browser, request: Callable[[int], tuple[list[str], int]], times: int
) -> tuple[list[float], list[float], list[float]]:
    cpu, elapsed = [], []
    for number in range(20):
        await browser.request(*request(number))
    for _ in range(ROUNDS):
        mine, begun = time.process_time(), time.perf_counter()
        for number in range(times):
            await browser.request(*request(number))
        cpu.append(1e6 * (time.process_time() - mine) / times)
        elapsed.append(1e6 * (time.perf_counter() - begun) / times)
    return cpu, [], elapsed


# ---- one process a database -----------------------------------------------------------------------------------------

ALONE = ["one client", "statements in trips", "CPU us", "database's CPU us", "elapsed us"]
MANY = ["many at once", "clients", "pairs/s", "p50 ms", "p99 ms", "refusal p99 ms", "refused", "deadlocks", "faults"]


def inside(options: argparse.Namespace) -> None:
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection

    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)
    call_command("migrate", verbosity=0)
    print(f"\n{connection.vendor}\n", flush=True)
    print_table(ALONE, measure_alone(options.times))
    print(flush=True)
    print_table(MANY, measure_many(options.clients, options.seconds))


def on(url: str, folder: Path, arguments: list[str]) -> None:
    env = clean_environment(
        DATA_DIR=folder,
        DATABASE_URL=url,
        DEBUG=0,
        SECRET_KEY="only for the benchmark",
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
        return inside(options)
    folder = Path(tempfile.mkdtemp(prefix="bookmyseat-bench-"))
    folder.chmod(0o755)  # root's PostgreSQL runs as nobody, who must get in
    child = None
    try:
        server = Postgres(folder / "postgres", "bench", options=("max_connections=200",))
        child = server.start()
        on(server.url(), folder / "data", arguments)
        on("", folder / "data", arguments)
    finally:
        if child:
            child.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1:])
