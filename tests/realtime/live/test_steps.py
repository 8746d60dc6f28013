"""Frames sent to many viewers together are those that each would have been sent alone.

Twins are driven at random in the same way: one is sent to together with others, its twin alone by `send_pending`.
"""

import asyncio
import json
import random
import time
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from realtime.change import Change
from realtime.fast_path.shared_frames import DirectFrameWriter, frame_of
from realtime.live.cohort import Cohort
from realtime.live.pace import Pace
from realtime.live.position import Position
from realtime.live.protocol import Ack, Sync
from realtime.live.room import Room
from realtime.live.viewer import ACK_TIMEOUT, Viewer, send_to_each
from realtime.live.watched_showtime import WatchedShowtime
from tests.report import report

SEATS = 12


class FakeHub:
    """What a viewer needs of its process: the room that it watches, and the health that heartbeats report."""

    is_missing = False

    def __init__(self):
        self.room = self.new_room("e0")
        self.age, self.ok, self.heartbeat = 0, True, 25.0

    def await_confirmation(self, viewer):
        pass

    def new_room(self, epoch):
        return Room(epoch=epoch, version=0, layout="l", state="A" * SEATS, seat_versions=[0] * SEATS)

    def change(self, chance):
        version = self.room.version + 1
        seats = {chance.choice("ALB"): [chance.randrange(SEATS)]}
        self.room.apply(Change(7, self.room.epoch, version - 1, version, seats))


class FakeSocket(DirectFrameWriter):
    """While `full` it takes one more frame, which waits to be read; while `blocked` or `lost` it takes none.

    Of a frame that is written directly a full socket takes `fits` bytes.
    """

    def __init__(self, sent):
        self.sent, self.state, self.fits = sent, "open", 0
        self.rest, self.when_blocked = b"", lambda: None

    def __call__(self, text):
        if self.state in ("blocked", "lost"):
            return False
        self.sent.append(text)
        if self.state == "full":
            self.become("blocked")
        return True

    def direct(self, when_blocked):
        self.when_blocked = when_blocked
        return self.write if self.state in ("open", "full") else None

    def write(self, frame):
        assert not self.rest, "a frame in the midst of another"
        match self.state:
            case "lost":
                raise BrokenPipeError
            case "full":
                self.whole, self.rest = frame, frame[self.fits :]
                if not self.fits:
                    raise BlockingIOError
                return self.fits
            case "blocked":
                raise AssertionError("written to after `when_blocked`")
        self.sent.append(frame)
        return len(frame)

    def finish(self, rest):
        assert rest == self.rest, "all that was not taken, and nothing else"
        self.rest = b""
        self.sent.append(self.whole)
        self.become("blocked")

    def become(self, state):
        self.state = state
        if state == "blocked":
            self.when_blocked()


class Twin:
    def __init__(self, hub):
        self.sent = []
        self.socket = FakeSocket(self.sent)
        self.viewer = Viewer(hub, hub, send=self.send, close=None, hello='{"type":"hello"}', writer=self.socket)

    async def send(self, text):
        if self.socket.state == "lost":
            raise ConnectionError
        self.sent.append(text)

    def state(self):
        """All that must be the same for both twins."""
        viewer, own = self.viewer, self.viewer.position
        shared = viewer.cohort.position if viewer.cohort is not None else Position()
        at = own if viewer.cohort is None else shared
        frames = [sent if isinstance(sent, bytes) else frame_of(sent) for sent in self.sent]
        unacked = own.frames + shared.frames, own.bytes + shared.bytes, own._mark
        waits = own.unacked_since is not None or shared.unacked_since is not None
        return frames, (at.epoch, at.version, at.digest), unacked, waits, viewer._is_sending, viewer.is_closed


class InCohorts:
    """Sends to twins as a watched showtime does: in cohorts."""

    counted = (Cohort, "_advance")

    def __init__(self, hub, twins, chance=None):
        empty = SimpleNamespace(epoch="e0", version=0, layout="l", state="A" * SEATS, versions=[0] * SEATS, stamp=None)
        loaded = SimpleNamespace(map=empty, ends_at=datetime(2100, 1, 1, tzinfo=UTC), asked_at=0.0)
        self.hub, self.watched = hub, WatchedShowtime(7, loaded, None, Pace())
        for twin in twins:
            self.watched.add(twin.viewer)

    def send(self, viewers=()):
        self.watched.room = self.hub.room
        self.watched._send_tick()


class InSteps:
    """Sends to twins one after the other, with the same step for those at the same version."""

    counted = (Viewer, "take")

    def __init__(self, hub, twins, chance):
        self.chance = chance

    def send(self, viewers):
        send_to_each(self.chance.sample(viewers, len(viewers)))


WAYS = {"steps": InSteps, "cohorts": InCohorts}


class Walk:
    """Sixty random steps of six pairs of twins."""

    def __init__(self, seed, way):
        self.seed, self.chance, self.hub = seed, random.Random(seed), FakeHub()
        self.together, self.alone = ([Twin(self.hub) for _ in range(6)] for _ in range(2))
        self.pairs = list(zip(self.together, self.alone, strict=True))
        self.sender = WAYS[way](self.hub, self.together, self.chance)

    def run(self):
        for _ in range(60):
            self.act()
            self.sender.send([twin.viewer for twin in self.together])
            for twin in self.alone:
                twin.viewer.send_pending()
            for one, other in self.pairs:
                assert one.state() == other.state()

    def act(self):
        """One random event: of the room, or of a random pair of twins."""
        chance, room = self.chance, self.hub.room
        pair = chance.choice(self.pairs)
        if chance.random() < 0.3:
            self.hub.change(chance)
        match chance.randrange(8):
            case 0:
                v = chance.randint(-1, room.version)
                for twin in pair:
                    twin.viewer.ack(Ack(v))
            case 1:
                sync = Sync(chance.choice(["e0", room.epoch]), chance.randint(-1, room.version))
                for twin in pair:
                    twin.viewer.sync(sync)
            case 2:
                for twin in pair:
                    self.make_heartbeat_due(twin)
            case 3:
                self.change_sockets(pair)
            case 4 if chance.random() < 0.2:
                self.hub.room = self.hub.new_room(f"e{chance.randrange(9)}")
            case _:
                for _ in range(chance.choice([0, 1, 1, 3])):
                    self.hub.change(chance)

    def make_heartbeat_due(self, twin):
        twin.viewer.heartbeat_is_due = True
        if twin.viewer.cohort is not None:
            twin.viewer.send_pending()  # as `check_time` does

    def change_sockets(self, pair):
        state = self.chance.choice(["open"] * 6 + ["full", "full", "blocked"] + ["lost"] * (self.seed % 4 == 0))
        fits = self.chance.choice([0, 1, 9])
        for twin in pair:
            if twin.socket.state != "lost":
                twin.socket.fits = fits
                twin.socket.become(state)


def count_together(way, monkeypatch):
    """A list that grows by the number of viewers at each frame that is sent to them together."""
    owner, name = WAYS[way].counted
    original, counts = getattr(owner, name), []

    def counting(self, *args):
        done = original(self, *args)
        counts.append(len(self.viewers) if way == "cohorts" else done)
        return done

    monkeypatch.setattr(owner, name, counting)
    return counts


@pytest.mark.parametrize("window", [5, 256])
@pytest.mark.parametrize("way", WAYS)
async def test_frames_sent_together_are_those_that_each_viewer_would_have_been_sent_alone(way, window, monkeypatch):
    monkeypatch.setattr("realtime.live.position.WINDOW_FRAMES", window)
    monkeypatch.setattr("realtime.live.viewer.SYNC_INTERVAL", 0.0)
    for module in ("cohort", "watched_showtime"):
        monkeypatch.setattr(f"realtime.live.{module}.FEWEST", 2)
    monkeypatch.setattr("realtime.live.cohort.MOST_FRAMES", 3 if window == 5 else 64)
    counts = count_together(way, monkeypatch)
    for seed in range(40):
        Walk(seed, way).run()
    together = sum(counts)
    assert together > 500, together
    report(way, f"40 random walks of six pairs of twins, window of {window} frames: {together} steps, no difference")


def cohort_of(n):
    hub = FakeHub()
    twins = [Twin(hub) for _ in range(n)]
    sender = InCohorts(hub, twins)
    sender.send()
    for twin in twins:
        assert twin.viewer.cohort is not None
        twin.sent.clear()
    return hub, twins, sender


async def test_a_cohort_writes_to_sockets_and_looks_at_no_viewer(monkeypatch):
    hub, twins, sender = cohort_of(20)
    monkeypatch.setattr(Viewer, "take", None)
    monkeypatch.setattr(Viewer, "send_pending", None)
    for _ in range(3):
        hub.change(random.Random(1))
        sender.send()
    assert {len(twin.sent) for twin in twins} == {3}
    assert {twin.viewer.position.version for twin in twins} == {0}, "only the cohort's position has moved"


async def test_a_viewer_that_does_not_acknowledge_what_its_cohort_was_sent_is_closed():
    hub, twins, sender = cohort_of(20)
    for twin in twins:
        twin.viewer.ack(Ack(0))
    sender.send()
    begun = time.monotonic()
    twins[0].viewer.check_time(begun + ACK_TIMEOUT + 60)
    assert twins[0].viewer._bye is None, "there was nothing to acknowledge"
    hub.change(random.Random(1))
    sender.send()
    assert twins[1].viewer.cohort is not None
    twins[1].viewer.check_time(begun + ACK_TIMEOUT)
    assert twins[1].viewer._bye is None
    twins[2].viewer.leave_cohort()
    for twin in twins[1:3]:
        twin.viewer.check_time(begun + 3 * hub.heartbeat + 1)
        assert twin.viewer._bye is not None


async def test_a_cohort_ends_before_any_of_its_viewers_is_beyond_the_window():
    hub, twins, sender = cohort_of(20)
    for _ in range(300):
        hub.change(random.Random(1))
        sender.send()
        for twin in twins:
            frames, _, _ = twin.state()[2]
            assert frames <= 256
    assert {len(twin.sent) for twin in twins} == {254}, "with hello and the snapshot they fill the window"


async def test_a_removed_viewer_is_sent_nothing_more():
    hub, twins, sender = cohort_of(20)
    sender.watched.remove(twins[0].viewer)
    hub.change(random.Random(1))
    sender.send()
    assert [len(twin.sent) for twin in twins] == [0] + [1] * 19
    assert len(sender.watched.viewers) == 19 and twins[0].viewer not in sender.watched._single


def last_version(twin):
    """The version that a twin was brought to; each delta must begin where the frame before it ended."""
    at = None
    for sent in twin.sent:
        frame = json.loads(sent[sent.index(b"{") :] if isinstance(sent, bytes) else sent)
        if frame["type"] == "delta":
            assert frame["from"] == at
        if frame["type"] in ("delta", "snapshot"):
            at = frame["v"]
    return at


def disturb(twin, chance, hub):
    """One of the events that can come between two chunks of a tick."""
    match chance.randrange(12):
        case 0:
            twin.socket.become("blocked")
        case 1:
            twin.socket.become("full")
        case 3 | 4:
            twin.socket.become("open")
        case 5:
            twin.viewer.sync(Sync(None, -1))
        case _:
            twin.viewer.ack(Ack(hub.room.version))


@pytest.mark.parametrize("seed", range(20))
async def test_a_viewer_that_leaves_its_cohort_between_two_chunks_is_sent_each_frame_once_and_in_order(
    seed, monkeypatch
):
    """Between two chunks the loop handles acks, blocked sockets, and viewers that disconnect."""
    monkeypatch.setattr("realtime.live.watched_showtime.CHUNK", 10)
    monkeypatch.setattr("realtime.live.watched_showtime.TICK", 0.0)
    chance, hub = random.Random(seed), FakeHub()
    twins = [Twin(hub) for _ in range(50)]
    sender, gone, n_between = InCohorts(hub, twins), set(), 0
    for _ in range(60):
        for _ in range(chance.choice([1, 1, 2])):
            hub.change(chance)
        sender.send()
        while sender.watched._sending is not None:
            await asyncio.sleep(0)
            n_between += sender.watched._sending is not None
            for twin in chance.sample(twins, 3):
                if len(gone) < 20 and chance.random() < 1 / 12:
                    gone.add(twin)
                    sender.watched.remove(twin.viewer)
                else:
                    disturb(twin, chance, hub)
        assert {last_version(twin) for twin in twins if twin not in gone} == {hub.room.version}
    assert n_between > 100 and gone
