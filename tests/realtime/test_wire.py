"""The short way of a frame on daphne's connections: whole, in order, and never past what waits to be written."""

import socket
from types import SimpleNamespace

import pytest
from twisted.internet.tcp import Connection
from twisted.internet.testing import MemoryReactor

from realtime.wire import fitting_post, frame_of


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
    assert fitting_post(opened(connection))("hello") is True
    assert theirs.recv(100) == frame_of("hello")


def test_what_the_socket_takes_in_part_is_finished_first_and_until_then_nothing_else_is_taken(line):
    connection, theirs = line
    post, texts = fitting_post(opened(connection)), [f"{number:05d}" * 400 for number in range(100)]
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
    assert fitting_post(opened(connection, **other))("text") is False
    assert read_all(theirs) == b""


def test_a_lost_connection_is_left_to_the_long_way(line):
    connection, theirs = line
    post = fitting_post(opened(connection))
    theirs.close()
    assert post("text") is False
    connection.connected = 0
    assert post("text") is False


def test_a_connection_that_is_not_what_we_know_has_no_short_way():
    assert fitting_post(opened(SimpleNamespace(write=lambda data: None))) is None
    assert fitting_post(SimpleNamespace(transport=None)) is None
