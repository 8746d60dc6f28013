"""A database that is restored under a running shop: all maps and the board equal it again, and no digest is false."""

import asyncio
import sqlite3
import time
from contextlib import closing

import pytest

from bench.support.http_session import free_labels, open_showtimes
from tests.realtime.live.chaos import eventually
from tests.realtime.restored_shop import restored_under_load
from tests.realtime.servers import STARTS, LiveMap, Visitor, serving
from tests.report import report

pytestmark = pytest.mark.server


@pytest.mark.parametrize("options", [("--single-transaction",), ()], ids=["one transaction", "table by table"])
async def test_pg_restore_of_an_older_dump_under_load_heals_every_map_and_the_board(options):
    figures = await restored_under_load(n_maps=12, seconds=3, rate=30, options=options, is_whole=bool(options))
    report(f"restored under load, {' '.join(options) or 'table by table'}", figures)


# ---- one process, SQLite ---------------------------------------------------------------------------------------------


class Scene:
    """A server on SQLite, one map open, seats to lock, and a copy of the database from before some of the locks."""

    def __init__(self, server, folder):
        self.server, self.file, self.copy = server, server.data_dir / "db.sqlite3", f"{folder}/copy.sqlite3"
        visitor = Visitor(server.url)
        show = open_showtimes(visitor)[0]
        self.showtime, self.free = show["id"], free_labels(visitor, show)

    def backup(self, source, target):
        """SQLite's own online copy, in both directions."""
        with closing(sqlite3.connect(source, timeout=20)) as one, closing(sqlite3.connect(target, timeout=20)) as other:
            one.backup(other)

    def lock(self, *labels):
        status, mine = Visitor(self.server.url).lock(self.showtime, *labels)
        assert status == 200, mine
        return mine["v"]

    def map(self):
        status, shown = Visitor(self.server.url).ask("GET", f"/api/showtimes/{self.showtime}/map/")
        assert status == 200
        return shown["epoch"], shown["v"], shown["state"]

    async def shows_the_truth(self, bob):
        truth = await asyncio.to_thread(self.map)
        client = bob.client
        return client.live and (client.epoch, client.v, client.state) == truth

    async def wait_for_truth(self, bob, seconds=10.0):
        end = time.monotonic() + seconds
        while True:
            if await self.shows_the_truth(bob):
                return
            assert time.monotonic() < end, (bob.client.epoch, bob.client.v, self.map()[:2])
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("past", [False, True], ids=["behind", "past the old version again"])
@pytest.mark.parametrize("kind", STARTS)
async def test_a_sqlite_database_that_is_restored_in_place_heals_the_map(kind, past, tmp_path):
    with serving(kind) as server:
        scene = await asyncio.to_thread(Scene, server, tmp_path)
        async with LiveMap(server, scene.showtime) as bob:
            following_bob = asyncio.create_task(follow(bob))
            await eventually(lambda: bob.client.live)
            await asyncio.to_thread(scene.lock, scene.free[0])
            await asyncio.to_thread(scene.backup, scene.file, scene.copy)
            for label in scene.free[1:4]:
                v = await asyncio.to_thread(scene.lock, label)
            assert await eventually(lambda: bob.client.v == v)
            epoch = bob.client.epoch
            await asyncio.to_thread(scene.backup, scene.copy, scene.file)
            for label in scene.free[10:15] if past else ():
                await asyncio.to_thread(scene.lock, label)
            await scene.wait_for_truth(bob)
            assert bob.client.epoch != epoch and not following_bob.done()
            v = await asyncio.to_thread(scene.lock, scene.free[20])
            assert await eventually(lambda: bob.client.v == v)
            await scene.wait_for_truth(bob)
            following_bob.cancel()


async def follow(live_map):
    while True:
        await live_map.receive(60)


async def test_rows_that_are_put_back_by_hand_heal_the_map_and_do_not_stop_the_sale(tmp_path):
    """The history stays, as it would be if somebody had copied back the seats and the showtime only."""
    tables = ("cinema_showtime", "booking_showtimeseat", "booking_booking")
    with serving("daphne") as server:
        scene = await asyncio.to_thread(Scene, server, tmp_path)
        async with LiveMap(server, scene.showtime) as bob:
            following_bob = asyncio.create_task(follow(bob))
            await eventually(lambda: bob.client.live)
            await asyncio.to_thread(scene.backup, scene.file, scene.copy)
            for label in scene.free[:3]:
                v = await asyncio.to_thread(scene.lock, label)
            assert await eventually(lambda: bob.client.v == v)
            with closing(sqlite3.connect(scene.file, timeout=20)) as database:
                database.execute("ATTACH ? AS old", [scene.copy])
                for table in tables:
                    database.execute(f"DELETE FROM main.{table}")
                    database.execute(f"INSERT INTO main.{table} SELECT * FROM old.{table}")
                database.commit()
            again = await asyncio.to_thread(scene.lock, scene.free[0])
            assert again > v, "past the history that was left"
            await scene.wait_for_truth(bob)
            following_bob.cancel()
