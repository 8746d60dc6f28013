"""`migrate`, `load_demo` and `runserver` give the same live map as `make run`."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import closing

import pytest
from websockets.sync.client import connect

from bench.support.processes import processes_of_session
from bench.support.servers import ROOT, clean_environment, demo_database
from realtime.launcher.processes import free_port, wait_until
from tests.realtime.launcher.test_race_over_http import Browser


def manage(env, *words):
    subprocess.run(
        [sys.executable, "manage.py", *words], cwd=ROOT, env=env, check=True, capture_output=True, timeout=60
    )


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return answer.status == 200
    except (OSError, urllib.error.URLError):
        return False


@pytest.fixture(params=[("--noreload",), ()], ids=["noreload", "autoreload"])
def runserver(request, tmp_path):
    """The port of a `runserver` over the demo programme, healthy."""
    port = free_port()
    shutil.copy(demo_database(), tmp_path / "db.sqlite3")
    env = clean_environment(DATA_DIR=tmp_path, PORT=port, RATE_LIMITS=0)
    manage(env, "migrate")
    words = [sys.executable, "manage.py", "runserver", f"127.0.0.1:{port}", *request.param]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(words, cwd=ROOT, env=env, stdout=log, stderr=log, start_new_session=True)
    try:
        healthy = wait_until(lambda: answers(f"http://127.0.0.1:{port}/healthz"), seconds=40)
        assert healthy, (tmp_path / "log").read_text()
        yield port
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)
        wait_until(lambda: not processes_of_session(process.pid), seconds=5)


def test_a_lock_over_http_is_a_delta_on_the_socket(runserver):
    for path in ("/", "/static/css/base.css", "/static/js/seat-map.js"):
        assert answers(f"http://127.0.0.1:{runserver}{path}"), path
    assert answer_to_a_large_body(runserver).startswith(b"HTTP/1.1 413 ")
    alice = Browser(runserver)
    with closing(alice.connection):
        lock_and_look(alice, runserver)


def answer_to_a_large_body(port):
    """The first bytes of it; none of the body has been sent."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 400000000\r\n\r\n")
        return client.recv(1024)


def lock_and_look(alice, port):
    showtime = alice.ask("GET", "/api/showtimes/")[1]["showtimes"][-1]
    seats = alice.ask("GET", showtime["layout"])[1]["seats"]
    state = alice.ask("GET", showtime["map"])[1]["state"]
    seat = next(seat for seat in seats if state[seat["i"]] == "A")
    alice.ask("GET", showtime["lock"])
    with connect(f"ws://127.0.0.1:{port}{showtime['socket']}", subprotocols=["bms.v1"]) as live:
        frames = [json.loads(live.recv(timeout=10)) for _ in range(2)]
        assert [frame["type"] for frame in frames] == ["hello", "snapshot"]
        assert live.subprotocol == "bms.v1"
        status, lock = alice.ask("PUT", showtime["lock"], {"seats": [seat["label"]]})
        assert status == 200, lock
        delta = json.loads(live.recv(timeout=10))
        while delta["type"] == "heartbeat":
            delta = json.loads(live.recv(timeout=10))
    assert delta["type"] == "delta" and delta["seats"] == {"L": [seat["i"]]} and delta["v"] == lock["v"]
