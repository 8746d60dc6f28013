"""Twenty visitors ask for the best three at once until the hall is full."""

import json
import statistics
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection, connections
from django.test import Client

from bench.support.factories import make_plan, make_showtime
from booking.models import ShowtimeSeat
from booking.seats.map import read_map
from tests.report import report

pytestmark = pytest.mark.django_db(transaction=True)

CLIENTS, ROWS, PER_ROW = 20, 14, 15


class Party:
    """Visitors who come one after the other, each until three seats are granted: asks, and the share that was free."""

    def __init__(self, showtime):
        self.showtime, self.granted, self.seats = showtime, [], []

    def run(self, barrier):
        try:
            barrier.wait(30)
            while self.lock_three():
                pass
        finally:
            connections.close_all()

    def lock_three(self):
        """Whether seats were granted; False when the hall is full."""
        client, asks = Client(), 0
        url = f"/api/showtimes/{self.showtime.pk}"
        while True:
            asks += 1
            found = client.get(f"{url}/best/", {"seats": 3}).json()
            labels = found.get("seats") or found.get("alternative")
            if labels is None:
                return False
            answer = client.put(f"{url}/lock/", json.dumps({"seats": labels}), content_type="application/json")
            if answer.status_code == 200:
                free = read_map(self.showtime.pk).state.count("A") / (ROWS * PER_ROW)
                self.granted.append((asks, free))
                self.seats += labels
                return True
            assert answer.json()["type"] == "seats-taken", answer.content


@pytest.mark.postgresql_only
def test_twenty_clients_fill_a_hall_with_few_asks_and_no_seat_twice(settings, monkeypatch):
    settings.RATE_LIMITS = False
    showtime, barrier = make_showtime(make_plan(ROWS, PER_ROW)), Barrier(CLIENTS)
    parties = [Party(showtime) for _ in range(CLIENTS)]
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(lambda party: party.run(barrier), parties))
    seats = [label for party in parties for label in party.seats]
    assert len(seats) == len(set(seats)) == ShowtimeSeat.objects.filter(showtime=showtime, status="locked").count()
    assert read_map(showtime.pk).state.count("A") < 3
    asks = [asks for party in parties for asks, free in party.granted if free >= 0.1]
    report(
        "choice",
        f"{CLIENTS} clients ask for the best 3 of {ROWS * PER_ROW} seats at once on {connection.vendor}: {len(seats)}"
        f" seats, none twice; asks until granted: median {statistics.median(asks):g}, most {max(asks)}",
    )
    assert statistics.median(asks) <= 3
