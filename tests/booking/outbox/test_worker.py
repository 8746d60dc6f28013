"""Workers: each message is claimed by one at a time, and attempted until it is handled or a dead letter."""

import threading
import time
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from booking.models import OutboxMessage
from booking.outbox import worker
from booking.outbox.worker import CLAIM, MOST_ATTEMPTS, run_due
from tests.booking.outbox.notes import enqueue_note, handle_notes, wait_until

pytestmark = pytest.mark.django_db(transaction=True)


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


def test_a_failure_is_retried_later_and_becomes_a_dead_letter_in_the_end(monkeypatch, caplog):
    tries = []

    def fail(payload):
        tries.append(1)
        raise ConnectionError("no answer")

    handle_notes(monkeypatch, fail)
    now = timezone.now()
    enqueue_note(1, now)
    for _ in range(30):
        run_due(at=now)
        now += timedelta(hours=1)
    assert len(tries) == MOST_ATTEMPTS
    row = OutboxMessage.objects.get()
    assert (row.state, row.last_error) == ("dead", "ConnectionError: no answer")
    assert any(record.levelname == "CRITICAL" for record in caplog.records)


def test_the_claim_of_a_dead_worker_expires_and_the_message_is_claimed_again(handled):
    now = timezone.now()
    enqueue_note(1, now)
    assert worker._claim(["test.note"], now) is not None  # this worker dies here
    assert run_due(at=now + timedelta(seconds=1)) == 0
    assert run_due(at=now + CLAIM) == 1
    assert handled == [1]


def test_a_worker_whose_claim_has_expired_changes_nothing(handled):
    now = timezone.now()
    enqueue_note(1, now)
    expired = worker._claim(["test.note"], now)
    assert run_due(at=now + CLAIM) == 1
    worker._put_off(expired, ConnectionError("too late"), now)
    assert OutboxMessage.objects.get().state == "done"
    assert run_due(at=now + timedelta(hours=1)) == 0


def test_a_message_that_a_restore_put_under_the_same_key_is_still_handled(monkeypatch):
    now = timezone.now()
    enqueue_note(1, now)

    def restore(payload):
        # Another message has the primary key now, and a worker has claimed it.
        OutboxMessage.objects.update(dedupe_key="note:2", payload={"n": 2}, claimed_until=now + CLAIM)

    handle_notes(monkeypatch, restore)
    assert run_due(at=now) == 1
    assert OutboxMessage.objects.get().state == "pending"


def test_the_claim_is_renewed_while_a_slow_handler_runs_and_no_other_worker_takes_it(monkeypatch):
    monkeypatch.setattr(worker, "RENEW", timedelta(milliseconds=20))
    now, begun, may_end, calls = timezone.now(), threading.Event(), threading.Event(), []

    def slow(payload):
        calls.append(1)
        begun.set()
        may_end.wait(10)

    handle_notes(monkeypatch, slow)
    enqueue_note(1, now)
    first = OutboxMessage.objects.get()
    with another_worker(now):
        assert begun.wait(5)
        wait_until(lambda: OutboxMessage.objects.get().claimed_until > now + CLAIM + timedelta(milliseconds=30))
        assert run_due(at=now + CLAIM) == 0
        may_end.set()
    assert calls == [1]
    first.refresh_from_db()
    assert (first.state, first.attempts) == ("done", 1)


def test_the_claim_of_the_second_message_begins_when_it_is_made(monkeypatch):
    now, claims = timezone.now(), []

    def note(payload):
        claims.append(OutboxMessage.objects.get(payload=payload).claimed_until)
        time.sleep(0.05)

    handle_notes(monkeypatch, note)
    enqueue_note(1, now)
    enqueue_note(2, now)
    run_due(at=now)
    assert claims[1] - claims[0] >= timedelta(milliseconds=50)


def test_a_message_that_kills_its_worker_each_time_becomes_a_dead_letter(handled, dead_letters):
    now = timezone.now()
    enqueue_note(1, now)
    for _ in range(MOST_ATTEMPTS):
        assert worker._claim(["test.note"], now) is not None
        now += CLAIM
    enqueue_note(2, now)
    assert run_due(at=now) == 1
    row = OutboxMessage.objects.get(dedupe_key="note:1")
    assert (row.state, row.last_error) == ("dead", "the worker died each time")
    assert handled == [2] and dead_letters == ["note:1"]


def test_two_workers_never_handle_the_same_message(monkeypatch):
    from tests.booking.test_races import together

    seen, guard = [], threading.Lock()

    def note(payload):
        with guard:
            seen.append(payload["n"])

    handle_notes(monkeypatch, note)
    now = timezone.now()
    for n in range(20):
        enqueue_note(n, now)
    together([lambda: run_due(at=now)] * 3)
    run_due(at=now)
    assert sorted(seen) == list(range(20))


def test_a_claim_that_a_wrong_clock_wrote_far_ahead_is_void(handled):
    now = timezone.now()
    enqueue_note(1, now)
    assert worker._claim(["test.note"], now + timedelta(hours=1)) is not None  # this worker dies here
    assert run_due(at=now) == 1
    assert handled == [1]


def test_a_claim_of_a_clock_that_is_nearly_right_is_kept(handled):
    now = timezone.now()
    enqueue_note(1, now)
    assert worker._claim(["test.note"], now + timedelta(seconds=1.9)) is not None
    assert run_due(at=now) == 0


def test_a_message_that_a_process_ahead_wrote_is_due_at_once(handled):
    now = timezone.now()
    enqueue_note(1, now + timedelta(hours=1))
    assert run_due(at=now) == 1
    assert handled == [1]


def test_a_message_that_a_worker_ahead_put_off_is_due_at_once(handled):
    now = timezone.now()
    enqueue_note(1, now)
    claimed = worker._claim(["test.note"], now)
    worker._put_off(claimed, ConnectionError("no answer"), now + timedelta(hours=1))
    assert run_due(at=now) == 1
    assert handled == [1]


def test_a_message_with_a_long_delay_waits_for_it(handled):
    now = timezone.now()
    enqueue_note(1, now, delay=timedelta(hours=1))
    assert run_due(at=now + timedelta(minutes=59)) == 0
    assert run_due(at=now + timedelta(hours=1)) == 1


@pytest.mark.parametrize("ahead", [3600, -3600])
def test_a_worker_whose_clock_is_off_claims_nothing(handled, clock_ahead, ahead):
    enqueue_note(1, timezone.now())
    idle = worker.QueueWorker(threading.Event(), "test")
    clock_ahead(ahead)
    idle.run_once()
    assert handled == [] and OutboxMessage.objects.get().attempts == 0
    clock_ahead(0)
    idle.run_once()
    assert handled == [1]
