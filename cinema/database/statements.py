"""Statements of our own, where a click waits for them: few trips to PostgreSQL, and nothing planned twice.

A trip costs more than most of what is asked in it. So statements travel together where none needs the answer of
another, BEGIN goes with the first, and COMMIT with the last where a use case says that nothing follows. Each is planned
once a connection (PREPARE, which belongs to the session: PgBouncer must pool sessions). SQLite lives in this process:
it is asked one after the other.

Whoever commits in the trip of its last statement gives its rows on before the disk has answered, and is itself answered
after. So a statement may see what a crash of the database would undo; who shows what it has read asks `settled`.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import count
from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from psycopg.abc import PQGen

from cinema.database.query_timeout import TimeoutConnection

Rows = list[tuple[Any, ...]]
IDLE = psycopg.pq.TransactionStatus.IDLE


@dataclass(frozen=True)
class Statement:
    """One statement with `%s` for each parameter, and no other `%`.

    `name` is what PostgreSQL keeps it under: one name, one text. `locking` is said to PostgreSQL only, `sqlite` in the
    place of all where SQLite needs other words. A list is compared by `= ANY(%s)`.
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
        """With one mark a parameter, as the driver wants it."""
        marks = ", ".join(["%s"] * self.text.count("%s"))
        return f"EXECUTE {self.name}({marks})" if marks else f"EXECUTE {self.name}"


# Returns when the disk has all that was committed before, and so have the standbys that commits wait for. A quiet
# database has it already, and nothing is written. The message is read by nobody: its commit is what is waited for.
SETTLE = Statement(
    "settle",
    """
SELECT CASE WHEN pg_current_wal_insert_lsn() > pg_current_wal_flush_lsn()
              OR current_setting('synchronous_standby_names') <> ''
            THEN pg_logical_emit_message(true, 'bookmyseat', '') END
""",
)
Question = tuple[Statement, Sequence[Any]]


class TransactionOver(psycopg.ProgrammingError):
    """A statement after the one that was said to be the last of its transaction."""


class PlannedConnection(TimeoutConnection):
    """Knows which statements it has planned, and whether its transaction was ended before Django says so."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.planned: dict[str, str] = {}  # name -> how it was said
        self.is_over = False

    def commit(self) -> None:
        self.is_over = False
        super().commit()

    def rollback(self) -> None:
        self.is_over = False
        super().rollback()

    def wait(self, gen: PQGen[Any], interval: float = 0.1, timeout: float | None = None) -> Any:
        if self.is_over:
            raise TransactionOver("the transaction has ended with the statement that was said to be its last")
        return super().wait(gen, interval, timeout)


def ask(*questions: Question, ends: bool = False, settled: bool = False) -> list[Rows]:
    """The rows of each question, in order; none for one that has none. Each sees what was committed before it began.

    A list among the parameters is an array, which SQLite gets as JSON.

    Args:
        ends: nothing follows in this transaction. The outermost one is then committed in the same trip, durably when
            this returns: a statement after it is refused, and an exception after it undoes nothing.
        settled: outside a transaction, return only when no crash can undo what the answers show.

    Raises:
        django.db.Error: as a cursor; the questions after the one that failed were not asked. With `ends` it may come
            after the commit, when the disk did not answer: then nobody knows, as whenever an answer is lost.
    """
    database = connections[DEFAULT_DB_ALIAS]  # looked up once: the proxy would do so for each attribute
    with database.cursor() as cursor:
        if database.vendor == "postgresql":
            return _travel(database, cursor, questions, ends=ends, settled=settled)
        return [_ask_sqlite(database, cursor, *question) for question in questions]


def _ask_sqlite(
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


def _travel(
    database: BaseDatabaseWrapper, cursor: CursorWrapper, questions: Sequence[Question], *, ends: bool, settled: bool
) -> list[Rows]:
    line: PlannedConnection = database.connection
    ends = ends and database.in_atomic_block and not database.savepoint_ids
    settles = ends or settled
    _plan(database, line, [*(statement for statement, _ in questions), *([SETTLE] if settles else [])])
    before = []
    if database.in_atomic_block and line.info.transaction_status == IDLE:
        line.autocommit = True  # or the driver says BEGIN by itself, and waits for its answer
        before = ["BEGIN"]
    # The next writer need not wait for the disk with us: its own commit comes behind ours.
    after = ["SET LOCAL synchronous_commit TO off", "COMMIT"] if ends else []
    after += [SETTLE.execute] if settles else []
    values = [_for_postgresql(value) for _, parameters in questions for value in parameters]
    texts = [*before, *(statement.execute for statement, _ in questions), *after]
    cursor.execute("; ".join(texts), values)
    line.is_over = ends
    own: psycopg.Cursor[Any] = cursor.cursor
    answers = []
    for _ in texts:
        answers.append(own.fetchall() if own.pgresult and own.pgresult.nfields else [])
        own.nextset()
    return answers[len(before) : len(before) + len(questions)]


def _plan(database: BaseDatabaseWrapper, line: PlannedConnection, statements: Sequence[Statement]) -> None:
    """Each in a trip of its own: what is prepared stays so when all else is undone, and so must what we know of it."""
    for statement in statements:
        if statement.name not in line.planned:
            text = statement.prepare()
            with database.wrap_database_errors:
                line.execute(text)
            line.planned[statement.name] = text


def _for_postgresql(value: Any) -> Any:
    """Arrays as PostgreSQL writes them; the driver would look at each of their values twice."""
    return "{" + ",".join(map(_element, value)) + "}" if isinstance(value, list) else value


def _element(value: Any) -> str:
    if value is None:
        return "NULL"
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
