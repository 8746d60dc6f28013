import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

from bench.support.processes import processes_of_session, processes_that_mention
from bench.support.servers import (
    ROOT,
    clean_environment,
    start_server,
)
from realtime.launcher.processes import free_port, wait_until
from tests.report import report


def fetch(url, timeout=5):
    with urllib.request.urlopen(url, timeout=timeout) as answer:
        return answer.status, answer.read().decode()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_server_within_five_seconds_and_nothing_is_left(number):
    with start_server() as server:
        assert fetch(f"{server.url}/")[0] == 200
        session = server.process.pid
        assert list(processes_of_session(session)) == [session], "one process, no other"
        seconds = server.stop(number)
        report("serve", f"healthy after {server.start_seconds:.1f} s, gone {seconds:.1f} s after {number.name}")
        assert seconds < 5
        assert server.process.returncode == 0
        assert processes_of_session(session) == {}


def test_the_start_prints_the_address_and_the_demo_staff_login():
    with start_server(DEMO_STAFF_PASSWORD="open-sesame-1") as server:
        assert server.url in server.tail()
        assert "staff@example.com  password open-sesame-1" in server.tail()


def test_a_start_after_sigkill_serves_the_same_data():
    with start_server() as server:
        _, before = fetch(f"{server.url}/api/showtimes/")
        server.process.kill()
        server.process.wait()
        server.start()
        assert fetch(f"{server.url}/api/showtimes/")[1] == before


def test_a_second_start_in_the_same_folder_and_port_takes_over():
    with start_server() as first, start_server(DATA_DIR=first.data_dir, PORT=first.port) as second:
        assert first.process.wait(5) == 0
        assert second.is_healthy()
        assert f"had left running: {first.process.pid}" in second.tail()


def test_two_copies_with_their_own_port_and_folder_do_not_disturb_each_other():
    with start_server() as one, start_server() as two:
        assert one.is_healthy() and two.is_healthy()
        cookies = []
        for server in (one, two):
            with urllib.request.urlopen(f"{server.url}/accounts/login/") as answer:
                cookies.append(answer.headers.get_all("Set-Cookie") or [])
        one.stop()
        assert two.is_healthy()
        assert str(one.port) not in str(cookies[1])


def test_new_sockets_are_refused_as_soon_as_the_end_begins():
    with start_server() as server:
        os.kill(server.process.pid, signal.SIGTERM)

        def is_refused():
            try:
                socket.create_connection(("127.0.0.1", server.port), timeout=1).close()
            except ConnectionRefusedError:
                return True
            return False

        assert wait_until(is_refused, seconds=2)


def test_an_idle_connection_does_not_delay_the_end():
    with start_server() as server, socket.create_connection(("127.0.0.1", server.port)) as idle:
        idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert idle.recv(100).startswith(b"HTTP/1.1 200")
        assert server.stop() < 5


def start_that_fails(tmp_path, command="serve", **env):
    settings = {"DATA_DIR": tmp_path, "PORT": free_port(), **env}
    return subprocess.run(
        [sys.executable, "manage.py", command],
        cwd=ROOT,
        env=clean_environment(**settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_port_that_another_program_uses_is_named(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        ended = start_that_fails(tmp_path, PORT=port)
    assert ended.returncode != 0
    assert f"Port {port} is in use by another program. Set PORT to a free one." in ended.stderr
    assert "Traceback" not in ended.stderr
    assert processes_that_mention(str(tmp_path)) == {}


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"PORT": "eighty"}, "PORT is 'eighty'; it must be a number"),
        ({"PORT": "70000"}, "PORT is 70000; it must be from 1 to 65535"),
        ({"DEBUG": "maybe"}, "DEBUG is 'maybe'; it must be 1 or 0"),
        ({"DEBUG": "0"}, "SECRET_KEY must be set when DEBUG=0"),
        ({"SEAT_LOCK_SECONDS": "0"}, "SEAT_LOCK_SECONDS is 0; it must be from 1"),
        ({"SEAT_LOCK_SECONDS": "nan"}, "SEAT_LOCK_SECONDS"),
        ({"MAX_SEATS_PER_BOOKING": "2.5"}, "MAX_SEATS_PER_BOOKING is 2.5; it must be a whole number"),
        ({"DECLINE_POLICY": "shrug"}, "DECLINE_POLICY is 'shrug'; it must be one of release, retry"),
        ({"SINGLE_SEATS": "maybe"}, "SINGLE_SEATS is 'maybe'; it must be one of refuse, allow"),
        ({"WHEELCHAIR_RELEASE_MINUTES": "-1"}, "WHEELCHAIR_RELEASE_MINUTES is -1; it must be from 0 to 100000"),
        ({"WHEELCHAIR_RELEASE_MINUTES": "100001"}, "WHEELCHAIR_RELEASE_MINUTES is 100001; it must be from 0 to 100000"),
        ({"CURRENCY": "pounds"}, "CURRENCY is 'POUNDS'; it must be three letters"),
        ({"TIME_ZONE": "Mars/Base"}, "TIME_ZONE is 'Mars/Base'; it must be a zone"),
        ({"LANGUAGE_CODE": "klingon"}, "LANGUAGE_CODE is 'klingon'"),
        ({"DATABASE_URL": "mysql://x/y"}, "DATABASE_URL must be a postgres:// or sqlite:/// address"),
        ({"REDIS_URL": "localhost:6379"}, "REDIS_URL"),
        ({"TRUSTED_PROXIES": "everybody"}, "TRUSTED_PROXIES must be addresses or networks"),
        ({"CSRF_TRUSTED_ORIGINS": "example.com"}, "CSRF_TRUSTED_ORIGINS"),
        ({"PAYMENTS": "stripe"}, "PAYMENTS is stripe, so STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET must be set"),
        ({"PAYMENTS": "demo", "STRIPE_SECRET_KEY": "sk_test_1"}, "PAYMENTS is demo, but STRIPE_SECRET_KEY is set"),
        ({"STRIPE_API_BASE": "http://127.0.0.1:1", "STRIPE_SECRET_KEY": "sk_live_1"}, "STRIPE_API_BASE is for tests"),
        (
            {"STRIPE_PUBLISHABLE_KEY": "pk_live_1", "STRIPE_SECRET_KEY": "sk_test_1"},
            "STRIPE_PUBLISHABLE_KEY and STRIPE_SECRET_KEY must both be of test mode or both live",
        ),
        ({"DEBUG": "0", "SECRET_KEY": "a short text"}, "SECRET_KEY has 12 characters; with DEBUG=0 it must have 50"),
        ({"DEBUG": "0", "SECRET_KEY": "x" * 60}, "SECRET_KEY has fewer than 5 different characters"),
        (
            {"DEBUG": "0", "SECRET_KEY": "django-insecure-" + "abcdefg" * 8},
            "SECRET_KEY is the one of a new Django project",
        ),
        ({"DEBUG": "0", "SECRET_KEY": "abcdefghij" * 6}, "PAYMENTS is demo with DEBUG=0"),
        ({"EMAIL_USE_SSL": "1", "EMAIL_USE_TLS": "1"}, "EMAIL_USE_SSL and EMAIL_USE_TLS are both 1"),
        ({"WS_HEARTBEAT_SECONDS": "600"}, "WS_HEARTBEAT_SECONDS is 600; it must be from 1 to 50"),
    ],
    ids=lambda value: "+".join(f"{k}={v[:12]}" for k, v in value.items()) if isinstance(value, dict) else "",
)
def test_a_bad_setting_stops_the_start_with_a_sentence(tmp_path, settings, sentence):
    ended = start_that_fails(tmp_path, **settings)
    assert ended.returncode != 0
    assert sentence in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1, ended.stderr
