"""Can the tests of the live map fail? Each rule is broken by one line in a copy of the code, and a test must fail.

`python -m tests.realtime.live.mutants [name …]` prints a table and ends with 1 when a mutant survives. `make soak` runs
it.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
KEPT = ("asgi.py", "manage.py", "pyproject.toml", ".env.example")
FOLDERS = ("booking", "cinema", "payments", "realtime", "static", "templates", "tests", "bench")
SUITE_TIMEOUT = 300  # seconds
SUITE = ("tests/booking/seats/test_map.py", "tests/realtime")
CRASHES = ("-m", "server", "tests/cinema/database/test_crash.py")


# test_rules.py is ignored: it fails for every mutant, because it looks for the lines.
OPTIONS = ("-v", "-x", "-p", "no:cacheprovider", "-m", "not server", "--ignore=tests/realtime/live/test_rules.py")


@dataclass(frozen=True)
class Mutant:
    """A line or two of `file`, and the lines in their place that break `rule`."""

    name: str
    rule: str
    file: str
    line: str
    broken: str
    suite: tuple[str, ...] = SUITE


MUTANTS = (
    Mutant(
        "gap ignored",
        "a change is applied only to the state it was made from",
        "realtime/live/room.py",
        "if change.before > self.version:",
        "if False:",
    ),
    Mutant(
        "repeat applied",
        "a change is applied once",
        "realtime/live/room.py",
        "if change.version <= self.version:",
        "if False:",
    ),
    Mutant(
        "no poll",
        "a poll finds the changes that pub/sub loses",
        "realtime/live/hub.py",
        "            if watched.room is room:",
        "            if False:",
    ),
    Mutant(
        "seats read before version",
        "a state and its version are of one moment",
        "booking/seats/map.py",
        "    epoch, version, layout = rows[0][:3]\n    seats = [",
        "    epoch, layout, version = rows[0][0], rows[0][2], read_versions({showtime_id: 0})[showtime_id].version\n"
        "    seats = [",
    ),
    Mutant(
        "version split over two frames",
        "a change names every seat of its version",
        "booking/seats/rows.py",
        "    _announce(showtime_id, epoch, version, writes, at)",
        "    _announce(showtime_id, epoch, version, writes[:1], at)",
    ),
    Mutant(
        "expiry from the clock",
        "the map is a function of stored rows only",
        "booking/seats/map.py",
        "SELECT t.epoch, t.version, p.hash, s.status, s.version\n",
        "SELECT t.epoch, t.version, p.hash, CASE WHEN s.locked_until < CURRENT_TIMESTAMP THEN 'available'"
        " ELSE s.status END, s.version\n",
    ),
    Mutant(
        "delta from the wrong base",
        "a delta holds every seat changed since the version it starts from",
        "realtime/live/room.py",
        "seats=self.changed_since(since))",
        "seats=self.changed_since(since + 1))",
    ),
    Mutant(
        "epoch not compared",
        "a viewer of another epoch is sent a snapshot",
        "realtime/live/frame_source.py",
        "if epoch != self.epoch or not 0 <= version <= self.version:",
        "if not 0 <= version <= self.version:",
    ),
    Mutant(
        "announced before the commit",
        "a change that may be rolled back is not sent",
        "booking/seats/rows.py",
        "    transaction.on_commit(send, robust=True)",
        "    send()",
        ("tests/realtime/test_publish.py",),  # the others would wait for ever
    ),
    Mutant(
        "window without end",
        "a viewer that does not acknowledge is sent no more than a window",
        "realtime/live/position.py",
        "return self.frames + frames <= WINDOW_FRAMES and self.bytes + size <= WINDOW_BYTES",
        "return True",
    ),
    Mutant(
        "state read before subscribing",
        "a change that is committed while a room is loading arrives",
        "realtime/live/hub.py",
        """            await self.transport.subscribe(showtime_id)  # before the state is read (rule R4)
            watched = WatchedShowtime(showtime_id, await self.source.load(showtime_id), self.source, self.pace)
""",
        """            loaded = await self.source.load(showtime_id)
            await self.transport.subscribe(showtime_id)
            watched = WatchedShowtime(showtime_id, loaded, self.source, self.pace)
""",
    ),
    Mutant(
        "stale digest",
        "a heartbeat's digest is that of the state last sent",
        "realtime/live/room.py",
        "        self._digest = None\n        self._set_version(version)",
        "        self._set_version(version)",
    ),
    Mutant(
        "left behind by its cohort",
        "a viewer that leaves its cohort is at the cohort's version",
        "realtime/live/cohort.py",
        "        viewer.position.advance(sent, sent.frames",
        "        viewer.position.advance(viewer.position, sent.frames",
    ),
    Mutant(
        "not counted as sent",
        "every frame that is sent counts in the window until it is acknowledged",
        "realtime/live/position.py",
        "        self.frames += frames\n        self.bytes += size",
        "        pass",
    ),
    Mutant(
        "shared by a viewer with a heartbeat",
        "a viewer with something of its own to be sent is not sent to together with others",
        "realtime/live/viewer.py",
        "self._is_sending or self.heartbeat_is_due or",
        "self._is_sending or",
    ),
    Mutant(
        "remembered version trusted",
        "a room is compared by the stamps of its versions, not by the version alone",
        "realtime/live/room.py",
        "            and all(known.stamps.get(v) == stamp for v, stamp in self._stamps.items() if v <= known.version)",
        "            and True",
    ),
    Mutant(
        "older version taken for a late answer",
        "a database that is behind the room as it was when the poll began has gone back",
        "realtime/live/room.py",
        "            and known.version >= at_least",
        "            and True",
    ),
    Mutant(
        "only the newest stamp compared",
        "every version since the last confirmed one is compared",
        "realtime/live/room.py",
        "for v, stamp in self._stamps.items() if v <= known.version)",
        "for v, stamp in list(self._stamps.items())[-1:] if v <= known.version)",
    ),
    Mutant(
        "unconfirmed digest",
        "a heartbeat confirms only what a poll has confirmed",
        "realtime/live/viewer.py",
        "return room.confirms(self.position) if self._is_ok else",
        "return room.describes(self.position) if self._is_ok else",
    ),
    Mutant(
        "catch-up without comparison",
        "a catch-up does not merge two lives of the database",
        "realtime/live/watched_showtime.py",
        "        if not room.agrees_with(changes, at_least=version):",
        "        if changes.epoch != room.epoch:",
    ),
    Mutant(
        "epoch begun by everybody",
        "of several processes that notice it one begins the epoch",
        "booking/seats/epochs.py",
        " WHERE id = %s AND epoch = %s RETURNING version",
        " WHERE id = %s AND epoch <> %s || 'x' RETURNING version",
        ("tests/booking/seats/test_epochs.py",),
    ),
    Mutant(
        "left epoch shown again",
        "an epoch names one life, also when a dump brings it back",
        "realtime/live/watched_showtime.py",
        "        has_gone_back = epoch == self.room.epoch or epoch in self._former_epochs",
        "        has_gone_back = epoch == self.room.epoch",
    ),
    Mutant(
        "map not settled",
        "no map shows a change that a crash of the database undoes",
        "booking/seats/map.py",
        "    [rows] = run_queries((MAP, [showtime_id]), settled=True)",
        "    [rows] = run_queries((MAP, [showtime_id]))",
        CRASHES,
    ),
    Mutant(
        "answered before the disk",
        "no answer reports a change that a crash of the database undoes",
        "cinema/database/statements.py",
        "    settles = commit or settled",
        "    settles = settled",
        CRASHES,
    ),
)


def plant(mutant, folder):
    """A copy of the code with the broken line in it."""
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "posters", "vendor"))
    for name in KEPT:
        shutil.copy(ROOT / name, folder)
    file = folder / mutant.file
    text = file.read_text()
    if text.count(mutant.line) != 1:
        raise LookupError(f"{mutant.name}: the line to break is {text.count(mutant.line)} times in {mutant.file}")
    file.write_text(text.replace(mutant.line, mutant.broken))


def hunt(mutant):
    """The first test that fails; empty when none does, also when they do not end."""
    with tempfile.TemporaryDirectory(prefix="bookmyseat-mutant-") as name:
        folder = Path(name)
        plant(mutant, folder)
        try:
            ended = subprocess.run(
                [sys.executable, "-m", "pytest", *OPTIONS, *mutant.suite],
                cwd=folder,
                env={**os.environ, "DATA_DIR": str(folder / "var"), "PYTHONUNBUFFERED": "1"},
                capture_output=True,
                text=True,
                timeout=SUITE_TIMEOUT if mutant.suite is SUITE else SUITE_TIMEOUT // 5,
            )
        except subprocess.TimeoutExpired as error:
            failed = [line for line in (error.stdout or b"").decode().splitlines() if " FAILED" in line]
            return failed[0].split()[0] if failed else ""
    if ended.returncode == 1:
        failed = (line for line in ended.stdout.splitlines() if line.startswith(("FAILED ", "ERROR tests")))
        return next(failed).split()[1]
    if ended.returncode == 0:
        return ""
    raise RuntimeError(f"{mutant.name}: the tests did not run\n{ended.stdout[-2000:]}{ended.stderr[-2000:]}")


def main(names):
    survivors = 0
    for mutant in MUTANTS:
        if names and mutant.name not in names:
            continue
        caught = hunt(mutant)
        survivors += not caught
        print(f"{mutant.name:<30} {'caught by ' + caught.split('::')[-1] if caught else 'SURVIVES'}", flush=True)
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
