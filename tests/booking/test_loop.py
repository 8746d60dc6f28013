"""The loop: one process holds its lease, and a task that fails or hangs delays no other."""

import threading
from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from bench.support.factories import make_showtime, new_visitor
from booking import loop
from booking.locks import lock_seats
from booking.models import Booking, OutboxMessage
from booking.outbox import messages, periodic_tasks
from booking.outbox.messages import enqueue, wake_up_all
from booking.outbox.periodic_tasks import PeriodicTask
from cinema.database import clock
from cinema.web import metrics
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


def test_a_lease_that_a_wrong_clock_wrote_far_ahead_is_void():
    now, five = timezone.now(), timedelta(seconds=5)
    assert loop.take_lease("loop", "an hour ahead", five, now + timedelta(hours=1))
    assert loop.take_lease("loop", "right", five, now)
    assert not loop.take_lease("loop", "third", five, now), "a lease of its own length is none of these"


@pytest.mark.parametrize("ahead", [timedelta(0), timedelta(seconds=1.9)])
def test_a_lease_of_a_clock_that_is_nearly_right_is_kept(ahead):
    now, five = timezone.now(), timedelta(seconds=5)
    assert loop.take_lease("loop", "one", five, now + ahead)
    assert not loop.take_lease("loop", "two", five, now)


def test_a_loop_is_late_until_one_with_the_lease_has_finished_a_round():
    now, five = timezone.now(), timedelta(seconds=5)
    assert loop.is_late(now)
    loop.take_lease("loop", "one", five, now)
    assert loop.is_late(now), "it runs, and has done nothing"
    loop.take_lease("loop", "one", five, now, acted_at=now)
    assert not loop.is_late(now + loop.LATE)
    assert loop.is_late(now + loop.LATE + timedelta(seconds=1))
    loop.take_lease("loop", "two", five, now + timedelta(seconds=6))
    assert loop.is_late(now + timedelta(seconds=30)), "another holds the lease and has done nothing"


def test_a_beat_of_the_future_is_none():
    now = timezone.now()
    later = now + timedelta(hours=1)
    loop.take_lease("loop", "an hour ahead", timedelta(seconds=5), later, acted_at=later)
    assert loop.is_late(now)


def test_a_loop_whose_rounds_end_with_an_error_is_late(monkeypatch):
    def fail(at):
        raise DatabaseError("no answer")

    monkeypatch.setitem(periodic_tasks._registered, "failing", PeriodicTask("failing", timedelta(0), fail))
    stop = threading.Event()
    monkeypatch.setattr(stop, "wait", lambda seconds: None)
    running = loop.Loop(stop)
    for _ in range(3):
        running.renew_at = 0.0
        running.beat()
    assert loop.is_late(timezone.now())


def test_a_loop_that_acts_says_so_with_its_next_renewal():
    running = loop.Loop(threading.Event())
    running.beat()
    running.renew_at = 0.0
    running.beat()
    assert not loop.is_late(timezone.now())
    assert metrics.HOLDS_LEASE._value.get() == 1


def test_a_loop_that_stops_ends_its_lease_and_what_is_known_of_its_last_beat_stays():
    one, two = loop.Loop(threading.Event()), loop.Loop(threading.Event())
    for _ in range(2):
        one.renew_at = 0.0
        one.beat()
    two.beat()
    assert not two.holds_lease
    one.release_lease()
    assert metrics.HOLDS_LEASE._value.get() == 0
    two.renew_at = 0.0
    two.beat()
    assert two.holds_lease and not loop.is_late(timezone.now())


@pytest.mark.parametrize("ahead", [3600, -3600])
def test_a_loop_whose_clock_is_set_gives_its_lease_up_and_expires_nothing(clock_ahead, ahead):
    showtime, alice = make_showtime(), new_visitor()
    one, two = loop.Loop(threading.Event()), loop.Loop(threading.Event())
    one.beat()
    assert one.holds_lease
    lock_seats(showtime_id=showtime.pk, visitor=alice, labels=["A1"], at=clock.now() - timedelta(minutes=5))
    clock_ahead(ahead)
    for task in one.tasks:
        task.due_at = 0.0
    one.beat()
    assert not one.holds_lease and metrics.HOLDS_LEASE._value.get() == 0
    assert Booking.objects.get(visitor=alice).status == "locked"
    clock_ahead(0)
    two.beat()
    assert two.holds_lease
    assert Booking.objects.get(visitor=alice).status == "expired"
