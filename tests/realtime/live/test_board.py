"""The board: only the rows that changed are sent, and only to staff."""

import asyncio
import json
import random
import time
from dataclasses import dataclass, field

import pytest

from booking.seats.occupancy import Occupancy
from realtime.live.board import Board, BoardRoom, on_the_wire
from realtime.live.protocol import Close, Sync
from tests.realtime.live.chaos import eventually


def row(showtime, v=1, *, available=10, locked=0, booked=0, epoch="s0"):
    return Occupancy(showtime, v, available, locked, booked, 0, 0, 1000 * booked, epoch)


def rows_of(text):
    frame = json.loads(text)
    assert frame["type"] == "board"
    return {each["showtime"]: each for each in frame["rows"]}


@dataclass
class FakeSource:
    """A source whose rows the test changes."""

    rows: dict = field(default_factory=dict)
    staff_sessions: set = field(default_factory=lambda: {"staff"})
    queries: int = 0
    down: bool = False
    begun: list = field(default_factory=list)

    async def occupancy(self):
        self.queries += 1
        await asyncio.sleep(0)
        if self.down:
            raise OSError("the database is away")
        return list(self.rows.values())

    async def begin_epoch(self, showtime_id, after):
        self.begun.append((showtime_id, after))
        if self.rows[showtime_id].epoch == after:
            self.rows[showtime_id] = self.rows[showtime_id]._replace(epoch=f"{after}+")

    async def staff(self, sessions):
        return self.staff_sessions & set(sessions)


class BoardSocket:
    """A board's socket and the rows it shows: of two for one showtime, in one epoch, the one with the greater `v`."""

    def __init__(self):
        self.frames, self.shown, self.closed, self.epoch = [], {}, None, None

    async def send(self, text):
        frame = json.loads(text)
        self.frames.append(frame)
        if frame.get("epoch", self.epoch) != self.epoch:
            self.epoch, self.shown = frame["epoch"], {}
        for each in frame.get("rows", ()):
            if each["v"] >= self.shown.get(each["showtime"], {"v": -1})["v"]:
                self.shown[each["showtime"]] = each

    async def close(self, code):
        self.closed = code

    def kinds(self):
        return [frame["type"] for frame in self.frames]


async def join(board, session="staff"):
    socket = BoardSocket()
    socket.viewer = await board.join(session, spread=5000, send=socket.send, close=socket.close)
    assert await eventually(lambda: "board" in socket.kinds())
    return socket


@pytest.fixture
async def board():
    source = FakeSource({n: row(n) for n in range(1, 5)})
    board = Board(source, heartbeat=0.1, tick=0.02)
    board.source = source
    yield board
    board.stop()


def test_a_full_list_first_then_only_what_changed():
    room = BoardRoom()
    assert room.update([row(1), row(2)])
    assert set(rows_of(room.frame_for(None, -1))) == {1, 2}
    seen = room.version
    assert room.update([row(1), row(2, 2, locked=1)])
    assert rows_of(room.frame_for(room.epoch, seen)) == {2: on_the_wire(row(2, 2, locked=1))}
    assert room.frame_for(room.epoch, room.version) is None


def test_rows_without_a_change_are_no_new_version():
    room = BoardRoom()
    room.update([row(1)])
    assert not room.update([row(1)])


def test_a_row_older_than_the_one_here_changes_nothing():
    room = BoardRoom()
    room.update([row(1, 5, booked=3)])
    assert not room.update([row(1, 4, booked=2)])
    assert room.rows[1].booked == 3


def test_a_smaller_version_in_another_epoch_of_the_showtime_is_taken_in_another_epoch_of_the_board():
    room = BoardRoom()
    room.update([row(1, 5, booked=3), row(2, 7)])
    epoch = room.epoch
    assert room.update([row(1, 4, booked=2, epoch="s1"), row(2, 7)])
    assert room.rows[1].booked == 2 and room.epoch != epoch
    assert set(rows_of(room.frame_for(epoch, 1))) == {1, 2}, "a full list"


def test_a_greater_version_in_another_epoch_is_a_change_like_any_other():
    room = BoardRoom()
    room.update([row(1, 5), row(2, 7)])
    epoch = room.epoch
    assert room.update([row(1, 6, booked=2, epoch="s1"), row(2, 7)])
    assert room.epoch == epoch and set(rows_of(room.frame_for(epoch, 1))) == {1}


def test_no_row_says_the_epoch_of_its_showtime():
    room = BoardRoom()
    room.update([row(1)])
    names = ("showtime", "v", "available", "locked", "booked", "blocked", "arrived", "revenue")
    assert tuple(rows_of(room.snapshot())[1]) == names


def test_a_showtime_that_is_over_is_in_no_list_and_no_new_version():
    room = BoardRoom()
    room.update([row(1), row(2)])
    assert not room.update([row(2)])
    assert set(rows_of(room.snapshot())) == {2}


def test_a_new_showtime_is_sent_as_a_change():
    room = BoardRoom()
    room.update([row(1)])
    seen = room.version
    room.update([row(1), row(9)])
    assert set(rows_of(room.frame_for(room.epoch, seen))) == {9}


@pytest.mark.parametrize("seed", range(20))
def test_from_any_older_version_one_frame_leads_to_the_present(seed):
    chance, room, current, past = random.Random(seed), BoardRoom(), {}, []
    for step in range(1, 40):
        for showtime in chance.sample(range(8), chance.randint(0, 3)):
            current[showtime] = row(showtime, step, locked=chance.randint(0, 9))
        room.update(current.values())
        past.append((room.version, {n: on_the_wire(each) for n, each in current.items()}))
    for version, shown in past:
        text = room.frame_for(room.epoch, version)
        assert shown | (rows_of(text) if text else {}) == {n: on_the_wire(each) for n, each in current.items()}


async def test_hello_names_no_seats_and_the_full_list_follows(board):
    socket = await join(board)
    hello, full = socket.frames[:2]
    assert set(hello) == {"type", "epoch", "v", "node", "heartbeat", "spread"}
    assert len(full["rows"]) == 4


async def test_a_change_reaches_every_board_within_a_tick_as_one_row(board):
    sockets = [await join(board) for _ in range(3)]
    board.source.rows[2] = row(2, 2, locked=2)
    assert await eventually(lambda: all(socket.shown[2]["locked"] == 2 for socket in sockets))
    assert all(len(socket.frames[-1]["rows"]) == 1 for socket in sockets if socket.frames[-1]["type"] == "board")


async def test_heartbeats_have_no_digest_and_report_when_the_database_is_away(board):
    socket = await join(board)

    def heartbeat_says(ok):
        socket.viewer.check_time(time.monotonic())  # as the hub does for every viewer
        return socket.frames[-1].get("ok") is ok

    board.source.down = True
    assert await eventually(lambda: heartbeat_says(False))
    board.source.down = False
    assert await eventually(lambda: heartbeat_says(True))
    assert not [frame for frame in socket.frames if "digest" in frame]


async def test_a_sync_is_answered_with_the_missing_rows_or_with_all(board):
    socket = await join(board)
    await socket.viewer.watched.answer(socket.viewer, Sync(None, -1))
    assert await eventually(lambda: socket.kinds().count("board") == 2)
    assert len(socket.frames[-1]["rows"]) == 4


async def test_a_user_who_signs_out_is_closed_and_the_others_stay(board):
    stays, goes = await join(board), await join(board, "staff")
    board.source.staff_sessions = {"staff", "other"}
    board._sessions[goes.viewer] = "signed out"
    assert await eventually(lambda: goes.closed == Close.SESSION_ENDED)
    assert goes.frames[-1]["type"] == "bye" and stays.closed is None


async def test_there_is_no_query_while_nobody_watches(board):
    socket = await join(board)
    board.remove(socket.viewer)
    await asyncio.sleep(0.05)
    queries = board.source.queries
    await asyncio.sleep(0.1)
    assert board.source.queries == queries
    board.source.rows[1] = row(1, 7, booked=5)
    assert (await join(board)).shown[1]["booked"] == 5


async def test_many_boards_that_join_at_once_cost_one_query(board):
    board._tick = 60
    await asyncio.gather(*(join(board) for _ in range(50)))
    assert board.source.queries == 1


async def test_a_board_that_does_not_read_gets_one_frame_for_all_it_missed(board):
    gate, socket = asyncio.Event(), BoardSocket()

    async def slow(text):
        await gate.wait()
        await socket.send(text)

    quick = await join(board)
    await board.join("staff", spread=5000, send=slow, close=socket.close)
    for step in range(2, 12):
        board.source.rows[1] = row(1, step, locked=step)
        assert await eventually(lambda step=step: quick.shown[1]["v"] == step)
    gate.set()
    assert await eventually(lambda: socket.shown.get(1, {}).get("v") == 11)
    assert socket.kinds().count("board") <= 2


async def test_when_the_database_goes_back_every_board_gets_a_full_list_with_the_smaller_version(board):
    sockets = [await join(board) for _ in range(3)]
    board.source.rows[2] = row(2, 9, locked=2)
    assert await eventually(lambda: all(socket.shown[2]["v"] == 9 for socket in sockets))
    board.source.rows[2] = row(2, 4, locked=1)
    assert await eventually(lambda: all(socket.shown[2]["v"] == 4 for socket in sockets))
    assert board.source.begun == [(2, "s0")], "nobody else has noticed it: the board begins the epoch, once"
    assert all(len(socket.shown) == 4 and socket.closed is None for socket in sockets)


async def test_also_when_the_showtimes_are_away_for_a_moment_while_they_are_restored(board):
    socket = await join(board)
    board.source.rows[2] = row(2, 9, locked=2)
    assert await eventually(lambda: socket.shown[2]["v"] == 9)
    rows, board.source.rows = board.source.rows, {}
    queries = board.source.queries
    assert await eventually(lambda: board.source.queries > queries + 1)
    board.source.rows = {**rows, 2: row(2, 4, locked=1)}
    assert await eventually(lambda: socket.shown[2]["v"] == 4)
