"""A database that was away for a while is used again as soon as it answers."""

import time

import psycopg
import pytest
from django.db import connection
from psycopg_pool import ConnectionPool, PoolTimeout

from cinema.environment import Environment

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql_only]

ADDRESS = ("dbname", "user", "password", "host", "port")
AWAY = 4.0  # seconds: with psycopg's own pauses of 1, 2, 4 … the next attempt would come three seconds after its end


class Away(psycopg.Connection):
    """A connection to a database that cannot be reached for a while."""

    until = 0.0

    @classmethod
    def connect(cls, *args, **kwargs):
        if time.monotonic() < cls.until:
            raise psycopg.OperationalError("connection refused")
        return super().connect(*args, **kwargs)


def answers(pool):
    try:
        with pool.connection(timeout=0.2) as one:
            return one.execute("SELECT 1").fetchone() == (1,)
    except (PoolTimeout, psycopg.OperationalError):
        return False


def test_a_database_that_was_away_is_used_again_within_two_seconds(monkeypatch, tmp_path):
    monkeypatch.setenv("DATABASE_URL", "postgres://shop@127.0.0.1/shop")
    options = Environment(tmp_path / ".env").database("DATABASE_URL", sqlite=tmp_path / "x")["OPTIONS"]["pool"]
    given = {name: value for name, value in connection.get_connection_params().items() if name in ADDRESS}
    with ConnectionPool(kwargs=given, open=True, **{**options, "max_size": 1, "connection_class": Away}) as pool:
        assert answers(pool)
        Away.until = time.monotonic() + AWAY
        with pool.connection() as lost:
            lost.pgconn.finish()
        while time.monotonic() < Away.until:
            answers(pool)
            time.sleep(0.1)
        while not answers(pool):
            assert time.monotonic() < Away.until + 2, "the pool still waits"
