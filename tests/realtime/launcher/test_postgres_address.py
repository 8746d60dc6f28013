"""The address of the PostgreSQL that a cluster starts."""

import os

import pytest

from cinema.environment import Environment

if os.name != "posix":
    pytest.skip("no cluster here", allow_module_level=True)

from realtime.launcher.postgres import Postgres


@pytest.fixture
def server_in(monkeypatch):
    monkeypatch.setattr("realtime.launcher.postgres.reachable_folder", lambda folder: folder)
    return lambda folder: Postgres(folder, password="secret", port=5)


def test_by_the_socket_in_its_data_folder_whatever_the_folder_is_called(server_in, tmp_path, monkeypatch):
    server = server_in(tmp_path / "Säle & mehr")
    monkeypatch.setenv("DATABASE_URL", server.url())
    options = Environment(tmp_path / "none").database("DATABASE_URL", sqlite=tmp_path / "db.sqlite3")["OPTIONS"]
    assert (options["host"], options["port"]) == (str(server.data), 5)


def test_by_tcp_where_the_path_of_a_socket_would_be_too_long(server_in, tmp_path):
    server = server_in(tmp_path / ("x" * 100))
    assert server.url() == "postgres://bookmyseat:secret@127.0.0.1:5/bookmyseat"
