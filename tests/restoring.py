"""A backup of the test's SQLite database, and its restore into the database that is in use."""

import sqlite3
from contextlib import closing, contextmanager

from django.db import connection


@contextmanager
def backup(folder):
    """Yields a function that brings the database back to this moment. Only with `django_db(transaction=True)`."""
    with closing(sqlite3.connect(folder / "backup.sqlite3")) as copy:
        connection.ensure_connection()
        connection.connection.backup(copy)
        yield lambda: copy.backup(connection.connection)
