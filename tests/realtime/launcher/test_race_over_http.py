"""Forty browsers lock one seat at the same moment, over HTTP, on one process with SQLite and on a cluster."""

import http.client
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from http.cookies import SimpleCookie

import pytest

from bench.support.servers import start_cluster, start_server
from tests.report import report

BUYERS, ROUNDS = 40, 10


class Browser:
    """Keeps its cookies and one connection, like a tab."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.cookies = SimpleCookie()

    def ask(self, method, path, body=None):
        headers = {"Cookie": "; ".join(f"{name}={morsel.value}" for name, morsel in self.cookies.items())}
        if "csrftoken" in self.cookies:
            headers["X-CSRFToken"] = self.cookies["csrftoken"].value
        self.connection.request(
            method, path, body and json.dumps(body), {**headers, "Content-Type": "application/json"}
        )
        answer = self.connection.getresponse()
        for cookie in answer.headers.get_all("Set-Cookie", []):
            self.cookies.load(cookie)
        return answer.status, json.loads(answer.read() or b"null")


def race(buyers, path, label):
    """(status, body) of each buyer's PUT of the same seat, all sent at the same moment."""
    barrier = threading.Barrier(len(buyers))

    def put(buyer):
        barrier.wait(30)
        return buyer.ask("PUT", path, {"seats": [label]})

    with ThreadPoolExecutor(len(buyers)) as pool:
        return list(pool.map(put, buyers))


@pytest.mark.parametrize("start", [start_server, start_cluster], ids=["sqlite", "cluster"])
def test_of_forty_browsers_one_locks_the_seat_and_thirty_nine_are_refused(start):
    with start(RATE_LIMITS="0") as server:
        buyers = [Browser(server.port) for _ in range(BUYERS)]
        showtime = buyers[0].ask("GET", "/api/showtimes/")[1]["showtimes"][-1]
        seats = buyers[0].ask("GET", showtime["layout"])[1]["seats"]
        for buyer in buyers:
            buyer.ask("GET", showtime["lock"])
        state = buyers[0].ask("GET", showtime["map"])[1]["state"]
        free = [seat["label"] for seat in seats if state[seat["i"]] == "A"][:ROUNDS]
        for label in free:
            answers = race(buyers, showtime["lock"], label)
            assert sorted({status for status, _ in answers}) == [200, 409], answers
            assert [status for status, _ in answers].count(200) == 1
            assert all(body["seats"] == [label] for status, body in answers if status == 409)
        for buyer in buyers:
            buyer.connection.close()
    kind = "SQLite" if start is start_server else "PostgreSQL, two web processes"
    report(
        "race", f"over HTTP on {kind}: {BUYERS} browsers, {len(free)} rounds, one 200 and {BUYERS - 1} times 409 each"
    )
