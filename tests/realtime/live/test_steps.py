"""A step for many is what each would have been told alone: twins on random walks, one among others, one by `wake`."""

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
from realtime.live.protocol import Ack, Sync
from realtime.live.room import Room
from realtime.live.viewer import ACK_DEADLINE, Viewer, tell
from realtime.live.watched_showtime import WatchedShowtime
from tests.report import report

SEATS = 12


class Place:
    """What twins look at, and how the process fares."""

    def __init__(self):
        self.room = self.life("e0")
        self.age, self.ok, self.heartbeat = 0, True, 25.0

    def life(self, epoch):
        return Room(epoch=epoch, version=0, layout="l", state="A" * SEATS, seat_versions=[0] * SEATS)

    def move(self, chance):
        version = self.room.version + 1
        seats = {chance.choice("ALB"): [chance.randrange(SEATS)]}
        self.room.apply(Change(7, self.room.epoch, version - 1, version, seats))


class Line(DirectFrameWriter):
    """A socket. While `full` it takes one more text, which waits for its reader; while `blocked` or `lost` none."""

    def __init__(self, said):
        self.said, self.state, self.fits = said, "flowing", 0
        self.rest, self.when_blocked = b"", lambda: None

    def __call__(self, text):
        if self.state in ("blocked", "lost"):
            return False
        self.said.append(text)
        if self.state == "full":
            self.become("blocked")
        return True

    def direct(self, when_blocked):
        self.when_blocked = when_blocked
        return self.push if self.state in ("flowing", "full") else None

    def push(self, frame):
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
                raise AssertionError("it had said that it takes no more")
        self.said.append(frame)
        return len(frame)

    def finish(self, rest):
        assert rest == self.rest, "all of what was not taken, and nothing else"
        self.rest = b""
        self.said.append(self.whole)
        self.become("blocked")

    def become(self, state):
        self.state = state
        if state == "blocked":
            self.when_blocked()


class Twin:
    def __init__(self, place):
        self.said = []
        self.line = Line(self.said)
        self.viewer = Viewer(place, place, send=self.send, shut=None, hello='{"type":"hello"}', post=self.line)

    async def send(self, text):
        if self.line.state == "lost":
            raise ConnectionError
        self.said.append(text)

    def stand(self):
        v, c = self.viewer, self.viewer.cohort or SimpleNamespace(frames=0, size=0, since=None)
        at = (v.epoch, v.v, v.digest) if v.cohort is None else (c.epoch, c.v, c.digest)
        waits = bool(v._waiting_since or c.since)
        frames = [said if isinstance(said, bytes) else frame_of(said) for said in self.said]
        return frames, at, v._frames + c.frames, v._bytes + c.size, v._mark, waits, v._is_talking, v.gone


def told_alone(viewers):
    for viewer in viewers:
        viewer.wake()


class Crowd:
    """Tells viewers as a watched showtime does: in cohorts."""

    def __init__(self, place, twins, chance=None):
        nobody = SimpleNamespace(epoch="e0", version=0, layout="l", state="A" * SEATS, versions=[0] * SEATS)
        loaded = SimpleNamespace(map=nobody, ends_at=datetime(2100, 1, 1, tzinfo=UTC))
        self.place, self.watch = place, WatchedShowtime(7, loaded, None, Pace())
        for twin in twins:
            self.watch.admit(twin.viewer)

    def tell(self, viewers):
        self.watch.room = self.place.room
        self.watch._tell()


class Steps:
    """Tells them one after the other, with the same step for those who stand together."""

    def __init__(self, place, twins, chance):
        self.chance = chance

    def tell(self, viewers):
        tell(self.chance.sample(viewers, len(viewers)))


WAYS = {"steps": (Steps, Viewer, "take"), "cohorts": (Crowd, Cohort, "_step")}


async def walk(seed, way, monkeypatch):
    chance = random.Random(seed)
    place = Place()
    many, alone = ([Twin(place) for _ in range(6)] for _ in range(2))
    pairs = list(zip(many, alone, strict=True))
    made, owner, name = WAYS[way]
    crowd, together, original = made(place, many, chance), 0, getattr(owner, name)

    def counted(self, *args):
        nonlocal together
        found = original(self, *args)
        together += len(self.viewers) if way == "cohorts" else found
        return found

    monkeypatch.setattr(owner, name, counted)

    def both(act):
        for twin in chance.choice(pairs):
            act(twin)

    def want_beat(twin):
        twin.viewer._beat_wanted = True
        if twin.viewer.cohort is not None:
            twin.viewer.wake()  # as `tend` does

    def become(twin, state, fits):
        if twin.line.state != "lost":
            twin.line.fits = fits
            twin.line.become(state)

    for _ in range(60):
        if chance.random() < 0.3:
            place.move(chance)
        match chance.randrange(8):
            case 0:
                v = chance.randint(-1, place.room.version)
                both(lambda twin, v=v: twin.viewer.ack(Ack(v)))
            case 1:
                v, epoch = chance.randint(-1, place.room.version), chance.choice(["e0", place.room.epoch])
                both(lambda twin, v=v, epoch=epoch: twin.viewer.sync(Sync(epoch, v)))
            case 2:
                both(want_beat)
            case 3:
                state = chance.choice(["flowing"] * 6 + ["full", "full", "blocked"] + ["lost"] * (seed % 4 == 0))
                fits = chance.choice([0, 1, 9])
                both(lambda twin, state=state, fits=fits: become(twin, state, fits))
            case 4 if chance.random() < 0.2:
                place.room = place.life(f"e{chance.randrange(9)}")
            case _:
                for _ in range(chance.choice([0, 1, 1, 3])):
                    place.move(chance)
        crowd.tell([twin.viewer for twin in many])
        told_alone([twin.viewer for twin in alone])
        for one, other in pairs:
            assert one.stand() == other.stand()
    return together


@pytest.mark.parametrize("window", [5, 256])
@pytest.mark.parametrize("way", WAYS)
async def test_a_step_for_many_tells_each_what_it_would_have_heard_alone(way, window, monkeypatch):
    monkeypatch.setattr("realtime.live.viewer.WINDOW_FRAMES", window)
    monkeypatch.setattr("realtime.live.viewer.SYNC_EVERY", 0.0)
    for module in ("cohort", "watched_showtime"):
        monkeypatch.setattr(f"realtime.live.{module}.FEWEST", 2)
    for module in ("cohort", "viewer"):
        monkeypatch.setattr(f"realtime.live.{module}.MOST_STEPS", 3 if window == 5 else 64)
    together = 0
    for seed in range(40):
        with monkeypatch.context() as each:
            together += await walk(seed, way, each)
    assert together > 500, together
    report(way, f"40 random walks of six pairs of twins, window of {window} frames: {together} steps, no difference")


def crowd_of(n):
    place = Place()
    twins = [Twin(place) for _ in range(n)]
    crowd = Crowd(place, twins)
    crowd.tell([])
    for twin in twins:
        assert twin.viewer.cohort is not None
        twin.said.clear()
    return place, twins, crowd


async def test_a_cohort_writes_to_sockets_and_looks_at_no_viewer(monkeypatch):
    place, twins, crowd = crowd_of(20)
    monkeypatch.setattr(Viewer, "take", None)
    monkeypatch.setattr(Viewer, "wake", None)
    for _ in range(3):
        place.move(random.Random(1))
        crowd.tell([])
    assert {len(twin.said) for twin in twins} == {3}
    assert {twin.viewer.v for twin in twins} == {0}, "they have not been touched"


async def test_who_does_not_acknowledge_what_a_cohort_was_told_is_sent_away():
    place, twins, crowd = crowd_of(20)
    for twin in twins:
        twin.viewer.ack(Ack(0))
    crowd.tell([])
    begun = time.monotonic()
    twins[0].viewer.tend(begun + ACK_DEADLINE + 60)
    assert twins[0].viewer._farewell is None, "there was nothing to acknowledge"
    place.move(random.Random(1))
    crowd.tell([])
    assert twins[1].viewer.cohort is not None
    twins[1].viewer.tend(begun + ACK_DEADLINE)
    assert twins[1].viewer._farewell is None
    twins[2].viewer.leave_cohort()
    for twin in twins[1:3]:
        twin.viewer.tend(begun + 3 * place.heartbeat + 1)
        assert twin.viewer._farewell is not None


async def test_a_cohort_ends_before_any_of_its_viewers_has_been_told_too_much(monkeypatch):
    place, twins, crowd = crowd_of(20)
    for _ in range(300):
        place.move(random.Random(1))
        crowd.tell([])
        assert all(stood[2] <= 256 for stood in (twin.stand() for twin in twins))
    assert {len(twin.said) for twin in twins} == {254}, "hello, the map and these fill the window"


async def test_who_leaves_has_left():
    place, twins, crowd = crowd_of(20)
    crowd.watch.forget(twins[0].viewer)
    place.move(random.Random(1))
    crowd.tell([])
    assert [len(twin.said) for twin in twins] == [0] + [1] * 19
    assert len(crowd.watch.viewers) == 19 and twins[0].viewer not in crowd.watch._alone


def versions_of(twin):
    """The versions a twin was brought to, each frame beginning where the one before it ended."""
    at = None
    for said in twin.said:
        frame = json.loads(said[said.index(b"{") :] if isinstance(said, bytes) else said)
        if frame["type"] == "delta":
            assert frame["from"] == at
        if frame["type"] in ("delta", "snapshot"):
            at = frame["v"]
    return at


@pytest.mark.parametrize("seed", range(20))
async def test_whoever_leaves_while_some_have_been_told_is_told_once_and_in_order(seed, monkeypatch):
    """The loop sees to other things between two groups: acks, blocked sockets, visitors who go."""
    monkeypatch.setattr("realtime.live.watched_showtime.CHUNK", 10)
    monkeypatch.setattr("realtime.live.watched_showtime.TICK", 0.0)
    chance, place = random.Random(seed), Place()
    twins = [Twin(place) for _ in range(50)]
    crowd, gone, n_between = Crowd(place, twins), set(), 0
    for _ in range(60):
        for _ in range(chance.choice([1, 1, 2])):
            place.move(chance)
        crowd.tell([])
        while crowd.watch._telling is not None:
            await asyncio.sleep(0)
            n_between += crowd.watch._telling is not None
            for twin in chance.sample(twins, 3):
                match chance.randrange(12):
                    case 0:
                        twin.line.become("blocked")
                    case 1:
                        twin.line.become("full")
                    case 2 if len(gone) < 20:
                        gone.add(twin)
                        crowd.watch.forget(twin.viewer)
                    case 3 | 4:
                        twin.line.become("flowing")
                    case 5:
                        twin.viewer.sync(Sync(None, -1))
                    case _:
                        twin.viewer.ack(Ack(place.room.version))
        assert {versions_of(twin) for twin in twins if twin not in gone} == {place.room.version}
    assert n_between > 100 and gone
