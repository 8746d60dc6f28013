"""A process whose clock is wrong sells nothing. Deadlines are the database's, but a machine with that fault has others:
sessions, signatures and certificates are checked by its own clock."""

from __future__ import annotations

from datetime import datetime

from cinema.database import clock
from cinema.web import metrics
from cinema.web.problems import Busy


def time_of_sale() -> datetime:
    """`clock.now()`, for a request that locks seats or begins a payment. No query but at the first call of a process.

    Raises:
        Busy: the clock of this process differs from the database's by more than a second.
    """
    at = clock.now()
    if clock.is_off():
        metrics.BUSY.inc()
        raise Busy("The clock of this server is wrong, so it sells nothing. Nothing was changed; please try again.")
    return at
