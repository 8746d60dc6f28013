"""What the pages that a crowd opens cost the server: CPU of the web process for each request, beside a small answer.

`python -m bench.pages [FOLDER]`: one web process on PostgreSQL, as in production, with the demo. FOLDER is another
checkout of this repository, measured in turns in the same run.
"""

from __future__ import annotations

import argparse
import gzip
import http.client
import statistics
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from bench.fanout import retry_once
from bench.measures import cpu_milliseconds, pin
from bench.support.http_session import HttpSession, exchange, free_labels, open_showtimes
from bench.support.processes import children_of, web_processes_of
from bench.support.servers import ROOT, start_cluster
from bench.support.tables import print_table, spread_of

ROUNDS, REQUESTS = 5, 40
SERVER, CLIENT = 0, 1  # cores
SETTINGS = {"WORKERS": 1, "RATE_LIMITS": 0, "SEAT_LOCK_SECONDS": 3600, "LIVE_POLL_SECONDS": 60}
BASELINE = "the showtime as JSON (baseline)"
HEAD = ["request", "checkout", "CPU ms", "x baseline", "KiB of HTML", "KiB sent"]


class Page:
    """A request as a browser sends it, on a connection that stays open."""

    def __init__(self, port: int, path: str, cookies: dict[str, str]) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.path = path
        cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
        self.headers = {"Accept-Encoding": "gzip, deflate, br", **({"Cookie": cookie} if cookie else {})}
        self.sent = self.size = 0  # bytes

    def get(self) -> None:
        answer, body = retry_once(exchange, self.connection, "GET", self.path, None, self.headers)
        assert answer.status == 200, f"{self.path}: {answer.status}"
        self.sent = len(body)
        self.size = len(gzip.decompress(body)) if answer.getheader("Content-Encoding") == "gzip" else len(body)


class Checkout:
    """The server of one checkout, a buyer who has two seats of its largest hall, and another who changes seats."""

    def __init__(self, name: str, port: int, pid: int) -> None:
        self.name, self.pid = name, pid
        self.costs: dict[str, list[float]] = {}
        self.buyer, self.other = HttpSession(port), HttpSession(port)
        sizes = {show["id"]: self.n_seats(show) for show in open_showtimes(self.buyer)}
        self.seats = max(sizes.values())
        self.show = next(show for show in open_showtimes(self.buyer) if sizes.get(show["id"]) == self.seats)
        self.labels = free_labels(self.buyer, self.show)
        for session in (self.buyer, self.other):
            session.ask("GET", self.show["lock"])
        self.put(self.buyer, self.labels[:2])
        page = f"/showtimes/{self.show['id']}/"
        guest = Page(port, page, {})
        self.requests: dict[str, tuple[Page, Callable[[int], object]]] = {
            BASELINE: (Page(port, f"/api/showtimes/{self.show['id']}/", {}), lambda number: None),
            "map, the same version": (guest, lambda number: None),
            "map, with seats of my own": (Page(port, page, self.buyer.cookies), lambda number: None),
            "map, another version each time": (guest, self.change),
            "front page": (Page(port, "/", {}), lambda number: None),
        }

    def n_seats(self, show: dict[str, str]) -> int:
        return len(retry_once(self.buyer.ask, "GET", show["map"])[1]["state"])

    def change(self, number: int) -> None:
        self.put(self.other, [self.labels[2 + number % 2]])

    def put(self, session: HttpSession, labels: list[str]) -> None:
        status, answer = retry_once(session.ask, "PUT", self.show["lock"], {"seats": labels})
        assert status == 200, answer

    def measure(self, name: str) -> None:
        """One round: the mean of its requests. What comes between two requests is not counted."""
        page, prepare = self.requests[name]
        page.get()
        spent = 0.0
        for number in range(REQUESTS):
            prepare(number)
            begun = cpu_milliseconds(self.pid)
            page.get()
            spent += cpu_milliseconds(self.pid) - begun
        self.costs.setdefault(name, []).append(spent / REQUESTS)

    def row(self, name: str) -> list[str]:
        page, cost = self.requests[name][0], self.costs[name]
        ratio = statistics.median(cost) / statistics.median(self.costs[BASELINE])
        sizes = (f"{page.size / 1024:.1f}", f"{page.sent / 1024:.1f}")
        return [name, self.name, spread_of(cost), f"{ratio:.1f}", *sizes]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.pages", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, help="another checkout of the repository")
    folder = parser.parse_args().folder
    roots = {"this": ROOT} | ({folder.name: folder.resolve()} if folder else {})
    with ExitStack() as stack:
        checkouts = []
        for name, root in roots.items():
            server = stack.enter_context(start_cluster(root, **SETTINGS))
            pin([server.process.pid, *children_of(server.process.pid)], SERVER)
            [web] = web_processes_of(server.process.pid)
            checkouts.append(Checkout(name, server.port, web))
        names = list(checkouts[0].requests)
        for _ in range(ROUNDS):
            for name in names:
                for checkout in checkouts:
                    checkout.measure(name)
    print(f"The hall has {checkouts[0].seats} seats. {REQUESTS} requests a round.\n")
    print_table(HEAD, [checkout.row(name) for name in names for checkout in checkouts])


if __name__ == "__main__":
    main()
