"""The seat map: one letter per seat, with the version that it belongs to.

Each read is one statement, so that the states and their version are of the same moment (rule R3 of docs/live-map.md).
It depends on stored rows only, never on the clock (R5), and is settled: the rows are on disk before they are returned,
because after a crash a version that was not on disk would be used again, for another change.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass

from booking.refusals import NotFound
from booking.seats.rows import LETTERS
from cinema.database.statements import Statement, run_queries
from cinema.models import Showtime, new_epoch

__all__ = ["LETTERS", "SeatChanges", "SeatMap", "read_changes", "read_map", "read_versions", "rotate_epochs"]

MAP = Statement(
    "map",
    """
SELECT t.epoch, t.version, p.hash, s.status, s.version
  FROM cinema_showtime t
  JOIN cinema_seatingplan p ON p.id = t.plan_id
  LEFT JOIN booking_showtimeseat s ON s.showtime_id = t.id
 WHERE t.id = %s ORDER BY s."index"
""",
)
CHANGES = Statement(
    "map_changes",
    """
SELECT t.epoch, t.version, s."index", s.status
  FROM cinema_showtime t
  LEFT JOIN booking_showtimeseat s ON s.showtime_id = t.id AND s.version > %s
 WHERE t.id = %s ORDER BY s."index"
""",
)


@dataclass(frozen=True)
class SeatMap:
    """The map at `version`: `state[i]` is the letter of seat `i`, `versions[i]` the version of its last change."""

    showtime_id: int
    epoch: str
    version: int
    layout: str
    state: str
    versions: tuple[int, ...]

    @property
    def digest(self) -> int:
        """CRC-32 of the state, as sent in each heartbeat."""
        return zlib.crc32(self.state.encode("ascii"))


@dataclass(frozen=True)
class SeatChanges:
    """Index to letter, at `version`, of each seat that changed after `before`."""

    epoch: str
    before: int
    version: int
    seats: dict[int, str]


def read_map(showtime_id: int) -> SeatMap:
    """The map as last committed, in one statement.

    Raises:
        NotFound: there is no such showtime.
    """
    [rows] = run_queries((MAP, [showtime_id]), settled=True)
    if not rows:
        raise NotFound("There is no such showtime.")
    epoch, version, layout = rows[0][:3]
    seats = [(LETTERS[row[3]], row[4]) for row in rows if row[3] is not None]
    state = "".join(letter for letter, _ in seats)
    return SeatMap(showtime_id, epoch, version, layout, state, tuple(stamp for _, stamp in seats))


def read_changes(showtime_id: int, since: int) -> SeatChanges:
    """The seats whose version is greater than `since`, in one statement.

    Raises:
        NotFound: there is no such showtime.
    """
    [rows] = run_queries((CHANGES, [since, showtime_id]), settled=True)
    if not rows:
        raise NotFound("There is no such showtime.")
    seats = {row[2]: LETTERS[row[3]] for row in rows if row[2] is not None}
    return SeatChanges(rows[0][0], since, rows[0][1], seats)


def read_versions(showtime_ids: Iterable[int]) -> dict[int, tuple[str, int]]:
    """(epoch, version) of each of these showtimes, in one query; unknown keys are left out.

    Not settled: use them to decide what to read, never send them to a viewer.
    """
    rows = Showtime.objects.filter(pk__in=list(showtime_ids)).values_list("pk", "epoch", "version")
    return {pk: (epoch, version) for pk, epoch, version in rows}


def rotate_epochs() -> int:
    """Give every showtime a new epoch: viewers drop their state and load the map again (R6). Returns how many."""
    return Showtime.objects.update(epoch=new_epoch())
