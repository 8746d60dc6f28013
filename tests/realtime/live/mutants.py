"""Can the tests of the live map fail? Each rule is broken by one line in a copy of the code, and they have to notice.

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
PATIENCE = 300
SUITE = ("tests/booking/seats/test_map.py", "tests/realtime")
CRASHES = ("-m", "server", "tests/cinema/database/test_crash.py")


# The last: it sees that a line is not there, which any mutant shows.
OPTIONS = ("-v", "-x", "-p", "no:cacheprovider", "-m", "not server", "--ignore=tests/realtime/live/test_rules.py")


@dataclass(frozen=True)
class Mutant:
    """A line or two of `file`, and what breaks `rule` in its place."""

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
        "a change that was seen is not applied again",
        "realtime/live/room.py",
        "if change.version <= self.version:",
        "if False:",
    ),
    Mutant(
        "no poll",
        "what pub/sub loses is found in the database",
        "realtime/live/hub.py",
        "if epoch != watch.room.epoch or version > watch.room.version:",
        "if False:",
    ),
    Mutant(
        "seats read before version",
        "a state and its version are of one moment",
        "booking/seats/map.py",
        "    epoch, version, layout = rows[0][:3]\n    seats = [",
        "    epoch, layout, version = rows[0][0], rows[0][2], read_versions([showtime_id])[showtime_id][1]\n"
        "    seats = [",
    ),
    Mutant(
        "version split over two frames",
        "a change names every seat of its version",
        "booking/seats/rows.py",
        "    _announce(showtime_id, epoch, version, writes)",
        "    _announce(showtime_id, epoch, version, writes[:1])",
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
        "seats=self.changed_since(v))",
        "seats=self.changed_since(v + 1))",
    ),
    Mutant(
        "epoch not compared",
        "what a viewer knows of another life counts for nothing",
        "realtime/live/room.py",
        "if epoch != self.epoch or not 0 <= v <= self.version:",
        "if not 0 <= v <= self.version:",
    ),
    Mutant(
        "announced before the commit",
        "nobody is told of what may be rolled back",
        "booking/seats/rows.py",
        "    transaction.on_commit(send, robust=True)",
        "    send()",
        ("tests/realtime/test_publish.py",),  # others wait for ever
    ),
    Mutant(
        "window without end",
        "a viewer that does not read is not written to for ever",
        "realtime/live/viewer.py",
        "return self._frames < WINDOW_FRAMES and self._bytes < WINDOW_BYTES",
        "return True",
    ),
    Mutant(
        "state read before subscribing",
        "what is committed while a room is loading is heard",
        "realtime/live/hub.py",
        """            await self.transport.subscribe(showtime_id)  # before the state is read (rule R4)
            watch = WatchedShowtime(showtime_id, await self.source.load(showtime_id), self.source, self.pace)
""",
        """            watch = WatchedShowtime(showtime_id, await self.source.load(showtime_id), self.source, self.pace)
            await self.transport.subscribe(showtime_id)
""",
    ),
    Mutant(
        "digest of yesterday",
        "a heartbeat's digest is that of the state last sent",
        "realtime/live/room.py",
        '        self._snapshot, self._digest = "", None',
        '        self._snapshot = ""',
    ),
    Mutant(
        "left behind by its cohort",
        "a viewer that leaves those it stood with stands where they stand",
        "realtime/live/viewer.py",
        "        self.v, self.digest = cohort.v, cohort.digest",
        "        self.digest = cohort.digest",
    ),
    Mutant(
        "map not settled",
        "no map shows what a crash of the database undoes",
        "booking/seats/map.py",
        "    [rows] = ask((MAP, [showtime_id]), settled=True)",
        "    [rows] = ask((MAP, [showtime_id]))",
        CRASHES,
    ),
    Mutant(
        "answered before the disk",
        "no answer tells of what a crash of the database undoes",
        "cinema/database/statements.py",
        "    settles = ends or settled",
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
        raise LookupError(f"{mutant.name}: the line to break stands {text.count(mutant.line)} times in {mutant.file}")
    file.write_text(text.replace(mutant.line, mutant.broken))


def hunt(mutant):
    """The first test that notices; empty when none does, also when they do not end."""
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
                timeout=PATIENCE if mutant.suite is SUITE else PATIENCE // 5,
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
