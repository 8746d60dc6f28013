"""In tests every connection refuses a write to the table of seats that comes from any module but `booking.seats.rows`.

The guard checks the innermost stack frame that belongs to the product. Tests, benchmarks and migrations may write.
Prepared statements are recognised by their text.
"""

import re
import sys
from pathlib import Path

from django.db.backends.signals import connection_created

from tests.boundaries.seat_writers import TABLE, writes_seats

ROOT = Path(__file__).resolve().parent.parent
WRITER = "booking/seats/rows.py"
MAY_WRITE = ("tests/", "bench/")
EXECUTED = re.compile(r"\bEXECUTE (\w+)")
# These modules only run statements or views of other modules, so the guard skips their frames.
LOOKED_THROUGH = ("cinema/database/", "cinema/web/", "tests/seat_guard.py")


class SeatsWrittenElsewhere(AssertionError):
    """A module other than `booking.seats.rows` wrote to the table of seats."""


def install():
    connection_created.connect(_guard, dispatch_uid="seat guard")


def _guard(connection, **kwargs):
    if _refuse_foreign_write not in connection.execute_wrappers:
        connection.execute_wrappers.append(_refuse_foreign_write)


def _refuse_foreign_write(execute, sql, params, many, context):
    if _writes(sql, context["connection"].connection):
        file = _product_frame()
        if file is not None and file != WRITER:
            raise SeatsWrittenElsewhere(f"{file} writes to {TABLE}; only {WRITER} may: {sql[:200]}")
    return execute(sql, params, many, context)


def _writes(sql, driver):
    if "EXECUTE " in sql:
        planned = getattr(driver, "planned", {})
        if any(writes_seats(planned.get(name, "")) for name in EXECUTED.findall(sql)):
            return True
    return TABLE in sql and writes_seats(sql)


def _product_frame():
    """The file of the innermost frame that is the product's; None for a test, a migration, or nobody of ours."""
    frame = sys._getframe(2)
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(ROOT) and ".venv" not in path.parts:
            file = path.relative_to(ROOT).as_posix()
            if not file.startswith(LOOKED_THROUGH):
                return None if file.startswith(MAY_WRITE) or "/migrations/" in file else file
        frame = frame.f_back
    return None
