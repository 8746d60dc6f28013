"""The board's room and its keeper: rows that changed, nothing else, to everybody who may see them."""

import asyncio
import json
import random
import time
from dataclasses import dataclass, field

import pytest

from booking.seats.occupancy import Occupancy
from realtime.live.board import Board, BoardRoom
from realtime.live.protocol import Close, Sync
from tests.realtime.live.chaos import eventually


def row(showtime, v=1, *, available=10, locked=0, booked=0):
    return Occupancy(showtime, v, available, locked, booked, 0, 0, 1000 * booked)


def rows_of(text):
    frame = json.loads(text)
    assert frame["type"] == "board"
    return {each["showtime"]: each for each in frame["rows"]}


@dataclass
class House:
    """A source whose rows the test turns."""

    rows: dict = field(default_factory=dict)
    staff_sessions: set = field(default_factory=lambda: {"staff"})
    asked: int = 0
    down: bool = False

    async def occupancy(self):
        self.asked += 1
        await asyncio.sleep(0)
        if self.down:
            raise OSError("the database is away")
        return list(self.rows.values())

    async def staff(self, sessions):
        return self.staff_sessions & set(sessions)


class Screen:
    """A board's socket and what it shows: of two rows for one showtime the greater `v` is true."""

    def __init__(self):
        self.frames, self.shown, self.closed = [], {}, None

    async def send(self, text):
        frame = json.loads(text)
        self.frames.append(frame)
        for each in frame.get("rows", ()):
            if each["v"] >= self.shown.get(each["showtime"], {"v": -1})["v"]:
                self.shown[each["showtime"]] = each

    async def shut(self, code):
        self.closed = code

    def kinds(self):
        return [frame["type"] for frame in self.frames]


async def join(board, session="staff"):
    screen = Screen()
    screen.viewer = await board.join(session, spread=5000, send=screen.send, shut=screen.shut)
    assert await eventually(lambda: "board" in screen.kinds())
    return screen


@pytest.fixture
async def board():
    house = House({n: row(n) for n in range(1, 5)})
    board = Board(house, heartbeat=0.1, tick=0.02)
    board.house = house
    yield board
    board.close()


def test_a_full_list_first_then_only_what_changed():
    room = BoardRoom()
    assert room.take([row(1), row(2)])
    assert set(rows_of(room.frame_for(None, -1))) == {1, 2}
    seen = room.version
    assert room.take([row(1), row(2, 2, locked=1)])
    assert rows_of(room.frame_for(room.epoch, seen)) == {2: row(2, 2, locked=1)._asdict()}
    assert room.frame_for(room.epoch, room.version) is None


def test_nothing_changed_is_nothing_to_tell():
    room = BoardRoom()
    room.take([row(1)])
    assert not room.take([row(1)])


def test_a_row_read_from_an_older_moment_takes_nothing_back():
    room = BoardRoom()
    room.take([row(1, 5, booked=3)])
    assert not room.take([row(1, 4, booked=2)])
    assert room.rows[1].booked == 3


def test_a_showtime_that_left_is_in_no_list_and_told_to_nobody():
    room = BoardRoom()
    room.take([row(1), row(2)])
    assert not room.take([row(2)])
    assert set(rows_of(room.snapshot())) == {2}


def test_a_showtime_that_came_is_told_as_a_change():
    room = BoardRoom()
    room.take([row(1)])
    seen = room.version
    room.take([row(1), row(9)])
    assert set(rows_of(room.frame_for(room.epoch, seen))) == {9}


@pytest.mark.parametrize("seed", range(20))
def test_from_any_older_version_one_frame_leads_to_the_present(seed):
    chance, room, truth, past = random.Random(seed), BoardRoom(), {}, []
    for step in range(1, 40):
        for showtime in chance.sample(range(8), chance.randint(0, 3)):
            truth[showtime] = row(showtime, step, locked=chance.randint(0, 9))
        room.take(truth.values())
        past.append((room.version, {n: each._asdict() for n, each in truth.items()}))
    for version, shown in past:
        text = room.frame_for(room.epoch, version)
        assert shown | (rows_of(text) if text else {}) == {n: each._asdict() for n, each in truth.items()}


async def test_hello_names_no_seats_and_the_full_list_follows(board):
    screen = await join(board)
    hello, full = screen.frames[:2]
    assert set(hello) == {"type", "epoch", "v", "node", "heartbeat", "spread"}
    assert len(full["rows"]) == 4


async def test_a_change_reaches_every_screen_within_a_tick_and_brings_one_row(board):
    screens = [await join(board) for _ in range(3)]
    board.house.rows[2] = row(2, 2, locked=2)
    assert await eventually(lambda: all(screen.shown[2]["locked"] == 2 for screen in screens))
    assert all(len(screen.frames[-1]["rows"]) == 1 for screen in screens if screen.frames[-1]["type"] == "board")


async def test_heartbeats_have_no_digest_and_say_when_the_database_is_away(board):
    screen = await join(board)

    def beaten(ok):
        screen.viewer.tend(time.monotonic())  # as the hub does for every viewer
        return screen.frames[-1].get("ok") is ok

    board.house.down = True
    assert await eventually(lambda: beaten(False))
    board.house.down = False
    assert await eventually(lambda: beaten(True))
    assert not [frame for frame in screen.frames if "digest" in frame]


async def test_a_sync_is_answered_with_what_is_lacking_or_with_everything(board):
    screen = await join(board)
    await screen.viewer.watched.answer(screen.viewer, Sync(None, -1))
    assert await eventually(lambda: screen.kinds().count("board") == 2)
    assert len(screen.frames[-1]["rows"]) == 4


async def test_whoever_signs_out_is_sent_away_and_the_others_stay(board):
    stays, goes = await join(board), await join(board, "staff")
    board.house.staff_sessions = {"staff", "other"}
    board._sessions[goes.viewer] = "signed out"
    assert await eventually(lambda: goes.closed == Close.SESSION_ENDED)
    assert goes.frames[-1]["type"] == "bye" and stays.closed is None


async def test_nothing_is_asked_while_nobody_watches(board):
    screen = await join(board)
    board.forget(screen.viewer)
    await asyncio.sleep(0.05)
    asked = board.house.asked
    await asyncio.sleep(0.1)
    assert board.house.asked == asked
    board.house.rows[1] = row(1, 7, booked=5)
    assert (await join(board)).shown[1]["booked"] == 5


async def test_many_screens_that_come_at_once_cost_one_question(board):
    board._tick = 60
    await asyncio.gather(*(join(board) for _ in range(50)))
    assert board.house.asked == 1


async def test_a_screen_that_does_not_read_gets_one_frame_for_all_it_missed(board):
    gate, screen = asyncio.Event(), Screen()

    async def slow(text):
        await gate.wait()
        await screen.send(text)

    quick = await join(board)
    await board.join("staff", spread=5000, send=slow, shut=screen.shut)
    for step in range(2, 12):
        board.house.rows[1] = row(1, step, locked=step)
        assert await eventually(lambda step=step: quick.shown[1]["v"] == step)
    gate.set()
    assert await eventually(lambda: screen.shown.get(1, {}).get("v") == 11)
    assert screen.kinds().count("board") <= 2
