"""The end of uvicorn's server: new sockets are refused, the open ones drained, and then it ends as ever."""

import asyncio
import signal
import socket

import pytest
import uvicorn

from realtime.fast_path.uvicorn_server import METHODS, DrainingServer, make_server
from realtime.launcher.processes import bind_shared_socket, free_port
from tests.realtime.live.chaos import eventually


async def application(scope, receive, send):
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


async def get(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.0\r\n\r\n")
    answer = await reader.read()
    writer.close()
    return answer


async def test_the_sockets_are_drained_once_no_new_ones_are_accepted():
    port, seen = free_port(), []

    async def drain():
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
        seen.append("drain")

    config = uvicorn.Config(application, log_config=None)
    server = make_server(config, drain=drain, on_exit=lambda: seen.append("exit"))
    assert isinstance(server, DrainingServer) and config.lifespan == "off"
    task = asyncio.create_task(server.serve([bind_shared_socket(port, listen=True)]))
    assert await eventually(lambda: server.started)
    assert (await get(port)).endswith(b"ok")
    for _ in range(2):
        signal.raise_signal(signal.SIGTERM)
    await asyncio.wait_for(task, 3)
    assert seen == ["exit", "drain"]


@pytest.mark.parametrize("name", METHODS)
def test_without_a_method_of_uvicorns_server_the_lifespan_drains(monkeypatch, caplog, name):
    class Server:
        def __init__(self, config):
            self.config = config

        handle_exit = shutdown = None

    monkeypatch.delattr(Server, name)
    monkeypatch.setattr(uvicorn, "Server", Server)
    config = uvicorn.Config(application, log_config=None)
    server = make_server(config, drain=None, on_exit=None)
    assert type(server) is Server and config.lifespan == "on"
    assert name in caplog.text
