"""Promises are kept at least once, and one loop acts at a time."""

import threading
import time
from contextlib import contextmanager
from datetime import timedelta

import pytest
import time_machine
from django.db import connections, transaction
from django.utils import timezone

from bench.support.factories import make_showtime, new_visitor
from booking import loop
from booking.locks import lock_seats
from booking.models import Booking, OutboxMessage
from booking.outbox import messages, periodic_tasks, worker
from booking.outbox.messages import PermanentFailure, enqueue, queues, retry
from booking.outbox.periodic_tasks import PeriodicTask
from booking.outbox.worker import CLAIM, MOST_ATTEMPTS, run_due

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def kept(monkeypatch):
    calls = []
    monkeypatch.setitem(messages._handlers, "test.note", lambda payload: calls.append(payload["n"]))
    return calls


@pytest.fixture
def dead(monkeypatch):
    """The keys of what was given up, as a callback hears them."""
    keys = []
    monkeypatch.setattr(messages, "_on_dead_letter", [lambda message, at: keys.append(message.dedupe_key)])
    return keys


@contextmanager
def another_worker(at):
    """Handles what is due while the block runs."""

    def run():
        try:
            run_due(at=at)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        thread.join(10)


def wait_until(holds, seconds=10):
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "it never came to pass"
        time.sleep(0.02)


def promise(n, at, key=None, **more):
    with transaction.atomic():
        enqueue(kind="test.note", dedupe_key=key or f"note:{n}", payload={"n": n}, at=at, **more)


def test_a_promise_is_kept_once(kept):
    now = timezone.now()
    promise(1, now)
    assert run_due(at=now) == 1
    assert run_due(at=now) == 0
    assert kept == [1]


def test_the_same_key_is_promised_once(kept):
    now = timezone.now()
    promise(1, now, key="same")
    promise(2, now, key="same")
    run_due(at=now)
    assert kept == [1]


def test_a_promise_of_a_transaction_that_failed_was_never_made(kept):
    now = timezone.now()
    with pytest.raises(RuntimeError, match="killed"), transaction.atomic():
        enqueue(kind="test.note", dedupe_key="lost", payload={"n": 1}, at=now)
        raise RuntimeError("killed")
    assert run_due(at=now) == 0


def test_a_delayed_promise_waits(kept):
    now = timezone.now()
    promise(1, now, delay=timedelta(seconds=30))
    assert run_due(at=now + timedelta(seconds=29)) == 0
    assert run_due(at=now + timedelta(seconds=30)) == 1


def test_a_failure_is_tried_again_later_and_dies_loudly_in_the_end(monkeypatch, caplog):
    tries = []

    def fail(payload):
        tries.append(1)
        raise ConnectionError("no answer")

    monkeypatch.setitem(messages._handlers, "test.note", fail)
    now = timezone.now()
    promise(1, now)
    for _ in range(30):
        run_due(at=now)
        now += timedelta(hours=1)
    assert len(tries) == MOST_ATTEMPTS
    row = OutboxMessage.objects.get()
    assert (row.state, row.last_error) == ("dead", "ConnectionError: no answer")
    assert any(record.levelname == "CRITICAL" for record in caplog.records)


def test_the_claim_of_a_worker_that_died_runs_out_and_is_taken_over(kept):
    now = timezone.now()
    promise(1, now)
    assert worker._claim(["test.note"], now) is not None  # this worker dies here
    assert run_due(at=now + timedelta(seconds=1)) == 0
    assert run_due(at=now + CLAIM) == 1
    assert kept == [1]


def test_a_worker_that_slept_through_its_claim_changes_nothing(kept):
    now = timezone.now()
    promise(1, now)
    sleeper = worker._claim(["test.note"], now)
    assert run_due(at=now + CLAIM) == 1
    worker._put_off(sleeper, ConnectionError("woken"), now)
    assert OutboxMessage.objects.get().state == "done"
    assert run_due(at=now + timedelta(hours=1)) == 0


def test_a_slow_handler_keeps_its_claim_and_a_worker_beside_it_leaves_it_alone(monkeypatch):
    monkeypatch.setattr(worker, "RENEW", timedelta(milliseconds=20))
    now, begun, may_end, calls = timezone.now(), threading.Event(), threading.Event(), []

    def slow(payload):
        calls.append(1)
        begun.set()
        may_end.wait(10)

    monkeypatch.setitem(messages._handlers, "test.note", slow)
    promise(1, now)
    first = OutboxMessage.objects.get()
    with another_worker(now):
        assert begun.wait(5)
        wait_until(lambda: OutboxMessage.objects.get().claimed_until > now + CLAIM + timedelta(milliseconds=30))
        assert run_due(at=now + CLAIM) == 0
        may_end.set()
    assert calls == [1]
    first.refresh_from_db()
    assert (first.state, first.attempts) == ("done", 1)


def test_the_claim_of_the_second_promise_begins_when_it_is_made(monkeypatch):
    now, claims = timezone.now(), []

    def note(payload):
        claims.append(OutboxMessage.objects.get(payload=payload).claimed_until)
        time.sleep(0.05)

    monkeypatch.setitem(messages._handlers, "test.note", note)
    promise(1, now)
    promise(2, now)
    run_due(at=now)
    assert claims[1] - claims[0] >= timedelta(milliseconds=50)


def test_a_promise_that_kills_its_worker_each_time_is_given_up(kept, dead):
    now = timezone.now()
    promise(1, now)
    for _ in range(MOST_ATTEMPTS):
        assert worker._claim(["test.note"], now) is not None
        now += CLAIM
    promise(2, now)
    assert run_due(at=now) == 1
    row = OutboxMessage.objects.get(dedupe_key="note:1")
    assert (row.state, row.last_error) == ("dead", "the worker died each time")
    assert kept == [2] and dead == ["note:1"]


def test_a_hopeless_promise_is_given_up_at_once(monkeypatch, dead):
    def refuse(payload):
        raise PermanentFailure("nobody has that address")

    monkeypatch.setitem(messages._handlers, "test.note", refuse)
    now = timezone.now()
    promise(1, now)
    run_due(at=now)
    assert OutboxMessage.objects.get().state == "dead" and dead == ["note:1"]


def test_giving_up_and_its_alert_are_one_transaction(monkeypatch):
    def fail(*args):
        raise ConnectionError

    monkeypatch.setitem(messages._handlers, "test.note", fail)
    monkeypatch.setattr(messages, "_on_dead_letter", [fail])
    now = timezone.now()
    promise(1, now)
    OutboxMessage.objects.update(attempts=MOST_ATTEMPTS - 1)
    with pytest.raises(ConnectionError):
        run_due(at=now)
    assert OutboxMessage.objects.get().state == "pending"


def test_what_was_given_up_can_be_tried_again_and_nothing_else_can(kept, dead):
    now = timezone.now()
    promise(1, now)
    row = OutboxMessage.objects.get()
    assert not retry(message_id=row.pk, at=now)
    OutboxMessage.objects.update(state="dead", attempts=MOST_ATTEMPTS)
    assert run_due(at=now) == 0
    assert retry(message_id=row.pk, at=now + timedelta(minutes=1))
    assert run_due(at=now + timedelta(minutes=1)) == 1
    assert not retry(message_id=row.pk, at=now)
    assert kept == [1]


def test_a_line_keeps_its_own_kinds_only(kept):
    now = timezone.now()
    promise(1, now)
    assert "test" in queues() and "mail" in queues()
    assert run_due(at=now, queue="mail") == 0
    assert run_due(at=now, queue="test") == 1


def test_a_mail_server_that_hangs_holds_up_neither_refunds_nor_sweeping(monkeypatch, kept):
    let_go = threading.Event()
    monkeypatch.setitem(messages._handlers, "slow.note", lambda payload: let_go.wait(20))
    now, showtime, alice = timezone.now(), make_showtime(), new_visitor()
    with transaction.atomic():
        enqueue(kind="slow.note", dedupe_key="slow", payload={}, at=now - timedelta(seconds=1))
    lock_seats(showtime_id=showtime.pk, visitor=alice, labels=["A1"], at=now - timedelta(minutes=5))
    stop = threading.Event()
    acting = threading.Thread(target=loop.Loop(stop).run)
    acting.start()
    try:
        wait_until(lambda: OutboxMessage.objects.get(dedupe_key="slow").attempts == 1)
        promise(1, timezone.now())
        wait_until(lambda: kept == [1])
        wait_until(lambda: Booking.objects.get(visitor=alice).status == "expired")
    finally:
        let_go.set()
        stop.set()
        loop.wake()
        acting.join(10)
    assert not acting.is_alive()


def test_two_workers_never_keep_the_same_promise(monkeypatch):
    from tests.booking.test_races import together

    seen, guard = [], threading.Lock()

    def note(payload):
        with guard:
            seen.append(payload["n"])

    monkeypatch.setitem(messages._handlers, "test.note", note)
    now = timezone.now()
    for n in range(20):
        promise(n, now)
    together([lambda: run_due(at=now)] * 3)
    run_due(at=now)
    assert sorted(seen) == list(range(20))


def test_only_one_of_two_holds_the_lease_until_it_runs_out():
    now, five = timezone.now(), timedelta(seconds=5)
    assert loop.take_lease("loop", "one", five, now)
    assert not loop.take_lease("loop", "two", five, now + timedelta(seconds=4))
    assert loop.take_lease("loop", "one", five, now + timedelta(seconds=4))
    assert not loop.take_lease("loop", "two", five, now + timedelta(seconds=8))
    assert loop.take_lease("loop", "two", five, now + timedelta(seconds=9))


def test_the_loop_frees_a_lapsed_lock_and_survives_a_task_that_fails(monkeypatch):
    broken = PeriodicTask("broken", timedelta(0), lambda at: 1 / 0)
    monkeypatch.setitem(periodic_tasks._registered, "broken", broken)
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
