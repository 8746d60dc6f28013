"""Counters of tries: exact, given back, alone among processes, and without what they count for in clear."""

import threading
from datetime import UTC, datetime

import pytest
import time_machine
from django.core.cache import cache
from django.core.management import call_command
from django.db import connections

from cinema.accounts import counters
from cinema.accounts.counters import Counter, Rate, clear, give_back, take

NOON = datetime(2026, 6, 10, 12, tzinfo=UTC)
TABLE = {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "rate_limits"}
COUNTER = Counter("test", "alice@example.com", (Rate(2, 60), Rate(3, 3600)))


@pytest.fixture
def clock():
    with time_machine.travel(NOON, tick=False) as moved:
        yield moved


def test_each_span_of_time_has_its_own_limit(clock):
    assert [take(COUNTER) is not None for _ in range(3)] == [True, True, False]
    clock.shift(60)
    assert [take(COUNTER) is not None for _ in range(2)] == [True, False]
    clock.shift(3540)
    assert take(COUNTER) is not None, "the first two are an hour old"


def test_a_try_that_is_given_back_does_not_count(clock):
    first = take(COUNTER)
    clock.shift(1)
    take(COUNTER)
    give_back(COUNTER, first)
    assert take(COUNTER) is not None and take(COUNTER) is None


def test_a_refused_try_is_not_counted(clock):
    for _ in range(10):
        take(COUNTER)
    clock.shift(60)
    assert take(COUNTER) is not None


def test_giving_back_twice_gives_back_once(clock):
    instant = take(COUNTER)
    clock.shift(1)
    take(COUNTER)
    for _ in range(2):
        give_back(COUNTER, instant)
    assert take(COUNTER) is not None and take(COUNTER) is None


def test_whose_it_is_stands_nowhere_in_clear(clock):
    assert "alice" not in COUNTER.key
    take(COUNTER)
    assert take(COUNTER._replace(whose="bob@example.com")) is not None
    clear(COUNTER)
    assert take(COUNTER) is not None


def test_a_counter_that_another_process_is_at_refuses_after_a_while_and_its_death_frees_it(monkeypatch, clock):
    monkeypatch.setattr(counters, "WAIT_AT_MOST", 0)
    cache.add(f"{COUNTER.key}:lock", True, counters.LOCK_AT_MOST)
    assert take(COUNTER) is None
    clock.shift(counters.LOCK_AT_MOST + 1)
    assert take(COUNTER) is not None


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("where", ["memory", "database"])
def test_many_at_once_are_counted_one_by_one(settings, where, monkeypatch):
    monkeypatch.setattr(counters, "WAIT_AT_MOST", 60)  # a busy machine
    if where == "database":
        settings.CACHES = {"default": TABLE}
        call_command("createcachetable", verbosity=0)
    counter, taken = Counter("test", "many", (Rate(5, 3600),)), []

    def run():
        taken.append(take(counter) is not None)
        connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(taken) == 5
