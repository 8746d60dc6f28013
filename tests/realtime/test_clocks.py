"""Real processes whose clock is wrong, beside others whose clock is right: nothing is stolen, and nothing is silent.

The table of the summary has a line for each.
"""

import copy
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from bench.support.clocks import SetClock
from bench.support.servers import ROOT, Server, clean_environment, demo_cluster, demo_database
from cinema.environment import kept_secret
from realtime.launcher.postgres import Postgres
from realtime.launcher.processes import free_port
from tests.realtime.servers import UvicornServer, Visitor
from tests.report import report

pytestmark = pytest.mark.server

SECONDS = 30  # the most that anything here may take on a busy machine


def wait_for(condition, what):
    deadline = time.monotonic() + SECONDS
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {SECONDS} s: {what}"
        time.sleep(0.1)
    return found


@contextmanager
def demo_postgres(folder):
    """The URL of a PostgreSQL with the demo listings."""
    for name in ("postgres", "postgres_password"):
        subprocess.run(["cp", "-a", demo_cluster() / name, folder], check=True)  # keeps the owner
    server = Postgres(folder / "postgres", kept_secret(folder / "postgres_password"))
    child = server.start()
    try:
        yield server.url()
    finally:
        child.stop()


class ClusterWeb(UvicornServer):
    """The web process of a cluster."""

    def arguments(self):
        return ["-m", "realtime.launcher.web"]


class Scene:
    """A database with the demo listings, and processes on it, each with a clock of its own."""

    def __init__(self, stack, folder, database):
        self.stack, self.folder, self.database = stack, folder, database
        self.common = {
            "DATABASE_URL": database,
            "SECRET_KEY": "the same for all of these processes, and long enough",
            "RATE_LIMITS": "0",
            "LOOP": "external",
            "DEMO_STAFF_PASSWORD": "for tests",
        }

    def web(self, name, ahead=0.0, kind=ClusterWeb, **env):
        data_dir = self.folder / name
        data_dir.mkdir()
        own_clock = SetClock(self.folder, name, ahead)
        command = "serve" if kind is Server else name
        settings = {**self.common, "DATA_DIR": str(data_dir), "PORT": str(free_port()), **own_clock.env, **env}
        server = kind(command, settings, start_timeout=60)
        server.own_clock = own_clock
        return self.stack.enter_context(server.start())

    @contextmanager
    def worker(self, name, ahead=0.0, **env):
        """`manage.py work`; killed at the end. `text()` is its log."""
        data_dir = self.folder / name
        data_dir.mkdir(exist_ok=True)
        log = data_dir / "worker.log"
        own_clock = SetClock(self.folder, name, ahead)
        settings = {**self.common, "DATA_DIR": str(data_dir), **own_clock.env, **env}
        with log.open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "manage.py", "work"],
                cwd=ROOT,
                env=clean_environment(**settings),
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        process.text = log.read_text
        process.own_clock = own_clock
        try:
            yield process
        finally:
            process.kill()
            process.wait()


@pytest.fixture
def scene():
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bookmyseat-clocks-")))
        folder.chmod(0o755)  # PostgreSQL, which root starts as `nobody`, must reach it
        yield Scene(stack, folder, stack.enter_context(demo_postgres(folder)))


@pytest.fixture
def sqlite_scene(tmp_path):
    shutil.copy(demo_database(), tmp_path / "db.sqlite3")
    with ExitStack() as stack:
        yield Scene(stack, tmp_path, f"sqlite:///{tmp_path}/db.sqlite3")


def ready(server):
    return Visitor(server.url).ask("GET", "/readyz")


def is_ready(server):
    return ready(server)[0] == 200


def clock_of(server):
    return ready(server)[1]["clock"]


def free_seats(server):
    """A showtime on sale and labels of its free seats."""
    visitor = Visitor(server.url)
    listing = visitor.ask("GET", "/api/showtimes/")
    assert listing[0] == 200, server.tail()
    showtime = listing[1]["showtimes"][-1]
    state = visitor.ask("GET", showtime["map"])[1]["state"]
    seats = visitor.ask("GET", showtime["layout"])[1]["seats"]
    return showtime["id"], [seat["label"] for seat in seats if state[seat["i"]] == "A" and seat["kind"] == "seat"]


def labels_of(visitor, showtime):
    return [seat["label"] for seat in visitor.ask("GET", f"/api/showtimes/{showtime}/lock/")[1]["seats"]]


def at_server(visitor, server):
    """The same browser at another process. The cookie's name has the port, which processes of a cluster share."""
    other = Visitor(server.url)
    for cookie in visitor.jar:
        theirs = copy.copy(cookie)
        theirs.name = f"bookmyseat_{server.port}" if cookie.name.startswith("bookmyseat_") else cookie.name
        other.jar.set_cookie(theirs)
    return other


def answer_headers(visitor, path, body):
    """(status, headers) of a PUT that is refused."""
    request = urllib.request.Request(visitor.url + path, json.dumps(body).encode(), method="PUT")
    request.add_header("Content-Type", "application/json")
    request.add_header("X-CSRFToken", visitor.cookie("csrftoken"))
    try:
        with visitor.opener.open(request, timeout=15) as answer:
            return answer.status, answer.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers


@pytest.mark.parametrize("ahead", [360, -360], ids=["six minutes ahead", "six minutes behind"])
def test_of_two_web_processes_one_with_a_wrong_clock_sells_nothing_and_takes_nothing_away(scene, redis_url, ahead):
    right = scene.web("right", REDIS_URL=redis_url)
    wrong = scene.web("wrong", ahead, REDIS_URL=redis_url)
    showtime, free = free_seats(right)
    path = f"/api/showtimes/{showtime}/lock/"
    alice, bob = Visitor(right.url), Visitor(wrong.url)
    granted = alice.lock(showtime, *free[:2])
    assert granted[0] == 200, granted
    bob.ask("GET", path)

    tries = [answer_headers(bob, path, {"seats": [label]}) for label in free[:3] for _ in range(5)]
    stolen = [label for label in free[:2] if label not in labels_of(alice, showtime)]
    assert stolen == []
    assert {status for status, _ in tries} == {503}, "also the first of this process, before anybody asked /readyz"
    assert all(int(headers["Retry-After"]) >= 1 for _, headers in tries)
    assert bob.lock(showtime, free[2])[1]["type"] == "busy"
    assert ready(wrong) == (503, {"database": "ok", "bridge": "ok", "loop": "late", "clock": "off", "proxy": "ok"})
    assert ready(right)[1]["clock"] == "ok"

    here_and_there = at_server(alice, wrong)
    assert here_and_there.ask("POST", f"/api/showtimes/{showtime}/checkout/", {"email": "a@example.com"})[0] == 503
    seen = here_and_there.ask("GET", path)[1]
    left = datetime.fromisoformat(seen["expires_at"]) - datetime.fromisoformat(seen["now"])
    assert timedelta(minutes=4) < left <= timedelta(minutes=5), "the time left is told by the database's clock"
    assert labels_of(alice, showtime) == free[:2]
    assert alice.lock(showtime, *free[:3])[0] == 200, "the other process sells"
    assert here_and_there.ask("DELETE", path)[0] == 204, "giving back goes on"
    assert at_server(bob, right).lock(showtime, *free[:3])[0] == 200
    what = "ahead" if ahead > 0 else "behind"
    report(
        f"clock: web process {abs(ahead)} s {what}", f"{len(tries)} PUTs, {len(tries)} busy, 0 seats stolen; 503 off"
    )


@pytest.mark.parametrize("kind", [Server, UvicornServer, ClusterWeb], ids=["daphne", "uvicorn", "cluster"])
def test_a_clock_that_is_set_while_a_process_serves_stops_its_sales_at_once_until_it_is_right(scene, kind):
    server = scene.web("stepping", kind=kind, LOOP="inside")
    showtime, free = free_seats(server)
    alice, bob = Visitor(server.url), Visitor(server.url)
    assert alice.lock(showtime, free[0])[0] == 200
    wait_for(lambda: ready(server)[1]["loop"] == "ok", "the loop inside acts")
    server.own_clock.set(360)
    begun = time.monotonic()
    while (answer := bob.lock(showtime, free[0]))[0] != 503:
        assert answer[0] != 200, "stolen"
        assert time.monotonic() - begun < SECONDS, "not busy"
    took = time.monotonic() - begun
    assert clock_of(server) == "off"
    wait_for(lambda: ready(server)[1]["loop"] == "late", "a loop that rests is late")
    assert labels_of(alice, showtime) == [free[0]], "the loop inside has expired nothing"
    server.own_clock.set(0)
    wait_for(lambda: is_ready(server), "it is ready again")
    assert bob.lock(showtime, free[1])[0] == 200
    wait_for(lambda: ready(server)[1]["loop"] == "ok", "its loop acts again")
    assert differences(server.log.read_text()) == [pytest.approx(360, abs=5)]
    report(
        f"clock set 360 s ahead while {kind.__name__} serves", f"busy after {took:.2f} s, 0 stolen, sells when right"
    )


def differences(log):
    """Seconds that a process is ahead, as often as its log names them."""
    return [float(found) for found in re.findall(r"differs from the database by ([+-][\d.]+) s", log)]


def execute(scene, text, *values):
    with psycopg.connect(scene.database, autocommit=True) as connection:
        cursor = connection.execute(text, values)
        return cursor.fetchall() if cursor.description else []


def expires_soon(scene, web):
    """A lock that has lapsed already; returns a question whether the loop has expired it."""
    showtime, free = free_seats(web)
    alice = Visitor(web.url)
    reference = alice.lock(showtime, free[0])[1]["reference"]
    past = datetime.now(UTC) - timedelta(seconds=1)
    execute(scene, "UPDATE booking_booking SET locked_until = %s WHERE reference = %s", past, reference)
    query = "SELECT status FROM booking_booking WHERE reference = %s"
    return lambda: execute(scene, query, reference) == [("expired",)]


def test_a_worker_an_hour_ahead_neither_acts_nor_silences_the_one_that_follows(scene):
    web = scene.web("web")
    has_expired = expires_soon(scene, web)
    with scene.worker("ahead", 3600) as ahead:
        wait_for(lambda: "loop: started" in ahead.text(), "it runs")
        time.sleep(2)  # several beats, in which it must do nothing
        assert not has_expired()
        assert execute(scene, "SELECT * FROM booking_lease") == []
        assert ready(web) == (200, {"database": "ok", "bridge": "local", "loop": "late", "clock": "ok", "proxy": "ok"})
        wait_for(lambda: differences(ahead.text()), "it says so")
        assert differences(ahead.text()) == [pytest.approx(3600, abs=5)]
    with scene.worker("right"):
        begun = time.monotonic()
        wait_for(has_expired, "the right one acts")
        wait_for(lambda: ready(web)[1]["loop"] == "ok", "and says so")
        took = time.monotonic() - begun
    report("clock: worker an hour ahead, killed, started right", f"the lock is expired and the loop ok in {took:.1f} s")


def test_a_lease_an_hour_ahead_that_an_older_release_left_silences_nothing(scene):
    web = scene.web("web")
    has_expired = expires_soon(scene, web)
    until = datetime.now(UTC) + timedelta(hours=1)
    execute(scene, "INSERT INTO booking_lease (name, holder, until) VALUES ('loop', 'killed', %s)", until)
    assert ready(web)[1]["loop"] == "late", "nobody acts, whatever the lease says"
    with scene.worker("right"):
        wait_for(has_expired, "the lease is void")
        wait_for(lambda: ready(web)[1]["loop"] == "ok", "the loop acts")
    wait_for(lambda: ready(web)[1]["loop"] == "late", "after a kill it is late")


def test_a_worker_whose_clock_is_set_gives_its_lease_up_to_another(scene):
    web = scene.web("web")
    with scene.worker("one") as one:
        wait_for(lambda: ready(web)[1]["loop"] == "ok", "the first acts")
        [(first,)] = execute(scene, "SELECT holder FROM booking_lease")
        with scene.worker("two"):
            one.own_clock.set(-3600)
            wait_for(lambda: execute(scene, "SELECT holder FROM booking_lease") != [(first,)], "the second took over")
            wait_for(expires_soon(scene, web), "and acts")
            holds_lease = one_value(scene.folder / "one" / "loop.prom", "bookmyseat_loop_holds_lease")
            wait_for(lambda: holds_lease() == 0.0, "the metrics of the first say that it holds no lease")


def one_value(file, name):
    def read():
        lines = [line for line in file.read_text().splitlines() if line.startswith(f"{name}{{")]
        return float(lines[0].rpartition(" ")[2])

    return read


def test_on_sqlite_a_lease_that_a_killed_process_left_an_hour_ahead_is_void(sqlite_scene):
    web = sqlite_scene.web("web", kind=UvicornServer)
    with sqlite_scene.worker("ahead", 3600):
        time.sleep(5)  # on SQLite the clock of a process is the database's: it takes the lease
    assert ready(web)[1]["loop"] == "late", "a beat of the future is none"
    with sqlite_scene.worker("right"):
        wait_for(lambda: ready(web)[1]["loop"] == "ok", "the right one acts")
    assert ready(web)[1]["clock"] == "ok"
