"""The server goes away under open maps: they say so, take no clicks, and heal by themselves."""

import time

from playwright.sync_api import expect

from bench.support.servers import start_server
from tests.report import report


def test_both_maps_say_that_the_server_is_gone_and_heal_when_it_is_back(arrive):
    with start_server(RATE_LIMITS=0) as server:
        alice, bob = arrive(server), arrive(server)
        listed = alice.context.request.get(f"{server.url}/api/showtimes/").json()["showtimes"]
        path = next(f"/showtimes/{one['id']}/" for one in listed if one["sales"] == "open")
        for guest in (alice, bob):
            guest.open(path).loses_server = True
        mine, other = alice.free_seats(2)
        alice.choose(mine)
        bob.sees(mine, "locked")

        server.kill()
        killed = time.monotonic()
        for guest in (alice, bob):
            expect(guest.page.locator("#live")).to_have_text("Reconnecting", timeout=3000)
            expect(guest.page.locator(".hall")).to_have_attribute("data-live", "false", timeout=1000)
        said = time.monotonic() - killed
        assert said < 3
        bob.seat(other).click(force=True)
        bob.sees(other, "available")

        server.start()
        started = time.monotonic()
        for guest in (alice, bob):
            guest.sees_live(seconds=45)  # the wait between two tries grows to half a minute
        healed = time.monotonic() - started
        report("server killed", f"both maps said so after {said:.1f} s and were live {healed:.1f} s after it answered")
        alice.sees(mine, "mine")
        bob.sees(mine, "locked")
        alice.choose(other)
        bob.sees(other, "locked")
