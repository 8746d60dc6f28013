"""PostgreSQL is restored table by table under a running process: what it cannot read is `busy`, not a failure."""

from contextlib import contextmanager

import pytest
from django.db import connection

from bench.support.factories import make_showtime, make_user

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql_only]

TABLES = ("booking_lease", "cinema_showtime", "cinema_movie", "django_session", "account_emailaddress")


@contextmanager
def tables_away():
    rename("{}", "{}_away")
    try:
        yield
    finally:
        rename("{}_away", "{}")


def rename(one, other):
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f'ALTER TABLE "{one.format(table)}" RENAME TO "{other.format(table)}"')


@pytest.fixture
def showtime():
    return make_showtime()


@pytest.mark.parametrize("path", ["", "{}/", "{}/map/", "{}/lock/"])
def test_the_api_is_busy_and_asks_for_another_attempt(client, showtime, path):
    client.raise_request_exception = False
    with tables_away():
        answer = client.get("/api/showtimes/" + path.format(showtime.pk))
    assert answer.status_code == 503 and answer.json()["type"] == "busy" and answer["Retry-After"] == "1"
    assert answer.json()["title"] == "Too many people at once", "not a failure of ours"


@pytest.mark.parametrize("path", ["/", "/showtimes/{}/"])
def test_a_page_says_that_it_is_busy(client, showtime, path):
    client.raise_request_exception = False
    with tables_away():
        assert client.get(path.format(showtime.pk)).status_code == 503


def test_a_page_whose_session_cannot_be_read_is_busy(client):
    client.raise_request_exception = False
    client.force_login(make_user("alice@example.com"))
    with tables_away():
        assert client.get("/bookings/").status_code == 503


def test_such_a_process_is_not_ready(client):
    client.raise_request_exception = False
    with tables_away():
        answer = client.get("/readyz")
    assert answer.status_code == 503 and answer.json()["database"] == "down"
