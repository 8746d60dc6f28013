"""What a crash of the database may undo: nothing that an answer or a map has shown."""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from bench.support.servers import ROOT, clean_environment
from realtime.launcher.postgres import Postgres

pytestmark = pytest.mark.server
# By default the WAL writer writes a commit that nobody waits for to disk within 0.2 s.
SLOW_WAL = ("wal_writer_delay=10s", "autovacuum=off", "checkpoint_timeout=1d")
N_TESTS = 6
BEGIN = """
import json, os, signal, sys, uuid
import django
django.setup()
from django.utils import timezone
from booking.locks import lock_seats, release_lock
from booking.seats.occupancy import read_occupancy
from booking.seats.map import read_changes, read_map, read_versions
from cinema.database import statements
showtime, postmaster = int(sys.argv[1]), int(sys.argv[2])
alice, bob = uuid.UUID(int=1 << 64), uuid.UUID(int=2 << 64)
def lock(who, *labels):
    return lock_seats(showtime_id=showtime, visitor=who, labels=labels, at=timezone.now()).version
def board():
    return next(row.v for row in read_occupancy(timezone.now()) if row.showtime == showtime)
def crash(seen):
    os.kill(postmaster, signal.SIGQUIT)
    os.write(1, json.dumps(seen).encode())
    os._exit(0)
"""
# A commit that is visible and not on disk yet, for as long as the test needs.
VISIBLE_ONLY = """
settle = statements.SETTLE
statements.SETTLE = statements.Statement("test_no_settle", "SELECT 1")
lock(alice, "A1")
statements.SETTLE = settle
"""


class CrashingDatabase:
    """A PostgreSQL that is killed and started again."""

    def __init__(self, folder):
        self.server = Postgres(folder / "postgres", "tests", options=SLOW_WAL)
        self.child = self.server.start()
        self.env = clean_environment(
            DATA_DIR=folder / "data",
            DATABASE_URL=self.server.url(),
            LOOP="external",
            RATE_LIMITS=0,
            DJANGO_SETTINGS_MODULE="cinema.settings",
        )
        subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=self.env, check=True, timeout=120)
        self.showtime = 0
        make = f"print([make_showtime().pk for _ in range({N_TESTS})])"  # in one process, whose names all differ
        self.unused = self.run("from bench.support.factories import make_showtime", make)

    def run(self, *code):
        """What the code prints, run in a process of its own."""
        command = [sys.executable, "-c", "\n".join((BEGIN, *code)), str(self.showtime), str(self.child.pid)]
        done = subprocess.run(command, cwd=ROOT, env=self.env, check=True, capture_output=True, timeout=60)
        return json.loads(done.stdout)

    def crash_after(self, *code, seen):
        """(value of `seen` just before the server is killed, version of the map and its first three seats after)"""
        last = self.run(*code, f"crash({seen})")
        self.child.stop()
        self.child = self.server.start()
        version, state = self.run("found = read_map(showtime)", "print(json.dumps([found.version, found.state]))")
        return last, version, state[:3]


@pytest.fixture(scope="module")
def crashing_database():
    folder = Path(tempfile.mkdtemp(prefix="bookmyseat-crash-"))
    folder.chmod(0o755)
    found = CrashingDatabase(folder)
    try:
        yield found
    finally:
        found.child.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def database(crashing_database):
    """The database, and a showtime that no other test has used."""
    crashing_database.showtime = crashing_database.unused.pop()
    return crashing_database


def test_what_was_answered_is_on_the_disk(database):
    assert database.crash_after('lock(alice, "A1")', seen='lock(bob, "A2", "A3")') == (2, 2, "LLL")
    given_back = "release_lock(showtime_id=showtime, visitor=bob, at=timezone.now())"
    assert database.crash_after(seen=given_back) == (True, 3, "LAA")


@pytest.mark.parametrize(
    ("seen", "is_shown"),
    [
        ("read_map(showtime).version", True),
        ("read_changes(showtime, 0).version", True),
        ("board()", True),
        ("read_versions({showtime: 0})[showtime].version", False),
    ],
    ids=["map", "changes", "board", "the poll, which shows nothing"],
)
def test_what_was_shown_is_on_the_disk(database, seen, is_shown):
    """The last of these shows why the others must be settled: what it reads is undone."""
    after = (1, 1, "LAA") if is_shown else (1, 0, "AAA")
    assert database.crash_after(VISIBLE_ONLY, seen=seen) == after


def test_a_later_commit_brings_the_earlier_one_to_disk(database):
    """The WAL is written in order."""
    assert database.crash_after(VISIBLE_ONLY, seen='lock(bob, "A2")') == (2, 2, "LLA")
