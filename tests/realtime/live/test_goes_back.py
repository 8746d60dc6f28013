"""The database goes back, as after a restore: noticed by the poll, a new epoch, and no digest of what is not there."""

import asyncio
import time
from contextlib import AsyncExitStack

import pytest

from realtime.change import Change
from realtime.live import viewer as live_viewer
from realtime.live import watched_showtime
from realtime.live.protocol import Close
from realtime.live.room import Outcome
from realtime.transports.local import LocalTransport
from tests.realtime.live.chaos import (
    NEVER,
    SimulatedViewer,
    all_current,
    eventually,
    no_faults,
    running_hub,
    sold,
    watching,
)
from tests.realtime.live.null_transport import NullTransport
from tests.realtime.live.simulated_showtime import SHOWTIME, SimulatedShowtime
from tests.realtime.live.test_room import empty_room


async def test_an_older_version_is_noticed_by_one_poll_and_every_viewer_gets_a_snapshot_of_another_epoch(quick):
    showtime = SimulatedShowtime(1)
    async with running_hub(LocalTransport(), showtime, poll=0.1, heartbeat=NEVER) as hub:
        viewers = await watching(hub, showtime)
        showtime.dump()
        sold(hub, showtime, 5)
        assert await eventually(lambda: all_current(viewers))
        showtime.restore()
        assert await eventually(lambda: all_current(viewers), seconds=2)
        assert (showtime.epoch, showtime.version, showtime.n_epochs) == ("e1", 0, 1)
        assert all(viewer.frames[-1]["type"] == "snapshot" and viewer.closed is None for viewer in viewers)


@pytest.mark.parametrize("more", [0, 1, 7])
async def test_a_database_that_is_at_or_past_the_old_version_again_is_noticed_by_one_poll(quick, more):
    showtime = SimulatedShowtime(2)
    async with running_hub(NullTransport(), showtime, poll=0.1, heartbeat=NEVER) as hub:
        showtime.dump()
        for _ in range(5):
            showtime.commit()
        viewers = await watching(hub, showtime)
        showtime.restore()
        for _ in range(5 + more):  # between two polls: no await
            showtime.commit()
        assert await eventually(lambda: all_current(viewers), seconds=2)
        assert (showtime.epoch, showtime.version) == ("e1", 5 + more)


async def test_a_change_that_fits_both_lives_is_noticed_and_never_confirmed(quick):
    """The hints of the versions that are used again are lost; the next one follows the room's version exactly."""
    showtime = SimulatedShowtime(3)
    async with running_hub(LocalTransport(), showtime, poll=0.15, heartbeat=0.1) as hub:
        viewers = await watching(hub, showtime)
        showtime.dump()
        sold(hub, showtime, 5)
        assert await eventually(lambda: all_current(viewers))
        showtime.restore()
        for _ in range(5):
            showtime.commit()
        hub.receive(showtime.commit())
        assert hub.watched[SHOWTIME].room.version == 6, "the room is of two lives"
        assert await eventually(lambda: all_current(viewers), seconds=2)
        assert showtime.epoch == "e1" and no_faults(viewers)
        assert await eventually(lambda: all(viewer.confirmed for viewer in viewers))
        assert no_faults(viewers)


async def test_a_change_with_the_number_of_another_one_is_noticed_without_a_poll(quick):
    showtime = SimulatedShowtime(4)
    async with running_hub(LocalTransport(), showtime, poll=NEVER, heartbeat=NEVER) as hub:
        viewers = await watching(hub, showtime)
        showtime.dump()
        sold(hub, showtime, 2)
        assert await eventually(lambda: all_current(viewers))
        showtime.restore()
        hub.receive(showtime.commit())
        assert await eventually(lambda: all_current(viewers), seconds=2)
        assert showtime.epoch == "e1"


async def test_a_catch_up_in_a_database_that_went_back_and_past_does_not_merge_two_lives(quick):
    showtime = SimulatedShowtime(5)
    async with running_hub(LocalTransport(), showtime, poll=NEVER, heartbeat=NEVER) as hub:
        viewers = await watching(hub, showtime)
        showtime.dump()
        sold(hub, showtime, 3)
        assert await eventually(lambda: all_current(viewers))
        showtime.restore()
        for _ in range(5):
            showtime.commit()
        hub.receive(showtime.commit())  # a gap: the room asks the database for what it missed
        assert await eventually(lambda: all_current(viewers), seconds=2)
        assert showtime.epoch == "e1"


async def test_two_processes_that_notice_at_once_agree_on_one_epoch(quick):
    showtime = SimulatedShowtime(6, slow=0.02)
    async with AsyncExitStack() as stack:
        hubs = [
            await stack.enter_async_context(running_hub(NullTransport(), showtime, poll=0.1, heartbeat=0.2))
            for _ in range(3)
        ]
        showtime.dump()
        for _ in range(4):
            showtime.commit()
        viewers = [viewer for hub in hubs for viewer in await watching(hub, showtime)]
        showtime.restore()
        assert await eventually(lambda: all_current(viewers), seconds=3)
        await asyncio.sleep(0.5)
        assert showtime.n_epochs == 1 and all_current(viewers) and no_faults(viewers)


async def test_a_process_that_dies_after_it_began_the_epoch_leaves_it_to_the_others(quick):
    showtime = SimulatedShowtime(7)
    async with AsyncExitStack() as stack:
        dies, stays = [
            await stack.enter_async_context(running_hub(NullTransport(), showtime, poll=poll, heartbeat=NEVER))
            for poll in (0.05, 0.3)
        ]
        showtime.dump()
        showtime.commit()
        await watching(dies, showtime, 1)
        viewers = await watching(stays, showtime)

        async def never(showtime_id):
            await asyncio.Event().wait()

        dies.source.load = never
        showtime.restore()
        assert await eventually(lambda: showtime.epoch == "e1")
        await dies.stop()
        assert await eventually(lambda: all_current(viewers), seconds=2)
        assert showtime.n_epochs == 1


async def test_a_load_that_fails_after_the_epoch_began_is_repeated_by_the_next_poll(quick):
    showtime = SimulatedShowtime(8)
    async with running_hub(NullTransport(), showtime, poll=0.1, heartbeat=NEVER) as hub:
        viewers = await watching(hub, showtime)
        showtime.dump()
        showtime.commit()
        assert await eventually(lambda: all_current(viewers))
        load, calls = hub.source.load, []

        async def fails_once(showtime_id):
            calls.append(showtime_id)
            if len(calls) == 1:
                raise OSError("the database is away")
            return await load(showtime_id)

        hub.source.load = fails_once
        showtime.restore()
        assert await eventually(lambda: all_current(viewers), seconds=2)
        assert showtime.n_epochs == 1


async def test_changes_of_the_old_life_that_are_still_under_way_change_nothing(quick):
    showtime = SimulatedShowtime(9)
    async with running_hub(LocalTransport(), showtime, poll=0.05, heartbeat=NEVER) as hub:
        viewers = await watching(hub, showtime)
        showtime.dump()
        old = [showtime.commit() for _ in range(3)]
        showtime.restore()
        hub.receive(old[0])  # before anybody has noticed
        assert await eventually(lambda: showtime.epoch == "e1" and all_current(viewers), seconds=2)
        for change in old[1:]:
            hub.receive(change)
        await asyncio.sleep(0.2)
        assert all_current(viewers) and showtime.n_epochs == 1


async def test_an_epoch_that_a_restore_brings_back_is_never_shown_again(quick):
    """The dump is of the epoch before: another one begins, or the first epoch would name two lives."""
    showtime = SimulatedShowtime(10)
    async with running_hub(LocalTransport(), showtime, poll=0.05, heartbeat=NEVER) as hub:
        viewers = await watching(hub, showtime)
        showtime.dump()
        for _ in range(2):
            sold(hub, showtime, 3)
            assert await eventually(lambda: all_current(viewers))
            before = showtime.n_epochs
            showtime.restore()
            assert await eventually(
                lambda before=before: showtime.n_epochs == before + 1 and all_current(viewers), seconds=2
            )
        assert showtime.epoch == "e2"


async def test_an_answer_that_was_overtaken_by_a_later_one_confirms_nothing(quick):
    """It was asked before the database went back; the change that it knows of arrives as a hint afterwards."""
    showtime = SimulatedShowtime(8)
    async with running_hub(LocalTransport(), showtime, poll=NEVER, heartbeat=NEVER) as hub:
        viewers, before = await watching(hub, showtime), time.monotonic() - 1
        sold(hub, showtime, 1)
        assert await eventually(lambda: all_current(viewers))
        watched = hub.watched[SHOWTIME]
        [known] = showtime._lineage({SHOWTIME: 0}).values()
        watched.compare(known, at_least=0, asked_at=before)
        assert watched.room.confirmed == 0
        watched.compare(known, at_least=1, asked_at=time.monotonic())
        assert watched.room.confirmed == 1


async def test_a_poll_that_is_overtaken_by_changes_is_no_cause_for_an_epoch(quick):
    showtime = SimulatedShowtime(11, slow=0.1)
    async with running_hub(LocalTransport(), showtime, poll=0.01, heartbeat=0.1) as hub:
        viewers = await watching(hub, showtime)
        for _ in range(100):
            sold(hub, showtime, 1)
            await asyncio.sleep(0.01)
        assert await eventually(lambda: all_current(viewers))
        assert (showtime.n_epochs, showtime.loads) == (0, 1) and no_faults(viewers)


async def test_after_a_restore_a_resumed_client_gets_a_snapshot(quick):
    showtime = SimulatedShowtime(12)
    async with running_hub(LocalTransport(), showtime, poll=0.05, heartbeat=NEVER) as hub:
        [viewer] = await watching(hub, showtime, 1)
        showtime.dump()
        sold(hub, showtime, 3)
        assert await eventually(lambda: viewer.is_current)
        hub.leave(viewer.viewer)
        showtime.restore()
        assert await eventually(lambda: hub.watched[SHOWTIME].room.epoch == "e1")
        await viewer.connect()
        assert await eventually(lambda: viewer.is_current)
        assert [frame["type"] for frame in viewer.frames[-2:]] == ["hello", "snapshot"]


async def test_a_resumed_client_of_another_life_is_repaired_though_no_process_saw_the_restore(quick, monkeypatch):
    """All processes were stopped, and sales have passed the old version since: only the digest can tell."""
    monkeypatch.setattr(live_viewer, "RESUMED_HEARTBEAT", 0.2)
    showtime = SimulatedShowtime(13)
    showtime.dump()
    for _ in range(3):
        showtime.commit(B=[0])
    old = showtime.epoch, showtime.version, showtime.map
    showtime.restore()
    for _ in range(4):
        showtime.commit(L=[5])
    async with running_hub(LocalTransport(), showtime, poll=0.1, heartbeat=NEVER) as hub:
        bob = SimulatedViewer(hub, showtime)
        bob.client.epoch, bob.client.v, bob.client.state = old
        await bob.connect()
        assert await eventually(lambda: bob.is_current, seconds=3)


# ---- a restore under way ---------------------------------------------------------------------------------------------


async def test_a_showtime_that_is_away_for_a_moment_closes_no_socket_and_is_said_to_be_old(quick):
    showtime = SimulatedShowtime(18)
    async with running_hub(LocalTransport(), showtime, poll=0.05, heartbeat=NEVER) as hub:
        viewers = await watching(hub, showtime)
        showtime.missing = True
        assert await eventually(lambda: all(not viewer.client.live for viewer in viewers), seconds=3)
        showtime.missing = False
        assert await eventually(lambda: all_current(viewers), seconds=3)
        assert all(viewer.closed is None for viewer in viewers) and showtime.n_epochs == 0


async def test_a_showtime_that_does_not_come_back_closes_its_sockets_with_4504(quick, monkeypatch):
    monkeypatch.setattr(watched_showtime, "MISSING_TIMEOUT", 0.2)
    showtime = SimulatedShowtime(19)
    async with running_hub(LocalTransport(), showtime, poll=0.05, heartbeat=NEVER) as hub:
        viewers = await watching(hub, showtime)
        showtime.missing = True
        assert await eventually(lambda: all(viewer.closed == Close.GONE for viewer in viewers))


async def test_a_map_without_all_its_seats_is_not_shown(quick):
    showtime = SimulatedShowtime(20)
    async with running_hub(LocalTransport(), showtime, poll=0.05, heartbeat=NEVER) as hub:
        viewers = await watching(hub, showtime)
        showtime.dump()
        sold(hub, showtime, 2)
        assert await eventually(lambda: all_current(viewers))
        showtime.restore()
        state, showtime.state = showtime.state, []
        n, showtime.n = showtime.n, 0
        assert await eventually(lambda: showtime.loads >= 3)
        showtime.state, showtime.n = state, n
        assert await eventually(lambda: all_current(viewers), seconds=2)
        assert all(len(viewer.client.state) == n and viewer.closed is None for viewer in viewers)


# ---- the room alone --------------------------------------------------------------------------------------------------


def test_a_room_in_doubt_takes_no_changes():
    room = empty_room(6)
    room.apply(Change(1, "e0", 0, 1, {"L": [0]}, stamp=10))
    assert room.apply(Change(1, "e0", 0, 1, {"L": [0]}, stamp=10)) is Outcome.STALE
    assert room.apply(Change(1, "e0", 0, 1, {"B": [3]}, stamp=11)) is Outcome.IN_DOUBT
    assert room.apply(Change(1, "e0", 1, 2, {"B": [4]}, stamp=12)) is Outcome.IN_DOUBT
    assert room.version == 1
