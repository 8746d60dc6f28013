"""Pairs of lock and release per second by many buyers at once, each a process with its own connection."""

from __future__ import annotations

import multiprocessing
import statistics
import time
from collections import Counter
from typing import Any

from bench.support.tables import percentile, spread_of

ROUNDS = 3
ROWS, PER_ROW = 10, 30
SHOWTIMES = 50


def spread(values: list[float]) -> str:
    return spread_of(values, "{:.0f}")


def run_client(
    number: int, showtimes: list[int], contested: list[str] | None, seconds: float, barrier: Any, results: Any
) -> None:
    """One client process: lock and release two seats in a loop for `seconds`; puts (times, faults) into `results`.

    Args:
        contested: two of these seats at random each time; None: two seats that no other client asks for.
        barrier: lets all clients begin at once.
    """
    import random

    from django.db import OperationalError, connection, connections
    from django.utils import timezone

    from bench.support.factories import new_visitor
    from booking.locks import lock_seats, release_lock
    from booking.refusals import Refusal

    connections["default"].ensure_connection()
    rng, visitor, faults = random.Random(number), new_visitor(), Counter[str]()
    times: dict[str, list[float]] = {"pair": [], "refused": []}
    own = [f"{chr(65 + number // 15)}{2 * (number % 15) + side}" for side in (1, 2)]
    barrier.wait()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        showtime = showtimes[number % len(showtimes)] if contested else rng.choice(showtimes)
        labels = rng.sample(contested, 2) if contested else own
        at, begun = timezone.now(), time.perf_counter()
        try:
            lock_seats(showtime_id=showtime, visitor=visitor, labels=labels, at=at)
            release_lock(showtime_id=showtime, visitor=visitor, at=at)
            times["pair"].append(time.perf_counter() - begun)
        except Refusal:
            times["refused"].append(time.perf_counter() - begun)
        except OperationalError as error:
            text = str(error)
            faults["deadlock" if "deadlock" in text else "database is locked" if "locked" in text else text] += 1
    connection.close()
    results.put((times, dict(faults)))


def run_round(showtimes: list[int], clients: int, seconds: float, contested: list[str] | None = None) -> dict[str, Any]:
    """What all clients together did: sorted seconds of each pair and refusal, faults by name."""
    from django.db import connections

    connections.close_all()
    if hasattr(connections["default"], "close_pool"):
        connections["default"].close_pool()  # a fork does not copy the threads of a pool
    forks = multiprocessing.get_context("fork")
    barrier, results = forks.Barrier(clients), forks.Queue()
    processes = [
        forks.Process(target=run_client, args=(n, showtimes, contested, seconds, barrier, results))
        for n in range(clients)
    ]
    for process in processes:
        process.start()
    answers = [results.get(timeout=seconds + 120) for _ in processes]
    for process in processes:
        process.join(30)
    faults = sum((Counter(counts) for _, counts in answers), Counter())
    return {
        "pair": sorted(t for times, _ in answers for t in times["pair"]),
        "refused": sorted(t for times, _ in answers for t in times["refused"]),
        "faults": dict(faults),
        "seconds": seconds,
    }


def share_of_refusals(answers: dict[str, Any]) -> float:
    return len(answers["refused"]) / max(1, len(answers["refused"]) + len(answers["pair"]))


def row(name: str, clients: int, rounds: list[dict[str, Any]]) -> list[str]:
    faults = sum((Counter(each["faults"]) for each in rounds), Counter())
    refused = [1e3 * percentile(each["refused"], 0.99) for each in rounds if each["refused"]]
    return [
        name,
        str(clients),
        spread([len(each["pair"]) / each["seconds"] for each in rounds]),
        spread_of([1e3 * percentile(each["pair"], 0.5) for each in rounds]),
        spread_of([1e3 * percentile(each["pair"], 0.99) for each in rounds]),
        spread_of(refused),
        f"{100 * statistics.mean(share_of_refusals(each) for each in rounds):.0f} %",
        str(faults.pop("deadlock", 0)),
        "; ".join(f"{count} {text}" for text, count in faults.items()) or "0",
    ]


def measure_contention(clients: int, seconds: float) -> list[list[str]]:
    """Rows of the table: on PostgreSQL three cases; on SQLite, which has one writer, one case with 40 clients."""
    from django.db import connection

    from bench.support.factories import make_plan, make_screen, make_showtime

    plan = make_plan(ROWS, PER_ROW)
    showtimes = [make_showtime(plan, screen=make_screen(plan)).pk for _ in range(SHOWTIMES)]
    contested = [f"J{number}" for number in range(1, 21)]
    if connection.vendor == "postgresql":
        cases = [
            ("one hot showtime", clients, showtimes[:1], None),
            (f"{SHOWTIMES} showtimes", clients, showtimes, None),
            ("20 contested seats of one", clients, showtimes[:1], contested),
        ]
    else:
        cases = [("writers that queue", 40, showtimes[:1], None)]
    rows = []
    for name, n, shows, seats in cases:
        rows.append(row(name, n, [run_round(shows, n, seconds, seats) for _ in range(ROUNDS)]))
    return rows
