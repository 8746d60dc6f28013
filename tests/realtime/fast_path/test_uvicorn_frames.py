"""Shared frames on uvicorn's connections: whole, in order, and never before bytes that wait."""

import asyncio
import sys
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest
from uvicorn.config import Config
from uvicorn.server import ServerState

from realtime.fast_path.shared_frames import EXTENSION, frame_of, write_all
from realtime.fast_path.uvicorn_frames import ATTRIBUTES, METHODS, UvicornFrameWriter, choose_websocket_protocol
from tests.realtime.fast_path.socket_pairs import read_all, socket_pair
from tests.realtime.live.chaos import eventually

HELLO = (
    b"GET / HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


@asynccontextmanager
async def open_socket(protocol_class=None):
    """(uvicorn's protocol in its server's loop, the scope, the client's end)"""
    scopes = []

    async def app(scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        scopes.append(scope)
        while (message := await receive())["type"] != "websocket.disconnect":
            await send({"type": "websocket.send", "text": message["text"]})

    config = Config(app, log_level="error", ws_ping_interval=None, ws_per_message_deflate=False)
    config.load()
    near, far = socket_pair()
    protocol_class = protocol_class or choose_websocket_protocol()
    _, protocol = await asyncio.get_running_loop().connect_accepted_socket(
        lambda: protocol_class(config=config, server_state=ServerState(), app_state={}), near
    )
    far.send(HELLO)
    assert await eventually(lambda: scopes)
    assert read_all(far).endswith(b"\r\n\r\n")
    try:
        yield protocol, scopes[0], far
    finally:
        far.close()
        protocol.transport.abort()
        await asyncio.sleep(0)


@asynccontextmanager
async def served():
    """(uvicorn's protocol, its frame writer, the client's end, a list that grows when it is blocked)"""
    async with open_socket() as (protocol, scope, far):
        yield protocol, scope["extensions"][EXTENSION], far, []


async def test_direct_writes_and_frames_arrive_at_once_and_in_order():
    async with served() as (_, writer, far, blocked):
        push = writer.direct(lambda: blocked.append(1))
        assert write_all([push], frame_of("one")) == [len(frame_of("one"))]
        assert writer("two") is True
        assert write_all([push], frame_of("three")) == [len(frame_of("three"))]
        assert read_all(far) == frame_of("one") + frame_of("two") + frame_of("three")
        assert not blocked


async def test_the_rest_of_a_frame_is_written_before_anything_else_is_accepted():
    texts = [f"{number:05d}" * 300 for number in range(100)]
    async with served() as (protocol, writer, far, blocked):
        push = writer.direct(lambda: blocked.append(1))
        n_whole = 0
        for frame in map(frame_of, texts):
            [n] = write_all([push], frame)
            if n < len(frame):
                writer.finish(frame[n:])
                break
            n_whole += 1
        assert 0 < n_whole < 99 and blocked
        assert writer.direct(lambda: None) is None and writer("too early") is False
        read = b""
        while protocol.transport.get_write_buffer_size():
            read += read_all(far)
            await asyncio.sleep(0)
        read += read_all(far)
        assert read == b"".join(frame_of(text) for text in texts[: n_whole + 1])
        assert writer.direct(lambda: None) is not None and writer("again") is True
        assert read_all(far) == frame_of("again")


async def test_anything_else_that_waits_to_be_written_blocks_too():
    """A ping of the server's own, for one: a frame must not be written into the middle of it."""
    async with served() as (protocol, writer, _, blocked):
        push = writer.direct(lambda: blocked.append(1))
        with pytest.raises(BlockingIOError):
            while True:
                push(b"x" * 100)
        assert not blocked
        protocol.conn.send_ping(b"ping")
        protocol.transport.write(b"".join(protocol.conn.data_to_send()))
        assert blocked and writer.direct(lambda: None) is None


@pytest.mark.parametrize("end", ["client", "server", "lost", "keepalive", "shutdown"])
async def test_after_a_close_nothing_is_written(end):
    async with served() as (protocol, writer, far, blocked):
        push = writer.direct(lambda: blocked.append(1))
        if end == "client":
            protocol.data_received(b"\x88\x82\0\0\0\0\x03\xe8")
        elif end == "server":
            await protocol.send({"type": "websocket.close", "code": 1000})
        elif end == "lost":
            far.close()
        else:
            {"keepalive": protocol.keepalive_timeout, "shutdown": protocol.shutdown}[end]()
        assert blocked or (end == "lost" and await eventually(lambda: blocked))
        assert writer.direct(lambda: None) is None and writer("text") is False
        if end == "lost":
            assert write_all([push, push], b"text") == [None, None]


async def test_a_full_socket_and_a_lost_one_do_not_keep_a_frame_from_the_others():
    async with (
        served() as (_, full, _, _),
        served() as (_, lost, lost_end, _),
        served() as (_, last, reads, _),
    ):
        pushes = [writer.direct(lambda: None) for writer in (full, lost, last)]
        lost_end.close()
        with pytest.raises(BlockingIOError):
            while True:
                pushes[0](b"x" * 100)
        frame = frame_of("text")
        assert write_all(pushes, frame) == [0, None, len(frame)]
        assert read_all(reads) == frame


# ---- another uvicorn, another asyncio --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", METHODS)
def test_without_a_method_of_uvicorns_protocol_frames_are_sent_through_asgi(monkeypatch, caplog, name):
    from uvicorn.protocols.websockets import websockets_sansio_impl

    known = {each: None for each in METHODS if each != name}
    monkeypatch.setattr(websockets_sansio_impl, "WebSocketsSansIOProtocol", SimpleNamespace(**known))
    assert choose_websocket_protocol() == "websockets-sansio"
    assert name in caplog.text


def test_without_the_module_of_uvicorns_protocol_frames_are_sent_through_asgi(monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "uvicorn.protocols.websockets.websockets_sansio_impl", None)
    assert choose_websocket_protocol() == "websockets-sansio"
    assert "has moved" in caplog.text


@pytest.mark.parametrize("name", [*ATTRIBUTES, "extensions"])
async def test_a_connection_without_an_attribute_has_no_writer_and_serves(name):
    chosen = choose_websocket_protocol()

    class Other(chosen):
        def __getattribute__(self, asked):
            caller = sys._getframe(1).f_code.co_name
            if asked == name and caller in ("_is_as_expected", "<genexpr>"):  # for our check only
                raise AttributeError(name)
            if asked == "conn" and name == "extensions" and caller == "_is_as_expected":
                return object()
            return super().__getattribute__(asked)

    async with open_socket(Other) as (_, scope, far):
        assert EXTENSION not in scope["extensions"]
        far.send(b"\x81\x85\0\0\0\0hello")
        answer = []
        assert await eventually(lambda: answer.append(read_all(far)) or b"hello" in b"".join(answer))


@pytest.mark.parametrize("transport", ["another class", "no socket"])
async def test_a_transport_of_another_kind_writes_the_frames_itself(transport):
    written = []

    class _SelectorSocketTransport:
        """asyncio's, without `_sock`."""

        write = staticmethod(written.append)
        is_closing = staticmethod(lambda: False)
        get_write_buffer_size = staticmethod(lambda: 0)

    class AnotherTransport(_SelectorSocketTransport):
        _sock = SimpleNamespace(send=len)

    made = AnotherTransport() if transport == "another class" else _SelectorSocketTransport()
    writer = UvicornFrameWriter(SimpleNamespace(transport=made, takes_frames=lambda: True))
    assert writer.direct(lambda: None) is None
    assert writer("text") is True
    assert written == [frame_of("text")]
