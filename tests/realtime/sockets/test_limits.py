"""Limits of connections: a foyer behind one address is accepted, a flood is not, and counting needs little memory."""

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
    limiter = ConnectionLimiter()
    assert not any(limiter.enter(FOYER, 0.001 * number) for number in range(400))


def test_a_flood_from_one_address_is_accepted_at_the_rate_and_others_are_not_affected():
    limiter = ConnectionLimiter()
    answers = [limiter.enter(FOYER, 0.0) for _ in range(ENTRIES + 10)]
    assert answers == [""] * ENTRIES + ["rate"] * 10
    assert limiter.enter(ELSEWHERE, 0.0) == ""
    for _ in range(ENTRIES + 10):
        limiter.leave(FOYER)
    assert [limiter.enter(FOYER, 1.0) for _ in range(51)] == [""] * 50 + ["rate"]


def test_one_address_may_have_so_many_sockets_and_no_more():
    limiter = ConnectionLimiter()
    assert not any(limiter.enter(FOYER, 0.1 * number) for number in range(MOST_PER_ADDRESS))
    assert limiter.enter(FOYER, 1000.0) == "address"
    assert limiter.enter(ELSEWHERE, 1000.0) == ""
    limiter.leave(FOYER)
    limiter.leave(FOYER)
    assert limiter.enter(FOYER, 1000.0) == ""


def test_a_full_process_refuses_sockets_until_one_closes():
    limiter = ConnectionLimiter(2)
    assert [limiter.enter(None, 0.0) for _ in range(3)] == ["", "", "full"]
    limiter.leave(None)
    assert limiter.enter(None, 0.0) == "full", "the refused one is still open"
    limiter.leave(None)
    limiter.leave(None)
    assert limiter.enter(None, 0.0) == ""
    assert limiter.sockets == 2


def test_a_network_of_ipv6_counts_as_one_address():
    limiter = ConnectionLimiter()
    for number in range(MOST_PER_ADDRESS):
        assert limiter.enter(ipaddress.ip_address(f"2001:db8::{number:x}"), 0.1 * number) == ""
    assert limiter.enter(ipaddress.ip_address("2001:db8::ffff"), 1000.0) == "address"
    assert limiter.enter(ipaddress.ip_address("2001:db8:0:1::1"), 1000.0) == ""


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_a_loopback_address_has_no_limit(address):
    limiter = ConnectionLimiter()
    assert not any(limiter.enter(ipaddress.ip_address(address), 0.0) for _ in range(5 * MOST_PER_ADDRESS))


def test_addresses_without_sockets_are_forgotten_when_there_are_many(monkeypatch):
    monkeypatch.setattr(limits, "MOST_ADDRESSES", 100)
    limiter = ConnectionLimiter()
    limiter.enter(FOYER, 0.0)
    for number in range(1000):
        passing = ipaddress.ip_address(number + (10 << 24))
        limiter.enter(passing, 0.0)
        limiter.leave(passing)
    assert len(limiter._addresses) <= 102
    limiter.leave(FOYER)
    assert all(use.sockets == 0 for use in limiter._addresses.values())
    assert limiter.sockets == 0


@pytest.mark.parametrize(
    ("files", "sockets"), [(256, 128), (1024, 820), (20_000, 16_000), (1_000_000, 20_000), (64, 1)]
)
def test_a_fifth_of_the_open_files_is_kept_for_requests_and_the_database(files, sockets):
    assert most_sockets(files) == pytest.approx(sockets, abs=1)


def test_the_fuller_the_process_the_later_a_refused_client_reconnects():
    empty, full = ConnectionLimiter(1000), ConnectionLimiter(1000)
    full.sockets = 1000
    assert all(2_000 <= empty.retry() <= 10_000 for _ in range(100))
    assert max(full.retry() for _ in range(200)) > 20_000
    assert len({full.retry() for _ in range(100)}) > 50


class FakeConnection:
    """A socket without a server; `sent` is what the application sends to it."""

    def __init__(self, path="/ws/nowhere/", client=("203.0.113.9", 4711), headers=()):
        self.scope = {"type": "websocket", "path": path, "headers": list(headers), "client": client, "subprotocols": []}
        self.incoming = [{"type": "websocket.connect"}, {"type": "websocket.disconnect", "code": 1000}]
        self.sent = []

    async def receive(self):
        return self.incoming.pop(0)

    async def send(self, message):
        self.sent.append(message)

    async def run(self):
        from realtime.routing import websocket_urlpatterns

        await URLRouter(websocket_urlpatterns)(self.scope, self.receive, self.send)
        return self


async def test_a_refused_socket_is_accepted_then_sent_bye_4005_with_a_time_to_reconnect(monkeypatch):
    limiter = ConnectionLimiter(1)
    limiter.enter(None, 0.0)
    monkeypatch.setattr(limits, "limiter", limiter)
    connection = await FakeConnection("/ws/showtimes/1/").run()
    accept, sent, close = connection.sent
    assert accept["type"] == "websocket.accept"
    bye = json.loads(sent["text"])
    assert (bye["type"], bye["code"], close) == ("bye", 4005, {"type": "websocket.close", "code": 4005})
    assert bye["retry"] >= 2_000
    assert limiter.sockets == 1


async def test_without_rate_limits_no_socket_is_refused(monkeypatch, settings):
    settings.RATE_LIMITS = False
    limiter = ConnectionLimiter(1)
    limiter.enter(None, 0.0)
    monkeypatch.setattr(limits, "limiter", limiter)
    connection = await FakeConnection().run()
    assert json.loads(connection.sent[1]["text"])["code"] == 4504


async def test_behind_our_proxy_the_address_is_that_of_the_client(monkeypatch, settings):
    settings.TRUSTED_PROXIES = [ipaddress.ip_network("192.0.2.0/24")]
    limiter = ConnectionLimiter()
    monkeypatch.setattr(limits, "limiter", limiter)
    via = [(b"x-forwarded-for", b"10.9.9.9, 203.0.113.9"), (b"x-forwarded-for", b"192.0.2.7")]
    await FakeConnection(client=("192.0.2.1", 1), headers=via).run()
    await FakeConnection(client=("198.51.100.7", 1), headers=via).run()
    assert list(limiter._addresses) == [int(FOYER), int(ipaddress.ip_address("198.51.100.7"))]


async def test_a_socket_whose_consumer_fails_is_no_longer_counted(monkeypatch):
    limiter = ConnectionLimiter()
    monkeypatch.setattr(limits, "limiter", limiter)
    connection = FakeConnection()
    connection.incoming = [{"type": "websocket.connect"}, {"type": "websocket.surprise"}]
    with pytest.raises(AttributeError):
        await connection.run()
    assert limiter.sockets == 0


async def test_a_connection_that_does_not_answer_the_close_is_aborted(monkeypatch):
    monkeypatch.setattr(consumers, "CLOSE_TIMEOUT", 0.02)
    ended = asyncio.Event()
    connection = FakeConnection()
    connection.scope["extensions"] = {shared_frames.ABORT: ended.set}
    await connection.run()
    assert connection.sent[-1]["type"] == "websocket.close"
    assert not ended.is_set()
    async with asyncio.timeout(30):
        await ended.wait()
