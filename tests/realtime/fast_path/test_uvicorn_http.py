"""A connection that does not complete a request is ended; one that does is served by uvicorn's own parser."""

import asyncio
import contextlib
import json
import re
import sys

import pytest
import uvicorn

from realtime.fast_path import unfinished, uvicorn_http
from realtime.fast_path.uvicorn_frames import choose_websocket_protocol
from realtime.fast_path.uvicorn_http import METHODS, choose_http_protocol
from realtime.launcher.processes import free_port
from tests.realtime.live.chaos import eventually

TIMEOUT = 0.2  # seconds, in these tests
UPGRADE = (
    b"GET /ws/showtimes/1/?v=3 HTTP/1.1\r\nHost: example.com\r\nConnection: keep-alive, Upgrade\r\n"
    b"UPGRADE: WebSocket\r\nX-Forwarded-For: 192.0.2.1\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


async def application(scope, receive, send):
    """HTTP: `ok` after twice the timeout. WebSocket: the request's headers, and then an echo."""
    if scope["type"] == "http":
        await asyncio.sleep(2 * TIMEOUT)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})
        return
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": repr(sorted(scope["headers"]))})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})


@contextlib.asynccontextmanager
async def serving(http):
    config = uvicorn.Config(
        application,
        port=free_port(),
        http=http,
        ws=choose_websocket_protocol(),
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        date_header=False,
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    assert await eventually(lambda: server.started)
    try:
        yield config.port
    finally:
        server.should_exit = True
        await task


@pytest.fixture
async def port(monkeypatch):
    monkeypatch.setattr(uvicorn_http, "HEAD_SECONDS", TIMEOUT)
    monkeypatch.setattr(unfinished, "ROUND", 0.02)
    async with serving(choose_http_protocol()) as port:
        yield port


@contextlib.asynccontextmanager
async def connected(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def send_parts(writer, parts):
    with contextlib.suppress(ConnectionError):
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.05)


async def answer_to(port, *parts):
    """Every byte that comes back until the server closes, or is silent for a second; b"" when there is none."""
    answer = b""
    async with connected(port) as (reader, writer):
        await send_parts(writer, parts)
        with contextlib.suppress(ConnectionError, TimeoutError):
            while part := await asyncio.wait_for(reader.read(65536), 1):
                answer += part
    return answer


async def answer_until_closed(port, *parts):
    """Every byte that comes back until the server closes. Raises TimeoutError when it does not."""
    async with connected(port) as (reader, writer), asyncio.timeout(30):
        await send_parts(writer, parts)
        with contextlib.suppress(ConnectionError):
            return await reader.read()
    return b""


# ---- the timeout -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sent", [b"", b"GET / HTTP/1.1\r\nHost: exa", UPGRADE[:-2]], ids=["nothing", "half a head", "half an upgrade"]
)
async def test_a_connection_without_a_complete_request_is_ended(port, sent):
    begun = asyncio.get_running_loop().time()
    assert await answer_until_closed(port, sent) == b""
    assert asyncio.get_running_loop().time() - begun >= TIMEOUT


@pytest.mark.parametrize("head", [b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n", UPGRADE], ids=["HTTP", "upgrade"])
async def test_a_head_that_comes_byte_by_byte_is_not_waited_for(port, head):
    assert await answer_until_closed(port, *(bytes([byte]) for byte in head)) == b""


async def test_a_response_may_take_longer_and_the_connection_stays(port):
    async with connected(port) as (reader, writer), asyncio.timeout(30):
        for _ in range(2):
            writer.write(b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n")
            assert (await reader.readuntil(b"\r\n\r\nok")).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("parts", [(UPGRADE,), (UPGRADE[:30], UPGRADE[30:]), (UPGRADE[:-2], UPGRADE[-2:])])
async def test_a_websocket_is_accepted_in_however_many_parts_its_request_comes_and_stays(port, parts):
    async with connected(port) as (reader, writer), asyncio.timeout(30):
        for part in parts:
            writer.write(part)
            await asyncio.sleep(0.01)  # far less than the timeout
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
        headers = await reader.readuntil(b"]")
        assert b"(b'x-forwarded-for', b'192.0.2.1')" in headers and b"(b'upgrade', b'WebSocket')" in headers
        await asyncio.sleep(2 * TIMEOUT)
        writer.write(b"\x81\x85\0\0\0\0hello")
        assert await reader.readexactly(7) == b"\x81\x05hello"


async def test_a_second_request_has_the_same_time(port):
    async with connected(port) as (reader, writer), asyncio.timeout(3):
        writer.write(b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n")
        await reader.readuntil(b"\r\n\r\nok")
        begun = asyncio.get_running_loop().time()
        writer.write(b"GET / HTTP/1.1\r\nHost: exa")
        assert await reader.read() == b""
        assert asyncio.get_running_loop().time() - begun < 1


async def test_a_request_that_came_with_the_one_before_is_answered_in_its_time(port):
    one = b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n"
    async with connected(port) as (reader, writer), asyncio.timeout(3):
        writer.write(one + one)
        for _ in range(2):  # each answer takes longer than a head may
            await reader.readuntil(b"\r\n\r\nok")


async def test_a_closed_connection_is_forgotten(port):
    async with connected(port):
        assert await eventually(lambda: len(unfinished.connections) == 1)
    assert await eventually(lambda: len(unfinished.connections) == 0)


# ---- heads that h11 refuses, or takes but we do not ------------------------------------------------------------------

ODD = {
    "no HTTP": b"hello\r\n\r\n",
    "a header without a colon": b"GET / HTTP/1.1\r\nHost: example.com\r\nnonsense\r\n\r\n",
    "a space before the colon": b"GET / HTTP/1.1\r\nHost : example.com\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "a folded header": b"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n",
    "a folded header after a body": (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n\n b"
        + b"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n"
    ),
    "lines without CR": b"GET / HTTP/1.1\nHost: a\n\n",
    "one line without CR": b"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",
    "an upgrade with a header without a colon": UPGRADE.replace(b"Host: example.com", b"Host example.com"),
    "an upgrade with a folded header": UPGRADE.replace(b"keep-alive, Upgrade", b"keep-alive,\r\n Upgrade"),
    "an upgrade with a control character": UPGRADE.replace(b"192.0.2.1", b"192.0\x002.1"),
}


@pytest.mark.parametrize("name", ODD)
async def test_an_odd_request_is_a_problem_and_the_connection_ends(port, name):
    answer = (await answer_until_closed(port, ODD[name])).rpartition(b"HTTP/1.1 ")[2]
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"400 ") and b"Content-Type: application/problem+json" in head
    assert json.loads(body)["status"] == 400


async def test_a_body_may_have_lines_that_begin_with_a_blank(port):
    body = b'{\n "seats": []\n\t}'
    sent = b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    assert (await answer_to(port, sent)).startswith(b"HTTP/1.1 200")


async def test_an_upgrade_that_no_websocket_protocol_takes_is_refused_at_once(port):
    """websockets reads 128 headers at most; uvicorn then waits for ever for a head that has come."""
    answer = await answer_until_closed(port, UPGRADE[:-2] + b"X: y\r\n" * 200 + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ") and answer.count(b"HTTP/1.1 ") == 1


async def test_an_upgrade_in_http_1_0_gets_uvicorns_own_answer(port):
    request = UPGRADE.replace(b"HTTP/1.1", b"HTTP/1.0")
    async with serving("auto") as plain:
        expected = re.sub(rb"Date: .*", b"", await answer_to(plain, request))
    assert expected.startswith(b"HTTP/1.1 ")
    assert re.sub(rb"Date: .*", b"", await answer_to(port, request)) == expected


def test_without_the_readers_of_h11_folded_lines_are_taken(monkeypatch, caplog):
    with monkeypatch.context() as patched:
        patched.setitem(sys.modules, "h11._readers", None)
        uvicorn_http.read_heads_strictly()
    assert "h11 has moved its readers" in caplog.text


# ---- another uvicorn -------------------------------------------------------------------------------------------------


async def test_without_the_module_of_uvicorns_protocol_it_serves_with_its_own(monkeypatch, caplog):
    with monkeypatch.context() as patched:
        patched.setitem(sys.modules, "uvicorn.protocols.http.h11_impl", None)
        http = choose_http_protocol()
    assert http == "auto" and "has moved" in caplog.text
    async with serving(http) as port:
        assert (await answer_to(port, b"GET / HTTP/1.0\r\n\r\n")).endswith(b"\r\n\r\nok")


OWN = [name for name in METHODS if not hasattr(asyncio.Protocol, name)]  # uvicorn's, not asyncio's


@pytest.mark.parametrize("name", [*METHODS, "cycle"])
def test_without_a_name_of_uvicorns_protocol_it_serves_with_its_own(monkeypatch, caplog, name):
    from uvicorn.protocols.http import h11_impl

    class Other(asyncio.Protocol):
        def __init__(self):
            self.cycle = None

    class WithoutCycle(Other):
        def __init__(self):
            self.exchange = None

    for own in OWN:
        setattr(Other, own, None)
    assert choose_http_protocol() not in ("auto", h11_impl.H11Protocol)
    monkeypatch.setattr(h11_impl, "H11Protocol", WithoutCycle if name == "cycle" else Other)
    if name in OWN:
        delattr(Other, name)
    elif name != "cycle":
        monkeypatch.setattr(uvicorn_http, "METHODS", (f"renamed_{name}",))  # asyncio.Protocol has these
    assert choose_http_protocol() == "auto"
    assert name in caplog.text
