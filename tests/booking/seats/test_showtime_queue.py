"""A showtime in high demand has a queue in the process, and leaves connections for the other showtimes."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from random import Random

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from bench.support.factories import make_showtime, new_visitor
from booking.locks import lock_seats, release_lock
from booking.seats import showtime_queue
from booking.seats.map import read_map
from booking.seats.showtime_queue import AT_ONCE, FifoSemaphore, in_showtime_queue, semaphore_of
from cinema.models import Showtime
from cinema.web import metrics
from cinema.web.problems import Busy
from realtime.launcher.processes import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql_only]


def in_threads(n, job):
    """Futures of `n` runs of `job`, each with a thread and a connection of its own."""

    def run(number):
        try:
            return job(number)
        finally:
            connections.close_all()

    pool = ThreadPoolExecutor(n)
    futures = [pool.submit(run, number) for number in range(n)]
    pool.shutdown(wait=False)
    return futures


@contextmanager
def all_places_taken(showtime_id):
    full, leave = threading.Barrier(AT_ONCE + 1), threading.Event()

    def stay(_):
        with in_showtime_queue(showtime_id):
            full.wait(5)
            return leave.wait(10)

    stays = in_threads(AT_ONCE, stay)
    full.wait(5)
    try:
        yield
    finally:
        leave.set()
    assert all(each.result(10) for each in stays)


def test_a_fixed_number_runs_at_once_and_a_waiting_thread_has_no_connection():
    inside, most, leave, came = [], [], threading.Event(), []

    def click(_):
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        mine = connections["default"]
        came.append(mine)
        with in_showtime_queue(7):
            inside.append(mine)
            most.append(len(inside))
            assert leave.wait(10)
            inside.remove(mine)

    clicks = in_threads(3 * AT_ONCE, click)
    assert wait_until(lambda: sum(each.connection is None for each in came) == 2 * AT_ONCE, seconds=60)
    assert len(inside) == AT_ONCE
    leave.set()
    for each in clicks:
        each.result(10)
    assert max(most) == AT_ONCE


def test_places_are_given_in_the_order_of_arrival_also_to_a_thread_that_comes_again():
    semaphore, acquired = FifoSemaphore(1), []
    assert semaphore.acquire() and not semaphore.acquire()

    def come(number):
        assert wait_until(lambda: semaphore.n_waiting == number, seconds=60)
        assert semaphore.acquire(10)
        acquired.append(number)

    coming = in_threads(8, come)
    assert wait_until(lambda: semaphore.n_waiting == 8, seconds=60)
    for number in range(8):
        semaphore.release()
        assert not semaphore.acquire()  # the place belongs to the next in the queue, not to a faster thread
        coming[number].result(5)
    assert acquired == list(range(8))
    semaphore.release()
    assert semaphore.acquire() and not semaphore.acquire()


def test_a_thread_that_timed_out_is_not_given_a_place():
    semaphore = FifoSemaphore(1)
    assert semaphore.acquire()
    assert not semaphore.acquire(0.01)
    [later] = in_threads(1, lambda _: semaphore.acquire(10))
    assert wait_until(lambda: semaphore.n_waiting, seconds=60)
    semaphore.release()
    assert later.result(5)


def test_a_place_that_is_given_at_the_moment_of_the_timeout_is_kept():
    """Random timeouts of about the time that a place is kept: no thread and no place is lost."""
    semaphore, inside, outcomes = FifoSemaphore(2), [], []

    def come(number):
        dice = Random(number)
        for _ in range(200):
            if semaphore.acquire(dice.choice([0, 1e-4, 5e-4, 1e-3])):
                inside.append(number)
                assert len(inside) <= 2
                time.sleep(dice.random() / 1e3)
                inside.remove(number)
                semaphore.release()
                outcomes.append("in")
            else:
                outcomes.append("out")

    for each in in_threads(8, come):
        each.result(30)
    assert {"in", "out"} == set(outcomes)
    assert semaphore.acquire() and semaphore.acquire() and not semaphore.acquire()


def test_a_place_is_released_after_an_error_and_another_showtime_has_its_own():
    for _ in range(2 * AT_ONCE):
        with pytest.raises(ZeroDivisionError), in_showtime_queue(7):
            raise ZeroDivisionError
    with all_places_taken(7), in_showtime_queue(8):
        pass


def test_without_a_place_in_time_the_answer_is_busy_and_no_place_is_lost(monkeypatch):
    monkeypatch.setattr(showtime_queue, "QUEUE_TIMEOUT", 0.05)
    before = metrics.BUSY._value.get()
    with all_places_taken(7):
        for _ in range(2):
            with pytest.raises(Busy), in_showtime_queue(7):
                raise AssertionError("there was no place")
    assert metrics.BUSY._value.get() == before + 2
    with in_showtime_queue(7):
        pass


@pytest.mark.parametrize("act", ["lock", "release"])
def test_a_showtime_that_is_blocked_delays_no_other(act):
    """Its row is row-locked, and more requests wait for it than the pool has connections."""
    stuck, other, at = make_showtime(), make_showtime(), timezone.now()
    visitors = [new_visitor() for _ in range(20)]
    labels = [f"{row}{number}" for row in "ABCD" for number in range(1, 6)]
    if act == "release":
        for visitor, label in zip(visitors, labels, strict=True):
            lock_seats(showtime_id=stuck.pk, visitor=visitor, labels=[label], at=at)

    def click(number):
        if act == "release":
            return release_lock(showtime_id=stuck.pk, visitor=visitors[number], at=at)
        return lock_seats(showtime_id=stuck.pk, visitor=visitors[number], labels=[labels[number]], at=at).version

    with transaction.atomic():
        Showtime.objects.select_for_update().get(pk=stuck.pk)
        clicks = in_threads(len(visitors), click)
        semaphore = semaphore_of(stuck.pk)
        assert wait_until(lambda: semaphore.n_waiting == len(visitors) - AT_ONCE, seconds=60)
        assert not any(each.done() for each in clicks)
        [look] = in_threads(1, lambda _: read_map(other.pk).version)
        [lock] = in_threads(1, lambda _: lock_seats(showtime_id=other.pk, visitor=new_visitor(), labels=["A1"], at=at))
        assert look.result(2) == 0 and lock.result(2).version == 1
    assert all(each.result(10) for each in clicks)
