"""The owner of every process of the production shape on one machine: it starts, supervises, restarts and ends them."""

from __future__ import annotations

import logging
import signal
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from realtime.launcher.postgres import Postgres, ServiceMissing
from realtime.launcher.process_registry import ProcessRegistry
from realtime.launcher.processes import Child, bind_shared_socket, port_is_free
from realtime.launcher.production import BASE_DIR, POSTGRES, VALKEY, own_service
from realtime.launcher.valkey import Valkey

log = logging.getLogger(__name__)

CHECK_INTERVAL = 0.1  # seconds, as all below
LONGEST_RESTART_DELAY = 5.0  # of a child that keeps ending
STABLE_AFTER = 20.0  # of running; then the earlier ends of a child are forgotten
START_TIMEOUT = 90.0
PROCESS_STOP_TIMEOUT = 2.8  # of web processes and worker; with SERVICE_STOP_TIMEOUT below the 5 s that are promised
SERVICE_STOP_TIMEOUT = 1.2
CONNECTIONS_PER_PROCESS = 12  # the pool's most


class StopRequested(Exception):
    """SIGTERM or SIGINT came."""


@dataclass
class Supervised:
    """A child and its restarts. PostgreSQL and Valkey are services: they are ended after the processes that use them.

    `started_at` and `restart_at` are of the monotonic clock, in seconds; `restart_at` is 0 while the child runs.
    """

    child: Child
    is_service: bool
    started_at: float = 0.0
    n_ends: int = 0
    restart_at: float = 0.0

    def start(self) -> None:
        self.child.start()
        self.started_at, self.restart_at = time.monotonic(), 0.0

    def restart_if_due(self) -> bool:
        """Start the child again when it has ended and its delay is over; True when it was started."""
        now = time.monotonic()
        if self.child.is_alive:
            return False
        if not self.restart_at:
            self.n_ends = 1 if now - self.started_at > STABLE_AFTER else self.n_ends + 1
            self.restart_at = now + min(0.1 * 2**self.n_ends, LONGEST_RESTART_DELAY)
            log.warning("%s ended with %s and will start again", self.child.name, self.child.exit_code)
        if now < self.restart_at:
            return False
        self.start()
        return True


class Cluster:
    """`run()` returns when every process has ended: within 5 s of SIGTERM or SIGINT."""

    def __init__(self, *, data_dir: Path, port: int, workers: int) -> None:
        self.data_dir, self.port, self.workers = data_dir, port, workers
        self.registry = ProcessRegistry(data_dir, port)
        self.supervised: list[Supervised] = []

    def claim(self) -> list[int]:
        """As ProcessRegistry.claim, and reserve the port. Raises ServiceMissing when another program uses it."""
        ended = self.registry.claim()
        if not port_is_free(self.port):
            self.registry.close()
            raise ServiceMissing(f"Port {self.port} is in use by another program. Set PORT to a free one.")
        # Bound and not listening: it keeps the port ours while web processes end and start.
        self.reserved_socket = bind_shared_socket(self.port, listen=False)
        return ended

    def run(self, on_ready: Callable[[], None]) -> None:
        """Start everything, call `on_ready` when the first page can be served, supervise until a signal comes.

        Raises ServiceMissing when it cannot start; nothing is left running then either.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        try:
            self._start()
            on_ready()
            self._supervise()
        except StopRequested:
            return
        finally:
            self._stop()

    def _on_signal(self, *_: object) -> NoReturn:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        raise StopRequested

    def _start(self) -> None:
        self._start_services()
        self._prepare()
        for number in range(1, self.workers + 1):
            self._add(self._python(f"web {number}", "-m", "realtime.launcher.web"))
        self._add(self._python("worker", "manage.py", "work"))
        self._wait_until_healthy()

    def _start_services(self) -> None:
        if postgres := own_service(POSTGRES):
            most = 20 + CONNECTIONS_PER_PROCESS * (self.workers + 2)
            server = Postgres(self.data_dir / "postgres", *postgres, options=(f"max_connections={most}",))
            server.start(self._add_service)
        if valkey := own_service(VALKEY):
            Valkey(self.data_dir / "valkey", *valkey).start(self._add_service)

    def _prepare(self) -> None:
        """In a process of its own: the owner stays small, with no thread and no database connection."""
        child = self._python("preparing", "-m", "realtime.launcher.preparing")
        self._add(child)
        while child.is_alive:
            time.sleep(CHECK_INTERVAL)
        self.supervised.pop()
        if child.exit_code:
            raise ServiceMissing("The database could not be prepared; the lines above say why.")

    def _python(self, name: str, *arguments: str) -> Child:
        return Child(name, [sys.executable, *arguments], cwd=BASE_DIR)

    def _add(self, child: Child) -> None:
        process = Supervised(child, is_service=False)
        self.supervised.append(process)
        process.start()
        self._record()

    def _add_service(self, service: Child) -> None:
        """A service that has just started itself."""
        self.supervised.append(Supervised(service, is_service=True, started_at=time.monotonic()))
        self._record()

    def _record(self) -> None:
        self.registry.record([each.child for each in self.supervised])

    def _wait_until_healthy(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while not self._is_healthy():
            dead = [each.child.name for each in self.supervised if not each.child.is_alive]
            if dead or time.monotonic() > deadline:
                raise ServiceMissing(f"The start failed: {', '.join(dead) or 'no web process'} did not come up.")
            time.sleep(CHECK_INTERVAL)

    def _is_healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def _supervise(self) -> NoReturn:
        while True:
            time.sleep(CHECK_INTERVAL)
            started = [each.restart_if_due() for each in self.supervised]
            if any(started):
                self._record()

    def _stop(self) -> None:
        self.reserved_socket.close()
        for is_service, seconds in ((False, PROCESS_STOP_TIMEOUT), (True, SERVICE_STOP_TIMEOUT)):
            group = [each.child for each in self.supervised if each.is_service is is_service]
            deadline = time.monotonic() + seconds
            for child in group:
                child.ask_to_stop()
            for child in group:
                child.wait_or_kill(seconds=deadline - time.monotonic())
        self.registry.close()
