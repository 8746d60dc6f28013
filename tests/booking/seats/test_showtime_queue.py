"""A showtime that everybody wants takes its turns, and leaves connections for the rest of the house."""

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
from booking.seats.showtime_queue import AT_ONCE, Gate, turn
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
def all_turns_taken(showtime_id):
    full, leave = threading.Barrier(AT_ONCE + 1), threading.Event()

    def stay(_):
        with turn(showtime_id):
            full.wait(5)
            return leave.wait(10)

    stays = in_threads(AT_ONCE, stay)
    full.wait(5)
    try:
        yield
    finally:
        leave.set()
    assert all(each.result(10) for each in stays)


def test_so_many_at_once_and_who_waits_holds_no_connection():
    inside, most, leave, came = [], [], threading.Event(), []

    def click(_):
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        mine = connections["default"]
        came.append(mine)
        with turn(7):
            inside.append(mine)
            most.append(len(inside))
            assert leave.wait(10)
            inside.remove(mine)

    clicks = in_threads(3 * AT_ONCE, click)
    assert wait_until(lambda: sum(each.connection is None for each in came) == 2 * AT_ONCE, seconds=5)
    assert len(inside) == AT_ONCE
    leave.set()
    for each in clicks:
        each.result(10)
    assert max(most) == AT_ONCE


def test_who_came_first_is_let_in_first_and_who_comes_again_waits_again():
    gate, let_in = Gate(1), []
    assert gate.enter() and not gate.enter()

    def come(number):
        assert wait_until(lambda: len(gate._line) == number, seconds=5)
        assert gate.enter(10)
        let_in.append(number)

    coming = in_threads(8, come)
    assert wait_until(lambda: len(gate._line) == 8, seconds=5)
    for number in range(8):
        gate.leave()
        assert not gate.enter()  # the place is the next one's already, not of who is quick
        coming[number].result(5)
    assert let_in == list(range(8))
    gate.leave()
    assert gate.enter() and not gate.enter()


def test_who_gave_up_is_not_called():
    gate = Gate(1)
    assert gate.enter()
    assert not gate.enter(0.01)
    [later] = in_threads(1, lambda _: gate.enter(10))
    assert wait_until(lambda: gate._line, seconds=5)
    gate.leave()
    assert later.result(5)


def test_called_in_the_moment_of_giving_up_is_let_in():
    """Random waits of about as long as a place is kept: nobody is lost, and no place."""
    gate, inside, outcomes = Gate(2), [], []

    def come(number):
        dice = Random(number)
        for _ in range(200):
            if gate.enter(dice.choice([0, 1e-4, 5e-4, 1e-3])):
                inside.append(number)
                assert len(inside) <= 2
                time.sleep(dice.random() / 1e3)
                inside.remove(number)
                gate.leave()
                outcomes.append("in")
            else:
                outcomes.append("out")

    for each in in_threads(8, come):
        each.result(30)
    assert {"in", "out"} == set(outcomes)
    assert gate.enter() and gate.enter() and not gate.enter()


def test_a_turn_is_given_on_after_an_error_and_another_showtime_needs_none():
    for _ in range(2 * AT_ONCE):
        with pytest.raises(ZeroDivisionError), turn(7):
            raise ZeroDivisionError
    with all_turns_taken(7), turn(8):
        pass


def test_no_turn_in_time_is_said_so_and_takes_nobody_elses(monkeypatch):
    monkeypatch.setattr(showtime_queue, "PATIENCE", 0.05)
    before = metrics.BUSY._value.get()
    with all_turns_taken(7):
        for _ in range(2):
            with pytest.raises(Busy), turn(7):
                raise AssertionError("there was no turn")
    assert metrics.BUSY._value.get() == before + 2
    with turn(7):
        pass


@pytest.mark.parametrize("act", ["lock", "release"])
def test_a_showtime_that_stands_still_holds_up_no_other(act):
    """Its row is held, and more clicks wait for it than the pool has connections."""
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
        gate = showtime_queue._GATES[stuck.pk % len(showtime_queue._GATES)]
        assert wait_until(lambda: len(gate._line) == len(visitors) - AT_ONCE, seconds=5)
        assert not any(each.done() for each in clicks)
        [look] = in_threads(1, lambda _: read_map(other.pk).version)
        [lock] = in_threads(1, lambda _: lock_seats(showtime_id=other.pk, visitor=new_visitor(), labels=["A1"], at=at))
        assert look.result(2) == 0 and lock.result(2).version == 1
    assert all(each.result(10) for each in clicks)
