"""The Prometheus metrics (`/metrics`) of all packages below `realtime`, declared in one place.

An update takes a lock and about a microsecond, from any thread. Events per frame and viewer are not counted here but
in `realtime.fast_path.frame_counts`. Two registries: LOOP has the metrics of the process that runs the loop.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

disable_created_metrics()  # type: ignore[no-untyped-call]  # else a second series per counter

SITE = CollectorRegistry()
LOOP = CollectorRegistry()

LOCK_ANSWERS = Counter(
    "bookmyseat_lock_requests_total",
    "Answers to requests for seats: granted, released, or the kind of refusal.",
    ["outcome"],
    registry=SITE,
)
PROBLEMS = Counter(
    "bookmyseat_problems_total",
    "API requests answered with a refusal or an error, by its type.",
    ["type"],
    registry=SITE,
)
BUSY = Counter(
    "bookmyseat_database_busy_total",
    "Requests answered with 503: database overloaded or unreachable, or the queue of a showtime full.",
    registry=SITE,
)

BEAT_AT = Gauge(
    "bookmyseat_loop_last_beat_timestamp_seconds",
    "End of the last round of the periodic tasks that the loop of this process ran, in Unix time.",
    registry=LOOP,
)
HOLDS_LEASE = Gauge(
    "bookmyseat_loop_holds_lease", "1 if the loop of this process has the lease, 0 if it waits for it.", registry=LOOP
)
LOOP_FAILURES = Counter(
    "bookmyseat_loop_failures_total",
    "Rounds and periodic tasks of the loop that ended with an error.",
    ["task"],
    registry=LOOP,
)
EXPIRY_LAG = Histogram(
    "bookmyseat_lock_expiry_lag_seconds",
    "Time from the end of a lock to its release by the sweeper.",
    buckets=(0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
    registry=LOOP,
)
OUTBOX_PENDING = Gauge("bookmyseat_outbox_pending", "Messages to be handled.", registry=LOOP)
OUTBOX_OVERDUE = Gauge(
    "bookmyseat_outbox_oldest_overdue_seconds",
    "Time since the oldest unhandled message was due; 0 without one.",
    registry=LOOP,
)
OUTBOX_DEAD = Gauge("bookmyseat_outbox_dead", "Dead letters: messages that a person must look at.", registry=LOOP)
OUTBOX_ATTEMPTS = Counter(
    "bookmyseat_outbox_attempts_total",
    "Attempts to handle a message, by result: handled, failed or dead.",
    ["kind", "result"],
    registry=LOOP,
)
