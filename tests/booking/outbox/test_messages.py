"""Messages: written with their transaction, dead letters, and retries by hand."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from booking.models import OutboxMessage
from booking.outbox import messages
from booking.outbox.messages import PermanentFailure, enqueue, queues, retry
from booking.outbox.worker import MOST_ATTEMPTS, run_due
from tests.booking.outbox.notes import enqueue_note, handle_notes

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_message_is_handled_once(handled):
    now = timezone.now()
    enqueue_note(1, now)
    assert run_due(at=now) == 1
    assert run_due(at=now) == 0
    assert handled == [1]


def test_a_second_message_with_the_same_key_is_not_written(handled):
    now = timezone.now()
    enqueue_note(1, now, key="same")
    enqueue_note(2, now, key="same")
    run_due(at=now)
    assert handled == [1]


def test_a_message_of_a_transaction_that_failed_does_not_exist(handled):
    now = timezone.now()
    with pytest.raises(RuntimeError, match="killed"), transaction.atomic():
        enqueue(kind="test.note", dedupe_key="lost", payload={"n": 1}, at=now)
        raise RuntimeError("killed")
    assert run_due(at=now) == 0


def test_a_delayed_message_waits(handled):
    now = timezone.now()
    enqueue_note(1, now, delay=timedelta(seconds=30))
    assert run_due(at=now + timedelta(seconds=29)) == 0
    assert run_due(at=now + timedelta(seconds=30)) == 1


def test_each_queue_handles_its_own_kinds_only(handled):
    now = timezone.now()
    enqueue_note(1, now)
    assert "test" in queues() and "mail" in queues()
    assert run_due(at=now, queue="mail") == 0
    assert run_due(at=now, queue="test") == 1


def test_a_permanent_failure_is_a_dead_letter_at_once(monkeypatch, dead_letters):
    def refuse(payload):
        raise PermanentFailure("nobody has that address")

    handle_notes(monkeypatch, refuse)
    now = timezone.now()
    enqueue_note(1, now)
    run_due(at=now)
    assert OutboxMessage.objects.get().state == "dead" and dead_letters == ["note:1"]


def test_a_dead_letter_and_its_alert_are_one_transaction(monkeypatch):
    def fail(*args):
        raise ConnectionError

    handle_notes(monkeypatch, fail)
    monkeypatch.setattr(messages, "_on_dead_letter", [fail])
    now = timezone.now()
    enqueue_note(1, now)
    OutboxMessage.objects.update(attempts=MOST_ATTEMPTS - 1)
    with pytest.raises(ConnectionError):
        run_due(at=now)
    assert OutboxMessage.objects.get().state == "pending"


def test_only_a_dead_letter_can_be_retried(handled, dead_letters):
    now = timezone.now()
    enqueue_note(1, now)
    row = OutboxMessage.objects.get()
    assert not retry(message_id=row.pk, at=now)
    OutboxMessage.objects.update(state="dead", attempts=MOST_ATTEMPTS)
    assert run_due(at=now) == 0
    assert retry(message_id=row.pk, at=now + timedelta(minutes=1))
    assert run_due(at=now + timedelta(minutes=1)) == 1
    assert not retry(message_id=row.pk, at=now)
    assert handled == [1]
