"""What an operator may count (`/metrics`): every figure that lives below `realtime`, declared in one place.

Counting takes a lock and about a microsecond, from any thread. What happens per frame and viewer is not counted here
but in `realtime.fast_path.frame_counts`. Two registries: LOOP holds what only the process with the loop knows.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each, which nobody asks for

SITE = CollectorRegistry()
LOOP = CollectorRegistry()

LOCK_ANSWERS = Counter(
    "bookmyseat_lock_requests_total",
    "Answers to wishes for seats: granted, released, or the kind of refusal.",
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
    "Requests answered 503 because the database was full or away, or one showtime too full.",
    registry=SITE,
)

BEAT_AT = Gauge(
    "bookmyseat_loop_last_beat_timestamp_seconds",
    "When the loop last began a round with a database that answered, in Unix time.",
    registry=LOOP,
)
HOLDS_LEASE = Gauge(
    "bookmyseat_loop_holds_lease", "1 when this process's loop acts, 0 when it stands by.", registry=LOOP
)
LOOP_FAILURES = Counter(
    "bookmyseat_loop_failures_total",
    "Rounds and periodic tasks of the loop that ended with an error.",
    ["task"],
    registry=LOOP,
)
EXPIRY_LAG = Histogram(
    "bookmyseat_lock_expiry_lag_seconds",
    "How long after its end a lapsed lock was swept.",
    buckets=(0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
    registry=LOOP,
)
OUTBOX_PENDING = Gauge("bookmyseat_outbox_pending", "Messages that wait to be handled.", registry=LOOP)
OUTBOX_OVERDUE = Gauge(
    "bookmyseat_outbox_oldest_overdue_seconds",
    "How long the oldest message has been due; 0 when none is.",
    registry=LOOP,
)
OUTBOX_DEAD = Gauge("bookmyseat_outbox_dead", "Dead letters: messages that a person must look at.", registry=LOOP)
OUTBOX_ATTEMPTS = Counter(
    "bookmyseat_outbox_attempts_total",
    "Attempts to handle a message, by result: handled, failed or dead.",
    ["kind", "result"],
    registry=LOOP,
)
