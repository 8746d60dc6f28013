"""Whatever happens on the way: nobody is ever shown what was not, and everybody ends at the truth (I1-I5, I7, I15)."""

import asyncio

import pytest

from realtime.transports.local import LocalTransport
from tests.realtime.live.chaos import ChaosTransport, Spectator, eventually, running_hub
from tests.realtime.live.null_transport import NullTransport
from tests.realtime.live.simulated_showtime import House
from tests.report import report

TRANSPORTS = {
    "local": lambda seed: LocalTransport(),
    "null": lambda seed: NullTransport(),
    "chaos": ChaosTransport,
}
RUNS = {"local": 50, "null": 50, "chaos": 100}


def audience(hub, house, seed):
    kinds = [{}, {}, {"loses": 0.1}, {"slow": 0.06}, {"leaves": 0.2}, {"loses": 0.1, "slow": 0.03, "leaves": 0.1}]
    return [Spectator(hub, house, f"{seed}/{number}", **kind) for number, kind in enumerate(kinds)]


async def one_run(make_transport, seed, *, poll=0.1, commits=60):
    """How many states were shown; raises when one of them never was, or somebody does not end at the truth."""
    house = House(seed, failing=0.05, slow=0.03)
    async with running_hub(make_transport(seed), house, poll=poll) as hub:
        spectators, over = audience(hub, house, seed), asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for spectator in spectators:
                group.create_task(joining(spectator, over))
            for number in range(commits):
                await asyncio.sleep(house.random.uniform(0, 0.03))
                hub.transport.publish(house.commit())
                if number == commits // 2:
                    house.begin_anew()
            converged = await eventually(lambda: all(s.is_true for s in spectators), seconds=6)
            over.set()
        assert not [fault for spectator in spectators for fault in spectator.faults]
        assert converged, [(s.client.epoch, s.client.v, s.client.live) for s in spectators] + [house.version]
        return sum(spectator.shown for spectator in spectators)


async def joining(spectator, over):
    """The database may be away at the very moment of joining; a client comes back."""
    while not over.is_set():
        try:
            return await spectator.live(over)
        except OSError:
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("name", TRANSPORTS)
async def test_every_state_ever_shown_existed_and_all_end_at_the_truth(name, quick):
    runs = RUNS[name]
    shown = await asyncio.gather(*(one_run(TRANSPORTS[name], seed) for seed in range(runs)))
    report(
        f"live map, {name} transport", f"{runs} random runs, {sum(shown)} states shown, every one true, all converged"
    )


async def test_without_polls_what_the_transport_lost_last_stays_lost(quick):
    """The control: the run above can fail."""
    house = House(1)
    async with running_hub(NullTransport(), house, poll=60, heartbeat=0.1) as hub:
        hub.transport.is_healthy = True
        bob = Spectator(hub, house)
        await bob.connect()
        assert await eventually(lambda: bob.is_true)
        hub.transport.publish(house.commit())
        assert not await eventually(lambda: bob.is_true, seconds=0.5)


async def test_with_a_transport_that_loses_everything_the_map_is_a_poll_late_at_most(quick):
    house = House(2)
    async with running_hub(NullTransport(), house, poll=0.2) as hub:
        bob = Spectator(hub, house)
        await bob.connect()
        await eventually(lambda: bob.is_true)
        for _ in range(10):
            hub.transport.publish(house.commit())
            assert await eventually(lambda: bob.is_true, seconds=0.2 * 1.25 + 0.5)


async def test_a_wrong_seat_on_one_screen_is_healed_by_the_next_heartbeat(quick):
    house = House(3)
    async with running_hub(LocalTransport(), house, heartbeat=0.1) as hub:
        bob = Spectator(hub, house)
        await bob.connect()
        await eventually(lambda: bob.is_true)
        bob.client.state = "B" + bob.client.state[1:]
        bob.check = lambda before: None
        assert await eventually(lambda: bob.is_true, seconds=1)
        assert any(frame["type"] == "heartbeat" for frame in bob.frames)


async def test_a_hundred_sockets_of_one_showtime_cost_one_query(quick):
    house = House(4, slow=0.05)
    async with running_hub(LocalTransport(), house, poll=60) as hub:
        crowd = [Spectator(hub, house, number) for number in range(100)]
        await asyncio.gather(*(spectator.connect() for spectator in crowd))
        assert await eventually(lambda: all(s.is_true for s in crowd))
        assert (house.loads, house.questions) == (1, 1)


async def test_a_change_that_arrives_while_the_room_is_loading_is_not_lost(quick):
    house = House(5)
    async with running_hub(LocalTransport(), house, poll=60) as hub:
        load = hub.source.load

        async def load_and_be_overtaken(showtime_id):
            loaded = await load(showtime_id)
            hub.transport.publish(house.commit())
            await asyncio.sleep(0.02)
            return loaded

        hub.source.load = load_and_be_overtaken
        bob = Spectator(hub, house)
        await bob.connect()
        assert await eventually(lambda: bob.is_true, seconds=1)


class Subscribed(LocalTransport):
    """Brings what was asked for, from when it was asked for, as Redis does."""

    def __init__(self):
        super().__init__()
        self.wanted = set()

    async def subscribe(self, showtime_id):
        self.wanted.add(showtime_id)

    def publish(self, change):
        if change.showtime_id in self.wanted:
            super().publish(change)


async def test_a_room_is_subscribed_before_its_state_is_read(quick):
    house, transport = House(5), Subscribed()
    async with running_hub(transport, house, poll=60) as hub:
        load = hub.source.load

        async def load_and_be_overtaken(showtime_id):
            loaded = await load(showtime_id)
            transport.publish(house.commit())
            return loaded

        hub.source.load = load_and_be_overtaken
        bob = Spectator(hub, house)
        await bob.connect()
        assert await eventually(lambda: bob.is_true, seconds=1)


async def test_a_gap_is_closed_from_the_database_without_waiting_for_the_poll(quick):
    house = House(6)
    async with running_hub(LocalTransport(), house, poll=60) as hub:
        bob = Spectator(hub, house)
        await bob.connect()
        await eventually(lambda: bob.is_true)
        house.commit()  # nobody hears of this one
        hub.transport.publish(house.commit())
        assert await eventually(lambda: bob.is_true, seconds=1)


async def test_a_new_epoch_reaches_a_live_socket_as_a_snapshot(quick):
    house = House(7)
    async with running_hub(LocalTransport(), house, poll=0.05) as hub:
        bob = Spectator(hub, house)
        await bob.connect()
        hub.transport.publish(house.commit())
        await eventually(lambda: bob.is_true)
        house.begin_anew()
        house.commit()
        assert await eventually(lambda: bob.is_true, seconds=1)
        assert bob.frames[-1]["epoch"] == "e1" or bob.client.epoch == "e1"


async def test_a_client_that_has_seen_more_than_this_process_is_not_taken_back(quick):
    house = House(8)
    async with running_hub(LocalTransport(), house, poll=60) as hub:
        bob = Spectator(hub, house)
        await bob.connect()
        await eventually(lambda: bob.is_true)
        house.commit()  # another process told alice, this one has not heard of it
        alice = Spectator(hub, house)
        alice.client = type(bob.client)("e0", house.version, house.map)
        await alice.connect()
        assert await eventually(lambda: alice.is_true and bob.is_true, seconds=1)
        assert [frame["type"] for frame in alice.frames] == ["hello"]


async def test_when_the_database_is_away_heartbeats_say_so_and_again_when_it_is_back(quick):
    house = House(9)
    async with running_hub(LocalTransport(), house, poll=0.05, heartbeat=60) as hub:
        bob = Spectator(hub, house)
        await bob.connect()
        assert await eventually(lambda: bob.is_true)
        house.down = True
        assert await eventually(lambda: not bob.client.live, seconds=2)
        assert bob.closed is None
        house.down = False
        assert await eventually(lambda: bob.is_true, seconds=2)
