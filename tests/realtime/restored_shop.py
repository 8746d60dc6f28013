"""Load, dump, load, `pg_restore` under load, comparison: for the tests, and with 200 maps for `make soak`."""

import asyncio
import tempfile
import time
from contextlib import AsyncExitStack

from bench.support.http_session import free_labels, open_showtimes
from bench.support.servers import start_cluster
from tests.realtime.restores import CheckedMap, Database, StaffBoard, demo_postgres, following
from tests.realtime.servers import Visitor
from tests.soak.load import Buyer, Load

HEALED_WITHIN = 5.0  # seconds after the restore
SETTINGS = {"WORKERS": 2, "RATE_LIMITS": 0, "SEAT_LOCK_SECONDS": 3600, "WS_HEARTBEAT_SECONDS": 1}


class Shop:
    """A cluster on a PostgreSQL of the test, showtimes under load, open maps and a board."""

    def __init__(self, server, database, *, n_showtimes, buyers_per_showtime, rate, is_whole):
        self.server, self.database, self.is_whole = server, database, is_whole
        visitor = Visitor(server.url)
        # The board shows a week, the listings more.
        shows = open_showtimes(visitor)[:n_showtimes]
        self.showtimes = [show["id"] for show in shows]
        buyers = []
        for show in shows:
            free = free_labels(visitor, show)
            buyers += [Buyer(server.port, show["id"], free[2 * n : 2 * n + 2]) for n in range(buyers_per_showtime)]
        self.buyers, self.load = buyers, Load(buyers, rate)
        staff = Visitor(server.url)
        self.board = StaffBoard(server, staff.sign_in(server.staff_email, server.staff_password))
        self.maps = []

    def close(self):
        self.load.stop()
        for buyer in self.buyers:
            buyer.session.connection.close()

    async def open_maps(self, stack, n):
        for number in range(n):
            showtime = self.showtimes[number % len(self.showtimes)]
            self.maps.append(await stack.enter_async_context(CheckedMap(self.server, showtime)))

    def equals_database(self):
        states, counters = self.database.states(self.showtimes), self.database.counters(self.showtimes)
        return all(each.shows(states) for each in self.maps) and (not self.is_whole or self.board.shows(counters))

    async def wait_until_equal(self, seconds):
        end = time.monotonic() + seconds
        while True:
            if await asyncio.to_thread(self.equals_database):
                return True
            if time.monotonic() > end:
                return False
            await asyncio.sleep(0.05)

    def differences(self):
        states = self.database.states(self.showtimes)
        wrong = [(m.showtime, m.client.epoch, m.client.v, m.client.live) for m in self.maps if not m.shows(states)]
        counters = self.database.counters(self.showtimes)
        rows = {s: self.board.rows.get(s) for s in self.showtimes}
        return wrong[:10], {s: row[:2] for s, row in states.items()}, counters, rows


async def restored_under_load(
    *, n_maps, seconds, rate, options=("--single-transaction",), n_showtimes=3, buyers_per_showtime=6, is_whole=True
):
    """The figures, after: load, dump, load, restore under load, load, pause, comparison.

    `is_whole`: the restore is one transaction. Else the table of sessions is empty for a moment, and boards are told to
    sign in again; and the record of changes has gaps, because triggers come after the rows: only the maps are compared.
    """
    with demo_postgres() as postgres, tempfile.TemporaryDirectory(prefix="bookmyseat-dump-") as folder:
        database = Database(postgres, folder)
        with start_cluster(DATABASE_URL=postgres.url(), DEMO_STAFF_PASSWORD="for tests", **SETTINGS) as server:
            async with AsyncExitStack() as stack:
                shop = await asyncio.to_thread(
                    Shop,
                    server,
                    database,
                    n_showtimes=n_showtimes,
                    buyers_per_showtime=buyers_per_showtime,
                    rate=rate,
                    is_whole=is_whole,
                )
                stack.callback(shop.close)
                database.watch(shop.showtimes)
                await shop.open_maps(stack, n_maps)
                tasks = await stack.enter_async_context(following([*shop.maps, *([shop.board] if is_whole else [])]))
                assert await shop.wait_until_equal(20), shop.differences()
                return await restore_and_compare(shop, tasks, seconds, options)


async def restore_and_compare(shop, tasks, seconds, options):
    database, load = shop.database, shop.load
    load.begin_phase()
    await asyncio.sleep(seconds / 2)
    await asyncio.to_thread(database.dump)
    await asyncio.sleep(seconds)
    before = {showtime: version for showtime, (_, version, _) in database.states(shop.showtimes).items()}
    answers = load.begin_phase()
    await asyncio.to_thread(database.restore, *options)
    restored = time.monotonic()
    await asyncio.sleep(2)
    await asyncio.to_thread(load.pause)
    equal = await shop.wait_until_equal(HEALED_WITHIN - (time.monotonic() - restored))
    healed_after = time.monotonic() - restored
    assert equal, shop.differences()
    assert not any(task.done() for task in tasks), "a socket was closed"
    load.begin_phase()
    await asyncio.sleep(seconds)
    await asyncio.to_thread(load.pause)
    assert await shop.wait_until_equal(HEALED_WITHIN), shop.differences()
    false = database.false_digests(shop.maps) if shop.is_whole else []
    n_digests = sum(len(each.heartbeats) for each in shop.maps)
    assert not false, (len(false), n_digests, false[:5])
    assert min(len(each.heartbeats) for each in shop.maps) >= 2
    after = {showtime: row[0] for showtime, row in database.counters(shop.showtimes).items()}
    statuses = sorted({status for _, status in answers.taken})
    shown = f"{len(shop.maps)} maps" + " and the board" * shop.is_whole
    return (
        f"{shown} equal to the database {healed_after:.1f} s after pg_restore"
        f" (load went on for 2 s of them), {n_digests * shop.is_whole} digests checked, none false;"
        f" versions {list(before.values())} -> {list(after.values())}, answers meanwhile {statuses}"
    )
