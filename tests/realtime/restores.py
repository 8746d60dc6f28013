"""A running shop whose database is restored: what the database really had, and clients that check digests with it."""

import asyncio
import json
import subprocess
import tempfile
import time
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import websockets

from bench.support.servers import demo_cluster
from booking.seats.rows import LETTERS
from cinema.environment import kept_secret
from realtime.launcher.postgres import Postgres
from realtime.live.protocol import digest_of
from tests.realtime.servers import LiveMap

TOLERANCE = 1.0  # seconds from the moment that a heartbeat was made until the test has read it
RESTORE_ATTEMPTS = 5

# Kept by a trigger in a schema that is not dumped, so that it has the changes of both lives.
RECORDER = """
CREATE SCHEMA recorder;
CREATE TABLE recorder.change (id bigserial, showtime bigint, version bigint, "index" int, after text);
CREATE FUNCTION recorder.note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO recorder.change (showtime, version, "index", after)
  VALUES (NEW.showtime_id, NEW.version, NEW."index", NEW.after);
  RETURN NEW;
END $$;
CREATE TRIGGER recorder AFTER INSERT ON public.booking_seatchange FOR EACH ROW EXECUTE FUNCTION recorder.note();
"""
NOTED = 'SELECT version, "index", after FROM recorder.change WHERE showtime = %s ORDER BY id'
STATES = """
SELECT t.epoch, t.version, string_agg(s.status, ' ' ORDER BY s."index")
  FROM cinema_showtime t JOIN booking_showtimeseat s ON s.showtime_id = t.id WHERE t.id = ANY(%s) GROUP BY t.id
"""
COUNTERS = "SELECT id, version, n_available, n_locked, n_booked FROM cinema_showtime WHERE id = ANY(%s)"


@contextmanager
def demo_postgres():
    """A PostgreSQL of its own with the demo listings."""
    with tempfile.TemporaryDirectory(prefix="bookmyseat-restore-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        for part in ("postgres", "postgres_password"):
            subprocess.run(["cp", "-a", demo_cluster() / part, folder], check=True)  # keeps the owner
        server = Postgres(folder / "postgres", kept_secret(folder / "postgres_password"), options=("fsync=off",))
        child = server.start()
        try:
            yield server
        finally:
            child.stop()


class Database:
    """The database of the shop, beside the shop: dumped, restored, and recorded."""

    def __init__(self, server, folder):
        self.server, self.file = server, Path(folder) / "shop.dump"
        self.restore_began_at = self.restored_at = None
        self.bases = {}  # showtime: (version, state) when the recorder began
        with self.connect() as connection:
            connection.execute(RECORDER)

    def connect(self):
        return psycopg.connect(self.server.url(), autocommit=True)

    def watch(self, showtimes):
        for showtime, (_, version, state) in self.states(showtimes).items():
            self.bases[showtime] = version, state

    def states(self, showtimes):
        """{showtime: (epoch, version, state)} as stored now."""
        found = {}
        with self.connect() as connection:
            for showtime in showtimes:
                [(epoch, version, statuses)] = connection.execute(STATES, [[showtime]]).fetchall()
                found[showtime] = epoch, version, "".join(LETTERS[status] for status in statuses.split())
        return found

    def counters(self, showtimes):
        with self.connect() as connection:
            rows = connection.execute(COUNTERS, [list(showtimes)]).fetchall()
        return {row[0]: row[1:] for row in rows}

    def dump(self):
        self._run("pg_dump", "--format=custom", "--exclude-schema=recorder", f"--file={self.file}", self.server.url())

    def restore(self, *options):
        """As docs/restore.md says. Repeated when a deadlock with the shop's own transactions ended it."""
        for attempt in range(RESTORE_ATTEMPTS):
            self.restore_began_at = time.time() if attempt == 0 else self.restore_began_at
            try:
                address = f"--dbname={self.server.url()}"
                self._run("pg_restore", "--clean", "--if-exists", *options, address, str(self.file))
            except subprocess.CalledProcessError as error:
                if attempt + 1 == RESTORE_ATTEMPTS:
                    raise AssertionError(error.stderr.decode()) from error
            else:
                self.restored_at = time.time()
                return

    def _run(self, program, *arguments):
        command = [self.server.programs / "bin" / program, *arguments]
        subprocess.run(command, check=True, capture_output=True, timeout=60)

    def lives(self, showtime):
        """The states of the life before the restore and of the life after it, each {version: digest}."""
        version, state = self.bases[showtime]
        with self.connect() as connection:
            noted = connection.execute(NOTED, [showtime]).fetchall()
        old, new = {version: state}, None
        life = old
        for number, index, after in noted:
            if number < version and new is None:
                life = new = {v: each for v, each in old.items() if v < number}
            letters = list(life.get(number, life[max(life)]))
            letters[index] = LETTERS[after]
            life[number] = "".join(letters)
            version = number
        if new is None:  # nothing was sold since: the new life is a beginning of the old one
            new = old
        digests = [{v: digest_of(each.encode()) for v, each in life.items()} for life in (old, new)]
        return digests[0], digests[1]

    def false_digests(self, maps):
        """Heartbeats that confirmed what the database did not have when they say that it was asked."""
        lives = {showtime: self.lives(showtime) for showtime in {each.showtime for each in maps}}
        return [
            (
                each.showtime,
                beat,
                beat.received_at - self.restored_at,
                [life.get(beat.v) for life in lives[each.showtime]],
            )
            for each in maps
            for beat in each.heartbeats
            if not self._is_true(beat, *lives[each.showtime])
        ]

    def _is_true(self, beat, old, new):
        asked_at = beat.received_at - beat.age - TOLERANCE
        may_be_old = self.restored_at is None or asked_at <= self.restored_at
        may_be_new = self.restore_began_at is not None and beat.received_at >= self.restore_began_at
        return (may_be_old and old.get(beat.v) == beat.digest) or (may_be_new and new.get(beat.v) == beat.digest)


@dataclass(frozen=True)
class Heartbeat:
    """As received; `age` in seconds."""

    received_at: float
    v: int
    digest: int
    age: float


class CheckedMap(LiveMap):
    """An open map that keeps every heartbeat that said `ok`, to be checked with the database."""

    def __init__(self, server, showtime, **options):
        super().__init__(server, showtime, **options)
        self.showtime, self.heartbeats = showtime, []

    async def receive(self, seconds=60.0):
        frame = await super().receive(seconds)
        if frame["type"] == "heartbeat" and frame["ok"]:
            self.heartbeats.append(Heartbeat(time.time(), frame["v"], frame["digest"], frame["age"] / 1000))
        return frame

    async def follow(self):
        while True:
            await self.receive()

    def shows(self, states):
        client = self.client
        return client.live and (client.epoch, client.v, client.state) == states[self.showtime]


class StaffBoard:
    """An open board: of two rows for a showtime in one epoch of the board the one with the greater `v`."""

    def __init__(self, server, cookies):
        self.address, self.headers = f"ws{server.url[4:]}/ws/board/", {"Cookie": cookies}
        self.origin, self.epoch, self.rows = server.url, None, {}

    async def follow(self):
        options = {"origin": self.origin, "additional_headers": self.headers, "compression": None, "proxy": None}
        async with websockets.connect(self.address, **options) as socket:
            async for text in socket:
                self.receive(json.loads(text))
                if json.loads(text)["type"] == "heartbeat":
                    await socket.send(json.dumps({"type": "ack", "v": json.loads(text)["v"]}))

    def receive(self, frame):
        if frame.get("epoch", self.epoch) != self.epoch:
            self.epoch, self.rows = frame["epoch"], {}
        for row in frame.get("rows", ()):
            if row["v"] >= self.rows.get(row["showtime"], row)["v"]:
                self.rows[row["showtime"]] = row

    def shows(self, counters):
        names = ("v", "available", "locked", "booked")
        return all(
            showtime in self.rows and tuple(self.rows[showtime][name] for name in names) == row
            for showtime, row in counters.items()
        )


@asynccontextmanager
async def following(stack_of):
    """Follow all of these in tasks; a task that ends is a closed socket."""
    tasks = [asyncio.create_task(each.follow()) for each in stack_of]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
