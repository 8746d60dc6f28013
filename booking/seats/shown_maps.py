"""The map of a showtime as pages show it: a read asks the database only for what changed since the last one.

The database remains the truth. Each read is one statement of one moment, which also says whether the database still
has the version that is known here: by its epoch and its stamp (a database that goes back uses its numbers again).
Where it does not, or where a version has no stamp, the whole map is read. As `booking.seats.map`, and other than
`booking.seats.known_map`, which advice is computed from, it returns what is settled only.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock

from booking.seats.map import SeatChanges, read_changes, read_map
from booking.seats.stamps import Stamp

MOST = 512  # showtimes; the state of one has a byte for each seat


@dataclass(frozen=True)
class MapState:
    """The letters of all seats at one version, as `booking.seats.map.SeatMap` has them."""

    epoch: str
    version: int
    layout: str
    state: str
    stamp: Stamp | None


_known: OrderedDict[int, MapState] = OrderedDict()  # the one that was read last is at the end
_mutex = Lock()


def read_state(showtime_id: int, layout: str) -> MapState:
    """The map as last committed, in one statement unless the database has gone back.

    Args:
        layout: the hash of the showtime's layout; a known map of another one is not used.

    Raises:
        NotFound: there is no such showtime.
    """
    known = _known.get(showtime_id)
    if known is not None and known.layout == layout:
        changes = read_changes(showtime_id, known.version)
        if _continues(known, changes):
            return _remember(showtime_id, _apply(known, changes))
    whole = read_map(showtime_id)
    return _remember(showtime_id, MapState(whole.epoch, whole.version, whole.layout, whole.state, whole.stamp))


def forget_states() -> None:
    """Read every map as a whole the next time."""
    with _mutex:
        _known.clear()


def _continues(known: MapState, changes: SeatChanges) -> bool:
    """Whether the database has the known version, the same commit, in its history."""
    is_same_life = changes.epoch == known.epoch and known.stamp is not None
    return is_same_life and changes.stamps.get(known.version) == known.stamp


def _apply(known: MapState, changes: SeatChanges) -> MapState:
    if changes.version == known.version:
        return known
    letters = list(known.state)
    for index, letter in changes.seats.items():
        letters[index] = letter
    stamp = changes.stamps.get(changes.version)
    return MapState(changes.epoch, changes.version, known.layout, "".join(letters), stamp)


def _remember(showtime_id: int, state: MapState) -> MapState:
    with _mutex:
        _known[showtime_id] = state
        _known.move_to_end(showtime_id)
        if len(_known) > MOST:
            _known.popitem(last=False)
    return state
