"""The product as a process: `manage.py serve` or `manage.py cluster` with its own port and DATA_DIR."""

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

from bench.support.processes import processes_that_mention
from cinema.environment import kept_secret
from realtime.launcher.postgres import Postgres
from realtime.launcher.processes import free_port

ROOT = Path(__file__).resolve().parents[2]
# Variables that a program needs from the machine. Of the product's settings it gets only those that the test gives.
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "SYSTEMROOT", "BOOKMYSEAT_REPORT")
SHIFTED_CLOCK = ("PYTHONPATH", "BOOKMYSEAT_CLOCK_OFFSET")  # `make soak ONLY=clocks`
SECRET_KEY = "only-for-the-benchmarks-0123456789abcdefghijklmnopqrstuvwxyz"  # of servers with DEBUG=0
_running = []


def every_setting():
    """The names of all settings, as .env.example lists them."""
    return re.findall(r"^# ([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)


def clean_environment(**env):
    """The environment of a program under test: `INHERITED` variables and the given settings only."""
    names = (*INHERITED, *SHIFTED_CLOCK) if "BOOKMYSEAT_CLOCK_OFFSET" in os.environ else INHERITED
    inherited = {name: os.environ[name] for name in names if name in os.environ}
    defaults = dict.fromkeys(every_setting(), "")  # empty is the default, and hides the developer's .env
    defaults["DEMO_HISTORY_DAYS"] = "0"  # a demo with past sales takes seconds longer to load; few tests need one
    defaults["SINGLE_SEATS"] = "allow"  # most tests and benchmarks take seats as they come
    return {**inherited, **defaults, "PYTHONUNBUFFERED": "1", **{name: str(value) for name, value in env.items()}}


@cache
def demo_database():
    """A SQLite file with the demo listings, made once per test session and copied for each server."""
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
def demo_cluster(root=ROOT):
    """A DATA_DIR whose PostgreSQL has the demo listings, made once per test session and copied for each cluster."""
    folder = Path(tempfile.mkdtemp(prefix="bookmyseat-demo-cluster-"))
    folder.chmod(0o755)  # started by root, PostgreSQL runs as `nobody`, which must reach the folder
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    server = Postgres(folder / "postgres", kept_secret(folder / "postgres_password"))
    child = server.start()
    try:
        subprocess.run(
            [sys.executable, "-m", "realtime.launcher.preparing"],
            cwd=root,
            env=clean_environment(DATA_DIR=folder, LOOP="external", DATABASE_URL=server.url()),
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=180,
        )
    finally:
        child.stop()
    return folder


class Server:
    """One running copy of the product in its own process session. `url` has no slash at its end."""

    def __init__(self, command, env, *, start_timeout, root=ROOT):
        self.command = command
        self.root = root  # of the repository that it runs
        self.start_timeout = start_timeout  # seconds
        self.data_dir = Path(env["DATA_DIR"])
        self.port = int(env["PORT"])
        self.url = f"http://127.0.0.1:{self.port}"
        self.staff_email = "staff@example.com"
        self.staff_password = env["DEMO_STAFF_PASSWORD"]
        self.env = env
        self.log = self.data_dir / "test-server.log"
        self.process = None

    def start(self):
        """Start it and wait until it is ready. Raises AssertionError with the end of the log when it never is."""
        with self.log.open("ab") as output:
            log_start = output.tell()
            self.process = subprocess.Popen(
                [sys.executable, *self.arguments()],
                cwd=self.root,
                env=clean_environment(**self.env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        _running.append(self)
        begun = time.monotonic()
        while not self.is_ready(log_start):
            ended, late = self.process.poll(), time.monotonic() - begun > self.start_timeout
            if ended is not None or late:
                self.kill()
                what = f"ended with {ended}" if ended is not None else f"is not healthy after {self.start_timeout} s"
                raise AssertionError(f"{self.command} {what}:\n{self.tail()}")
            time.sleep(0.05)
        self.start_seconds = time.monotonic() - begun
        return self

    def arguments(self):
        """The arguments of Python for this program."""
        return ["manage.py", self.command]

    def is_ready(self, log_start):
        """Whether this process is up: /healthz alone may be answered by the previous one on the same port."""
        return f"BookMySeat  {self.url}/".encode() in self.log.read_bytes()[log_start:] and self.is_healthy()

    def is_healthy(self, timeout=2):
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=timeout) as answer:
                return answer.status == 200
        except (OSError, urllib.error.URLError):
            return False

    def tail(self, lines=60):
        """The last lines of the server's log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:]) if self.log.exists() else ""

    def stop(self, signal_number=signal.SIGTERM, *, seconds=10):
        """Send a signal and wait for the end; returns the seconds that took."""
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
        self._kill_all()
        return taken

    def kill(self):
        """SIGKILL to its process group and all processes with its DATA_DIR; `process.kill()` is for the main one."""
        if self.process:
            self._kill_all()
            self.process.wait()

    def restart(self):
        """Kill it and start it again on the same port with the same DATA_DIR."""
        self.kill()
        return self.start()

    def _kill_all(self):
        for pid in (self.process.pid, *processes_that_mention(str(self.data_dir))):
            try:
                os.killpg(pid, signal.SIGKILL) if pid == self.process.pid else os.kill(pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                continue
        if self in _running:
            _running.remove(self)

    def close(self):
        """Kill it and remove its folder."""
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


def with_defaults(env):
    """Settings of one server as text: those given, and a DATA_DIR, PORT and password of its own."""
    folder = Path(env.get("DATA_DIR") or tempfile.mkdtemp(prefix="bookmyseat-server-"))
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    defaults = {"DATA_DIR": folder, "PORT": free_port(), "DEMO_STAFF_PASSWORD": secrets.token_urlsafe(12)}
    return {name: str(value) for name, value in {**defaults, **env}.items()}


def with_demo_listings(env):
    """The same, with the demo listings in the DATA_DIR's SQLite file unless there is a database already."""
    settings = with_defaults(env)
    target = Path(settings["DATA_DIR"]) / "db.sqlite3"
    if "DATABASE_URL" not in settings and not target.exists():
        shutil.copy(demo_database(), target)
    return settings


def start_server(**env):
    """A healthy `manage.py serve`, for use with `with`. Settings by keyword: RATE_LIMITS=0, SEAT_LOCK_SECONDS=6."""
    return Server("serve", with_demo_listings(env), start_timeout=60).start()


def start_cluster(root=ROOT, **env):
    """A healthy `manage.py cluster`: PostgreSQL, Valkey, two web processes and the worker.

    Args:
        root: of another checkout of the repository, to compare two.
    """
    settings = with_defaults(env)
    folder = Path(settings["DATA_DIR"])
    if "DATABASE_URL" not in settings and not (folder / "postgres").exists():
        for name in ("postgres", "postgres_password"):
            subprocess.run(["cp", "-a", demo_cluster(root) / name, folder], check=True)  # keeps the owner
    return Server("cluster", settings, start_timeout=120, root=root).start()
