"""A PostgreSQL server for one test session, or for one test that kills or freezes it."""

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

from realtime.launcher.postgres import Postgres

# A test database need not survive a power failure.
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200")


@contextmanager
def running_postgres():
    """The URL of a new server's database; `DATABASE_URL` when that names a PostgreSQL already."""
    given = os.environ.get("DATABASE_URL", "")
    if given.startswith("postgres"):
        yield given
        return
    with new_postgres(*FAST) as (url, _):
        yield url


@contextmanager
def new_postgres(*options):
    """(URL, pid of the postmaster) of an empty server with these options of `postgres -c`; removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="bookmyseat-postgres-"))
    folder.chmod(0o755)  # started by root, PostgreSQL runs as `nobody`, which must reach the folder
    child = None
    try:
        server = Postgres(folder, password="tests", options=options)
        child = server.start()
        yield server.url(), child.pid
    finally:
        if child:
            child.stop()
        shutil.rmtree(folder, ignore_errors=True)
