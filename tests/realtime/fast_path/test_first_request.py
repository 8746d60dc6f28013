"""Whoever connects and does not ask is sent away; whoever asks is not hurried."""

import asyncio
import contextlib

import pytest
import uvicorn

from realtime.fast_path import first_request
from realtime.launcher.processes import free_port
from tests.realtime.live.chaos import eventually


async def application(scope, receive, send):
    await asyncio.sleep(0.4)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture
async def port(monkeypatch):
    monkeypatch.setattr(first_request, "FIRST_REQUEST", 0.2)
    config = uvicorn.Config(
        application, port=free_port(), http=first_request.HurriedProtocol, lifespan="off", log_config=None, ws="none"
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve())
    assert await eventually(lambda: server.started)
    yield config.port
    server.should_exit = True
    await serving


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nHost: exa"])
async def test_a_connection_without_a_request_is_ended(port, said):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(said)
    async with asyncio.timeout(2):
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
    writer.close()


async def test_a_request_that_takes_its_time_is_answered_and_the_connection_stays(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(2):
        writer.write(b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n")
        async with asyncio.timeout(3):
            answer = await reader.readuntil(b"\r\n\r\nok")
        assert answer.startswith(b"HTTP/1.1 200")
    writer.close()


HEAD = (
    b"GET /ws/showtimes/1/?v=3 HTTP/1.1\r\nHost: example.com\r\nConnection: keep-alive, Upgrade\r\n"
    b"UPGRADE: WebSocket\r\nX-Forwarded-For: 192.0.2.1\r\nCookie: a=B; c=D\r\n\r\n"
)


def test_a_whole_request_for_a_socket_is_known_and_its_names_are_made_small():
    first, *lines, _, _ = first_request.socket_request(HEAD).split(b"\r\n")
    assert first == b"GET /ws/showtimes/1/?v=3 HTTP/1.1"
    assert b"x-forwarded-for: 192.0.2.1" in lines
    assert b"cookie: a=B; c=D" in lines  # values stay as they are


@pytest.mark.parametrize(
    "other",
    [
        HEAD[:-1],  # more is to come
        HEAD + b"x",  # more than a head
        HEAD.replace(b"GET ", b"POST "),
        HEAD.replace(b"UPGRADE: WebSocket", b"Upgrade: h2c"),
        HEAD.replace(b"keep-alive, Upgrade", b"keep-alive"),
        HEAD.replace(b"UPGRADE: WebSocket\r\n", b""),
    ],
)
def test_anything_else_goes_the_usual_way(other):
    assert first_request.socket_request(other) is None


async def told(scope, receive, send):
    """Says what it was told of the request."""
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": repr(sorted(scope["headers"]))})
    await send({"type": "websocket.close"})


@pytest.fixture
async def socket_port():
    config = uvicorn.Config(told, port=free_port(), http=first_request.HurriedProtocol, lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve())
    assert await eventually(lambda: server.started)
    yield config.port
    server.should_exit = True
    await serving


ASKING = HEAD.replace(
    b"\r\n\r\n", b"\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


@pytest.mark.parametrize("parts", [(ASKING,), (ASKING[:30], ASKING[30:]), (ASKING[:-2], ASKING[-2:])])
async def test_a_socket_is_let_in_and_its_headers_are_the_same_in_however_many_parts_it_asks(socket_port, parts):
    reader, writer = await asyncio.open_connection("127.0.0.1", socket_port)
    for part in parts:
        writer.write(part)
        await asyncio.sleep(0.05)
    async with asyncio.timeout(3):
        answer = await reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 101")
        frame = await reader.readuntil(b"]")
    assert b"(b'x-forwarded-for', b'192.0.2.1')" in frame
    assert b"(b'upgrade', b'WebSocket')" in frame
    writer.close()


async def test_a_request_for_a_socket_that_is_none_is_refused(socket_port):
    reader, writer = await asyncio.open_connection("127.0.0.1", socket_port)
    writer.write(HEAD)  # without a key
    async with asyncio.timeout(3):
        assert (await reader.readline()).startswith(b"HTTP/1.1 400")
        await reader.read()  # and the connection ends
    writer.close()
