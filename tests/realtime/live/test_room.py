"""The room alone: order, gaps, and the frames from any version to the present."""

import json
import random

from hypothesis import given
from hypothesis import strategies as st

from realtime.change import Change
from realtime.live.room import Outcome, Room
from tests.realtime.live.reference_client import ReferenceClient
from tests.realtime.live.simulated_showtime import SimulatedShowtime


def empty_room(n=12, epoch="e0"):
    return Room(epoch=epoch, version=0, layout="layout", state="A" * n, seat_versions=[0] * n)


def applied(client, text):
    if text is not None:
        client.receive(json.loads(text))
    return client.epoch, client.v, client.state


def test_a_change_in_order_moves_the_room():
    room = empty_room(6)
    assert room.apply(Change(1, "e0", 0, 1, {"L": [0, 1]})) is Outcome.APPLIED
    assert (room.version, room.state) == (1, b"LLAAAA")


def test_a_repeated_change_is_stale():
    room = empty_room(6)
    change = Change(1, "e0", 0, 1, {"L": [0]})
    room.apply(change)
    assert room.apply(change) is Outcome.STALE


def test_an_early_change_waits_for_the_one_before_it():
    room = empty_room(6)
    assert room.apply(Change(1, "e0", 1, 2, {"B": [0]})) is Outcome.GAP
    assert (room.version, room.has_gap) == (0, True)
    room.apply(Change(1, "e0", 0, 1, {"L": [0]}))
    assert (room.version, room.state[:1], room.has_gap) == (2, b"B", False)


def test_a_change_of_another_epoch_changes_nothing():
    room = empty_room(6)
    assert room.apply(Change(1, "e9", 0, 1, {"L": [0]})) is Outcome.ANOTHER_EPOCH
    assert (room.version, room.state) == (0, b"AAAAAA")


def test_viewers_at_one_version_get_the_same_text_object():
    room = empty_room()
    room.apply(Change(1, "e0", 0, 1, {"L": [0]}))
    assert room.frame_for("e0", 0) is room.frame_for("e0", 0)
    assert room.snapshot() is room.snapshot()
    assert room.frame_for("e0", 1) is None


def test_a_viewer_of_another_epoch_or_of_a_newer_version_gets_a_snapshot():
    room = empty_room()
    for position in ((None, -1), ("e9", 0), ("e0", -1), ("e0", 1)):
        assert json.loads(room.frame_for(*position))["type"] == "snapshot"


@given(st.integers(0, 2**32), st.integers(1, 40))
def test_from_any_older_version_one_frame_leads_to_the_present(seed, commits):
    showtime, room, clients = SimulatedShowtime(seed), empty_room(), []
    for _ in range(commits):
        client = ReferenceClient()
        clients.append(client)
        applied(client, room.frame_for(None, -1))
        room.apply(showtime.commit())
    for client in clients:
        assert applied(client, room.frame_for(client.epoch, client.v)) == ("e0", showtime.version, showtime.map)
        assert client.live and not client.send


@given(st.integers(0, 2**32), st.integers(1, 30))
def test_any_order_with_repeats_ends_in_the_same_state(seed, commits):
    showtime, room = SimulatedShowtime(seed), empty_room()
    changes = [showtime.commit() for _ in range(commits)]
    arriving = changes + showtime.random.choices(changes, k=commits)
    showtime.random.shuffle(arriving)
    for change in arriving:
        room.apply(change)
        assert room.state.decode() == showtime.history["e0", room.version]
    assert (room.version, room.state.decode()) == (showtime.version, showtime.map)


@given(st.integers(0, 2**32), st.integers(1, 30))
def test_replaying_any_suffix_twice_changes_nothing(seed, commits):
    showtime, room = SimulatedShowtime(seed), empty_room()
    changes = [showtime.commit() for _ in range(commits)]
    for change in changes:
        room.apply(change)
    before = room.snapshot()
    for change in changes[random.Random(seed).randrange(commits) :] * 2:
        assert room.apply(change) is Outcome.STALE
    assert room.snapshot() == before


@given(st.integers(0, 2**32), st.integers(0, 20), st.integers(1, 20))
def test_a_catch_up_is_as_good_as_the_changes_it_replaces(seed, seen, missed):
    showtime, room, client = SimulatedShowtime(seed), empty_room(), ReferenceClient()
    applied(client, room.snapshot())
    for _ in range(seen):
        room.apply(showtime.commit())
    since = room.version
    for _ in range(missed - 1):
        showtime.commit()
    room.apply(showtime.commit())  # early, unless it is the only one
    letters = {i: showtime.state[i] for i in range(showtime.n) if showtime.versions[i] > since}
    room.catch_up(showtime.version, letters)
    assert (room.version, room.state.decode()) == (showtime.version, showtime.map)
    assert not room.has_gap
    assert applied(client, room.frame_for(client.epoch, client.v))[2] == showtime.map


def test_a_catch_up_that_is_out_of_date_by_its_arrival_takes_nothing_back():
    showtime, room = SimulatedShowtime(3), empty_room()
    changes = [showtime.commit() for _ in range(5)]
    old = {i: showtime.state[i] for i in range(showtime.n)}
    for change in changes:
        room.apply(change)
    room.apply(showtime.commit())
    assert room.catch_up(5, old) is False
    assert (room.version, room.state.decode()) == (6, showtime.map)


@given(st.integers(0, 2**32))
def test_any_delta_from_further_back_gives_the_same(seed):
    showtime, room = SimulatedShowtime(seed), empty_room()
    for _ in range(10):
        room.apply(showtime.commit())
    for mine in range(10):
        for since in range(mine + 1):
            client = ReferenceClient("e0", mine, showtime.history["e0", mine])
            assert applied(client, room.frame_for("e0", since))[2] == showtime.map


@given(st.integers(0, 2**32))
def test_a_transaction_over_many_seats_is_never_split(seed):
    showtime, room, client = SimulatedShowtime(seed), empty_room(), ReferenceClient()
    applied(client, room.snapshot())
    for _ in range(20):
        room.apply(showtime.commit())
        if showtime.random.random() < 0.4:
            _, v, state = applied(client, room.frame_for(client.epoch, client.v))
            assert state == showtime.history["e0", v]
