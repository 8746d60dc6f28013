"""Pings of a client that reads nothing: their answers would fill the server's memory."""

from types import SimpleNamespace

import pytest
from daphne.ws_protocol import WebSocketProtocol

from realtime.fast_path import daphne_sockets
from realtime.fast_path.shared_frames import LARGEST_WAIT
from tests.realtime.fast_path.socket_pairs import read_all
from tests.realtime.fast_path.test_uvicorn_frames import open_socket
from tests.realtime.live.chaos import eventually

PING = b"\x89\xfd\0\0\0\0" + b"x" * 125
PONG = b"\x8a\x7d" + b"x" * 125


async def test_uvicorn_keeps_few_answers_for_a_client_that_does_not_read_them():
    async with open_socket() as (protocol, _, far):
        far.send(PING)
        assert await eventually(lambda: read_all(far) == PONG)
        for _ in range(400):
            protocol.data_received(PING * 100)
        assert 0 < protocol.transport.get_write_buffer_size() < LARGEST_WAIT + 100 * len(PONG)
        assert await eventually(lambda: not read_all(far) and not protocol.transport.get_write_buffer_size())
        protocol.data_received(PING)
        assert await eventually(lambda: read_all(far) == PONG)


@pytest.mark.parametrize(("waiting", "is_answered"), [(0, True), (LARGEST_WAIT - 1, True), (LARGEST_WAIT, False)])
def test_daphne_keeps_few_answers_for_a_client_that_does_not_read_them(monkeypatch, waiting, is_answered):
    answered = []
    for name in daphne_sockets.METHODS:
        monkeypatch.setattr(WebSocketProtocol, name, getattr(WebSocketProtocol, name))
    monkeypatch.setattr(WebSocketProtocol, "onPing", lambda self, payload: answered.append(payload))
    daphne_sockets.limit_messages(1000, str)
    half = waiting // 2
    transport = SimpleNamespace(dataBuffer=b"x" * (half + 7), offset=7, _tempDataLen=waiting - half)
    WebSocketProtocol.onPing(SimpleNamespace(transport=transport), b"hello")
    assert answered == [b"hello"] * is_answered
