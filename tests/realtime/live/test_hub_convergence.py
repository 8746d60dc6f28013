"""Over any transport: every state shown was once committed, and all viewers end at the current one (I1-I5, I7, I15)."""

import asyncio
import random

import pytest

from realtime.transports.local import LocalTransport
from tests.realtime.live.chaos import ChaosTransport, SimulatedViewer, eventually, running_hub
from tests.realtime.live.null_transport import NullTransport
from tests.realtime.live.simulated_showtime import SimulatedShowtime
from tests.report import report

TRANSPORTS = {
    "local": lambda seed: LocalTransport(),
    "null": lambda seed: NullTransport(),
    "chaos": ChaosTransport,
}
RUNS = {"local": 50, "null": 50, "chaos": 100}


def viewers_of(hub, showtime, seed):
    kinds = [{}, {}, {"loses": 0.1}, {"slow": 0.06}, {"leaves": 0.2}, {"loses": 0.1, "slow": 0.03, "leaves": 0.1}]
    return [SimulatedViewer(hub, showtime, f"{seed}/{number}", **kind) for number, kind in enumerate(kinds)]


class GoesBack:
    """In every other run the database is dumped at one moment and restored at a later one.

    Then it is past the old version again at once in half of the runs, its hints lost or sent.
    """

    def __init__(self, showtime, transport, seed, commits):
        self.showtime, self.transport, self.chance = showtime, transport, random.Random(f"back/{seed}")
        self.happens = self.chance.random() < 0.5
        self.dump_at, self.restore_at = sorted(self.chance.sample(range(5, commits - 5), 2))

    def step(self, number):
        if not self.happens:
            return
        if number == self.dump_at:
            self.showtime.dump()
        if number == self.restore_at:
            old = self.showtime.version
            self.showtime.restore()
            way = self.chance.choice(["stays behind", "stays behind", "past, unheard", "past, heard"])
            while way != "stays behind" and self.showtime.version <= old:
                change = self.showtime.commit()
                if way == "past, heard":
                    self.transport.publish(change)


async def one_run(make_transport, seed, *, poll=0.1, commits=60):
    """How many states were shown. Raises when one of them was never committed, or a viewer does not end at the last."""
    showtime = SimulatedShowtime(seed, failing=0.05, slow=0.03)
    async with running_hub(make_transport(seed), showtime, poll=poll) as hub:
        viewers, over = viewers_of(hub, showtime, seed), asyncio.Event()
        back = GoesBack(showtime, hub.transport, seed, commits)
        async with asyncio.TaskGroup() as group:
            for viewer in viewers:
                group.create_task(joining(viewer, over))
            for number in range(commits):
                await asyncio.sleep(showtime.random.uniform(0, 0.03))
                back.step(number)
                hub.transport.publish(showtime.commit())
                if number == commits // 2:
                    showtime.change_epoch()
            converged = await eventually(lambda: all(s.is_current for s in viewers))
            over.set()
        assert not [fault for viewer in viewers for fault in viewer.faults]
        assert back.happens or showtime.n_epochs == 1, "an epoch began without a cause"
        assert converged, [(s.client.epoch, s.client.v, s.client.live) for s in viewers] + [showtime.version]
        return sum(viewer.shown for viewer in viewers)


async def joining(viewer, over):
    """The database may be away when a client joins; it connects again."""
    while not over.is_set():
        try:
            return await viewer.run(over)
        except OSError:
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("name", TRANSPORTS)
async def test_every_state_shown_was_committed_and_all_viewers_end_at_the_last(name, quick):
    runs = RUNS[name]
    shown = await asyncio.gather(*(one_run(TRANSPORTS[name], seed) for seed in range(runs)))
    report(
        f"live map, {name} transport",
        f"{runs} random runs, {sum(shown)} states shown, every one committed, all converged",
    )


async def test_without_polls_the_last_change_stays_lost_when_the_transport_loses_it(quick):
    """The control: the test above can fail."""
    showtime = SimulatedShowtime(1)
    async with running_hub(NullTransport(), showtime, poll=60, heartbeat=0.1) as hub:
        hub.transport.is_healthy = True
        bob = SimulatedViewer(hub, showtime)
        await bob.connect()
        assert await eventually(lambda: bob.is_current)
        hub.transport.publish(showtime.commit())
        assert not await eventually(lambda: bob.is_current, seconds=0.5)


async def test_with_a_transport_that_loses_everything_the_map_is_at_most_one_poll_late(quick):
    showtime = SimulatedShowtime(2)
    async with running_hub(NullTransport(), showtime, poll=0.2) as hub:
        bob = SimulatedViewer(hub, showtime)
        await bob.connect()
        await eventually(lambda: bob.is_current)
        for _ in range(10):
            hub.transport.publish(showtime.commit())
            queries = showtime.queries
            assert await eventually(lambda: bob.is_current)
            # The poll and what it then reads; one more of each when the machine let the next poll begin meanwhile.
            assert showtime.queries - queries <= 4


async def test_a_wrong_seat_in_one_client_is_repaired_after_the_next_heartbeat(quick):
    showtime = SimulatedShowtime(3)
    async with running_hub(LocalTransport(), showtime, heartbeat=0.1) as hub:
        bob = SimulatedViewer(hub, showtime)
        await bob.connect()
        await eventually(lambda: bob.is_current)
        bob.client.state = "B" + bob.client.state[1:]
        bob.check = lambda before: None
        assert await eventually(lambda: bob.is_current)
        assert any(frame["type"] == "heartbeat" for frame in bob.frames)


async def test_a_hundred_sockets_of_one_showtime_cost_one_query(quick):
    showtime = SimulatedShowtime(4, slow=0.05)
    async with running_hub(LocalTransport(), showtime, poll=60) as hub:
        viewers = [SimulatedViewer(hub, showtime, number) for number in range(100)]
        await asyncio.gather(*(viewer.connect() for viewer in viewers))
        assert await eventually(lambda: all(s.is_current for s in viewers))
        assert (showtime.loads, showtime.queries) == (1, 1)


async def test_a_change_that_arrives_while_the_room_is_loading_is_not_lost(quick):
    showtime = SimulatedShowtime(5)
    async with running_hub(LocalTransport(), showtime, poll=60) as hub:
        load = hub.source.load

        async def load_while_a_change_arrives(showtime_id):
            loaded = await load(showtime_id)
            hub.transport.publish(showtime.commit())
            await asyncio.sleep(0.02)
            return loaded

        hub.source.load = load_while_a_change_arrives
        bob = SimulatedViewer(hub, showtime)
        await bob.connect()
        assert await eventually(lambda: bob.is_current)


class SubscribingTransport(LocalTransport):
    """Delivers the changes of subscribed showtimes only, from the subscription on, as Redis does."""

    def __init__(self):
        super().__init__()
        self.subscribed = set()

    async def subscribe(self, showtime_id):
        self.subscribed.add(showtime_id)

    def publish(self, change):
        if change.showtime_id in self.subscribed:
            super().publish(change)


async def test_a_room_is_subscribed_before_its_state_is_read(quick):
    showtime, transport = SimulatedShowtime(5), SubscribingTransport()
    async with running_hub(transport, showtime, poll=60) as hub:
        load = hub.source.load

        async def load_while_a_change_arrives(showtime_id):
            loaded = await load(showtime_id)
            transport.publish(showtime.commit())
            return loaded

        hub.source.load = load_while_a_change_arrives
        bob = SimulatedViewer(hub, showtime)
        await bob.connect()
        assert await eventually(lambda: bob.is_current)


async def test_a_gap_is_closed_from_the_database_without_waiting_for_the_poll(quick):
    showtime = SimulatedShowtime(6)
    async with running_hub(LocalTransport(), showtime, poll=60) as hub:
        bob = SimulatedViewer(hub, showtime)
        await bob.connect()
        await eventually(lambda: bob.is_current)
        showtime.commit()  # not published
        hub.transport.publish(showtime.commit())
        assert await eventually(lambda: bob.is_current)


async def test_a_new_epoch_reaches_a_live_socket_as_a_snapshot(quick):
    showtime = SimulatedShowtime(7)
    async with running_hub(LocalTransport(), showtime, poll=0.05) as hub:
        bob = SimulatedViewer(hub, showtime)
        await bob.connect()
        hub.transport.publish(showtime.commit())
        await eventually(lambda: bob.is_current)
        showtime.change_epoch()
        showtime.commit()
        assert await eventually(lambda: bob.is_current)
        assert bob.frames[-1]["epoch"] == "e1" or bob.client.epoch == "e1"


async def test_a_client_ahead_of_this_process_does_not_go_back(quick):
    showtime = SimulatedShowtime(8)
    async with running_hub(LocalTransport(), showtime, poll=60) as hub:
        bob = SimulatedViewer(hub, showtime)
        await bob.connect()
        await eventually(lambda: bob.is_current)
        showtime.commit()  # another process sent it to alice; this one has not received it
        alice = SimulatedViewer(hub, showtime)
        alice.client = type(bob.client)("e0", showtime.version, showtime.map)
        await alice.connect()
        assert await eventually(lambda: alice.is_current and bob.is_current)
        assert [frame["type"] for frame in alice.frames] == ["hello"]


async def test_heartbeats_report_when_the_database_is_away_and_when_it_is_back(quick):
    showtime = SimulatedShowtime(9)
    async with running_hub(LocalTransport(), showtime, poll=0.05, heartbeat=60) as hub:
        bob = SimulatedViewer(hub, showtime)
        await bob.connect()
        assert await eventually(lambda: bob.is_current)
        showtime.down = True
        assert await eventually(lambda: not bob.client.live)
        assert bob.closed is None
        showtime.down = False
        assert await eventually(lambda: bob.is_current)
