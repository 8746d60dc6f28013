"""Buyers who keep changing their minds at a steady pace, and a table of how long they had to wait."""

import http.client
import json
import statistics
import threading
import time
from dataclasses import dataclass, field
from http.cookies import SimpleCookie

TIMEOUT = 30  # of a request; longer than any fault that is put on


@dataclass
class Answers:
    """What happened to the requests of one phase: (seconds, status), status 0 when the connection broke."""

    taken: list[tuple[float, int]] = field(default_factory=list)

    def row(self, name):
        times = sorted(1000 * seconds for seconds, _ in self.taken)
        statuses = [status for _, status in self.taken]
        counts = [sum(s == 200 for s in statuses), sum(s == 503 for s in statuses)]
        counts.append(len(statuses) - sum(counts))
        if not times:
            return [name, "0", *map(str, counts), "-", "-", "-"]
        p99 = times[min(len(times) - 1, int(0.99 * len(times)))]
        return [
            name,
            str(len(times)),
            *map(str, counts),
            *(f"{x:.0f}" for x in (statistics.median(times), p99, times[-1])),
        ]

    @property
    def slowest(self):
        return max((seconds for seconds, _ in self.taken), default=0.0)

    @property
    def all_granted(self):
        return all(status == 200 for _, status in self.taken)


HEAD = ["phase", "requests", "granted", "busy 503", "other", "p50 ms", "p99 ms", "max ms"]


class Buyer:
    """One visitor with two seats of a showtime of whom it wants now the one, now the other."""

    def __init__(self, port, showtime, labels):
        self.port, self.labels, self.turn = port, labels, 0
        self.path = f"/api/showtimes/{showtime}/lock/"
        self.cookies = {}
        self.line = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
        self.ask("GET")

    def ask(self, method, body=None):
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if body is not None:
            headers |= {"Content-Type": "application/json", "X-CSRFToken": self.cookies["csrftoken"]}
        try:
            self.line.request(method, self.path, body, headers)
            answer = self.line.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            self.line.close()
            return 0
        for text in answer.headers.get_all("Set-Cookie") or []:
            self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(text).items()}
        return answer.status

    def choose(self):
        self.turn += 1
        return self.ask("PUT", json.dumps({"seats": [self.labels[self.turn % 2]]}))


class Load:
    """`rate` changes a second by these buyers, a thread each. Pause it to see the maps come to rest."""

    def __init__(self, buyers, rate):
        self.pause_of_each = len(buyers) / rate
        self.running, self.over = threading.Event(), threading.Event()
        self.answers = Answers()
        self.idle = [threading.Event() for _ in buyers]
        self.threads = [
            threading.Thread(target=self._keep_choosing, args=(buyer, number / rate, idle), daemon=True)
            for number, (buyer, idle) in enumerate(zip(buyers, self.idle, strict=True))
        ]
        for thread in self.threads:
            thread.start()

    def _keep_choosing(self, buyer, delay, idle):
        while not self.over.is_set():
            idle.set()
            self.running.wait()
            if self.over.wait(delay):
                return
            idle.clear()
            if self.running.is_set():
                answers, begun = self.answers, time.perf_counter()
                status = buyer.choose()
                answers.taken.append((time.perf_counter() - begun, status))
                delay = max(0.0, self.pause_of_each - (time.perf_counter() - begun))

    def phase(self):
        """Counts anew from here; the answers of this phase. A request belongs to the phase it began in."""
        self.answers = Answers()
        self.running.set()
        return self.answers

    def rest(self):
        """Nobody asks any more, and all have their answer, when this returns."""
        self.running.clear()
        for idle in self.idle:
            idle.wait(TIMEOUT)

    def stop(self):
        self.over.set()
        self.running.set()
        for thread in self.threads:
            thread.join(TIMEOUT)


def print_table(rows):
    lines = [HEAD, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    for line in lines:
        print("    " + "  ".join(text.rjust(width) for text, width in zip(line, widths, strict=True)), flush=True)
