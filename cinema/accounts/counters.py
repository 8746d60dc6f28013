"""Counters of tries in the cache, exact when many processes count at once, and with a way to give a try back.

`allauth.core.ratelimit` counts too, and cannot give back: a right password would use up what wrong ones may.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from django.core.cache import cache

LOCK_AT_MOST = 10  # seconds, if the process that is alone with a counter dies
WAIT_AT_MOST = 1  # seconds


class Rate(NamedTuple):
    amount: int
    seconds: int


class Counter(NamedTuple):
    """At most so many tries in each of the spans of time. `name` says what is counted, `whose` for whom."""

    name: str
    whose: str
    rates: tuple[Rate, ...]

    @property
    def key(self) -> str:
        """Of the cache: a digest, because it may be read by others and names addresses."""
        return f"tries:{self.name}:{hashlib.sha256(self.whose.encode()).hexdigest()}"

    @property
    def longest(self) -> int:
        return max(rate.seconds for rate in self.rates)


def take(counter: Counter) -> float | None:
    """Count a try: its instant, to give it back by; None if there were too many, and then nothing is counted."""
    with alone_with(counter) as is_alone:
        now = time.time()
        tries = [at for at in cache.get(counter.key, ()) if at > now - counter.longest]
        if not is_alone or any(_within(tries, now - rate.seconds) >= rate.amount for rate in counter.rates):
            return None
        cache.set(counter.key, [*tries, now], counter.longest)
        return now


def give_back(counter: Counter, instant: float) -> None:
    """One try less, if no other process is at the counter all the time."""
    with alone_with(counter) as is_alone:
        tries = list(cache.get(counter.key, ()))
        if is_alone and instant in tries:
            tries.remove(instant)
            cache.set(counter.key, tries, counter.longest)


def clear(counter: Counter) -> None:
    cache.delete(counter.key)


def _within(tries: list[float], since: float) -> int:
    return sum(at > since for at in tries)


@contextmanager
def alone_with(counter: Counter) -> Iterator[bool]:
    """Alone with the counter, among all processes; False if others were at it for as long as this waits."""
    lock, until = f"{counter.key}:lock", time.monotonic() + WAIT_AT_MOST
    while not (is_alone := cache.add(lock, True, LOCK_AT_MOST)) and time.monotonic() < until:
        time.sleep(0.01)
    try:
        yield is_alone
    finally:
        if is_alone:
            cache.delete(lock)
