"""Money on real servers, by real requests: concurrent deliveries, and the maps after declined and lapsed payments.

SQLite in one process under uvicorn, and PostgreSQL with two web processes and a worker.
"""

import asyncio
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest

from bench.support.servers import start_cluster
from tests.payments.buyers import Buyer, deliver
from tests.payments.stripe.stand_in import KEY, SECRET, StripeStandIn
from tests.realtime.servers import LiveMap, start_uvicorn
from tests.report import report

pytestmark = pytest.mark.server

WEBHOOK = "/payments/stripe/webhook/"
DELIVERIES = 100
LOCK_SECONDS = 5
LONGEST_RELEASING = 5.0
AT_ONCE = 0.0, 3.0  # seconds after the card was declined
WHEN_THE_LOCK_ENDS = LOCK_SECONDS - 1.0, LOCK_SECONDS + LONGEST_RELEASING
SERVERS = {"SQLite": (start_uvicorn, "release"), "PostgreSQL": (start_cluster, "retry")}


@pytest.fixture(scope="module", params=SERVERS)
def server(request):
    """A server with Stripe's stand-in, which delivers its events to the server's webhook."""
    start, policy = SERVERS[request.param]
    with StripeStandIn() as stripe:
        settings = {"STRIPE_SECRET_KEY": KEY, "STRIPE_WEBHOOK_SECRET": SECRET, "STRIPE_API_BASE": stripe.url}
        with start(
            RATE_LIMITS="0", DECLINE_POLICY=policy, SEAT_LOCK_SECONDS=LOCK_SECONDS, PAYMENTS="stripe", **settings
        ) as server:
            server.kind, server.policy, server.stripe = request.param, policy, stripe
            yield server


@pytest.fixture
def stripe(server):
    server.stripe.faults.clear()
    server.stripe.deliver_to(server.url + WEBHOOK)
    yield server.stripe
    server.stripe.deliver_nowhere()


class OpenShowtime:
    """A showtime of the server and its free seats that anybody may buy alone."""

    def __init__(self, server, nth):
        self.server = server
        guest = Buyer(server.port, 0)
        self.showtime = guest.request("GET", "/api/showtimes/")[1]["showtimes"][nth]
        seats = guest.request("GET", self.showtime["layout"])[1]["seats"]
        self.index = {seat["label"]: seat["i"] for seat in seats}
        state = self.state()
        ordinary = {seat["label"] for seat in seats if seat["kind"] == "seat" and seat["sofa"] is None}
        self.free = [label for label, i in self.index.items() if state[i] == "A" and label in ordinary]

    def state(self):
        return Buyer(self.server.port, 0).request("GET", self.showtime["map"])[1]["state"]

    def letters(self, labels, state):
        return {state[self.index[label]] for label in labels}

    def check_out(self, *labels):
        """A buyer at Stripe's page: reference, session and deadline."""
        buyer = Buyer(self.server.port, self.showtime["id"])
        assert buyer.lock(*labels)[0] == 200
        status, body = buyer.check_out()
        assert status == 201, body
        buyer.reference, buyer.session = body["reference"], body["url"].rpartition("/")[2]
        buyer.until = datetime.fromisoformat(body["expires_at"]).timestamp()
        return buyer

    def map(self):
        return LiveMap(self.server, self.showtime["id"])


def test_a_hundred_deliveries_of_one_event_at_once_have_one_effect(server):
    showtime, stripe = OpenShowtime(server, -1), server.stripe
    buyer = showtime.check_out(*showtime.free[:2])
    body = stripe.event("checkout.session.completed", stripe.pay(buyer.session))
    with ThreadPoolExecutor(DELIVERIES) as pool:
        codes = list(pool.map(lambda _: deliver(server.url, body), range(DELIVERIES)))
    assert set(codes) <= {200, 503}, Counter(codes)
    again = [deliver(server.url, body) for code in codes if code != 200]
    assert set(again) <= {200}
    booking = buyer.request("GET", f"/api/bookings/{buyer.reference}/")[1]
    assert booking["status"] == "confirmed" and len(booking["tickets"]) == 2
    assert showtime.letters(showtime.free[:2], showtime.state()) == {"B"}
    assert count_mails(server, buyer.reference) == 1
    report("webhook", f"{DELIVERIES} concurrent deliveries of one event on {server.kind}: {codes.count(200)} got 200, "
           f"{len(again)} a 503 and 200 when repeated; one booking, one mail")  # fmt: skip


def count_mails(server, reference, timeout=10):
    """Mails about this booking: wait for the first, and 0.5 s longer for another."""
    until = time.monotonic() + timeout
    while time.monotonic() < until:
        found = [file for file in (server.data_dir / "mail").glob("*.eml") if reference in file.read_text()]
        if found:
            time.sleep(0.5)
            return len([file for file in (server.data_dir / "mail").glob("*.eml") if reference in file.read_text()])
        time.sleep(0.1)
    return 0


async def test_a_declined_card_frees_the_seats_on_every_map_when_the_policy_says(server, stripe):
    showtime = OpenShowtime(server, -2)
    labels = showtime.free[:2]
    async with showtime.map() as first, showtime.map() as second:
        buyer = await asyncio.to_thread(showtime.check_out, *labels)
        maps = (first, second)
        await wait_for_maps(showtime, maps, labels, "L")
        begun = time.monotonic()
        await asyncio.to_thread(stripe.decline, buyer.session)
        await wait_for_maps(showtime, maps, labels, "A", seconds=LOCK_SECONDS + LONGEST_RELEASING)
        waited = time.monotonic() - begun
    earliest, latest = AT_ONCE if server.policy == "release" else WHEN_THE_LOCK_ENDS
    assert earliest <= waited <= latest
    assert stripe.sessions[buyer.session]["status"] == "expired"
    report(
        "declined card",
        f"DECLINE_POLICY={server.policy} on {server.kind}: two maps show the seats after {waited:.1f} s",
    )


async def wait_for_maps(showtime, maps, labels, letter, seconds=10.0):
    """Until every map shows these seats in this state."""

    def shows(map_):
        return map_.client.state and showtime.letters(labels, map_.client.state) == {letter}

    await asyncio.gather(*[map_.receive_until(lambda map_=map_: shows(map_), seconds) for map_ in maps])


async def test_no_seat_is_releasing_for_longer_than_5_s_while_stripe_answers_slowly(server, stripe):
    showtime = OpenShowtime(server, -3)
    labels = showtime.free[:10]
    with ThreadPoolExecutor(10) as pool:
        buyers = list(pool.map(showtime.check_out, labels))
    stripe.fault("slow", "/expire", times=1000, seconds=1.0)
    until = dict(zip(labels, (buyer.until for buyer in buyers), strict=True))
    freed = {}
    async with showtime.map() as map_:
        while len(freed) < len(labels):
            await map_.receive(LOCK_SECONDS + LONGEST_RELEASING + 5)
            for label in labels:
                if map_.client.state and map_.client.state[showtime.index[label]] == "A":
                    freed.setdefault(label, time.time())
    waits = sorted(freed[label] - until[label] for label in labels)
    assert waits[0] > 0 and waits[-1] <= LONGEST_RELEASING, waits
    assert {stripe.sessions[buyer.session]["status"] for buyer in buyers} == {"expired"}
    report("releasing", f"{len(labels)} payments lapse together on {server.kind}, Stripe answers in 1 s: "
           f"seats free after {waits[len(waits) // 2]:.1f} s, the last after {waits[-1]:.1f} s")  # fmt: skip
