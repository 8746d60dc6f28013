"""What DATABASE_URL makes of a connection."""

import pytest
from django.db import connection

from cinema.database.statements import PlannedConnection
from cinema.environment import Environment


@pytest.fixture
def options(monkeypatch, tmp_path):
    def read(url):
        monkeypatch.setenv("DATABASE_URL", url)
        return Environment(tmp_path / "none").database("DATABASE_URL", sqlite=tmp_path / "db.sqlite3")["OPTIONS"]

    return read


def test_what_stands_behind_the_question_mark_counts(options):
    found = options("postgres://shop:secret@db.example/shop?sslmode=require&options=-c%20lock_timeout%3D3s")
    assert found["sslmode"] == "require"
    assert found["options"].split(" -c ")[0] == "-c lock_timeout=3s"


def test_it_is_pooled_and_plans_our_statements_once(options):
    found = options("postgres://shop:secret@db.example/shop")
    assert found["pool"]["connection_class"] is PlannedConnection
    assert found["options"] == "-c plan_cache_mode=force_generic_plan"


@pytest.mark.postgresql_only
@pytest.mark.django_db
def test_the_server_heard_it():
    with connection.cursor() as cursor:
        cursor.execute("SHOW plan_cache_mode")
        assert cursor.fetchone() == ("force_generic_plan",)
    assert isinstance(connection.connection, PlannedConnection)
