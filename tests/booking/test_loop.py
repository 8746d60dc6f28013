"""The loop: one process holds its lease, and a task that fails or hangs delays no other."""

import threading
from datetime import timedelta

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone

from bench.support.factories import make_showtime, new_visitor
from booking import loop
from booking.locks import lock_seats
from booking.models import Booking, OutboxMessage
from booking.outbox import messages, periodic_tasks
from booking.outbox.messages import enqueue, wake_up_all
from booking.outbox.periodic_tasks import PeriodicTask
from tests.booking.outbox.notes import collect_notes, enqueue_note, wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_handler_that_hangs_delays_neither_other_queues_nor_periodic_tasks(monkeypatch):
    handled, may_end = collect_notes(monkeypatch), threading.Event()
    monkeypatch.setitem(messages.handlers, "slow.note", lambda payload: may_end.wait(20))
    now, showtime, alice = timezone.now(), make_showtime(), new_visitor()
    with transaction.atomic():
        enqueue(kind="slow.note", dedupe_key="slow", payload={}, at=now - timedelta(seconds=1))
    lock_seats(showtime_id=showtime.pk, visitor=alice, labels=["A1"], at=now - timedelta(minutes=5))
    stop = threading.Event()
    running = threading.Thread(target=loop.Loop(stop).run)
    running.start()
    try:
        wait_until(lambda: OutboxMessage.objects.get(dedupe_key="slow").attempts == 1)
        enqueue_note(1, timezone.now())
        wait_until(lambda: handled == [1])
        wait_until(lambda: Booking.objects.get(visitor=alice).status == "expired")
    finally:
        may_end.set()
        stop.set()
        wake_up_all()
        running.join(10)
    assert not running.is_alive()


def test_only_one_of_two_holds_the_lease_until_it_expires():
    now, five = timezone.now(), timedelta(seconds=5)
    assert loop.take_lease("loop", "one", five, now)
    assert not loop.take_lease("loop", "two", five, now + timedelta(seconds=4))
    assert loop.take_lease("loop", "one", five, now + timedelta(seconds=4))
    assert not loop.take_lease("loop", "two", five, now + timedelta(seconds=8))
    assert loop.take_lease("loop", "two", five, now + timedelta(seconds=9))


def test_a_task_that_fails_does_not_stop_the_expiry_of_locks(monkeypatch):
    broken = PeriodicTask("broken", timedelta(0), lambda at: 1 / 0)
    monkeypatch.setitem(periodic_tasks._registered, "broken", broken)
    showtime, alice = make_showtime(), new_visitor()
    lock_seats(showtime_id=showtime.pk, visitor=alice, labels=["A1"], at=timezone.now() - timedelta(minutes=5))
    loop.Loop(threading.Event()).beat()
    assert Booking.objects.get(visitor=alice).status == "expired"


def test_a_loop_that_has_not_renewed_its_lease_for_long_is_late():
    now = timezone.now()
    assert loop.is_late(now)
    loop.take_lease("loop", "one", timedelta(seconds=5), now)
    assert not loop.is_late(now)
    with time_machine.travel(now + timedelta(minutes=1), tick=False):
        assert loop.is_late(timezone.now())
