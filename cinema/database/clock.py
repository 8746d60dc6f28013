"""The database's time, which every process shares; what is stored with an instant is decided by it.

A process that serves or works calls `follow` once. From then on `now` is the database's time: the answer of the last
measurement plus what has passed since on the monotonic clock, which nobody sets. So a wrong clock of this machine, or
one that is set while the process runs, moves no deadline; and no request waits for a round trip, because a thread
measures every `INTERVAL` seconds. On SQLite, in commands and in tests `now` is the process's own clock.

A measurement says what the database's clock was between the moment before the question and the moment after the answer.
Its error is half of that time, and grows by `DRIFT` as it ages. A slow answer has a large error and is no evidence;
`now` is wrong by twice the error at most.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, connections
from django.utils import timezone

from cinema.database.query_timeout import REQUEST_TIMEOUT, query_timeout

log = logging.getLogger(__name__)

MOST_OFF = 1.0  # seconds that the process's clock may differ from the database's
INTERVAL = 2.0  # seconds between two measurements
OLD = 0.5  # seconds; an older measurement that the process's clock contradicts is repeated before it is believed
DRIFT = 0.001  # two clocks that NTP corrects differ by at most so much a second
# Instants that two processes wrote differ by at most so much. A lease further ahead than its length and this is void:
# a clock was wrong when it was written.
TOLERANCE = timedelta(seconds=2)


@dataclass(frozen=True)
class Measurement:
    """The database's clock showed `at`, give or take `error` seconds, when the monotonic clock showed `taken`."""

    at: datetime
    taken: float
    error: float

    def time_at(self, monotonic: float) -> datetime:
        """The database's time at this moment of the monotonic clock."""
        return self.at + timedelta(seconds=monotonic - self.taken)

    def error_at(self, monotonic: float) -> float:
        """Seconds by which `time_at` may be wrong, if no clock was set since."""
        return self.error + DRIFT * max(0.0, monotonic - self.taken)


class DatabaseClock:
    """The database's time in one process. Used by any thread; the event loop must not call what may query."""

    def __init__(
        self,
        ask: Callable[[], datetime],
        own: Callable[[], datetime] = timezone.now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask, self._own, self._monotonic = ask, own, monotonic
        self._last: Measurement | None = None
        self._was_off = False
        self._reporting = threading.Lock()

    def now(self) -> datetime:
        """The database's time. One round trip at the first call, and after this process's clock has changed.

        Raises:
            django.db.Error: it was never measured, and the database does not answer.
        """
        last = self._last
        if last is None or (self.is_off() and self._monotonic() - last.taken > OLD):
            self.measure()
            last = self._last
            assert last is not None
        own, monotonic = self._own(), self._monotonic()
        carried = last.time_at(monotonic)
        # Where an inexact measurement does not contradict it, the process's own clock is the better guess.
        return own if abs((own - carried).total_seconds()) <= last.error_at(monotonic) else carried

    def measure(self) -> datetime:
        """Ask the database, and keep the answer unless the one before is more exact. Raises django.db.Error."""
        before = self._monotonic()
        at = self._ask()
        after = self._monotonic()
        new = Measurement(at, (before + after) / 2, (after - before) / 2)
        last = self._last
        if last is None or new.error <= last.error_at(after) or not _agree(last, new, after):
            self._last = new
        self._report()
        return at

    def offset(self) -> float:
        """Seconds that this process's clock is ahead of the database's; 0 before the first measurement."""
        last = self._last
        return 0.0 if last is None else (self._own() - last.time_at(self._monotonic())).total_seconds()

    def is_off(self) -> bool:
        """Whether the two surely differ by more than `MOST_OFF`. Never queries; sees a clock that was set at once."""
        last = self._last
        return last is not None and abs(self.offset()) > MOST_OFF + last.error_at(self._monotonic())

    def _report(self) -> None:
        with self._reporting:  # two threads that measure at once say it once
            is_off = self.is_off()
            if is_off and not self._was_off:
                log.error(
                    "clock: this process differs from the database by %+.1f s; until that is mended it sells nothing"
                    " and its loop rests",
                    self.offset(),
                )
            elif self._was_off and not is_off:
                log.warning("clock: this process agrees with the database again")
            self._was_off = is_off


def _agree(one: Measurement, other: Measurement, monotonic: float) -> bool:
    """Whether both can be true. Else the database's clock was set, or this machine slept."""
    difference = abs((one.time_at(monotonic) - other.time_at(monotonic)).total_seconds())
    return difference <= one.error_at(monotonic) + other.error_at(monotonic)


def read() -> datetime:
    """The database's time by a round trip of its own; on SQLite, which has no clock, the process's.

    Raises:
        django.db.Error: the database does not answer.
    """
    return _followed.measure() if _followed is not None else _ask()


def _ask() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()" if connection.vendor == "postgresql" else "SELECT NULL")
        [at] = cursor.fetchone()
    return at or timezone.now()


_followed: DatabaseClock | None = None
_thread: threading.Thread | None = None
_thread_lock = threading.Lock()


def follow() -> None:
    """From now on `now` is the database's time, in this process. Does nothing on SQLite; opens no connection."""
    global _followed
    if _followed is None and connection.vendor == "postgresql":
        _followed = DatabaseClock(_ask)


def now() -> datetime:
    """The time that decides; for use at the edge of an operation, which passes it down as `at`.

    Raises:
        django.db.Error: it is not known yet, and the database does not answer.
    """
    if _followed is None:
        return timezone.now()
    _start_thread()
    return _followed.now()


def is_off() -> bool:
    """Whether the clock of this process is known to be wrong: it must not sell, nor run the loop. Never queries."""
    return _followed is not None and _followed.is_off()


def offset() -> float:
    """Seconds that the clock of this process is ahead of the database's, as far as is known. Never queries."""
    return 0.0 if _followed is None else _followed.offset()


def _start_thread() -> None:
    """By the first call of `now`, so that a process may fork after its imports."""
    global _thread
    if _thread is not None:
        return
    with _thread_lock:
        if _thread is None:
            _thread = threading.Thread(target=_measure_forever, name="database clock", daemon=True)
            _thread.start()


def _measure_forever() -> None:
    while True:
        time.sleep(INTERVAL)
        try:
            with query_timeout(REQUEST_TIMEOUT):
                read()
        except Exception as error:  # each driver has its own for a database that is away; others report it louder
            log.debug("clock: the database does not answer: %s", error)
        finally:
            connections.close_all()
