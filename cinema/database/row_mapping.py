"""Model instances from the rows of `cinema.database.statements`.

Django's `raw()` looks up every column and every converter anew at each call, which costs more than the statement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any, TypeVar

from django.db import connection
from django.db.models import Field, Model

M = TypeVar("M", bound=Model)
Convert = Callable[[Any], Any]


@cache
def columns_of(model: type[Model], table: str = "", only: tuple[str, ...] = ()) -> str:
    """The columns of a model, in the order in which `read_rows` wants them: `SELECT {columns_of(Seat, "s")} FROM …`.

    Args:
        only: attributes; all when none is named. The others are asked for when they are looked at.
    """
    prefix = f"{table}." if table else ""
    return ", ".join(f'{prefix}"{field.column}"' for field in _fields(model, only))


def _fields(model: type[Model], only: tuple[str, ...]) -> list[Field[Any, Any]]:
    """In the model's own order, whatever that of the names: `from_db` wants them so."""
    return [field for field in model._meta.concrete_fields if not only or field.attname in only]


@cache
def _shape(model: type[Model], only: tuple[str, ...], vendor: str) -> tuple[list[str], list[tuple[int, Convert]]]:
    """The attributes, and what has to be converted: on SQLite instants and the like, on PostgreSQL next to nothing."""
    fields = _fields(model, only)
    converters: list[tuple[int, Convert]] = []
    for place, field in enumerate(fields):
        column = field.get_col(model._meta.db_table)
        known = (*connection.ops.get_db_converters(column), *field.get_db_converters(connection))
        converters += [(place, _bound(convert, column)) for convert in known]
    return [field.attname for field in fields], converters


def _bound(convert: Callable[..., Any], column: Any) -> Convert:
    return lambda value: convert(value, column, connection)


def read_rows(
    model: type[M], rows: Iterable[Sequence[Any]], only: tuple[str, ...] = ()
) -> list[tuple[M, tuple[Any, ...]]]:
    """Each row as an instance, with whatever columns follow the model's own; `only` as said to `columns_of`."""
    names, converters = _shape(model, only, connection.vendor)
    n = len(names)
    found = []
    for row in rows:
        values = list(row[:n])
        for place, convert in converters:
            values[place] = convert(values[place])
        found.append((model.from_db(connection.alias, names, values), tuple(row[n:])))
    return found


def values_of(instance: Model) -> list[Any]:
    """What a row of this instance holds, in the order of `columns_of`, as `cinema.database.statements.ask` takes it."""
    return [getattr(instance, field.attname) for field in instance._meta.concrete_fields]
