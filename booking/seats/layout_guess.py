"""The layout that each showtime had when this process last read it.

A lock request names labels, and the database knows indices. With the remembered layout the requested seats are asked
for in the first round trip, together with everything else. The answer of that round trip names the layout of the
showtime, so a wrong guess costs a second round trip and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence

from booking.refusals import TooManySeats, UnknownSeat
from booking.seats.labels import RequestedSeats, find_indices
from cinema.plans.layouts import Layout, layout_of

_layouts: dict[int, Layout] = {}  # by showtime
MOST_LAYOUTS = 10_000  # showtimes of all cinemas for some weeks; beyond that, everything is forgotten


def guess_requested(showtime_id: int, labels: Sequence[str]) -> RequestedSeats | None:
    """What `find_indices` says by the remembered layout; None when there is none, or when it would refuse."""
    layout = _layouts.get(showtime_id)
    try:
        return find_indices(layout, labels) if layout else None
    except (TooManySeats, UnknownSeat):  # to be said by the layout that the showtime has now
        return None


def remember_layout(showtime_id: int, layout_hash: str) -> Layout:
    """The layout of this hash, remembered as the showtime's. Raises SeatingPlan.DoesNotExist."""
    layout = _layouts.get(showtime_id)
    if layout is None or layout.hash != layout_hash:
        if len(_layouts) >= MOST_LAYOUTS:
            _layouts.clear()
        layout = _layouts[showtime_id] = layout_of(layout_hash)
    return layout


def forget_layouts() -> None:
    """Forget all layouts, for tests: the next request of each showtime takes a second round trip."""
    _layouts.clear()
