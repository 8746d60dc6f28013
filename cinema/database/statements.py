"""Prepared statements for the requests a click waits for: few round trips to PostgreSQL, and nothing planned twice.

A round trip costs more than most of the statements in it. So statements that do not need each other's result are sent
together, BEGIN with the first, and COMMIT with the last where a use case says that nothing follows. Each is planned
once a connection (PREPARE belongs to the session: PgBouncer must pool sessions). SQLite runs in this process: its
statements are executed one by one.

A transaction that commits in the trip of its last statement releases its row locks before the commit is on disk, and
`run_queries` returns when it is on disk. So another statement may read what a crash of the database would undo: a
caller that shows what it has read passes `settled`.

Not psycopg's `pipeline()`: for three statements it costs 237-445 us of client CPU, one joined simple query 105-246 us.
A pipeline sends and reads each statement by itself (Bind, Describe, Execute); here all are one text and one exchange.

Relies on, undocumented: Django 5.2, `in_atomic_block`, `savepoint_ids`, `wrap_database_errors` and `connection` of a
database wrapper, and `cursor` of its cursor; psycopg 3.3, that every exchange passes `Connection.wait` (to refuse a
statement after the last). Checked at the first statement on PostgreSQL (`choose_runner`); where something is missing,
statements are executed one by one by Django's cursor, and Django commits: more trips, the same results.
"""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import count
from typing import Any, Protocol

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from psycopg.abc import PQGen

from cinema.database.query_timeout import TimeoutConnection

log = logging.getLogger(__name__)

Rows = list[tuple[Any, ...]]
IDLE = psycopg.pq.TransactionStatus.IDLE


@dataclass(frozen=True)
class Statement:
    """One statement with `%s` for each parameter, and no other `%`.

    `name` is that of the prepared statement: one name, one text. `locking` is appended on PostgreSQL only; `sqlite`
    replaces the text where SQLite needs another one. A list is compared by `= ANY(%s)`.
    """

    name: str
    text: str
    locking: str = ""
    sqlite: str = ""

    def prepare(self) -> str:
        number = count(1)
        first, *others = f"{self.text} {self.locking}".split("%s")
        return f"PREPARE {self.name} AS {first}" + "".join(f"${next(number)}{piece}" for piece in others)

    @cached_property
    def execute(self) -> str:
        """With one `%s` for each parameter, as psycopg expects."""
        marks = ", ".join(["%s"] * self.text.count("%s"))
        return f"EXECUTE {self.name}({marks})" if marks else f"EXECUTE {self.name}"


# Returns when all earlier commits are on disk, and on the standbys that commits wait for. Where they are already,
# nothing is written. Nobody reads the message: the purpose is to wait for its commit.
SETTLE = Statement(
    "settle",
    """
SELECT CASE WHEN pg_current_wal_insert_lsn() > pg_current_wal_flush_lsn()
              OR current_setting('synchronous_standby_names') <> ''
            THEN pg_logical_emit_message(true, 'bookmyseat', '') END
""",
)
Query = tuple[Statement, Sequence[Any]]


class TransactionEnded(psycopg.ProgrammingError):
    """A statement after the one that was declared the last of its transaction."""


class PlannedConnection(TimeoutConnection):
    """Stores the names of its prepared statements, and whether its transaction has already ended on the server."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.planned: dict[str, str] = {}  # name -> text of PREPARE
        self.has_ended = False

    def commit(self) -> None:
        self.has_ended = False
        super().commit()

    def rollback(self) -> None:
        self.has_ended = False
        super().rollback()

    def wait(self, gen: PQGen[Any], interval: float = 0.1, timeout: float | None = None) -> Any:
        if self.has_ended:
            raise TransactionEnded("the transaction has ended with the statement that was said to be its last")
        return super().wait(gen, interval, timeout)


def run_queries(*queries: Query, commit: bool = False, settled: bool = False) -> list[Rows]:
    """The rows of each query, in order; [] for a statement without rows. Each sees what was committed before it.

    A list among the parameters is an array, on SQLite JSON.

    Args:
        commit: these are the last queries of this transaction. If it is the outermost one, it is committed in the same
            trip, and is on the disk when this returns: a statement after it is refused, an exception undoes nothing.
        settled: outside a transaction, return only when no crash can undo what the rows show.

    Raises:
        django.db.Error: as a cursor; the queries after the one that failed were not executed. With `commit` it may be
            raised after the commit, if the disk did not answer: the result is then unknown, as with any lost answer.
    """
    database = connections[DEFAULT_DB_ALIAS]  # looked up once: the proxy would do so for each attribute
    with database.cursor() as cursor:
        if database.vendor == "postgresql":
            return _on_postgresql(database, cursor, queries, commit=commit, settled=settled)
        return [_run_on_sqlite(database, cursor, *query) for query in queries]


def _run_on_sqlite(
    database: BaseDatabaseWrapper, cursor: CursorWrapper, statement: Statement, parameters: Sequence[Any]
) -> Rows:
    text = (statement.sqlite or statement.text).replace("= ANY(%s)", "IN (SELECT value FROM json_each(%s))")
    cursor.execute(text, [_for_sqlite(database, value) for value in parameters])
    return cursor.fetchall() if cursor.description else []


def _for_sqlite(database: BaseDatabaseWrapper, value: Any) -> Any:
    if isinstance(value, datetime):
        return database.ops.adapt_datetimefield_value(value)
    if isinstance(value, uuid.UUID):
        return value.hex
    return json.dumps(value) if isinstance(value, list) else value


class Runner(Protocol):
    """How the queries of one call are executed on PostgreSQL."""

    def __call__(
        self,
        database: BaseDatabaseWrapper,
        cursor: CursorWrapper,
        queries: Sequence[Query],
        *,
        commit: bool,
        settled: bool,
    ) -> list[Rows]: ...


def choose_runner(database: BaseDatabaseWrapper, cursor: CursorWrapper) -> Runner:
    """`run_together` where Django and psycopg show what it relies on, else `run_one_by_one`."""
    known = all(hasattr(database, name) for name in ("in_atomic_block", "savepoint_ids", "wrap_database_errors"))
    own = getattr(cursor, "cursor", None)  # binds parameters on the client, or its text could hold one statement only
    if known and isinstance(database.connection, PlannedConnection) and isinstance(own, psycopg.ClientCursor):
        return run_together
    log.warning("Django's connection to PostgreSQL is not as expected: statements are executed one by one")
    return run_one_by_one


def _run_first(
    database: BaseDatabaseWrapper, cursor: CursorWrapper, queries: Sequence[Query], *, commit: bool, settled: bool
) -> list[Rows]:
    global _on_postgresql
    _on_postgresql = choose_runner(database, cursor)
    return _on_postgresql(database, cursor, queries, commit=commit, settled=settled)


_on_postgresql: Runner = _run_first


def run_one_by_one(
    database: BaseDatabaseWrapper, cursor: CursorWrapper, queries: Sequence[Query], *, commit: bool, settled: bool
) -> list[Rows]:
    """By public means: a trip for each, and Django's own COMMIT, which waits for the disk."""
    answers = []
    for statement, parameters in queries:
        cursor.execute(f"{statement.text} {statement.locking}", [_for_postgresql(value) for value in parameters])
        answers.append(cursor.fetchall() if cursor.description else [])
    if settled:
        cursor.execute(SETTLE.text)
    return answers


def run_together(
    database: BaseDatabaseWrapper, cursor: CursorWrapper, queries: Sequence[Query], *, commit: bool, settled: bool
) -> list[Rows]:
    connection: PlannedConnection = database.connection
    commit = commit and database.in_atomic_block and not database.savepoint_ids
    settles = commit or settled
    _plan(database, connection, [*(statement for statement, _ in queries), *([SETTLE] if settles else [])])
    before = []
    if database.in_atomic_block and connection.info.transaction_status == IDLE:
        connection.autocommit = True  # or psycopg sends a BEGIN of its own, and waits for its answer
        before = ["BEGIN"]
    # The row locks are released without waiting for the disk: a later commit is never on disk before this one.
    after = ["SET LOCAL synchronous_commit TO off", "COMMIT"] if commit else []
    after += [SETTLE.execute] if settles else []
    values = [_for_postgresql(value) for _, parameters in queries for value in parameters]
    texts = [*before, *(statement.execute for statement, _ in queries), *after]
    cursor.execute("; ".join(texts), values)
    connection.has_ended = commit
    own: psycopg.Cursor[Any] = cursor.cursor
    answers = []
    for _ in texts:
        answers.append(own.fetchall() if own.pgresult and own.pgresult.nfields else [])
        own.nextset()
    return answers[len(before) : len(before) + len(queries)]


def _plan(database: BaseDatabaseWrapper, connection: PlannedConnection, statements: Sequence[Statement]) -> None:
    """Each in a trip of its own, so that `planned` stays true: a rollback does not undo PREPARE."""
    for statement in statements:
        if statement.name not in connection.planned:
            text = statement.prepare()
            with database.wrap_database_errors:
                connection.execute(text)
            connection.planned[statement.name] = text


def _for_postgresql(value: Any) -> Any:
    """A list as a PostgreSQL array literal: psycopg would look at each element twice."""
    return "{" + ",".join(map(_element, value)) + "}" if isinstance(value, list) else value


def _element(value: Any) -> str:
    if value is None:
        return "NULL"
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
