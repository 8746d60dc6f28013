"""Sessions in the database, as Django's own, but read by a prepared statement: every click reads one."""

from __future__ import annotations

from typing import Any

from django.contrib.sessions.backends import db
from django.utils import timezone

from cinema.database.statements import Statement, run_queries

LOAD = Statement("session_load", "SELECT session_data FROM django_session WHERE session_key = %s AND expire_date > %s")


class SessionStore(db.SessionStore):
    """Named by SESSION_ENGINE."""

    def load(self) -> dict[str, Any]:
        """The session's data. Where there is no such session, Django's own `load` forgets the key and returns {}."""
        [rows] = run_queries((LOAD, [self.session_key, timezone.now()]))
        for (data,) in rows:
            return dict(self.decode(data))
        return super().load()
