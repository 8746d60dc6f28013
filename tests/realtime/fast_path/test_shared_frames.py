"""The short ways of a frame, on daphne's connections and on uvicorn's: whole, in order, and never past what waits."""

import asyncio
import socket
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest
from twisted.internet.tcp import Connection
from twisted.internet.testing import MemoryReactor
from uvicorn.config import Config
from uvicorn.server import ServerState

from realtime.fast_path.shared_frames import EXTENSION, find_frame_writer, fitting_protocol, frame_of, write_all
from tests.realtime.live.chaos import eventually


@pytest.fixture
def line():
    """twisted's connection on one end of a real socket, the other end to read from."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4608)
    theirs.setblocking(False)
    connection = Connection(ours, None, MemoryReactor())
    connection.connected = 1
    yield connection, theirs
    ours.close()
    theirs.close()


def opened(connection, **others):
    """What autobahn's protocol shows of itself while a socket is open."""
    known = {"state": 3, "STATE_OPEN": 3, "send_queue": [], "_perMessageCompress": None, "transport": connection}
    return SimpleNamespace(**{**known, **others})


def read_all(theirs):
    read = b""
    try:
        while got := theirs.recv(65536):
            read += got
    except BlockingIOError:
        return read


def test_a_frame_is_there_when_the_call_returns(line):
    connection, theirs = line
    assert find_frame_writer(opened(connection))("hello") is True
    assert theirs.recv(100) == frame_of("hello")


def test_what_the_socket_takes_in_part_is_finished_first_and_until_then_nothing_else_is_taken(line):
    connection, theirs = line
    post, texts = find_frame_writer(opened(connection)), [f"{number:05d}" * 400 for number in range(100)]
    taken = next(number for number, text in enumerate(texts) if not post(text))
    assert 0 < taken < len(texts)
    read = read_all(theirs)
    while connection.dataBuffer or connection._tempDataBuffer:
        assert post("too early") is False
        connection.doWrite()
        read += read_all(theirs)
    assert read == b"".join(frame_of(text) for text in texts[:taken])
    assert post("again") is True
    assert read_all(theirs) == frame_of("again")


@pytest.mark.parametrize(
    "other",
    [{"state": 2}, {"send_queue": [b"x"]}, {"_perMessageCompress": object()}],
    ids=lambda each: next(iter(each)),
)
def test_a_socket_in_another_state_is_left_to_the_long_way(line, other):
    connection, theirs = line
    assert find_frame_writer(opened(connection, **other))("text") is False
    assert read_all(theirs) == b""


def test_a_lost_connection_is_left_to_the_long_way(line):
    connection, theirs = line
    post = find_frame_writer(opened(connection))
    theirs.close()
    assert post("text") is False
    connection.connected = 0
    assert post("text") is False


def test_a_connection_that_is_not_what_we_know_has_no_short_way():
    assert find_frame_writer(opened(SimpleNamespace(write=lambda data: None))) is None
    assert find_frame_writer(SimpleNamespace(transport=None)) is None


# ---- uvicorn ---------------------------------------------------------------------------------------------------------

HELLO = (
    b"GET / HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


@asynccontextmanager
async def served():
    """(uvicorn's protocol in its server's loop, its frame writer, the client's end, how often it said `blocked`)."""
    found, blocked = [], []

    async def app(scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        found.append(scope["extensions"][EXTENSION])
        while (await receive())["type"] != "websocket.disconnect":
            pass

    config = Config(app, log_level="error", ws_ping_interval=None, ws_per_message_deflate=False)
    config.load()
    ours, theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4608)
    for each in (ours, theirs):
        each.setblocking(False)
    made = fitting_protocol()
    _, protocol = await asyncio.get_running_loop().connect_accepted_socket(
        lambda: made(config=config, server_state=ServerState(), app_state={}), ours
    )
    theirs.send(HELLO)
    assert await eventually(lambda: found)
    assert read_all(theirs).endswith(b"\r\n\r\n")
    try:
        yield protocol, found[0], theirs, blocked
    finally:
        theirs.close()
        protocol.transport.abort()
        await asyncio.sleep(0)


async def test_a_frame_that_is_pushed_is_there_at_once_and_in_the_order_of_the_others():
    async with served() as (_, post, theirs, blocked):
        push = post.direct(lambda: blocked.append(1))
        assert write_all([push], frame_of("one")) == [len(frame_of("one"))]
        assert post("two") is True
        assert write_all([push], frame_of("three")) == [len(frame_of("three"))]
        assert read_all(theirs) == frame_of("one") + frame_of("two") + frame_of("three")
        assert not blocked


async def test_the_rest_of_a_frame_goes_before_all_else_and_until_then_nothing_is_pushed():
    texts = [f"{number:05d}" * 300 for number in range(100)]
    async with served() as (protocol, post, theirs, blocked):
        push = post.direct(lambda: blocked.append(1))
        n_whole = 0
        for frame in map(frame_of, texts):
            [n] = write_all([push], frame)
            if n < len(frame):
                post.finish(frame[n:])
                break
            n_whole += 1
        assert 0 < n_whole < 99 and blocked
        assert post.direct(lambda: None) is None and post("too early") is False
        read = b""
        while protocol.transport.get_write_buffer_size():
            read += read_all(theirs)
            await asyncio.sleep(0)
        read += read_all(theirs)
        assert read == b"".join(frame_of(text) for text in texts[: n_whole + 1])
        assert post.direct(lambda: None) is not None and post("again") is True
        assert read_all(theirs) == frame_of("again")


async def test_whatever_else_waits_to_be_written_blocks_too():
    """A ping of the server's own, for one: a frame must not come into the midst of it."""
    async with served() as (protocol, post, _, blocked):
        push = post.direct(lambda: blocked.append(1))
        with pytest.raises(BlockingIOError):
            while True:
                push(b"x" * 100)
        assert not blocked
        protocol.conn.send_ping(b"ping")
        protocol.transport.write(b"".join(protocol.conn.data_to_send()))
        assert blocked and post.direct(lambda: None) is None


@pytest.mark.parametrize("end", ["theirs", "ours", "lost", "keepalive", "shutdown"])
async def test_after_a_close_nothing_is_pushed(end):
    async with served() as (protocol, post, theirs, blocked):
        push = post.direct(lambda: blocked.append(1))
        if end == "theirs":
            protocol.data_received(b"\x88\x82\0\0\0\0\x03\xe8")
        elif end == "ours":
            await protocol.send({"type": "websocket.close", "code": 1000})
        elif end == "lost":
            theirs.close()
        else:
            {"keepalive": protocol.keepalive_timeout, "shutdown": protocol.shutdown}[end]()
        assert blocked or (end == "lost" and await eventually(lambda: blocked))
        assert post.direct(lambda: None) is None and post("text") is False
        if end == "lost":
            assert write_all([push, push], b"text") == [None, None]


async def test_one_that_is_full_and_one_that_is_lost_keep_no_frame_from_the_others():
    async with (
        served() as (_, full, _, _),
        served() as (_, lost, ends, _),
        served() as (_, last, reads, _),
    ):
        pushes = [post.direct(lambda: None) for post in (full, lost, last)]
        ends.close()
        with pytest.raises(BlockingIOError):
            while True:
                pushes[0](b"x" * 100)
        frame = frame_of("text")
        assert write_all(pushes, frame) == [0, None, len(frame)]
        assert read_all(reads) == frame


def test_uvicorn_that_has_changed_goes_the_long_way(monkeypatch):
    from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

    monkeypatch.delattr(WebSocketsSansIOProtocol, "keepalive_timeout")
    assert fitting_protocol() == "websockets-sansio"
