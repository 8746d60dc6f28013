"""The owner of every process of the production shape on one machine. It starts, watches, restarts and ends them."""

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
from realtime.launcher.process_registry import Register
from realtime.launcher.processes import Child, port_is_free, shared_door
from realtime.launcher.production import BASE_DIR, POSTGRES, VALKEY, own_service
from realtime.launcher.valkey import Valkey

log = logging.getLogger(__name__)

LOOK_EVERY = 0.1
LONGEST_PAUSE = 5.0  # between two starts of a child that keeps dying
SOUND_AFTER = 20.0  # seconds of life after which a child's earlier deaths are forgotten
START_SECONDS = 90.0
PEOPLE_SECONDS = 2.8  # for web processes and worker to end; with SERVICE_SECONDS below the 5 s that are promised
SERVICE_SECONDS = 1.2
CONNECTIONS_PER_PROCESS = 12  # the pool's most


class Ended(Exception):
    """SIGTERM or SIGINT came."""


@dataclass
class Charge:
    """A child and how it has fared. PostgreSQL and Valkey are services: they end after those who use them."""

    child: Child
    is_service: bool
    born: float = 0.0
    deaths: int = 0
    due: float = 0.0

    def start(self) -> None:
        self.child.start()
        self.born, self.due = time.monotonic(), 0.0

    def look_after(self) -> bool:
        """Starts it again when it is dead and its pause is over; True when it was started."""
        now = time.monotonic()
        if self.child.is_alive:
            return False
        if not self.due:
            self.deaths = 1 if now - self.born > SOUND_AFTER else self.deaths + 1
            self.due = now + min(0.1 * 2**self.deaths, LONGEST_PAUSE)
            log.warning("%s ended with %s and will start again", self.child.name, self.child.exit_code)
        if now < self.due:
            return False
        self.start()
        return True


class Cluster:
    """`run()` returns when everything is gone: within 5 s of SIGTERM or SIGINT."""

    def __init__(self, *, data_dir: Path, port: int, workers: int) -> None:
        self.data_dir, self.port, self.workers = data_dir, port, workers
        self.register = Register(data_dir, port)
        self.charges: list[Charge] = []

    def claim(self) -> list[int]:
        """As Register.claim; then the port is ours. Raises ServiceMissing when another program has it."""
        ended = self.register.claim()
        if not port_is_free(self.port):
            self.register.close()
            raise ServiceMissing(f"Port {self.port} is in use by another program. Set PORT to a free one.")
        self.door = shared_door(self.port, listen=False)  # keeps the port ours while web processes come and go
        return ended

    def run(self, greet: Callable[[], None]) -> None:
        """Starts everything, calls `greet` when the first page can be served, watches until a signal comes.

        Raises ServiceMissing when it cannot start; nothing is left running then either.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._hear)
        try:
            self._start()
            greet()
            self._watch()
        except Ended:
            return
        finally:
            self._end()

    def _hear(self, *_: object) -> NoReturn:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        raise Ended

    def _start(self) -> None:
        self._start_services()
        self._prepare()
        for number in range(1, self.workers + 1):
            self._add(self._python(f"web {number}", "-m", "realtime.launcher.web"))
        self._add(self._python("worker", "manage.py", "work"))
        self._wait_for_health()

    def _start_services(self) -> None:
        if postgres := own_service(POSTGRES):
            most = 20 + CONNECTIONS_PER_PROCESS * (self.workers + 2)
            server = Postgres(self.data_dir / "postgres", *postgres, options=(f"max_connections={most}",))
            server.start(self._adopt)
        if valkey := own_service(VALKEY):
            Valkey(self.data_dir / "valkey", *valkey).start(self._adopt)

    def _prepare(self) -> None:
        """In a process of its own: the owner stays small, with no thread and no connection of its own."""
        child = self._python("preparing", "-m", "realtime.launcher.preparing")
        self._add(child)
        while child.is_alive:
            time.sleep(LOOK_EVERY)
        self.charges.pop()
        if child.exit_code:
            raise ServiceMissing("The database could not be prepared; the lines above say why.")

    def _python(self, name: str, *arguments: str) -> Child:
        return Child(name, [sys.executable, *arguments], cwd=BASE_DIR)

    def _add(self, child: Child) -> None:
        charge = Charge(child, is_service=False)
        self.charges.append(charge)
        charge.start()
        self._record()

    def _adopt(self, service: Child) -> None:
        self.charges.append(Charge(service, is_service=True, born=time.monotonic()))
        self._record()

    def _record(self) -> None:
        self.register.record([charge.child for charge in self.charges])

    def _wait_for_health(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._is_healthy():
            dead = [charge.child.name for charge in self.charges if not charge.child.is_alive]
            if dead or time.monotonic() > deadline:
                raise ServiceMissing(f"The start failed: {', '.join(dead) or 'no web process'} did not come up.")
            time.sleep(LOOK_EVERY)

    def _is_healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def _watch(self) -> NoReturn:
        while True:
            time.sleep(LOOK_EVERY)
            started = [charge.look_after() for charge in self.charges]
            if any(started):
                self._record()

    def _end(self) -> None:
        self.door.close()
        for is_service, seconds in ((False, PEOPLE_SECONDS), (True, SERVICE_SECONDS)):
            group = [charge.child for charge in self.charges if charge.is_service is is_service]
            deadline = time.monotonic() + seconds
            for child in group:
                child.ask_to_stop()
            for child in group:
                child.wait_or_kill(seconds=deadline - time.monotonic())
        self.register.close()
