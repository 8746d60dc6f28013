"""A step for many is what each would have been told alone: twins on random walks, one by `take`, one by `wake`."""

import random

import pytest

from realtime.protocol import Ack, Sync
from realtime.room import Change, Room
from realtime.viewer import Viewer, tell
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


class Twin:
    def __init__(self, place):
        self.said, self.takes = [], True
        self.viewer = Viewer(place, place, send=self.send, shut=None, hello='{"type":"hello"}', post=self.post)

    def post(self, text):
        if self.takes:
            self.said.append(text)
        return self.takes

    async def send(self, text):
        self.said.append(text)

    def stand(self):
        v = self.viewer
        return self.said, v.epoch, v.v, v.digest, v._frames, v._bytes, v._mark, bool(v._waiting_since), v._is_talking


def told_alone(viewers):
    for viewer in viewers:
        viewer.wake()


async def walk(seed, monkeypatch):
    place = Place()
    many, alone = ([Twin(place) for _ in range(6)] for _ in range(2))
    pairs = list(zip(many, alone, strict=True))
    taken = 0
    take = Viewer.take

    def counted(self, step):
        nonlocal taken
        done = take(self, step)
        taken += done
        return done

    monkeypatch.setattr(Viewer, "take", counted)
    chance = random.Random(seed)

    def both(act):
        for twin in chance.choice(pairs):
            act(twin)

    for _ in range(60):
        match chance.randrange(8):
            case 0:
                v = chance.randint(-1, place.room.version)
                both(lambda twin, v=v: twin.viewer.ack(Ack(v)))
            case 1:
                v, epoch = chance.randint(-1, place.room.version), chance.choice(["e0", place.room.epoch])
                both(lambda twin, v=v, epoch=epoch: twin.viewer.sync(Sync(v, epoch)))
            case 2:
                both(lambda twin: setattr(twin.viewer, "_beat_wanted", True))
            case 3:
                takes = chance.random() < 0.7
                both(lambda twin, takes=takes: setattr(twin, "takes", takes))
            case 4 if chance.random() < 0.2:
                place.room = place.life(f"e{chance.randrange(9)}")
            case _:
                for _ in range(chance.choice([0, 1, 1, 3])):
                    place.move(chance)
        order = list(range(6))
        chance.shuffle(order)
        tell([many[i].viewer for i in order])
        told_alone([alone[i].viewer for i in order])
        for one, other in pairs:
            assert one.stand() == other.stand()
    return taken


@pytest.mark.parametrize("window", [5, 256])
async def test_a_step_for_many_tells_each_what_it_would_have_heard_alone(window, monkeypatch):
    monkeypatch.setattr("realtime.viewer.WINDOW_FRAMES", window)
    monkeypatch.setattr("realtime.viewer.SYNC_EVERY", 0.0)
    taken = 0
    for seed in range(40):
        with monkeypatch.context() as each:
            taken += await walk(seed, each)
    assert taken > 500, taken
    report("steps", f"40 random walks of six pairs of twins, window of {window} frames: {taken} steps, no difference")
