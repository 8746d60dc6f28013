"""Without a click, a lock expires on every open map when its time is over."""

from datetime import datetime

import pytest
from playwright.sync_api import expect

from bench.support.servers import start_server
from tests.report import report

pytestmark = pytest.mark.timed
LATEST = 1500  # ms after `locked_until`


def test_a_lock_expires_on_every_open_map_within_a_second_and_a_half(new_guest):
    with start_server(RATE_LIMITS=0, SEAT_LOCK_SECONDS=6) as server:
        alice, bob = new_guest(server), new_guest(server)
        listed = alice.context.request.get(f"{server.url}/api/showtimes/").json()["showtimes"]
        path = next(f"/showtimes/{one['id']}/" for one in listed if one["sales"] == "open")
        alice.open(path)
        bob.open(path)
        seats = alice.free_seats(2)
        alice.choose(*seats)
        bob.sees(seats[1], "locked")
        lock = alice.context.request.get(f"{server.url}/api{path}lock/").json()
        ends = datetime.fromisoformat(lock["expires_at"]).timestamp() * 1000
        for guest in (alice, bob):
            guest.record_status_changes()
        late = []
        for guest in (alice, bob):
            for seat in seats:
                guest.sees(seat, "available", seconds=10)
                late.append(guest.status_changes(seat)[-1][1] - ends)
        report("a lock's end", f"on 2 maps after {', '.join(f'{ms:.0f}' for ms in late)} ms, nobody clicking")
        assert max(late) < LATEST
        alice.reads_news("The hold ran out")
        alice.reads_basket(f"{seats[0]} and {seats[1]} went back to the house")
        alice.reads_basket("Nothing was charged")
        expect(alice.page.locator("#basket-pay")).to_have_count(0)
        alice.page.get_by_role("button", name="Hold them again").click()
        for seat in seats:
            alice.sees(seat, "mine")
            bob.sees(seat, "locked")
        alice.reads_basket(f"{seats[0]}, {seats[1]}")
