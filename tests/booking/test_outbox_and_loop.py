"""Promises are kept at least once, and one loop acts at a time."""

import threading
from datetime import timedelta

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone

from booking import loop, outbox
from booking.locks import lock_seats
from booking.models import Booking, OutboxMessage
from tests.factories import make_showtime, new_visitor

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def kept(monkeypatch):
    calls = []
    monkeypatch.setitem(outbox._handlers, "test.note", lambda payload: calls.append(payload["n"]))
    return calls


def promise(n, at, key=None, **more):
    with transaction.atomic():
        outbox.promise(kind="test.note", dedupe_key=key or f"note:{n}", payload={"n": n}, at=at, **more)


def test_a_promise_is_kept_once(kept):
    now = timezone.now()
    promise(1, now)
    assert outbox.run_due(at=now) == 1
    assert outbox.run_due(at=now) == 0
    assert kept == [1]


def test_the_same_key_is_promised_once(kept):
    now = timezone.now()
    promise(1, now, key="same")
    promise(2, now, key="same")
    outbox.run_due(at=now)
    assert kept == [1]


def test_a_promise_of_a_transaction_that_failed_was_never_made(kept):
    now = timezone.now()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        outbox.promise(kind="test.note", dedupe_key="lost", payload={"n": 1}, at=now)
        1 / 0  # noqa: B018
    assert outbox.run_due(at=now) == 0


def test_a_delayed_promise_waits(kept):
    now = timezone.now()
    promise(1, now, delay=timedelta(seconds=30))
    assert outbox.run_due(at=now + timedelta(seconds=29)) == 0
    assert outbox.run_due(at=now + timedelta(seconds=30)) == 1


def test_a_failure_is_tried_again_later_and_dies_loudly_in_the_end(monkeypatch, caplog):
    tries = []

    def fail(payload):
        tries.append(1)
        raise ConnectionError("no answer")

    monkeypatch.setitem(outbox._handlers, "test.note", fail)
    now = timezone.now()
    promise(1, now)
    for _ in range(30):
        outbox.run_due(at=now)
        now += timedelta(hours=1)
    assert len(tries) == outbox.MOST_ATTEMPTS
    row = OutboxMessage.objects.get()
    assert (row.state, row.last_error) == ("dead", "ConnectionError: no answer")
    assert any(record.levelname == "CRITICAL" for record in caplog.records)


def test_the_claim_of_a_worker_that_died_runs_out_and_is_taken_over(kept):
    now = timezone.now()
    promise(1, now)
    assert outbox._claim(now) is not None  # this worker dies here
    assert outbox.run_due(at=now + timedelta(seconds=1)) == 0
    assert outbox.run_due(at=now + outbox.CLAIM) == 1
    assert kept == [1]


def test_two_workers_never_keep_the_same_promise(monkeypatch):
    from tests.booking.test_races import together

    seen, guard = [], threading.Lock()

    def note(payload):
        with guard:
            seen.append(payload["n"])

    monkeypatch.setitem(outbox._handlers, "test.note", note)
    now = timezone.now()
    for n in range(20):
        promise(n, now)
    together([lambda: outbox.run_due(at=now)] * 3)
    outbox.run_due(at=now)
    assert sorted(seen) == list(range(20))


def test_only_one_of_two_holds_the_lease_until_it_runs_out():
    now, five = timezone.now(), timedelta(seconds=5)
    assert loop.take_lease("loop", "one", five, now)
    assert not loop.take_lease("loop", "two", five, now + timedelta(seconds=4))
    assert loop.take_lease("loop", "one", five, now + timedelta(seconds=4))
    assert not loop.take_lease("loop", "two", five, now + timedelta(seconds=8))
    assert loop.take_lease("loop", "two", five, now + timedelta(seconds=9))


def test_the_loop_frees_a_lapsed_lock_and_survives_a_chore_that_fails(monkeypatch):
    broken = loop.Chore("broken", timedelta(0), lambda at: 1 / 0)
    monkeypatch.setitem(loop._chores, "broken", broken)
    showtime, alice = make_showtime(), new_visitor()
    lock_seats(showtime_id=showtime.pk, visitor=alice, labels=["A1"], at=timezone.now() - timedelta(minutes=5))
    loop.Loop(threading.Event()).beat()
    assert Booking.objects.get(visitor=alice).status == "expired"


def test_a_loop_that_has_not_been_seen_for_long_is_late():
    now = timezone.now()
    assert loop.is_late(now)
    loop.take_lease("loop", "one", timedelta(seconds=5), now)
    assert not loop.is_late(now)
    with time_machine.travel(now + timedelta(minutes=1), tick=False):
        assert loop.is_late(timezone.now())
