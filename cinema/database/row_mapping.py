"""Model instances from the rows of `cinema.database.statements`.

Django's `raw()` looks up every column and converter anew at each call, which costs more than the statement.

Relies on Django 5.2, undocumented: `Field.get_col`, `Field.get_db_converters` and the `get_db_converters` of the
database's operations, which name the same converters as for a query of Django's. Checked at import; where one is
missing, values are converted by the documented `Field.from_db_value` or `Field.to_python`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import cache, partial
from typing import Any, TypeVar

from django.db import connection
from django.db.backends.base.operations import BaseDatabaseOperations
from django.db.models import Field, Model
from django.utils import timezone

log = logging.getLogger(__name__)

M = TypeVar("M", bound=Model)
Convert = Callable[[Any], Any]


def knows_converters() -> bool:
    """Whether Django shows its converters; logged where it does not."""
    known = (Field, "get_col"), (Field, "get_db_converters"), (BaseDatabaseOperations, "get_db_converters")
    missing = [f"{owner.__name__}.{name}" for owner, name in known if not hasattr(owner, name)]
    if missing:
        log.warning("Django has no %s any more: rows are converted by its fields", " and no ".join(missing))
    return not missing


KNOWS_CONVERTERS = knows_converters()


@cache
def columns_of(model: type[Model], table: str = "", only: tuple[str, ...] = ()) -> str:
    """The columns of a model, in the order that `read_rows` expects: `SELECT {columns_of(Seat, "s")} FROM …`.

    Args:
        only: attributes; all when empty. Reading another one of such an instance costs a query.
    """
    prefix = f"{table}." if table else ""
    return ", ".join(f'{prefix}"{field.column}"' for field in _fields(model, only))


def _fields(model: type[Model], only: tuple[str, ...]) -> list[Field[Any, Any]]:
    """In the model's order, not that of `only`: `from_db` needs it."""
    return [field for field in model._meta.concrete_fields if not only or field.attname in only]


@cache
def _shape(model: type[Model], only: tuple[str, ...], vendor: str) -> tuple[list[str], list[tuple[int, Convert]]]:
    """The attributes, and (index, converter): on SQLite for instants and the like, on PostgreSQL for almost none."""
    fields = _fields(model, only)
    find = _django_converters if KNOWS_CONVERTERS else _public_converters
    converters = [(index, convert) for index, field in enumerate(fields) for convert in find(field)]
    return [field.attname for field in fields], converters


def _django_converters(field: Field[Any, Any]) -> list[Convert]:
    column = field.get_col(field.model._meta.db_table)
    known = (*connection.ops.get_db_converters(column), *field.get_db_converters(connection))
    return [_bound(convert, column) for convert in known]


def _bound(convert: Callable[..., Any], column: Any) -> Convert:
    return lambda value: convert(value, column, connection)


def _public_converters(field: Field[Any, Any]) -> list[Convert]:
    if hasattr(field, "from_db_value"):
        return [_bound(field.from_db_value, None)]
    return [partial(_to_python, field)]


def _to_python(field: Field[Any, Any], value: Any) -> Any:
    value = field.to_python(value)
    is_naive = isinstance(value, datetime) and timezone.is_naive(value)  # SQLite stores instants without their zone
    return timezone.make_aware(value, connection.timezone) if is_naive else value


def read_rows(
    model: type[M], rows: Iterable[Sequence[Any]], only: tuple[str, ...] = ()
) -> list[tuple[M, tuple[Any, ...]]]:
    """Each row as an instance, with the columns that follow the model's own; `only` as passed to `columns_of`."""
    names, converters = _shape(model, only, connection.vendor)
    n = len(names)
    found = []
    for row in rows:
        values = list(row[:n])
        for index, convert in converters:
            values[index] = convert(values[index])
        found.append((model.from_db(connection.alias, names, values), tuple(row[n:])))
    return found


def values_of(instance: Model) -> list[Any]:
    """The instance as a row, in the order of `columns_of`: parameters for `cinema.database.statements.run_queries`."""
    return [getattr(instance, field.attname) for field in instance._meta.concrete_fields]
