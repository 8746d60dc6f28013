"""Paces: how often one client may do something, counted for all processes together.

Each use moves the instant `used_until` of a client forward by one interval, from now at the earliest. It may lie as
many intervals ahead as the pace allows at once (a token bucket in one number). One statement counts and reads, so two
processes cannot both miss the other's use.

A process remembers which clients have used theirs up and refuses them without asking the database. What is frequent is
counted in steps: a process tells the others after every `step` uses, so that a refusal costs no round trip of its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from booking.clients.client import Client, hash_of
from booking.models import PaceUse
from booking.refusals import AlreadyPaid, Busy, RateLimited, Refusal
from cinema.database.statements import Query, Rows, Statement, run_queries

USE = Statement(
    "pace_use",
    """
INSERT INTO booking_paceuse (key, used_until) VALUES (%s, %s)
    ON CONFLICT (key) DO UPDATE SET used_until = least(greatest(booking_paceuse.used_until, %s) + %s, %s)
RETURNING used_until
""",
    sqlite="""
INSERT INTO booking_paceuse (key, used_until) VALUES (%s, %s)
    ON CONFLICT (key) DO UPDATE SET used_until = min(max(used_until, %s) + %s, %s)
RETURNING used_until
""",
)
T = TypeVar("T", int, float)
MOST_REMEMBERED = 50_000  # clients; beyond that a process forgets, and the table still counts


@dataclass(frozen=True)
class Pace:
    """So many `at_once`, then `per_minute`; of a /48 four times as many. `sentence` tells a person what to do.

    `step`: so many uses are counted by a process itself before it tells the others.
    """

    name: str
    at_once: int
    per_minute: float
    sentence: str
    step: int = 1
    sign_in: bool = True  # an account whose address is verified has a pace of its own

    def interval(self, factor: int) -> float:
        """Seconds between two uses in the long run."""
        return 60 / self.per_minute / factor

    def refusal(self, wait: float) -> RateLimited:
        return RateLimited(self.sentence, max(1, math.ceil(wait)), sign_in=self.sign_in)

    def wait(self, used_until: float, now: float, factor: int) -> float:
        """Seconds until another use is allowed; 0 or less: now. Pure."""
        return used_until - now - (self.at_once * factor - 1) * self.interval(factor)


# docs/limits.md has the arithmetic.
NEW_VISITORS = Pace(
    "new visitors",
    at_once=400,
    per_minute=20,
    sentence="Very many new visitors have come from your network. "
    "Sign in with a confirmed e-mail address, or wait a minute and try again.",
)
FAILED_REQUESTS = Pace(
    "failed requests",
    at_once=1000,
    per_minute=240,
    sentence="Very many requests from your network could not be granted. "
    "Sign in with a confirmed e-mail address, or wait a moment and try again.",
    step=10,
)
SEAT_CHANGES = Pace(
    "seat changes",
    at_once=5000,
    per_minute=600,
    sentence="Very many seats have been chosen and given back from your network. "
    "Sign in with a confirmed e-mail address, or wait a minute and try again.",
    step=50,
)
NEW_PAYMENTS = Pace(
    "new payments",
    at_once=600,
    per_minute=60,
    sentence="Very many payments have been begun from your network. Your seats are still held. "
    "Sign in with a confirmed e-mail address, or wait a minute and try again.",
)
UNKNOWN_REFERENCES = Pace(
    "unknown references",
    at_once=60,
    per_minute=6,
    sentence="Many bookings that do not exist were asked for from your network. "
    "Open the link in your mail, or wait a minute and try again.",
    sign_in=False,
)

_blocked: dict[int, float] = {}  # by key: until when
_uses: dict[int, int] = {}  # by key: those that the table does not have yet


def use_queries(pace: Pace, client: Client, at: datetime, *, uses: float = 1) -> list[Query]:
    """Queries that count `uses` of this client, from wide to narrow: two at once lock their rows in one order."""
    return [_use_query(pace, name, factor, at, uses) for name, factor in client.shares]


def _use_query(pace: Pace, name: str, factor: int, at: datetime, uses: float) -> Query:
    now, interval = at.timestamp(), pace.interval(factor)
    most = now + (pace.at_once * factor + pace.step) * interval
    added = uses * interval
    return USE, [hash_of(pace.name, name), now + added, now, added, most]


def check_uses(pace: Pace, client: Client, answers: list[Rows], at: datetime) -> None:
    """From the answers to `use_queries`: refuse the use that they have counted; its transaction is then undone.

    Raises:
        RateLimited
    """
    for (_, factor), [(used_until,)] in zip(client.shares, answers, strict=True):
        wait = pace.wait(used_until, at.timestamp(), factor) - pace.interval(factor)
        if wait > 1e-6:
            raise pace.refusal(wait)


def check_pace(pace: Pace, client: Client, at: datetime) -> None:
    """Raise RateLimited while this process knows that the client has used up this pace. Asks no database."""
    if not _blocked:
        return
    now = at.timestamp()
    for name, _ in client.shares:
        until = _blocked.get(hash_of(pace.name, name), 0.0)
        if now < until:
            raise pace.refusal(until - now)


def count_use(pace: Pace, client: Client, at: datetime, *, uses: int = 1) -> None:
    """Count `uses`, outside any transaction. From the last that is allowed on, `check_pace` refuses.

    A /48 has steps of its own: who uses each of its /64 less than one step is counted too.
    """
    due: list[tuple[str, int]] = []
    queries: list[Query] = []
    for name, factor in client.shares if uses else ():
        key = hash_of(pace.name, name)
        counted = _uses.pop(key, 0) + uses
        if counted < pace.step:
            _remember(_uses, key, counted)
            continue
        due.append((name, factor))
        queries.append(_use_query(pace, name, factor, at, counted))
    now = at.timestamp()
    for (name, factor), [(used_until,)] in zip(due, run_queries(*queries) if queries else [], strict=True):
        wait = pace.wait(used_until, now, factor)
        if wait > 0:
            _remember(_blocked, hash_of(pace.name, name), now + wait)


@contextmanager
def limit_failures(pace: Pace, client: Client, at: datetime) -> Iterator[None]:
    """Count every refusal within, and refuse at once while the client has used up this pace.

    Raises:
        RateLimited
    """
    check_pace(pace, client, at)
    try:
        yield
    except (AlreadyPaid, Busy):  # not the client's doing
        raise
    except Refusal:
        count_use(pace, client, at)
        raise


def clear_uses(at: datetime, limit: int = 1000) -> int:
    """Delete rows of clients that may do everything again, at most `limit`. Returns how many."""
    over = PaceUse.objects.filter(used_until__lt=at.timestamp()).values_list("key", flat=True)[:limit]
    return PaceUse.objects.filter(key__in=list(over), used_until__lt=at.timestamp()).delete()[0]


def forget_uses() -> None:
    """Forget what this process remembers, for tests."""
    _blocked.clear()
    _uses.clear()


def _remember(memory: dict[int, T], key: int, value: T) -> None:
    if len(memory) >= MOST_REMEMBERED:
        memory.clear()
    memory[key] = value
