"""The socket on real servers with a real client: all frames, resume, refusals and the close, as the contract has it."""

import asyncio
import json
import statistics
import time
import urllib.request

import pytest
import websockets
from prometheus_client.parser import text_string_to_metric_families

from tests.realtime.live.reference_client import digest_of
from tests.realtime.servers import STARTS, LiveMap, Visitor, serving, terminate
from tests.report import report

pytestmark = pytest.mark.server
OVER = 4504


@pytest.fixture(scope="module", params=STARTS)
def server(request):
    with serving(request.param) as running:
        running.kind = request.param
        yield running


@pytest.fixture(scope="module")
def demo(server):
    """The showtimes of the demo listings; each call of `next` returns another one with its free seats."""

    class Demo:
        showtimes = Visitor(server.url).ask("GET", "/api/showtimes/")[1]["showtimes"]
        number = 0

        def next(self):
            self.number += 1
            showtime = self.showtimes[self.number % len(self.showtimes)]
            layout = Visitor(server.url).ask("GET", showtime["layout"])[1]
            state = Visitor(server.url).ask("GET", showtime["map"])[1]["state"]
            free = [seat["label"] for seat in layout["seats"] if state[seat["i"]] == "A"]
            return showtime["id"], {seat["label"]: seat["i"] for seat in layout["seats"]}, free

    return Demo()


async def lock(visitor, *arguments):
    return await asyncio.to_thread(visitor.lock, *arguments)


async def test_hello_then_snapshot_then_a_delta_for_a_lock(server, demo):
    showtime, index, free = demo.next()
    async with LiveMap(server, showtime) as bob:
        hello, snapshot = await bob.receive(), await bob.receive()
        assert list(hello) == ["type", "epoch", "v", "n", "layout", "node", "heartbeat", "spread"]
        assert (hello["n"], hello["heartbeat"]) == (len(snapshot["state"]), 1000)
        assert list(snapshot) == ["type", "epoch", "v", "state", "digest"]
        status, mine = await lock(Visitor(server.url), showtime, free[0], free[1])
        assert status == 200
        await bob.receive_until(lambda: bob.client.v == mine["v"])
        delta = next(frame for frame in bob.frames if frame["type"] == "delta")
        assert delta["from"] == snapshot["v"] and delta["seats"] == {"L": sorted([index[free[0]], index[free[1]]])}
        map_now = Visitor(server.url).ask("GET", f"/api/showtimes/{showtime}/map/")[1]
        assert (bob.client.epoch, bob.client.v, bob.client.state) == (map_now["epoch"], map_now["v"], map_now["state"])


async def test_the_subprotocol_is_accepted_when_offered_and_not_needed(server, demo):
    showtime, _, _ = demo.next()
    async with LiveMap(server, showtime, subprotocols=["other", "bms.v1"]) as bob:
        assert bob.socket.subprotocol == "bms.v1"
    async with LiveMap(server, showtime) as bob:
        assert bob.socket.subprotocol is None


async def test_heartbeats_carry_version_digest_and_health(server, demo):
    showtime, _, _ = demo.next()
    async with LiveMap(server, showtime) as bob:
        await bob.receive_until(lambda: bob.frames and bob.frames[-1]["type"] == "heartbeat", seconds=3)
        heartbeat = bob.frames[-1]
        assert list(heartbeat) == ["type", "v", "digest", "age", "ok"]
        assert (heartbeat["v"], heartbeat["digest"], heartbeat["ok"]) == (
            bob.client.v,
            digest_of(bob.client.state),
            True,
        )
        assert 0 <= heartbeat["age"] < 4000 and bob.client.live


async def test_the_owner_of_a_lock_and_a_stranger_get_the_same_bytes(server, demo):
    showtime, _, free = demo.next()
    alice = Visitor(server.url)
    status, mine = await lock(alice, showtime, free[0])
    cookie = "; ".join(f"{cookie.name}={cookie.value}" for cookie in alice.jar)
    async with (
        LiveMap(server, showtime, additional_headers={"Cookie": cookie}) as owner,
        LiveMap(server, showtime) as stranger,
    ):
        _, last = await lock(alice, showtime, free[0], free[1])
        for viewer in (owner, stranger):
            await viewer.receive_until(lambda viewer=viewer: viewer.client.v == last["v"])
            viewer.states = [t for t in viewer.texts if '"snapshot"' in t or '"delta"' in t]
        assert owner.states == stranger.states
        assert mine["reference"] not in "".join(owner.texts)


async def test_resume_in_the_same_epoch_is_nothing_or_a_delta_else_a_snapshot(server, demo):
    showtime, _, free = demo.next()
    async with LiveMap(server, showtime) as bob:
        await bob.receive_until(lambda: bob.client.live)
        known = bob.client
    async with LiveMap(server, showtime, known) as bob:
        await bob.receive()
        assert known.live
        with pytest.raises(TimeoutError):
            while (await bob.receive(0.4))["type"] == "heartbeat":
                pass
    _, mine = await lock(Visitor(server.url), showtime, free[0])
    async with LiveMap(server, showtime, known) as bob:
        hello, delta = await bob.receive(), await bob.receive()
        assert (hello["type"], delta["type"], delta["v"]) == ("hello", "delta", mine["v"])
        assert known.live
    known.epoch = "another epoch"
    bob = LiveMap(server, showtime, known)
    bob.address = bob.address.replace(" ", "+")
    async with bob:
        assert [(await bob.receive())["type"], (await bob.receive())["type"]] == ["hello", "snapshot"]


@pytest.mark.parametrize(
    "query", ["?epoch=&v=", "?v=5", "?epoch=x&v=-1", "?epoch=x&v=1e9", "?epoch=%ff&v=%00", "?v=" + "9" * 400]
)
async def test_a_resume_that_cannot_be_read_is_a_fresh_start(server, demo, query):
    showtime, _, _ = demo.next()
    bob = LiveMap(server, showtime)
    bob.address += query
    async with bob:
        assert [(await bob.receive())["type"], (await bob.receive())["type"]] == ["hello", "snapshot"]


async def test_sync_is_always_answered(server, demo):
    showtime, _, free = demo.next()
    _, mine = await lock(Visitor(server.url), showtime, free[0])
    async with LiveMap(server, showtime) as bob:
        await bob.receive_until(lambda: bob.client.live)
        for v, kind in ((-1, "snapshot"), (mine["v"] - 1, "delta"), (mine["v"], "snapshot"), (10**12, "snapshot")):
            received = len(bob.frames)
            await bob.send({"type": "sync", "epoch": bob.client.epoch, "v": v})
            await bob.receive_until(
                lambda received=received, kind=kind: kind in [f["type"] for f in bob.frames[received:]], seconds=3
            )


@pytest.mark.parametrize(
    "message",
    [b"\x00", "hello", '{"type":"lock","seats":["A1"]}', '{"type":"ack","v":1,"x":"' + "x" * 1000 + '"}', "[]"],
    ids=["binary", "no-JSON", "a-command", "too-long", "no-object"],
)
async def test_a_bad_message_closes_with_4508(server, demo, message):
    showtime, _, _ = demo.next()
    async with LiveMap(server, showtime) as bob:
        await bob.send(message)
        bye, code = await bob.wait_closed()
        assert (code, bye["type"], bye["code"]) == (4508, "bye", 4508)


async def test_too_many_messages_close_with_4508(server, demo):
    showtime, _, _ = demo.next()
    async with LiveMap(server, showtime) as bob:
        for _ in range(25):
            await bob.send({"type": "ack", "v": 0})
        assert (await bob.wait_closed())[1] == 4508


@pytest.mark.parametrize(
    "path", ["/ws/showtimes/999999/", "/ws/showtimes/abc/", "/ws/", "/elsewhere", "/ws/showtimes/1"]
)
async def test_an_unknown_showtime_or_address_is_accepted_then_closed_with_4504(server, path):
    bob = LiveMap(server, 0)
    bob.address = f"ws{server.url[4:]}{path}"
    async with bob:
        bye, code = await bob.wait_closed()
        assert (code, bye["type"], bye["code"]) == (4504, "bye", 4504)


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://127.0.0.1.evil.example", "http://127.0.0.1:1"]
)
async def test_a_foreign_origin_is_a_403_at_the_handshake(server, demo, origin):
    showtime, _, _ = demo.next()
    with pytest.raises(websockets.InvalidStatus) as refused:
        async with LiveMap(server, showtime, origin=origin):
            pass
    assert refused.value.response.status_code == 403


async def test_our_own_origin_is_allowed(server, demo):
    showtime, _, _ = demo.next()
    async with LiveMap(server, showtime, origin=server.url) as bob:
        assert (await bob.receive())["type"] == "hello"


@pytest.fixture(scope="module")
def usher(server):
    """A staff member, signed in."""
    visitor = Visitor(server.url)
    visitor.sign_in(server.staff_email, server.staff_password)
    return visitor


def board(server, cookies="", origin=None):
    headers = {"Cookie": cookies} if cookies else {}
    return websockets.connect(
        f"ws{server.url[4:]}/ws/board/", origin=origin, additional_headers=headers, compression=None, proxy=None
    )


async def test_the_board_sends_staff_the_row_that_a_lock_changed(server, demo, usher):
    showtime, _, free = demo.next()
    async with board(server, usher.cookies, server.url) as socket:
        hello, full = json.loads(await socket.recv()), json.loads(await socket.recv())
        assert list(hello) == ["type", "epoch", "v", "node", "heartbeat", "spread"]
        row = next(each for each in full["rows"] if each["showtime"] == showtime)
        assert list(row) == ["showtime", "v", "available", "locked", "booked", "blocked", "arrived", "revenue"]
        status, mine = await lock(Visitor(server.url), showtime, free[0], free[1])
        assert status == 200
        async with asyncio.timeout(5):
            while (frame := json.loads(await socket.recv()))["type"] != "board":
                assert "digest" not in frame
        assert frame["rows"] == [
            {**row, "v": mine["v"], "available": row["available"] - 2, "locked": row["locked"] + 2}
        ]


async def test_the_board_refuses_strangers_customers_and_programs_with_bye(server, usher):
    mira = Visitor(server.url)
    mira.ask("GET", "/api/showtimes/1/lock/")
    for cookies, origin in (("", server.url), (mira.cookies, server.url), (usher.cookies, None)):
        async with board(server, cookies, origin) as socket:
            bye = json.loads(await socket.recv())
            assert (bye["type"], bye["code"]) == ("bye", 4502)
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await socket.recv()
            assert closed.value.rcvd.code == 4502
    with pytest.raises(websockets.InvalidStatus) as refused:
        await board(server, usher.cookies, "https://elsewhere.example")
    assert refused.value.response.status_code == 403


async def test_the_board_is_closed_within_two_heartbeats_of_a_sign_out(server):
    visitor = Visitor(server.url)
    visitor.sign_in(server.staff_email, server.staff_password)
    async with board(server, visitor.cookies, server.url) as socket:
        await socket.recv()
        await asyncio.to_thread(visitor.sign_out)
        with pytest.raises(websockets.ConnectionClosed) as closed:
            async with asyncio.timeout(5):
                while True:
                    await socket.recv()
        assert closed.value.rcvd.code == 4501


def test_health_checks_are_answered(server):
    with urllib.request.urlopen(f"{server.url}/healthz") as answer:
        assert (answer.status, answer.headers["Content-Type"]) == (200, "text/plain")
    deadline = time.monotonic() + 10
    while (ready := Visitor(server.url).ask("GET", "/readyz"))[1]["loop"] != "ok" and time.monotonic() < deadline:
        time.sleep(0.2)
    assert ready == (200, {"database": "ok", "bridge": "local", "loop": "ok", "clock": "ok", "proxy": "ok"})


async def test_metrics_count_what_happened_on_this_server(server, demo):
    showtime, _, free = demo.next()
    async with LiveMap(server, showtime) as bob:
        await bob.receive_until(lambda: bob.client.live)
        before = await asyncio.to_thread(read_metrics, server)
        assert (await lock(Visitor(server.url), showtime, free[0]))[0] == 200
        while (await bob.receive())["type"] != "delta":
            pass
        after = await asyncio.to_thread(read_metrics, server)
    grown = {key: value - before.get(key, 0) for key, value in after.items()}
    # This uvicorn runs without our protocol; daphne has the direct way wherever it runs.
    assert grown["bookmyseat_frames_total", "delta", "short" if server.kind == "daphne" else "long"] >= 1
    assert grown["bookmyseat_lock_requests_total", "granted"] >= 1
    assert grown["bookmyseat_tick_lag_seconds_count",] >= 1
    assert after["bookmyseat_sockets", "showtime"] >= 1
    assert after["bookmyseat_bridge_up",] == 1
    assert after["bookmyseat_sockets_open",] <= after["bookmyseat_sockets_most",]


def read_metrics(server):
    """{(name, label values without the node): value}"""
    with urllib.request.urlopen(f"{server.url}/metrics") as answer:
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        families = list(text_string_to_metric_families(answer.read().decode()))
    samples = [sample for family in families for sample in family.samples]
    return {(s.name, *(v for k, v in sorted(s.labels.items()) if k != "node")): s.value for s in samples}


async def test_a_lock_reaches_another_client_within_a_second(server, demo):
    """Not a benchmark: a figure for the summary, and a generous bound."""
    showtime, _, free = demo.next()
    alice, times = Visitor(server.url), []
    async with LiveMap(server, showtime) as bob:
        await bob.receive_until(lambda: bob.client.live)
        for number in range(30):
            await asyncio.sleep(0.06)  # longer than a tick
            begun = time.perf_counter()
            clicking = asyncio.create_task(lock(alice, showtime, *([free[0]] if number % 2 else [free[0], free[1]])))
            while (await bob.receive())["type"] != "delta":
                pass
            times.append(1000 * (time.perf_counter() - begun))
            assert (await clicking)[0] == 200
    median, p95 = statistics.median(times), statistics.quantiles(times, n=20)[18]
    report(f"click to frame, {server.kind}", f"median {median:.0f} ms, p95 {p95:.0f} ms of {len(times)} clicks")
    assert p95 < 1000


@pytest.mark.parametrize("kind", STARTS)
async def test_sigterm_sends_bye_4003_and_a_restart_begins_another_epoch(kind):
    with serving(kind) as server:
        showtime = Visitor(server.url).ask("GET", "/api/showtimes/")[1]["showtimes"][0]["id"]
        async with LiveMap(server, showtime) as bob:
            await bob.receive_until(lambda: bob.client.live)
            begun = time.monotonic()
            terminate(server)
            bye, code = await bob.wait_closed()
            assert (code, bye["type"], bye["code"]) == (4003, "bye", 4003)
            assert 0 <= bye["retry"] <= bob.frames[0]["spread"]
            assert time.monotonic() - begun < 2
        await asyncio.to_thread(server.process.wait, 5)
        known, before = bob.client, bob.client.epoch
        await asyncio.to_thread(server.start)
        async with LiveMap(server, showtime, known) as bob:
            await bob.receive_until(lambda: bob.client.live)
            assert known.epoch != before
            assert json.loads(bob.texts[1])["type"] == "snapshot"
