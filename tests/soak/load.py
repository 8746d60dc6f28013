"""Buyers who change their seats at a steady rate, and a table of how long their requests took."""

import http.client
import statistics
import threading
import time
from dataclasses import dataclass, field

from bench.support.http_session import HttpSession
from bench.support.tables import percentile

TIMEOUT = 30  # seconds for a request; longer than any fault that is injected
HEAD = ["phase", "requests", "granted", "busy 503", "other", "p50 ms", "p99 ms", "max ms"]


@dataclass
class Answers:
    """The requests of one phase: (seconds, status), status 0 when the connection broke."""

    taken: list[tuple[float, int]] = field(default_factory=list)

    def row(self, name):
        times = sorted(1000 * seconds for seconds, _ in self.taken)
        statuses = [status for _, status in self.taken]
        counts = [statuses.count(200), statuses.count(503)]
        counts.append(len(statuses) - sum(counts))
        figures = (statistics.median(times), percentile(times, 0.99), times[-1]) if times else ()
        return [name, str(len(times)), *map(str, counts), *([f"{ms:.0f}" for ms in figures] or ["-", "-", "-"])]

    @property
    def slowest(self):
        return max((seconds for seconds, _ in self.taken), default=0.0)

    @property
    def all_granted(self):
        return all(status == 200 for _, status in self.taken)


class Buyer:
    """A visitor who locks one of two seats of a showtime alternately."""

    def __init__(self, port, showtime, labels):
        self.session, self.labels, self.n_chosen = HttpSession(port, timeout=TIMEOUT), labels, 0
        self.path = f"/api/showtimes/{showtime}/lock/"
        self.ask("GET")

    def ask(self, method, body=None):
        """The status, 0 when no answer came."""
        try:
            return self.session.ask(method, self.path, body)[0]
        except (OSError, http.client.HTTPException):
            return 0

    def choose(self):
        self.n_chosen += 1
        return self.ask("PUT", {"seats": [self.labels[self.n_chosen % 2]]})


class Load:
    """`rate` changes per second by these buyers, one thread each; `pause` stops them, `begin_phase` starts them."""

    def __init__(self, buyers, rate):
        self.interval = len(buyers) / rate  # seconds between two requests of one buyer
        self.running, self.stopped = threading.Event(), threading.Event()
        self.answers = Answers()
        self.idle = [threading.Event() for _ in buyers]
        self.threads = [
            threading.Thread(target=self._keep_choosing, args=(buyer, number / rate, idle), daemon=True)
            for number, (buyer, idle) in enumerate(zip(buyers, self.idle, strict=True))
        ]
        for thread in self.threads:
            thread.start()

    def _keep_choosing(self, buyer, delay, idle):
        while not self.stopped.is_set():
            idle.set()
            self.running.wait()
            if self.stopped.wait(delay):
                return
            idle.clear()
            if self.running.is_set():
                answers, begun = self.answers, time.perf_counter()
                status = buyer.choose()
                answers.taken.append((time.perf_counter() - begun, status))
                delay = max(0.0, self.interval - (time.perf_counter() - begun))

    def begin_phase(self):
        """The answers from now on. A request belongs to the phase in which it began."""
        self.answers = Answers()
        self.running.set()
        return self.answers

    def pause(self):
        """Returns when every request has its answer and no buyer sends another one."""
        self.running.clear()
        for idle in self.idle:
            idle.wait(TIMEOUT)

    def stop(self):
        self.stopped.set()
        self.running.set()
        for thread in self.threads:
            thread.join(TIMEOUT)
