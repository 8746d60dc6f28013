"""Who is let in: a full foyer behind one address always, a flood never, and remembering both takes little."""

import asyncio
import ipaddress
import json

import pytest
from channels.routing import URLRouter

from realtime.fast_path import shared_frames
from realtime.sockets import consumers, limits
from realtime.sockets.limits import ENTRIES, MOST_PER_ADDRESS, ConnectionLimiter, most_sockets

FOYER = ipaddress.ip_address("203.0.113.9")
ELSEWHERE = ipaddress.ip_address("203.0.113.10")


def test_two_hundred_phones_behind_one_address_come_back_twice_within_a_second():
    door = ConnectionLimiter()
    assert not any(door.enter(FOYER, 0.001 * number) for number in range(400))


def test_a_flood_from_one_address_is_let_in_at_the_rate_and_others_do_not_notice():
    door = ConnectionLimiter()
    answers = [door.enter(FOYER, 0.0) for _ in range(ENTRIES + 10)]
    assert answers == [""] * ENTRIES + ["rate"] * 10
    assert door.enter(ELSEWHERE, 0.0) == ""
    for _ in range(ENTRIES + 10):
        door.leave(FOYER)
    assert [door.enter(FOYER, 1.0) for _ in range(51)] == [""] * 50 + ["rate"]


def test_one_address_holds_so_many_sockets_and_no_more():
    door = ConnectionLimiter()
    assert not any(door.enter(FOYER, 0.1 * number) for number in range(MOST_PER_ADDRESS))
    assert door.enter(FOYER, 1000.0) == "address"
    assert door.enter(ELSEWHERE, 1000.0) == ""
    door.leave(FOYER)
    door.leave(FOYER)
    assert door.enter(FOYER, 1000.0) == ""


def test_a_full_process_takes_nobody_until_somebody_goes():
    door = ConnectionLimiter(2)
    assert [door.enter(None, 0.0) for _ in range(3)] == ["", "", "full"]
    door.leave(None)
    assert door.enter(None, 0.0) == "full", "the one that was refused is still there"
    door.leave(None)
    door.leave(None)
    assert door.enter(None, 0.0) == ""
    assert door.sockets == 2


def test_a_network_of_ipv6_counts_as_one_address():
    door = ConnectionLimiter()
    for number in range(MOST_PER_ADDRESS):
        assert door.enter(ipaddress.ip_address(f"2001:db8::{number:x}"), 0.1 * number) == ""
    assert door.enter(ipaddress.ip_address("2001:db8::ffff"), 1000.0) == "address"
    assert door.enter(ipaddress.ip_address("2001:db8:0:1::1"), 1000.0) == ""


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_this_machine_may_stand_for_everybody(address):
    door = ConnectionLimiter()
    assert not any(door.enter(ipaddress.ip_address(address), 0.0) for _ in range(5 * MOST_PER_ADDRESS))


def test_addresses_that_have_gone_are_forgotten_when_there_are_many(monkeypatch):
    monkeypatch.setattr(limits, "MOST_ADDRESSES", 100)
    door = ConnectionLimiter()
    door.enter(FOYER, 0.0)
    for number in range(1000):
        passing = ipaddress.ip_address(number + (10 << 24))
        door.enter(passing, 0.0)
        door.leave(passing)
    assert len(door._guests) <= 102
    door.leave(FOYER)
    assert all(guests.sockets == 0 for guests in door._guests.values())
    assert door.sockets == 0


@pytest.mark.parametrize(
    ("files", "sockets"), [(256, 128), (1024, 820), (20_000, 16_000), (1_000_000, 20_000), (64, 1)]
)
def test_requests_and_the_database_keep_a_fifth_of_the_files(files, sockets):
    assert most_sockets(files) == pytest.approx(sockets, abs=1)


def test_the_fuller_the_house_the_later_one_is_asked_back():
    empty, full = ConnectionLimiter(1000), ConnectionLimiter(1000)
    full.sockets = 1000
    assert all(2_000 <= empty.retry() <= 10_000 for _ in range(100))
    assert max(full.retry() for _ in range(200)) > 20_000
    assert len({full.retry() for _ in range(100)}) > 50


class Visit:
    """A socket without a server: what the application says to it."""

    def __init__(self, path="/ws/nowhere/", client=("203.0.113.9", 4711), headers=()):
        self.scope = {"type": "websocket", "path": path, "headers": list(headers), "client": client, "subprotocols": []}
        self.incoming = [{"type": "websocket.connect"}, {"type": "websocket.disconnect", "code": 1000}]
        self.said = []

    async def receive(self):
        return self.incoming.pop(0)

    async def send(self, message):
        self.said.append(message)

    async def run(self):
        from realtime.routing import websocket_urlpatterns

        await URLRouter(websocket_urlpatterns)(self.scope, self.receive, self.send)
        return self


async def test_a_refusal_is_accepted_first_then_bye_with_4005_and_a_time_to_come_back(monkeypatch):
    door = ConnectionLimiter(1)
    door.enter(None, 0.0)
    monkeypatch.setattr(limits, "door", door)
    visit = await Visit("/ws/showtimes/1/").run()
    accept, said, close = visit.said
    assert accept["type"] == "websocket.accept"
    bye = json.loads(said["text"])
    assert (bye["type"], bye["code"], close) == ("bye", 4005, {"type": "websocket.close", "code": 4005})
    assert bye["retry"] >= 2_000
    assert door.sockets == 1


async def test_without_rate_limits_nobody_is_refused(monkeypatch, settings):
    settings.RATE_LIMITS = False
    door = ConnectionLimiter(1)
    door.enter(None, 0.0)
    monkeypatch.setattr(limits, "door", door)
    visit = await Visit().run()
    assert json.loads(visit.said[1]["text"])["code"] == 4504


async def test_behind_our_proxy_the_address_is_the_visitors(monkeypatch, settings):
    settings.TRUSTED_PROXIES = [ipaddress.ip_network("192.0.2.0/24")]
    door = ConnectionLimiter()
    monkeypatch.setattr(limits, "door", door)
    via = [(b"x-forwarded-for", b"10.9.9.9, 203.0.113.9"), (b"x-forwarded-for", b"192.0.2.7")]
    await Visit(client=("192.0.2.1", 1), headers=via).run()
    await Visit(client=("198.51.100.7", 1), headers=via).run()
    assert list(door._guests) == [int(FOYER), int(ipaddress.ip_address("198.51.100.7"))]


async def test_a_socket_whose_application_fails_is_counted_out_too(monkeypatch):
    door = ConnectionLimiter()
    monkeypatch.setattr(limits, "door", door)
    visit = Visit()
    visit.incoming = [{"type": "websocket.connect"}, {"type": "websocket.surprise"}]
    with pytest.raises(AttributeError):
        await visit.run()
    assert door.sockets == 0


async def test_a_socket_that_takes_no_close_is_ended_after_all(monkeypatch):
    monkeypatch.setattr(consumers, "LAST_PATIENCE", 0.02)
    ended = asyncio.Event()
    visit = Visit()
    visit.scope["extensions"] = {shared_frames.ABORT: ended.set}
    await visit.run()
    assert visit.said[-1]["type"] == "websocket.close"
    assert not ended.is_set()
    async with asyncio.timeout(1):
        await ended.wait()
