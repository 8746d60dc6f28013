"""The server is killed while maps are open: they show it, take no clicks, and reconnect by themselves."""

import time

import pytest
from playwright.sync_api import expect

from bench.support.servers import start_server
from tests.report import report

pytestmark = pytest.mark.timed


def test_both_maps_show_a_lost_connection_and_reconnect(new_guest):
    with start_server(RATE_LIMITS=0) as server:
        alice, bob = new_guest(server), new_guest(server)
        listed = alice.context.request.get(f"{server.url}/api/showtimes/").json()["showtimes"]
        path = next(f"/showtimes/{one['id']}/" for one in listed if one["sales"] == "open")
        for guest in (alice, bob):
            guest.open(path).may_lose_server = True
        mine, other = alice.free_seats(2)
        alice.choose(mine)
        bob.sees(mine, "locked")

        server.kill()
        killed = time.monotonic()
        for guest in (alice, bob):
            expect(guest.page.locator("#live")).to_have_text("Reconnecting", timeout=3000)
            expect(guest.page.locator(".hall")).to_have_attribute("data-live", "false", timeout=1000)
        shown_after = time.monotonic() - killed
        assert shown_after < 3
        bob.seat(other).click(force=True)
        bob.sees(other, "available")

        server.start()
        started = time.monotonic()
        for guest in (alice, bob):
            guest.sees_live(seconds=45)  # the wait between two attempts grows to half a minute
        live_after = time.monotonic() - started
        report(
            "server killed", f"both maps said so after {shown_after:.1f} s, live {live_after:.1f} s after it answered"
        )
        alice.sees(mine, "mine")
        bob.sees(mine, "locked")
        alice.choose(other)
        bob.sees(other, "locked")
