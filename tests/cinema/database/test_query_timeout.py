"""A database that neither answers nor fails: whoever waits gives up, is told the truth, and the next is served."""

import asyncio
import json
import threading
import time

import pytest
from asgiref.testing import ApplicationCommunicator
from django.db import OperationalError, connection, transaction
from django.test import Client

from bench.support.factories import make_showtime
from booking.models import SeatChange
from cinema.database.query_timeout import NoAnswer, query_timeout
from cinema.models import Showtime
from cinema.web.problems import Busy, busy_for
from realtime.fast_path import http_handler

pytestmark = [pytest.mark.postgresql_only, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _another_connection_after_each():
    yield
    connection.close()


def ask(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()


def test_a_statement_without_an_answer_is_given_up_and_the_next_is_served():
    begun = time.monotonic()
    with query_timeout(0.2), pytest.raises(OperationalError) as caught:
        ask("SELECT pg_sleep(3)")
    assert time.monotonic() - begun < 1
    assert isinstance(caught.value.__cause__, NoAnswer)
    connection.close()
    assert ask("SELECT 1") == (1,)


def test_what_a_transaction_wrote_before_it_was_given_up_is_undone():
    showtime = make_showtime()
    with query_timeout(0.2), pytest.raises(OperationalError), transaction.atomic():
        Showtime.objects.filter(pk=showtime.pk).update(revenue=4711)
        ask("SELECT pg_sleep(1)")
    connection.close()
    time.sleep(1.1)  # by then the server has seen that nobody is there
    assert Showtime.objects.get(pk=showtime.pk).revenue == showtime.revenue


def test_outside_of_requests_a_statement_may_take_its_time():
    assert ask("SELECT pg_sleep(0.3), 1")[1] == 1
    with query_timeout(0.2), pytest.raises(OperationalError):
        ask("SELECT pg_sleep(0.5)")


def test_who_got_no_answer_is_not_told_that_nothing_was_changed():
    with query_timeout(0.1), pytest.raises(OperationalError) as caught:
        ask("SELECT pg_sleep(0.5)")
    assert "Nothing was changed" not in busy_for(caught.value).detail
    assert "Nothing was changed" in busy_for(OperationalError("the pool is empty")).detail == Busy().detail


@pytest.fixture
def a_row_that_nobody_gets():
    """The showtime's row, held by another connection for as long as the test lasts."""
    showtime = make_showtime()
    held, over = threading.Event(), threading.Event()

    def hold():
        try:
            with transaction.atomic():
                Showtime.objects.select_for_update().get(pk=showtime.pk)
                held.set()
                over.wait(10)
        finally:
            connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(5)
    yield showtime
    over.set()
    thread.join()


def test_a_request_that_waits_for_the_database_is_answered_busy(a_row_that_nobody_gets, monkeypatch):
    showtime = a_row_that_nobody_gets
    monkeypatch.setattr(http_handler, "OF_A_REQUEST", 0.5)
    client = Client()
    path = f"/api/showtimes/{showtime.pk}/lock/"
    client.get(path)
    begun = time.monotonic()
    status, body = asyncio.run(put(client, path, {"seats": ["A1"]}))
    assert (status, body["type"]) == (503, "busy")
    assert "look what has become of it" in body["detail"]
    assert time.monotonic() - begun < 3
    assert not SeatChange.objects.filter(showtime=showtime).exists()


async def put(client, path, wish):
    """By the way a server takes: our handler, a thread, all middleware. (status, problem)"""
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
    await talk.send_input({"type": "http.request", "body": json.dumps(wish).encode(), "more_body": False})
    start = await talk.receive_output(10)
    end = await talk.receive_output(10)
    await talk.wait(10)
    return start["status"], json.loads(end["body"])
