"""What a heartbeat confirms: a version that the database is known to have had, at a poll after it was sent."""

import asyncio

from realtime.live import viewer as live_viewer
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
from tests.realtime.live.simulated_showtime import SHOWTIME, SimulatedShowtime


async def test_a_heartbeat_waits_until_a_poll_has_confirmed_the_version(quick):
    showtime = SimulatedShowtime(14)
    async with running_hub(LocalTransport(), showtime, poll=NEVER, heartbeat=NEVER) as hub:
        [viewer] = await watching(hub, showtime, 1)
        hub.receive(showtime.commit())
        assert await eventually(lambda: viewer.is_current)
        versions, asked = hub.source.versions, asyncio.Event()
        answers = asyncio.Event()

        async def slow(first):
            known = await versions(first)
            asked.set()
            await answers.wait()
            return known

        hub.source.versions = slow
        hub._tasks[0].cancel()
        viewer.viewer._heartbeat_at = 0.0
        assert await eventually(lambda: hub.watched[SHOWTIME].is_waited_for)
        poll = asyncio.create_task(hub._poll())
        await asked.wait()
        assert viewer.frames[-1]["type"] == "delta"
        answers.set()
        await poll
        assert await eventually(lambda: viewer.frames[-1]["type"] == "heartbeat")
        assert viewer.frames[-1]["v"] == 1 and no_faults([viewer])


async def test_a_heartbeat_that_waits_asks_for_a_poll_within_half_a_second(quick):
    showtime = SimulatedShowtime(15)
    async with running_hub(LocalTransport(), showtime, poll=NEVER, heartbeat=NEVER) as hub:
        [viewer] = await watching(hub, showtime, 1)
        hub.receive(showtime.commit())
        assert await eventually(lambda: viewer.is_current)
        queries = showtime.queries
        viewer.viewer._heartbeat_at = 0.0
        assert await eventually(lambda: viewer.confirmed == 1)
        assert showtime.queries == queries + 1


async def test_of_a_room_that_never_rests_every_viewer_gets_confirmed_heartbeats(quick, monkeypatch):
    """No poll confirms a version before the next one has been sent: then the viewer's deltas wait for the poll."""
    monkeypatch.setattr(live_viewer, "LONGEST_WAIT", 0.3)
    showtime = SimulatedShowtime(16, slow=0.05)
    async with running_hub(LocalTransport(), showtime, poll=0.05, heartbeat=0.5) as hub:
        viewers = await watching(hub, showtime)
        end = asyncio.get_running_loop().time() + 20
        while min(viewer.confirmed for viewer in viewers) < 2 and asyncio.get_running_loop().time() < end:
            sold(hub, showtime, 1)
            await asyncio.sleep(0.005)
        assert min(viewer.confirmed for viewer in viewers) >= 2 and no_faults(viewers)
        assert await eventually(lambda: all_current(viewers))


async def test_a_viewer_whose_heartbeat_has_waited_long_still_gets_the_snapshot_of_another_epoch(quick, monkeypatch):
    monkeypatch.setattr(live_viewer, "LONGEST_WAIT", 0.0)
    showtime = SimulatedShowtime(21)
    async with running_hub(LocalTransport(), showtime, poll=NEVER, heartbeat=NEVER) as hub:
        viewers = await watching(hub, showtime)
        showtime.dump()
        sold(hub, showtime, 2)
        assert await eventually(lambda: all_current(viewers))
        hub._tasks[0].cancel()  # no polls: nothing is confirmed
        for viewer in viewers:
            viewer.viewer._heartbeat_at = 0.0
        assert await eventually(lambda: len(hub.watched[SHOWTIME]._waiting) == 3)
        showtime.restore()
        hub.receive(showtime.commit())
        assert await eventually(lambda: all_current(viewers))


async def test_while_the_database_is_away_heartbeats_say_so_without_waiting(quick):
    showtime = SimulatedShowtime(17)
    async with running_hub(LocalTransport(), showtime, poll=0.05, heartbeat=NEVER) as hub:
        viewers = await watching(hub, showtime)
        showtime.down = True
        hub.receive(showtime.commit())
        assert await eventually(lambda: all(not viewer.client.live for viewer in viewers), seconds=3)
        late = SimulatedViewer(hub, showtime)
        await late.connect()
        assert await eventually(lambda: late.frames and late.frames[-1].get("ok") is False, seconds=3), (
            "who joins now is told, too"
        )
