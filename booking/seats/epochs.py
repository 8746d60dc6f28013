"""Epochs: each names one unbroken life of a showtime's map (rule R6 of docs/live-map.md).

A new one begins when the database has gone back, or may have. Viewers of another epoch drop their state.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from cinema.database.statements import Statement, run_queries
from cinema.models import Showtime, new_epoch

log = logging.getLogger(__name__)

BEGIN_TEXT = """
UPDATE cinema_showtime
   SET epoch = %s, version = {greatest}(version, (SELECT COALESCE(MAX(c.version), 0) FROM booking_seatchange c
                                                   WHERE c.showtime_id = cinema_showtime.id))
 WHERE id = %s AND epoch = %s RETURNING version
"""
BEGIN = Statement("epoch_begin", BEGIN_TEXT.format(greatest="GREATEST"), sqlite=BEGIN_TEXT.format(greatest="MAX"))
LEFT_BEHIND = Statement(
    "epochs_left_behind",
    """
SELECT t.id, t.epoch FROM cinema_showtime t
 WHERE t.ends_at > %s
   AND EXISTS (SELECT 1 FROM booking_seatchange c WHERE c.showtime_id = t.id AND c.version > t.version)
""",
)
STILL_CHANGES = timedelta(days=30)  # after its end: tickets of an ended showtime may be refunded


def begin_epoch(showtime_id: int, *, after: str) -> bool:
    """Begin another epoch of a showtime, if its epoch is still `after`: of several calls at once one does.

    The version goes on after the history that there is, also when rows were put back by hand and history beyond their
    version was left: no later version has the number of one in the history. Nothing else changes.

    Returns:
        Whether this call has begun it.
    """
    [rows] = run_queries((BEGIN, [new_epoch(), showtime_id, after]))
    return bool(rows)


def begin_epochs_past_history(at: datetime) -> int:
    """Begin an epoch of each showtime whose history goes beyond its version. Returns how many.

    Only rows that were put back by hand are so. Until then a change of such a showtime may be refused as `busy`.
    """
    [rows] = run_queries((LEFT_BEHIND, [at - STILL_CHANGES]))
    for showtime_id, epoch in rows:
        log.warning("showtime %s: its history goes beyond its version; a new epoch begins after it", showtime_id)
        begin_epoch(showtime_id, after=epoch)
    return len(rows)


def begin_epoch_past_history(showtime_id: int) -> None:
    """The same for one showtime, after a change of it was refused."""
    for epoch in Showtime.objects.filter(pk=showtime_id).values_list("epoch", flat=True):
        begin_epoch(showtime_id, after=epoch)


def rotate_epochs() -> int:
    """Give every showtime a new epoch. Returns how many."""
    return Showtime.objects.update(epoch=new_epoch())
