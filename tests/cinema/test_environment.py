"""The database settings that DATABASE_URL gives."""

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


def test_the_query_of_the_address_gives_options(options):
    found = options("postgres://shop:secret@db.example/shop?sslmode=require&options=-c%20lock_timeout%3D3s")
    assert found["sslmode"] == "require"
    assert found["options"].split(" -c ")[0] == "-c lock_timeout=3s"


def test_postgresql_gets_a_pool_and_generic_plans(options):
    found = options("postgres://shop:secret@db.example/shop")
    assert found["pool"]["connection_class"] is PlannedConnection
    assert found["options"] == "-c plan_cache_mode=force_generic_plan"


@pytest.mark.postgresql_only
@pytest.mark.django_db
def test_the_server_has_the_setting():
    with connection.cursor() as cursor:
        cursor.execute("SHOW plan_cache_mode")
        assert cursor.fetchone() == ("force_generic_plan",)
    assert isinstance(connection.connection, PlannedConnection)
