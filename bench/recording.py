"""The product's statements as scripts for pgbench, recorded while the use cases run; parameters become variables."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

ROWS, PER_ROW = 10, 30
FIRST_SEAT, FIRST_BOOKING = 7_000_000, 8_000_000  # keys that no other number of a statement can equal
OTHER_SHOWTIMES = 99  # a week of a small cinema
# Their past bookings and changes: for empty tables PostgreSQL makes other plans.
PAST = 20_000
PAST_BOOKINGS = f"""
INSERT INTO booking_booking (reference, showtime_id, visitor, status, locked_until, end_reason, email, currency,
                             n_seats, total, refunded, demo, origin, created_at, ended_at)
SELECT 'PAST-' || n, %s + 1 + n %% {OTHER_SHOWTIMES}, gen_random_uuid(),
       (ARRAY['confirmed', 'released', 'expired'])[1 + n %% 3], now() - interval '1 day', '', '', 'GBP',
       2, 0, 0, true, '', now() - interval '1 day', now() - interval '1 day'
  FROM generate_series(1, {PAST}) n
"""
PAST_CHANGES = f"""
INSERT INTO booking_seatchange (showtime_id, version, "index", before, after, reason, at)
SELECT %s + 1 + n %% {OTHER_SHOWTIMES}, n, n %% {ROWS * PER_ROW}, 'available', 'locked', 'lock', now() - interval '1d'
  FROM generate_series(1, {3 * PAST}) n
"""


@dataclass(frozen=True)
class Buyer:
    """A buyer each of whose numbers can be recognised in a statement."""

    visitor: uuid.UUID
    indices: tuple[int, ...]  # of the seats
    labels: tuple[str, ...]

    def with_first_seat(self) -> Buyer:
        return Buyer(uuid.uuid4(), self.indices[:1], self.labels[:1])


class Recorder:
    """The statements of use cases as a script for pgbench.

    Args:
        known: text in a statement to what replaces it in the script, beside the buyer's own numbers.
    """

    def __init__(self, buyer: Buyer, known: dict[str, str]) -> None:
        self.lines: list[str] = []
        self.names = {
            buyer.visitor.hex: "00000000-0000-4000-8000-:visitor",
            str(int.from_bytes(buyer.visitor.bytes[:7], "big")): ":key",
            **{str(FIRST_SEAT + index): f":seat{n}" for n, index in enumerate(buyer.indices, 1)},
            **{str(index): f":i{n}" for n, index in enumerate(buyer.indices, 1)},
            **known,
        }

    def record(self, use_case: Callable[[], object]) -> None:
        """Run it and record its statements; without a COMMIT at the end a ROLLBACK is added."""
        from django.db import connection

        with connection.execute_wrapper(self._on_execute):
            use_case()
        if "COMMIT" not in self.lines[-1]:
            self.lines.append("ROLLBACK;")

    def _on_execute(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        from django.db import connection

        from booking.lock_statements import NEW_KEY
        from booking.seats.row_locks import REQUESTED

        values = [connection.ops.compose_sql("%s", [value]) for value in params or ()]
        text = "".join(f"{piece}{value}" for piece, value in zip(sql.split("%s"), [*values, ""], strict=True))
        together = " \\; ".join(" ".join(text.split()).split("; "))  # pgbench sends these in one message
        is_read = any(statement.name in text for statement in (REQUESTED, NEW_KEY))  # later statements use the answer
        self.lines.append(f"{together} \\aset b_" if is_read else f"{together};")
        return execute(sql, params, many, context)

    def make_conditional(self) -> None:
        """Execute what follows the first read only when it returned the seat, as the use case would."""
        first = next(number for number, line in enumerate(self.lines) if line.endswith("\\aset b_"))
        self.lines[first + 1 :] = [
            f"\\if :b_id >= {FIRST_SEAT}",
            *self.lines[first + 1 :],
            "\\else",
            "ROLLBACK;",
            "\\endif",
        ]

    def script(self) -> str:
        text = "\n".join(self.lines)
        for value, name in self.names.items():
            text = re.sub(rf"(?<![\w:.-]){re.escape(value)}(?![\w:.-])", name, text)
        return text + "\n"


class Recordings:
    """Records the use cases on one showtime, `showtime_id`; `at` is the clock of all of them."""

    def __init__(self, showtime_id: int, at: datetime) -> None:
        self.showtime_id, self.at = showtime_id, at

    def lock(self, visitor: uuid.UUID, labels: tuple[str, ...]) -> None:
        from booking.locks import lock_seats

        lock_seats(showtime_id=self.showtime_id, visitor=visitor, labels=labels, at=self.at)

    def release(self, visitor: uuid.UUID) -> None:
        from booking.locks import release_lock

        release_lock(showtime_id=self.showtime_id, visitor=visitor, at=self.at)

    def pair(self, buyer: Buyer, *, conditional: bool = False) -> str:
        """Lock and release of the buyer's seats."""
        from booking.models import Booking

        recorder = Recorder(buyer, {})
        recorder.record(partial(self.lock, buyer.visitor, buyer.labels))
        booking = Booking.objects.get(visitor=buyer.visitor)
        recorder.names |= {str(booking.pk): ":b_next", booking.reference: "BR:reference"}
        recorder.record(partial(self.release, buyer.visitor))
        if conditional:
            recorder.make_conditional()
        return recorder.script()

    def pair_of_one(self, buyer: Buyer) -> str:
        """Lock and release of one seat, unless another buyer has it at this moment."""
        return self.pair(buyer.with_first_seat(), conditional=True)

    def refusal(self, buyer: Buyer) -> str:
        """A lock that is refused, because another visitor has the seats."""
        from booking.models import Booking

        other = uuid.uuid4()
        self.lock(other, buyer.labels)
        recorder = Recorder(buyer, {str(Booking.objects.get(visitor=other).pk): str(FIRST_BOOKING)})
        recorder.record(partial(self._expect_refusal, buyer))
        self.release(other)
        return recorder.script()

    def _expect_refusal(self, buyer: Buyer) -> None:
        from booking.refusals import SeatsTaken

        try:
            self.lock(buyer.visitor, buyer.labels)
        except SeatsTaken:
            return
        raise AssertionError("the seats are taken")


def fill_database() -> int:
    """Create a showtime whose keys can be recognised, and others with a past; returns its key."""
    from django.db import connection

    from bench.support.factories import make_plan, make_showtime

    with connection.cursor() as cursor:
        cursor.execute(f"ALTER SEQUENCE booking_showtimeseat_id_seq RESTART WITH {FIRST_SEAT}")
        cursor.execute(f"ALTER SEQUENCE booking_booking_id_seq RESTART WITH {FIRST_BOOKING}")
    plan = make_plan(ROWS, PER_ROW)
    showtime_id = make_showtime(plan).pk
    for _ in range(OTHER_SHOWTIMES):
        make_showtime(plan)
    with connection.cursor() as cursor:
        cursor.execute(PAST_BOOKINGS, [showtime_id])
        cursor.execute(PAST_CHANGES, [showtime_id])
        cursor.execute("VACUUM ANALYZE")  # autovacuum would do it later, during the measurement
    return showtime_id


@dataclass(frozen=True)
class Scripts:
    """Scripts for pgbench; seats are variables that the caller sets."""

    pair: str  # lock and release of two seats
    pair_of_one: str
    refusal: str


def record_scripts(showtime_id: int) -> Scripts:
    """Raises AssertionError when the recordings of two buyers differ."""
    from django.db import connection
    from django.utils import timezone

    recordings, anyone = Recordings(showtime_id, timezone.now()), uuid.uuid4()
    recordings.lock(anyone, ("A1", "A2"))  # the first lock reads the layout, which is cached
    recordings.release(anyone)
    buyers = [
        Buyer(uuid.uuid4(), (217, 219), ("H8", "H10")),
        Buyer(uuid.uuid4(), (223, 226), ("H14", "H17")),
    ]
    found = []
    for record in (recordings.pair, recordings.pair_of_one, recordings.refusal):
        one, other = (record(buyer) for buyer in buyers)
        if one != other:
            raise AssertionError(f"the statements of two buyers differ:\n{one}\n{other}")
        found.append(one)
    prepare = "\n".join(f"{' '.join(text.split())};" for text in connection.connection.planned.values())
    once = f"\\if :planned\n\\else\n{prepare}\n\\set planned 1\n\\endif\n"
    return Scripts(*(once + script for script in found))
