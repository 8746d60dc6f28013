"""The real product as a process: `manage.py serve` or `manage.py cluster` with a port and a DATA_DIR of its own."""

import atexit
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from functools import cache
from pathlib import Path

from cinema.environment import kept_secret
from realtime.launcher.postgres import Postgres
from realtime.launcher.processes import free_port, started_at

ROOT = Path(__file__).resolve().parents[2]
# What a program needs of the machine; no setting of ours gets in but those that the test gives.
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "SYSTEMROOT", "BOOKMYSEAT_REPORT")
_running = []


def every_setting():
    """The names of all settings, as .env.example lists them."""
    return re.findall(r"^# ([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)


def clean_environment(**env):
    """The environment of a program under test: the machine's, and the settings given, nothing of this test run."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    ours = dict.fromkeys(every_setting(), "")  # empty is the default, and hides the developer's .env
    ours["DEMO_HISTORY_DAYS"] = "0"  # a programme with a past takes seconds longer to make; few tests need one
    return {**kept, **ours, "PYTHONUNBUFFERED": "1", **{name: str(value) for name, value in env.items()}}


def processes_of_session(session):
    """{pid: command line} of every process of a session or process group, zombies left out. Linux only."""
    found = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if fields[0] not in "ZX" and session in (int(fields[2]), int(fields[3])):
                found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
    return found


def processes_that_mention(text):
    """{pid: command line} of every process with this text (a DATA_DIR, say) in its arguments or environment."""
    found = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        try:
            line = (folder / "cmdline").read_bytes()
            mentions = text.encode() in line or text.encode() in (folder / "environ").read_bytes()
            if line and mentions and started_at(int(folder.name)):
                found[int(folder.name)] = line.replace(b"\0", b" ").decode()
        except OSError:
            continue
    return found


@cache
def demo_database():
    """A SQLite file, migrated and with the demo programme, made once per test session and copied to each server."""
    folder = Path(tempfile.mkdtemp(prefix="bookmyseat-demo-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for command in ("migrate", "load_demo"):
        subprocess.run(
            [sys.executable, "manage.py", command],
            cwd=ROOT,
            env=clean_environment(DATA_DIR=folder, DEMO_STAFF_PASSWORD="for tests", LOOP="external"),
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=120,
        )
    return folder / "db.sqlite3"


@cache
def demo_cluster():
    """A DATA_DIR whose PostgreSQL has the demo programme, made once per test session and copied to each cluster."""
    folder = Path(tempfile.mkdtemp(prefix="bookmyseat-demo-cluster-"))
    folder.chmod(0o755)  # root's PostgreSQL runs as nobody, who must get in
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    server = Postgres(folder / "postgres", kept_secret(folder / "postgres_password"))
    child = server.start()
    try:
        subprocess.run(
            [sys.executable, "-m", "realtime.launcher.preparing"],
            cwd=ROOT,
            env=clean_environment(DATA_DIR=folder, LOOP="external", DATABASE_URL=server.url()),
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=180,
        )
    finally:
        child.stop()
    return folder


class Server:
    """One running copy of the product in a session of its own. `url` has no slash at its end."""

    def __init__(self, command, env, *, patience):
        self.command = command
        self.patience = patience
        self.data_dir = Path(env["DATA_DIR"])
        self.port = int(env["PORT"])
        self.url = f"http://127.0.0.1:{self.port}"
        self.staff_email = "staff@example.com"
        self.staff_password = env["DEMO_STAFF_PASSWORD"]
        self.env = env
        self.log = self.data_dir / "test-server.log"
        self.process = None

    def start(self):
        """Answers /healthz when this returns. Raises AssertionError with the end of the log when it never does."""
        with self.log.open("ab") as output:
            said_before = output.tell()
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", self.command],
                cwd=ROOT,
                env=clean_environment(**self.env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        _running.append(self)
        begun = time.monotonic()
        while not (self._has_greeted(said_before) and self.is_healthy()):
            ended, late = self.process.poll(), time.monotonic() - begun > self.patience
            if ended is not None or late:
                self.kill()
                what = f"ended with {ended}" if ended is not None else f"is not healthy after {self.patience} s"
                raise AssertionError(f"manage.py {self.command} {what}:\n{self.tail()}")
            time.sleep(0.05)
        self.start_seconds = time.monotonic() - begun
        return self

    def _has_greeted(self, said_before):
        """This start has: the one before it may still be answering on the same port."""
        return f"BookMySeat  {self.url}/".encode() in self.log.read_bytes()[said_before:]

    def is_healthy(self, timeout=2):
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=timeout) as answer:
                return answer.status == 200
        except (OSError, urllib.error.URLError):
            return False

    def tail(self, lines=60):
        """The end of what the server said."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:]) if self.log.exists() else ""

    def stop(self, signal_number=signal.SIGTERM, *, seconds=10):
        """Asks it to end as an operator would; returns how many seconds that took."""
        begun = time.monotonic()
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal_number)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError(
                    f"still running {seconds} s after signal {signal_number}:\n{self.tail()}"
                ) from None
        taken = time.monotonic() - begun
        self._sweep()
        return taken

    def kill(self):
        """SIGKILL to the main process alone is `process.kill()`; this takes the whole group and what it left."""
        if self.process:
            self._sweep()
            self.process.wait()

    def restart(self):
        """Killed and started again on the same port with the same DATA_DIR."""
        self.kill()
        return self.start()

    def _sweep(self):
        for pid in (self.process.pid, *processes_that_mention(str(self.data_dir))):
            try:
                os.killpg(pid, signal.SIGKILL) if pid == self.process.pid else os.kill(pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                continue
        if self in _running:
            _running.remove(self)

    def close(self):
        """Stopped (killed if it must be) and its folder removed."""
        try:
            self.kill()
        finally:
            shutil.rmtree(self.data_dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if kind is not None:
            print(f"---- the end of the server's log ----\n{self.tail()}")
        self.close()


@atexit.register
def _end_all():
    for server in list(_running):
        server.kill()


def _settings(env):
    folder = Path(env.get("DATA_DIR") or tempfile.mkdtemp(prefix="bookmyseat-server-"))
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    defaults = {"DATA_DIR": folder, "PORT": free_port(), "DEMO_STAFF_PASSWORD": secrets.token_urlsafe(12)}
    return {name: str(value) for name, value in {**defaults, **env}.items()}


def start_server(**env):
    """`manage.py serve`, healthy. Settings by keyword (RATE_LIMITS=0, SEAT_LOCK_SECONDS=6); use it with `with`."""
    settings = _settings(env)
    target = Path(settings["DATA_DIR"]) / "db.sqlite3"
    if "DATABASE_URL" not in settings and not target.exists():
        shutil.copy(demo_database(), target)
    return Server("serve", settings, patience=60).start()


def start_cluster(**env):
    """`manage.py cluster`, healthy: PostgreSQL, Valkey, two web processes and the worker."""
    settings = _settings(env)
    folder = Path(settings["DATA_DIR"])
    if "DATABASE_URL" not in settings and not (folder / "postgres").exists():
        for name in ("postgres", "postgres_password"):
            subprocess.run(["cp", "-a", demo_cluster() / name, folder], check=True)  # keeps the owner
    return Server("cluster", settings, patience=120).start()
