"""Sessions in the database, as Django's own, but read by a prepared statement: every click reads one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
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


def clear_expired_sessions(at: datetime, limit: int = 1000) -> int:
    """Delete rows of sessions that have ended, at most `limit`, so that no caller waits long. Returns how many."""
    ended = Session.objects.filter(expire_date__lt=at)
    keys = list(ended.order_by("expire_date").values_list("session_key", flat=True)[:limit])
    return ended.filter(session_key__in=keys).delete()[0]
