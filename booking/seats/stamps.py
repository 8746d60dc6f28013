"""The stamp of a version: the instant of its history, which tells it from another version of the same number.

A database that goes back (a restore) uses its version numbers again. Of two versions with the same number those with
the same stamp are one commit: no other was made at the same microsecond.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

Stamp = int
"""Microseconds since 1970."""

_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

# Of the history rows `c` of one version. NULL when they are of several instants: rows that a restore left are mixed
# with those of a later version of the same number.
STAMP = "CASE WHEN MIN(c.at) = MAX(c.at) THEN MIN(c.at) END"


def stamp_of(at: datetime) -> Stamp:
    """The stamp of a version that is written at this instant."""
    return (at - _BEGINNING) // _MICROSECOND


def read_stamp(value: datetime | str | None) -> Stamp | None:
    """The stamp in a column `STAMP`, as PostgreSQL or SQLite (as text, in UTC) gives it. None: there is none."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value).replace(tzinfo=UTC)
    return None if value is None else stamp_of(value)
