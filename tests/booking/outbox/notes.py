"""Messages of the kind `test.note`, for the tests of the outbox and of the loop."""

import time

from django.db import transaction

from booking.outbox import messages
from booking.outbox.messages import enqueue


def handle_notes(monkeypatch, handler):
    """`handler(payload)` handles the notes until the test ends."""
    monkeypatch.setitem(messages.handlers, "test.note", handler)


def collect_notes(monkeypatch):
    """The list to which each handled note adds its number."""
    numbers = []
    handle_notes(monkeypatch, lambda payload: numbers.append(payload["n"]))
    return numbers


def enqueue_note(n, at, key=None, **options):
    with transaction.atomic():
        enqueue(kind="test.note", dedupe_key=key or f"note:{n}", payload={"n": n}, at=at, **options)


def wait_until(condition, seconds=60):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"not so within {seconds} s"
        time.sleep(0.02)
