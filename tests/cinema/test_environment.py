"""The database settings that DATABASE_URL gives, and settings that name networks."""

import pytest
from django.core.exceptions import ImproperlyConfigured
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


@pytest.mark.parametrize(
    "networks", ["10.0.0.1/8", "foyer", "10.0.0.0/33", "::ffff:10.0.0.0/104", "::1,::ffff:10.0.0.1"]
)
def test_a_network_that_could_never_match_stops_the_start_with_a_sentence(monkeypatch, tmp_path, networks):
    monkeypatch.setenv("TRUSTED_NETWORKS", networks)
    with pytest.raises(ImproperlyConfigured) as stopped:
        Environment(tmp_path / "none").networks("TRUSTED_NETWORKS")
    assert "TRUSTED_NETWORKS" in str(stopped.value)
