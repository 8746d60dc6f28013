"""Whoever connects and does not ask is sent away; whoever asks is not hurried."""

import asyncio
import contextlib

import pytest
import uvicorn

from realtime.launcher import hurry
from realtime.launcher.processes import free_port
from tests.realtime.chaos import eventually


async def application(scope, receive, send):
    await asyncio.sleep(0.4)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture
async def port(monkeypatch):
    monkeypatch.setattr(hurry, "FIRST_REQUEST", 0.2)
    config = uvicorn.Config(
        application, port=free_port(), http=hurry.HurriedProtocol, lifespan="off", log_config=None, ws="none"
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
