"""Shared frames on daphne's connections: whole, in order, and never before bytes that wait."""

from types import SimpleNamespace

import pytest
from twisted.internet.tcp import Connection
from twisted.internet.testing import MemoryReactor

from realtime.fast_path.daphne_frames import ATTRIBUTES, TRANSPORT_ATTRIBUTES, find_frame_writer
from realtime.fast_path.shared_frames import frame_of
from tests.realtime.fast_path.socket_pairs import read_all, socket_pair


@pytest.fixture
def line():
    """(twisted's connection on one end of a real socket, the other end)"""
    near, far = socket_pair()
    connection = Connection(near, None, MemoryReactor())
    connection.connected = 1
    yield connection, far
    near.close()
    far.close()


def opened(connection, **others):
    """The attributes of autobahn's protocol while a socket is open."""
    known = {"state": 3, "STATE_OPEN": 3, "send_queue": [], "_perMessageCompress": None, "transport": connection}
    return SimpleNamespace(**{**known, **others})


def test_a_frame_is_written_when_the_call_returns(line):
    connection, far = line
    assert find_frame_writer(opened(connection))("hello") is True
    assert far.recv(100) == frame_of("hello")


def test_a_frame_that_is_taken_in_part_is_finished_before_another_is_accepted(line):
    connection, far = line
    write, texts = find_frame_writer(opened(connection)), [f"{number:05d}" * 400 for number in range(100)]
    taken = next(number for number, text in enumerate(texts) if not write(text))
    assert 0 < taken < len(texts)
    read = read_all(far)
    while connection.dataBuffer or connection._tempDataBuffer:
        assert write("too early") is False
        connection.doWrite()
        read += read_all(far)
    assert read == b"".join(frame_of(text) for text in texts[:taken])
    assert write("again") is True
    assert read_all(far) == frame_of("again")


@pytest.mark.parametrize(
    "other",
    [{"state": 2}, {"send_queue": [b"x"]}, {"_perMessageCompress": object()}],
    ids=lambda each: next(iter(each)),
)
def test_a_socket_in_another_state_is_left_to_asgi(line, other):
    connection, far = line
    assert find_frame_writer(opened(connection, **other))("text") is False
    assert read_all(far) == b""


def test_a_lost_connection_is_left_to_asgi(line):
    connection, far = line
    write = find_frame_writer(opened(connection))
    far.close()
    assert write("text") is False
    connection.connected = 0
    assert write("text") is False


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_without_an_attribute_of_autobahns_protocol_there_is_no_writer(line, name):
    connection, _ = line
    protocol = opened(connection)
    assert find_frame_writer(protocol) is not None
    delattr(protocol, name)
    assert find_frame_writer(protocol) is None


@pytest.mark.parametrize("name", TRANSPORT_ATTRIBUTES)
def test_without_an_attribute_of_twisteds_connection_there_is_no_writer(name):
    transport = SimpleNamespace(**{each: None for each in TRANSPORT_ATTRIBUTES if each != name})
    assert find_frame_writer(opened(transport)) is None
    setattr(transport, name, None)
    assert find_frame_writer(opened(transport)) is not None
