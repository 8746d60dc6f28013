"""Many buyers at once: pairs of lock and release a second, each buyer a process with a connection of its own."""

from __future__ import annotations

import multiprocessing
import statistics
import time
from collections import Counter
from typing import Any

from bench.measures import spread_of

ROUNDS = 3
ROWS, PER_ROW = 10, 30
SHOWTIMES = 50


def spread(values: list[float]) -> str:
    return spread_of(values, "{:.0f}")


def client(number: int, showtimes: list[int], seats: list[str] | None, seconds: float, gate: Any, results: Any) -> None:
    """One buyer after the other in a process of its own: locks two seats and gives them back, until time is over.

    `seats` None: two of its own, which nobody else wants; else two of these at random.
    """
    import random

    from django.db import OperationalError, connection, connections
    from django.utils import timezone

    from bench.support.factories import new_visitor
    from booking.locks import lock_seats, release_lock
    from booking.refusals import Refusal

    connections["default"].ensure_connection()
    dice, visitor, counts = random.Random(number), new_visitor(), Counter[str]()
    times: dict[str, list[float]] = {"pair": [], "refused": []}
    own = [f"{chr(65 + number // 15)}{2 * (number % 15) + side}" for side in (1, 2)]
    gate.wait()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        showtime = showtimes[number % len(showtimes)] if seats else dice.choice(showtimes)
        labels = dice.sample(seats, 2) if seats else own
        at, begun = timezone.now(), time.perf_counter()
        try:
            lock_seats(showtime_id=showtime, visitor=visitor, labels=labels, at=at)
            release_lock(showtime_id=showtime, visitor=visitor, at=at)
            times["pair"].append(time.perf_counter() - begun)
        except Refusal:
            times["refused"].append(time.perf_counter() - begun)
        except OperationalError as error:
            text = str(error)
            counts["deadlock" if "deadlock" in text else "database is locked" if "locked" in text else text] += 1
    connection.close()
    results.put((times, dict(counts)))


def many(showtimes: list[int], clients: int, seconds: float, seats: list[str] | None = None) -> dict[str, Any]:
    """One round: what all clients together did."""
    from django.db import connections

    connections.close_all()
    if hasattr(connections["default"], "close_pool"):
        connections["default"].close_pool()  # a pool has threads, which a fork would not take along
    forks = multiprocessing.get_context("fork")
    gate, results = forks.Barrier(clients), forks.Queue()
    team = [forks.Process(target=client, args=(n, showtimes, seats, seconds, gate, results)) for n in range(clients)]
    for each in team:
        each.start()
    answers = [results.get(timeout=seconds + 120) for _ in team]
    for each in team:
        each.join(30)
    faults = sum((Counter(counts) for _, counts in answers), Counter())
    return {
        "pair": sorted(t for times, _ in answers for t in times["pair"]),
        "refused": sorted(t for times, _ in answers for t in times["refused"]),
        "faults": dict(faults),
        "seconds": seconds,
    }


def percentile(values: list[float], share: float) -> float:
    return 1e3 * values[min(len(values) - 1, int(share * len(values)))] if values else 0.0


def share_of_refusals(answers: dict[str, Any]) -> float:
    return len(answers["refused"]) / max(1, len(answers["refused"]) + len(answers["pair"]))


def row_of_many(name: str, clients: int, rounds: list[dict[str, Any]]) -> list[str]:
    faults = sum((Counter(each["faults"]) for each in rounds), Counter())
    refused = [each["refused"] for each in rounds]
    return [
        name,
        str(clients),
        spread([len(each["pair"]) / each["seconds"] for each in rounds]),
        spread_of([percentile(each["pair"], 0.5) for each in rounds]),
        spread_of([percentile(each["pair"], 0.99) for each in rounds]),
        spread_of([percentile(each, 0.99) for each in refused]) if any(refused) else "-",
        f"{100 * statistics.mean(share_of_refusals(each) for each in rounds):.0f} %",
        str(faults.pop("deadlock", 0)),
        "; ".join(f"{count} {text}" for text, count in faults.items()) or "0",
    ]


def measure_many(clients: int, seconds: float) -> list[list[str]]:
    from django.db import connection

    from bench.support.factories import make_plan, make_screen, make_showtime

    plan = make_plan(ROWS, PER_ROW)
    showtimes = [make_showtime(plan, screen=make_screen(plan)).pk for _ in range(SHOWTIMES)]
    wanted = [f"J{number}" for number in range(1, 21)]
    if connection.vendor == "postgresql":
        cases = [
            ("one hot showtime", clients, showtimes[:1], None),
            (f"{SHOWTIMES} showtimes", clients, showtimes, None),
            ("20 wanted seats of one", clients, showtimes[:1], wanted),
        ]
    else:
        cases = [("writers that queue", 40, showtimes[:1], None)]
    rows = []
    for name, n, shows, seats in cases:
        rows.append(row_of_many(name, n, [many(shows, n, seconds, seats) for _ in range(ROUNDS)]))
    return rows
