"""A database that neither answers nor fails: a request gives up, its answer says so, and the next one is served."""

import asyncio
import json
import subprocess
import sys
import threading
import time

import psycopg
import pytest
from asgiref.testing import ApplicationCommunicator
from django.db import OperationalError, connection, transaction
from django.test import Client

from bench.support.factories import make_showtime
from bench.support.servers import ROOT, clean_environment
from booking.models import SeatChange
from cinema.database import query_timeout as module
from cinema.database.query_timeout import DatabaseTimeout, query_timeout
from cinema.models import Showtime
from cinema.web.problems import Busy, busy_for
from realtime.fast_path import http_handler

on_postgresql = [pytest.mark.postgresql_only, pytest.mark.django_db(transaction=True)]


def marked(test):
    for mark in on_postgresql:
        test = mark(test)
    return test


class Renamed(psycopg.OperationalError):
    """The exception of a timeout under another name."""


def wait_that_raises_another_name(self, gen, interval=0.1, timeout=None):
    try:
        return psycopg_wait(self, gen, interval, timeout)
    except psycopg.errors._WaitTimeout:
        raise Renamed from None


def wait_without_timeout(self, gen, interval=0.1):
    return psycopg_wait(self, gen, interval)


psycopg_wait = psycopg.Connection.wait


@pytest.fixture(params=["as it is", "another name", "no timeout"])
def _psycopg(request, monkeypatch):
    """psycopg as it is, and two later or earlier versions of it."""
    if request.param == "another name":
        monkeypatch.setattr(psycopg.Connection, "wait", wait_that_raises_another_name)
    elif request.param == "no timeout":
        monkeypatch.setattr(psycopg.Connection, "wait", wait_without_timeout)
    monkeypatch.setattr(module, "TAKES_TIMEOUT", module.wait_takes_timeout())
    assert module.TAKES_TIMEOUT is (request.param != "no timeout")
    yield
    connection.close()


def ask(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()


@marked
@pytest.mark.usefixtures("_psycopg")
def test_a_statement_without_an_answer_times_out_and_the_next_is_executed():
    begun = time.monotonic()
    with query_timeout(0.2), pytest.raises(OperationalError) as caught:
        ask("SELECT pg_sleep(10)")
    assert time.monotonic() - begun < 8
    assert isinstance(caught.value.__cause__, DatabaseTimeout)
    connection.close()
    with query_timeout(2):
        assert ask("SELECT 1") == (1,)


@marked
@pytest.mark.usefixtures("_psycopg")
def test_a_transaction_is_undone_when_a_statement_of_it_times_out():
    showtime = make_showtime()
    with query_timeout(0.2), pytest.raises(OperationalError), transaction.atomic():
        Showtime.objects.filter(pk=showtime.pk).update(revenue=4711)
        ask("SELECT pg_sleep(1)")
    connection.close()
    time.sleep(1.1)  # by then the server has found the connection closed
    assert Showtime.objects.get(pk=showtime.pk).revenue == showtime.revenue


@marked
@pytest.mark.usefixtures("_psycopg")
def test_an_error_of_the_server_is_no_timeout():
    with query_timeout(2), pytest.raises(OperationalError) as caught:
        ask("SET statement_timeout = '50ms'; SELECT pg_sleep(1)")
    assert not isinstance(caught.value.__cause__, DatabaseTimeout)
    with query_timeout(2):
        assert ask("SELECT 1") == (1,)  # on the same connection


@marked
@pytest.mark.usefixtures("_psycopg")
def test_a_lost_connection_is_no_timeout():
    number = connection.cursor().connection.info.backend_pid
    with query_timeout(2), pytest.raises(OperationalError) as caught:
        ask(f"SELECT pg_terminate_backend({number}), pg_sleep(1)")
    assert not isinstance(caught.value.__cause__, DatabaseTimeout)


@marked
@pytest.mark.usefixtures("_psycopg")
def test_outside_of_requests_there_is_no_limit():
    assert ask("SELECT pg_sleep(0.3), 1")[1] == 1
    with query_timeout(0.2), pytest.raises(OperationalError):
        ask("SELECT pg_sleep(0.5)")


def test_a_psycopg_without_wait_is_reported_and_nothing_else(monkeypatch, caplog):
    monkeypatch.delattr(psycopg.Connection, "wait")
    assert module.wait_takes_timeout()
    assert "without a limit" in caplog.text


def test_a_psycopg_whose_wait_takes_no_timeout_is_reported(monkeypatch, caplog):
    monkeypatch.setattr(psycopg.Connection, "wait", wait_without_timeout)
    assert not module.wait_takes_timeout()
    assert "timer" in caplog.text


def test_the_product_starts_without_the_private_name_of_the_exception(tmp_path):
    start = (
        "import psycopg; del psycopg.errors._WaitTimeout\n"
        "import django; django.setup()\n"
        "from django.core.management import call_command; call_command('check')\n"
        "from cinema.database import statements"
    )
    env = clean_environment(DATA_DIR=tmp_path, DJANGO_SETTINGS_MODULE="cinema.settings", LOOP="external")
    ended = subprocess.run([sys.executable, "-c", start], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stderr


@marked
def test_after_a_timeout_the_answer_does_not_say_that_nothing_was_changed():
    with query_timeout(0.1), pytest.raises(OperationalError) as caught:
        ask("SELECT pg_sleep(0.5)")
    connection.close()
    assert "Nothing was changed" not in busy_for(caught.value).detail
    assert "Nothing was changed" in busy_for(OperationalError("the pool is empty")).detail == Busy().detail


@pytest.fixture
def row_locked_showtime():
    """Another connection holds the row lock of this showtime until the test ends."""
    showtime = make_showtime()
    is_locked, end = threading.Event(), threading.Event()

    def lock_row():
        try:
            with transaction.atomic():
                Showtime.objects.select_for_update().get(pk=showtime.pk)
                is_locked.set()
                end.wait(10)
        finally:
            connection.close()

    thread = threading.Thread(target=lock_row)
    thread.start()
    assert is_locked.wait(5)
    yield showtime
    end.set()
    thread.join()


@marked
def test_a_request_whose_statement_times_out_is_answered_busy(row_locked_showtime, monkeypatch):
    showtime = row_locked_showtime
    monkeypatch.setattr(http_handler, "REQUEST_TIMEOUT", 0.5)
    client = Client()
    path = f"/api/showtimes/{showtime.pk}/lock/"
    client.get(path)
    begun = time.monotonic()
    status, body = asyncio.run(put(client, path, {"seats": ["A1"]}))
    assert (status, body["type"]) == (503, "busy")
    assert "look what has become of it" in body["detail"]
    assert time.monotonic() - begun < 60  # the row lock would have been waited for until the end of the test
    assert not SeatChange.objects.filter(showtime=showtime).exists()


async def put(client, path, body):
    """As a server does: our handler, a thread, all middleware. (status, problem)"""
    cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())
    headers = {"host": "localhost", "content-type": "application/json", "cookie": cookies}
    headers["x-csrftoken"] = client.cookies["csrftoken"].value
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "PUT",
        "path": path,
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "scheme": "http",
    }
    talk = ApplicationCommunicator(http_handler.OneStepHandler(), scope)
    await talk.send_input({"type": "http.request", "body": json.dumps(body).encode(), "more_body": False})
    start = await talk.receive_output(10)
    end = await talk.receive_output(10)
    await talk.wait(10)
    return start["status"], json.loads(end["body"])
