"""The map of a showtime as this process knows it, brought up to date by what has changed since.

Advice needs the neighbours of the visitor's seats, and better seats anywhere in the hall, with each answer to a lock
request. Reading all seats again would cost as much as the lock. So a process keeps the maps it has read, and a request
asks, in a round trip that it makes anyway, for the history since. It reads what is on the map and locks nothing; nobody
decides by it who gets a seat, and no viewer is sent it (docs/live-map.md).

A map that was read is kept for a minute. Then it is read anew, and with it what the cinema says about single seats.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from booking.models import ShowtimeSeat
from booking.refusals import NotFound
from booking.seats.rows import LETTERS
from cinema.database.statements import Query, Rows, Statement, run_queries

Status = ShowtimeSeat.Status
KEPT_FOR = 60.0  # seconds
MOST_MAPS = 1000  # showtimes; beyond that all are forgotten

WHOLE = Statement(
    "known_map",
    """
SELECT t.epoch, t.version, p.hash, s.status, s.version
  FROM cinema_showtime t
  JOIN cinema_seatingplan p ON p.id = t.plan_id
  LEFT JOIN booking_showtimeseat s ON s.showtime_id = t.id
 WHERE t.id = %s ORDER BY s."index"
""",
)
SINCE = Statement(
    "known_map_since",
    """
SELECT t.epoch, t.version, c."index", c.before, c.after, c.version
  FROM cinema_showtime t
  LEFT JOIN booking_seatchange c ON c.showtime_id = t.id AND c.version > %s
 WHERE t.id = %s ORDER BY c.version
""",
)
TAKEN = Statement(
    "known_map_taken",
    """
SELECT "index", max(version) FROM booking_seatchange
 WHERE showtime_id = %s AND version > %s AND "index" = ANY(%s) AND (before = 'available' OR after = 'locked')
 GROUP BY "index"
""",
)


@dataclass(frozen=True)
class KnownMap:
    """The letters of all seats at `version`.

    `since[i]` is the version with which the present holder of seat `i` took it; a payment is no new taking. For a
    booked seat that has not changed after the version `read_at` it may be that of the payment.
    """

    showtime_id: int
    epoch: str
    version: int
    layout: str
    state: str
    since: tuple[int, ...]
    read_at: int
    until: float  # of the monotonic clock

    def after(self, freed: Iterable[ShowtimeSeat], locked: Iterable[ShowtimeSeat], version: int) -> KnownMap:
        """This map after a change that was stored as `version`."""
        changes = [(seat.index, Status.AVAILABLE) for seat in freed] + [(seat.index, Status.LOCKED) for seat in locked]
        if not changes:
            return self
        state, since = list(self.state), list(self.since)
        for index, status in changes:
            state[index], since[index] = LETTERS[status], version
        return replace(self, state="".join(state), since=tuple(since))


_maps: dict[int, KnownMap] = {}


def kept_map(showtime_id: int) -> KnownMap | None:
    """The map as last known, for `since_query`; None when there is none, or when it must be read anew."""
    kept = _maps.get(showtime_id)
    return kept if kept and time.monotonic() < kept.until else None


def since_query(kept: KnownMap) -> Query:
    """What has changed on the map, for `apply_changes`."""
    return SINCE, [kept.version, kept.showtime_id]


def apply_changes(kept: KnownMap, answer: Rows) -> KnownMap | None:
    """The map up to date, from the answer to `since_query`; None when the kept one has no future: the next read is new.

    That is so when the database went back, or has begun a new epoch.
    """
    if not answer or answer[0][0] != kept.epoch or answer[0][1] < kept.version:
        _maps.pop(kept.showtime_id, None)
        return None
    changes = [row[2:] for row in answer if row[2] is not None]
    if not changes:
        return kept
    state, since = list(kept.state), list(kept.since)
    for index, before, after, version in changes:
        state[index] = LETTERS[after]
        if (before, after) != (Status.LOCKED, Status.BOOKED):
            since[index] = version
    newest = replace(kept, version=changes[-1][-1], state="".join(state), since=tuple(since))
    _maps[kept.showtime_id] = newest  # an older answer may come later: then some changes are read once more
    return newest


def read_known(showtime_id: int) -> KnownMap:
    """The map as last committed, in one round trip: the changes of a kept one, else the whole. Raises NotFound."""
    kept = kept_map(showtime_id)
    newest = apply_changes(kept, run_queries(since_query(kept))[0]) if kept else None
    return newest or read_whole(showtime_id)


def read_whole(showtime_id: int) -> KnownMap:
    """The map as last committed, in one round trip. Raises NotFound."""
    [rows] = run_queries((WHOLE, [showtime_id]))
    if not rows:
        raise NotFound("There is no such showtime.")
    epoch, version, layout = rows[0][:3]
    seats = [(LETTERS[status], changed) for *_, status, changed in rows if status is not None]
    state, since = "".join(letter for letter, _ in seats), tuple(changed for _, changed in seats)
    found = KnownMap(showtime_id, epoch, version, layout, state, since, version, time.monotonic() + KEPT_FOR)
    if len(_maps) >= MOST_MAPS:
        _maps.clear()
    _maps[showtime_id] = found
    return found


def find_takings(known: KnownMap, indices: Sequence[int], after: int) -> KnownMap:
    """The map with the true `since` of these booked seats, which may be the version of the payment. One query.

    Seats that were taken at `after` or earlier get `after`.
    """
    [rows] = run_queries((TAKEN, [known.showtime_id, after, list(indices)]))
    taken: dict[int, int] = dict(rows)
    since = list(known.since)
    for index in indices:
        since[index] = taken.get(index, after)
    return replace(known, since=tuple(since))


def forget_maps() -> None:
    """Forget all maps, for tests."""
    _maps.clear()
