"""A real PostgreSQL for one test session, or for one test that wants to hurt it."""

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

from realtime.launcher.postgres import Postgres

# A test database may forget everything when the power fails.
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200")


@contextmanager
def running_postgres():
    """The address of a fresh server's database; `DATABASE_URL` when that names a PostgreSQL already."""
    given = os.environ.get("DATABASE_URL", "")
    if given.startswith("postgres"):
        yield given
        return
    folder = Path(tempfile.mkdtemp(prefix="bookmyseat-postgres-"))
    folder.chmod(0o755)  # root's PostgreSQL runs as nobody, who must get in
    child = None
    try:
        server = Postgres(folder, password="tests", options=FAST)
        child = server.start()
        yield server.url()
    finally:
        if child:
            child.stop()
        shutil.rmtree(folder, ignore_errors=True)
