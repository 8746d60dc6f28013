"""Metrics of the live map. Frames are counted elsewhere, once per frame and viewer: `fast_path.frame_counts`."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram

LIVE = CollectorRegistry()

TICK_LAG = Histogram(
    "bookmyseat_tick_lag_seconds",
    "From when a change could be sent until its last viewer was sent it; one observation a tick and room.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
    registry=LIVE,
)
SENDING_TIME = Counter(
    "bookmyseat_telling_seconds_total", "Time that the event loop spent sending ticks.", registry=LIVE
)
GAPS = Counter("bookmyseat_gaps_total", "Changes that came before the one they follow.", registry=LIVE)
CATCH_UPS = Counter(
    "bookmyseat_catch_ups_total", "Queries for the changes that a room had missed.", ["result"], registry=LIVE
)
ROOMS_LOADED = Counter(
    "bookmyseat_rooms_loaded_total",
    "Whole maps read from the database: for a first viewer, or for a new epoch.",
    ["reason"],
    registry=LIVE,
)
HINTS_LOST = Counter("bookmyseat_hints_lost_total", "Versions that a poll found before any hint.", registry=LIVE)
POLLS = Counter("bookmyseat_polls_total", "Polls of the versions of all rooms.", ["result"], registry=LIVE)
CLOSES = Counter(
    "bookmyseat_socket_closes_total",
    "Sockets closed, by which side and with which code.",
    ["by", "code"],
    registry=LIVE,
)
REFUSED = Counter("bookmyseat_sockets_refused_total", "Sockets refused.", ["reason"], registry=LIVE)
SUBSCRIPTIONS = Counter(
    "bookmyseat_bridge_subscriptions_total",
    "Subscriptions made at Redis: the first and each after a loss.",
    registry=LIVE,
)
BRIDGE_LOSSES = Counter("bookmyseat_bridge_losses_total", "Times that the bridge went down.", registry=LIVE)
HINTS_DROPPED = Counter(
    "bookmyseat_bridge_hints_dropped_total", "Changes that could not be sent to Redis; polls find them.", registry=LIVE
)

KNOWN_CODES = frozenset((1000, 1001, 1005, 1006, 1009, 1011, 1012))


def count_close_by_client(code: int | None) -> None:
    """A client may send any code: those without a meaning here are counted as one."""
    CLOSES.labels("client", str(code) if code in KNOWN_CODES else "other").inc()
