"""The seat map: one letter per seat, with the version that it belongs to.

Each read is one statement, so that the states and their version are of the same moment (rule R3 of docs/live-map.md).
It depends on stored rows only, never on the clock (R5), and is settled: the rows are on disk before they are returned,
because after a crash a version that was not on disk would be used again, for another change.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from booking.refusals import NotFound
from booking.seats.rows import LETTERS
from booking.seats.stamps import STAMP, Stamp, read_stamp
from cinema.database.statements import Statement, run_queries

__all__ = ["LETTERS", "Lineage", "SeatChanges", "SeatMap", "read_changes", "read_map", "read_versions"]

# The stamp is in the row of the first seat only, or it would be looked up once for each seat.
MAP = Statement(
    "map",
    f"""
SELECT t.epoch, t.version, p.hash, s.status, s.version
     , CASE WHEN s."index" = 0 THEN (SELECT {STAMP} FROM booking_seatchange c
                                      WHERE c.showtime_id = t.id AND c.version = t.version) END
  FROM cinema_showtime t
  JOIN cinema_seatingplan p ON p.id = t.plan_id
  LEFT JOIN booking_showtimeseat s ON s.showtime_id = t.id
 WHERE t.id = %s ORDER BY s."index"
""",
)
# The seats, and with them the stamps of the versions from a given one on.
CHANGES = Statement(
    "map_changes",
    f"""
SELECT t.epoch, t.version, s."index", s.status, NULL, NULL
  FROM cinema_showtime t
  LEFT JOIN booking_showtimeseat s ON s.showtime_id = t.id AND s.version > %s
 WHERE t.id = %s
 UNION ALL
SELECT t.epoch, t.version, NULL, NULL, c.version, {STAMP}
  FROM cinema_showtime t
  JOIN booking_seatchange c ON c.showtime_id = t.id AND c.version BETWEEN %s AND t.version
 WHERE t.id = %s GROUP BY t.epoch, t.version, c.version
""",
)
# A subquery for each showtime: of a plain join PostgreSQL reads the whole history of the showtime, not the part from
# `first` on, because the two ends of the part come from two tables.
VERSIONS = Statement(
    "map_versions",
    f"""
SELECT t.id, t.epoch, t.version, known.version, known.stamp
  FROM unnest(%s::bigint[], %s::bigint[]) AS asked (id, first)
  JOIN cinema_showtime t ON t.id = asked.id
  LEFT JOIN LATERAL (SELECT c.version, {STAMP} AS stamp FROM booking_seatchange c
                      WHERE c.showtime_id = asked.id AND c.version BETWEEN asked.first AND t.version
                      GROUP BY c.version) known ON true
""",
    sqlite=f"""
SELECT t.id, t.epoch, t.version, c.version, {STAMP}
  FROM json_each(%s) AS ids JOIN json_each(%s) AS firsts ON firsts.key = ids.key
  JOIN cinema_showtime t ON t.id = ids.value
  LEFT JOIN booking_seatchange c ON c.showtime_id = t.id AND c.version BETWEEN firsts.value AND t.version
 GROUP BY t.id, t.epoch, t.version, c.version
""",
)


@dataclass(frozen=True)
class Lineage:
    """Where a showtime stands, and the stamps of its versions from a given one on. One without history has none."""

    epoch: str
    version: int
    stamps: Mapping[int, Stamp]


@dataclass(frozen=True)
class SeatMap:
    """The map at `version`: `state[i]` is the letter of seat `i`, `versions[i]` the version of its last change."""

    showtime_id: int
    epoch: str
    version: int
    layout: str
    state: str
    versions: tuple[int, ...]
    stamp: Stamp | None = None

    @property
    def digest(self) -> int:
        """CRC-32 of the state, as sent in each heartbeat."""
        return zlib.crc32(self.state.encode("ascii"))


@dataclass(frozen=True)
class SeatChanges(Lineage):
    """Index to letter, at `version`, of each seat that changed after `before`."""

    before: int
    seats: Mapping[int, str]


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
    versions = tuple(seat_version for _, seat_version in seats)
    return SeatMap(showtime_id, epoch, version, layout, state, versions, read_stamp(rows[0][5]))


def read_changes(showtime_id: int, since: int, first: int | None = None) -> SeatChanges:
    """The seats whose version is greater than `since`, and the stamps from version `first` (default `since`) on.

    One statement.

    Raises:
        NotFound: there is no such showtime.
    """
    stamped_from = since if first is None else first
    [rows] = run_queries((CHANGES, [since, showtime_id, stamped_from, showtime_id]), settled=True)
    if not rows:
        raise NotFound("There is no such showtime.")
    seats = {row[2]: LETTERS[row[3]] for row in rows if row[2] is not None}
    stamps = {row[4]: stamp for row in rows if row[4] is not None and (stamp := read_stamp(row[5])) is not None}
    return SeatChanges(rows[0][0], rows[0][1], stamps, since, seats)


def read_versions(first: Mapping[int, int]) -> dict[int, Lineage]:
    """Where each of these showtimes stands, with the stamps from the given version on, in one query.

    Showtimes that do not exist are left out. Not settled: use it to decide what to read, and to confirm versions that
    are known to be on disk; never send it to a viewer.
    """
    [rows] = run_queries((VERSIONS, [list(first.keys()), list(first.values())]))
    stamps: dict[int, dict[int, Stamp]] = {}
    for showtime_id, _, _, version, value in rows:
        stamp = read_stamp(value)
        known = stamps.setdefault(showtime_id, {})
        if stamp is not None:
            known[version] = stamp
    return {row[0]: Lineage(row[1], row[2], stamps[row[0]]) for row in rows}
