"""How far a viewer has been brought: what an ack settles, what a new epoch changes, and the window."""

from types import SimpleNamespace

import pytest

from realtime.live import position
from realtime.live.position import Position


def at(version, epoch="e0"):
    return SimpleNamespace(epoch=epoch, version=version, digest=100 + version)


def sent(*versions):
    """A position after one frame of ten bytes for each version, the n-th sent at instant n."""
    found = Position("e0", 0)
    for instant, version in enumerate(versions, start=1):
        found.advance(at(version), 1, 10, instant)
    return found


def unacked(found):
    return found.frames, found.bytes, found.unacked_since


def test_a_sent_frame_moves_the_position_and_counts_from_the_first_one():
    found = sent(1, 2, 5)
    assert (found.epoch, found.version, found.digest) == ("e0", 5, 105)
    assert unacked(found) == (3, 30, 1)


def test_an_ack_of_the_newest_version_settles_everything():
    found = sent(1, 2)
    assert found.acknowledge(2, 9)
    assert unacked(found) == (0, 0, None)
    found.advance(at(3), 1, 10, 11)
    assert unacked(found) == (1, 10, 11)


def test_an_older_ack_settles_what_had_been_sent_at_the_ack_before_it():
    found = sent(1, 2)
    assert found.acknowledge(0, 7), "it settles nothing, but marks that version 2 settles two frames"
    assert unacked(found) == (2, 20, 7)
    found.advance(at(3), 1, 10, 8)
    assert found.acknowledge(2, 9)
    assert unacked(found) == (1, 10, 9)


def test_an_ack_older_than_the_one_before_it_settles_nothing():
    found = sent(1, 2)
    found.acknowledge(0, 7)
    found.advance(at(3), 1, 10, 8)
    assert not found.acknowledge(1, 9)
    assert unacked(found) == (3, 30, 7)


def test_in_a_new_epoch_a_smaller_version_stands_for_what_was_sent_before():
    found = sent(8, 9)
    found.acknowledge(0, 7)
    found.advance(at(3, "e1"), 1, 10, 8)
    found.advance(at(4, "e1"), 1, 10, 9)
    assert found.acknowledge(3, 10)
    assert (found.epoch, *unacked(found)) == ("e1", 2, 20, 10)


@pytest.mark.parametrize(("frames", "size"), [(1, 1), (3, 70), (5, 0)])
def test_the_window_has_room_up_to_its_frames_and_its_bytes(frames, size, monkeypatch):
    monkeypatch.setattr(position, "WINDOW_FRAMES", 8)
    monkeypatch.setattr(position, "WINDOW_BYTES", 100)
    assert sent(1, 2, 3).has_room(frames, size)


@pytest.mark.parametrize(("frames", "size"), [(6, 0), (0, 71)])
def test_the_window_has_no_room_beyond_one_of_them(frames, size, monkeypatch):
    monkeypatch.setattr(position, "WINDOW_FRAMES", 8)
    monkeypatch.setattr(position, "WINDOW_BYTES", 100)
    assert not sent(1, 2, 3).has_room(frames, size)
