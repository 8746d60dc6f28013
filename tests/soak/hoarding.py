"""Strangers who lock all they can, and buyers who only want two seats: how many seats each kind gets, as a table.

A real cluster of two web processes behind a trusted proxy on this machine, which these clients play: each says in
`X-Forwarded-For` where it comes from. Every scenario has a showtime and addresses of its own. `HOARDING_SECONDS`: how
long each lasts.
"""

import http.client
import itertools
import json
import os
import random
import secrets
import threading
import time
from collections import Counter
from http.cookies import SimpleCookie
from urllib.parse import urlencode, urlsplit

from bench.support.http_session import exchange, open_showtimes
from bench.support.servers import start_cluster
from bench.support.tables import print_table

THREADS = 8  # of an attacker
FOYER = "192.0.2"  # TRUSTED_NETWORKS has 192.0.2.128/25
HEAD = ["scenario", "seats", "may have", "had at most", "requests", "granted", "429", "other", "tickets"]


class Person:
    """A browser at an address. It has a CSRF token from the start, as after a first page, and no session."""

    def __init__(self, port, address):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.address, self.token = address, secrets.token_hex(16)
        self.cookies = {"csrftoken": self.token}

    def send(self, method, path, body=None, kind="application/json"):
        """(response, its body)."""
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = {"X-Forwarded-For": self.address, "Cookie": cookies, "X-CSRFToken": self.token, "Content-Type": kind}
        try:
            answer, text = exchange(self.connection, method, path, body, headers)
        except (http.client.RemoteDisconnected, ConnectionError):  # the server closes connections that are idle
            answer, text = exchange(self.connection, method, path, body, headers)
        for line in answer.headers.get_all("Set-Cookie") or []:
            self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(line).items()}
        self.token = self.cookies.get("csrftoken", self.token)
        return answer, text

    def ask(self, method, path, body=None):
        """(status, parsed JSON or None)."""
        answer, text = self.send(method, path, json.dumps(body) if body is not None else None)
        return answer.status, json.loads(text) if "json" in answer.headers.get("Content-Type", "") else None

    def post(self, path, **fields):
        """The response to a form."""
        return self.send("POST", path, urlencode(fields), "application/x-www-form-urlencoded")[0]

    def lock(self, show, labels):
        return self.ask("PUT", show["lock"], {"seats": labels})[0]

    def check_out(self, show):
        """(status, the path of the payment page)."""
        status, body = self.ask("POST", f"/api/showtimes/{show['id']}/checkout/", {"email": "a@example.com"})
        return status, urlsplit(body["url"]).path if status == 201 else ""

    def pay(self, page):
        """Whether the booking is confirmed: pay, and go back to the shop. An answer that is busy is asked for again."""
        while (paid := self.post(page, action="pay")).status == 503:
            time.sleep(1)
        back = urlsplit(paid.headers["Location"])
        self.send("GET", f"{back.path}?{back.query}")
        reference, deadline = back.path.strip("/").rpartition("/")[2], time.monotonic() + 30
        while self.ask("GET", f"/api/bookings/{reference}/")[1].get("status") != "confirmed":
            if time.monotonic() > deadline:
                return False
            time.sleep(0.5)
        return True


class Scenario:
    """One showtime, and what came of it. `most` seats were locked at a time, less those locked before."""

    def __init__(self, server, show, seconds):
        self.server, self.show, self.seconds = server, show, seconds
        self.here, self.watchers = threading.local(), []  # a connection for each thread that looks at the map
        self.labels = [seat["label"] for seat in self.see(show["layout"])["seats"]]
        self.n_locked = self.letters().count("L")
        self.answers, self.n_tickets, self.most = Counter(), 0, 0
        self.until = time.monotonic() + seconds

    def see(self, path):
        """What is there; asked again while the server is busy, as a page does."""
        if not hasattr(self.here, "person"):
            self.here.person = Person(self.server.port, "198.18.0.1")
            self.watchers.append(self.here.person)
        while (answer := self.here.person.ask("GET", path))[0] == 503:
            time.sleep(1)
        assert answer[0] == 200, (path, answer)
        return answer[1]

    def letters(self):
        return self.see(self.show["map"])["state"]

    def free(self):
        return [label for label, letter in zip(self.labels, self.letters(), strict=True) if letter == "A"]

    def close(self):
        for person in self.watchers:
            person.connection.close()

    @property
    def is_over(self):
        return time.monotonic() >= self.until

    def run(self, jobs):
        """All jobs at once; meanwhile count the locked seats."""
        threads = [threading.Thread(target=job, daemon=True) for job in jobs]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            self.most = max(self.most, self.letters().count("L") - self.n_locked)
            time.sleep(0.1)
        self.most = max(self.most, self.letters().count("L") - self.n_locked)
        return self

    @property
    def part(self):
        return max(20, len(self.labels) // 4)

    def row(self, name, may_have):
        answers = self.answers
        other = sum(answers.values()) - answers[200] - answers[429]
        may = "-" if may_have is None else str(may_have)
        counts = [sum(answers.values()), answers[200], answers[429], other, self.n_tickets]
        return [name, str(len(self.labels)), may, str(self.most), *map(str, counts)]


def lock_all(scenario, addresses, *, pays=False):
    """Threads that lock ten seats each time as somebody new, at one of these addresses, until the time is over."""

    def attack():
        while not scenario.is_over:
            free = scenario.free()
            if not free:
                time.sleep(0.1)
                continue
            person = Person(scenario.server.port, next(addresses))
            labels = random.sample(free, min(10, len(free)))
            status = person.lock(scenario.show, labels)
            if status == 429:  # less may be left than ten
                status = person.lock(scenario.show, labels[: random.randint(1, 9)])
            scenario.answers[status] += 1
            if pays and status == 200:
                person.check_out(scenario.show)
            person.connection.close()

    return scenario.run([attack] * THREADS)


def visit(scenario, address, n_phones):
    """Phones at one address that come within a third of the time, choose two seats, think, and pay."""
    third = scenario.seconds / 3

    def phone():
        time.sleep(random.uniform(0, third))
        person = Person(scenario.server.port, address)
        while not scenario.is_over:
            free = scenario.free()
            status = person.lock(scenario.show, random.sample(free, 2)) if len(free) > 1 else 0
            scenario.answers[status] += 1
            time.sleep(random.uniform(0, third / 4))  # thinks, or waits for seats
            if status == 200:
                status, page = person.check_out(scenario.show)
                while status == 503:
                    time.sleep(1)
                    status, page = person.check_out(scenario.show)
                if status == 201 and person.pay(page):
                    scenario.n_tickets += 2
                break
        person.connection.close()

    return scenario.run([phone] * n_phones)


def lock_once(scenario, address, n_seats):
    """The status, for somebody new."""
    person = Person(scenario.server.port, address)
    status = person.lock(scenario.show, scenario.free()[:n_seats])
    person.connection.close()
    return status


def buy_signed_in(scenario, address):
    """A hoarder has all that the address may have; then somebody there signs in, with a verified address, and buys."""
    server = scenario.server
    for n_seats in (10, 1):
        while lock_once(scenario, address, n_seats) == 200:
            pass
    before, buyer = scenario.letters().count("L"), Person(server.port, address)
    assert buyer.lock(scenario.show, scenario.free()[:1]) == 429
    answer = buyer.post("/accounts/login/", login=server.staff_email, password=server.staff_password)
    assert answer.status == 302, answer.status
    scenario.answers = Counter([buyer.lock(scenario.show, scenario.free()[:10])])
    scenario.most = scenario.letters().count("L") - before
    status, page = buyer.check_out(scenario.show)
    if status == 201 and buyer.pay(page):
        scenario.n_tickets = 10
    buyer.connection.close()
    return scenario


def random_addresses(form, n):
    """Addresses of a network for ever; `form` takes a number below `n`."""
    return (form.format(random.randrange(n)) for _ in itertools.count())


def scenarios(server, seconds, n_phones):
    """(name, what it may have, the scenario), one after the other, each in a hall of its own."""
    seen = Person(server.port, "198.18.0.1")
    halls = iter(sorted(open_showtimes(seen), key=lambda show: -seen.ask("GET", show["map"])[1]["n"]))
    seen.connection.close()

    def hall():
        return Scenario(server, next(halls), seconds)

    one = lock_all(hall(), itertools.repeat("203.0.113.1"))
    yield "one address", one.part, one
    one = lock_all(hall(), itertools.repeat("203.0.113.2"), pays=True)
    yield "one address that opens payments", 2 * one.part, one
    ten = lock_all(hall(), random_addresses("203.0.113.1{}", 10))
    yield "ten addresses", 10 * ten.part, ten
    home = lock_all(hall(), random_addresses("2001:db8:1:2::{:x}", 2**16))
    yield "one /64", home.part, home
    street = lock_all(hall(), random_addresses("2001:db8:2:{:x}::7", 2**16))
    yield "one /48", 4 * street.part, street
    foyer = visit(hall(), f"{FOYER}.1", n_phones)
    yield f"a foyer of {n_phones}", 2 * foyer.part, foyer
    foyer = visit(hall(), f"{FOYER}.129", n_phones)
    yield f"a foyer of {n_phones}, in TRUSTED_NETWORKS", None, foyer
    buyer = buy_signed_in(hall(), "203.0.113.3")
    yield "a signed-in buyer at an address that is full", buyer.part, buyer


def measure(seconds, n_phones=200):
    """The rows of the table. Raises AssertionError where somebody got more than the limits allow."""
    rows = []
    settings = {"TRUSTED_PROXIES": "127.0.0.1", "TRUSTED_NETWORKS": f"{FOYER}.128/25", "SEAT_LOCK_SECONDS": 300}
    with start_cluster(**settings) as server:
        for name, may_have, scenario in scenarios(server, seconds, n_phones):
            rows.append(scenario.row(name, may_have))
            scenario.close()
            assert may_have is None or scenario.most <= may_have, rows[-1]
            statuses = set(scenario.answers)
            assert statuses <= {0, 200, 409, 429, 503}, (name, scenario.answers)  # 0: too few seats were free
            if "TRUSTED" in name or "signed-in" in name:
                assert not scenario.answers[429] and scenario.n_tickets, rows[-1]
    return rows


def run_all(seconds):
    """Run every scenario; the table, and a summary line."""
    seconds = float(os.environ.get("HOARDING_SECONDS") or seconds)
    rows = measure(seconds)
    print_table(HEAD, rows)
    return f"{len(rows)} scenarios of {seconds:g} s, nobody had more than the limits allow"
