"""The database's time in a process: no wrong, jumping or slow clock moves it, and a wrong one is known at once."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError
from hypothesis import given
from hypothesis import strategies as st

from cinema.database import clock
from cinema.database.clock import INTERVAL, MOST_OFF, OLD, DatabaseClock

START = datetime(2026, 3, 29, 0, 59, 0, tzinfo=UTC)  # a minute before the hour that summer time leaves out


class Machine:
    """A process and its database with clocks that a test sets. `passed` is the true time since the start."""

    def __init__(self, own_ahead=0.0):
        self.passed = self.monotonic = 0.0
        self.own_ahead, self.database_ahead = own_ahead, 0.0
        self.way_there, self.way_back = 0.001, 0.001
        self.asked, self.is_down = 0, False
        self.clock = DatabaseClock(self.answer, lambda: self.true(self.own_ahead), lambda: self.monotonic)

    def true(self, ahead=0.0):
        return START + timedelta(seconds=self.passed + ahead)

    def wait(self, seconds):
        self.passed += seconds
        self.monotonic += seconds

    def sleep(self, seconds):
        """The machine is suspended: its monotonic clock stands still, its own clock is set when it wakes."""
        self.passed += seconds

    def answer(self):
        self.asked += 1
        if self.is_down:
            raise OperationalError("no answer")
        self.wait(self.way_there)
        at = self.true(self.database_ahead)
        self.wait(self.way_back)
        return at

    def error(self):
        """Seconds by which `now` is wrong."""
        return abs((self.clock.now() - self.true(self.database_ahead)).total_seconds())


def test_the_first_call_asks_and_later_ones_do_not():
    machine = Machine()
    assert machine.error() < 0.01
    for _ in range(100):
        machine.wait(0.02)
        assert machine.error() < 0.01
    assert machine.asked == 1


@pytest.mark.parametrize("ahead", [360, -360, 3600, 1.2, -1.2])
def test_a_clock_that_is_off_at_the_start_is_known_with_the_first_time(ahead):
    machine = Machine(own_ahead=ahead)
    assert machine.error() < 0.01
    assert machine.clock.is_off()
    assert machine.clock.offset() == pytest.approx(ahead, abs=0.01)


@pytest.mark.parametrize("ahead", [0, 0.9, -0.9])
def test_a_clock_within_a_second_is_not_off(ahead):
    machine = Machine(own_ahead=ahead)
    machine.clock.now()
    assert not machine.clock.is_off()


def test_a_clock_that_is_set_between_two_measurements_moves_nothing_and_is_off_at_once():
    machine = Machine()
    machine.clock.now()
    machine.wait(0.1)
    machine.own_ahead = 360
    asked = machine.asked
    assert machine.clock.is_off() and machine.error() < 0.01
    assert machine.asked == asked
    machine.own_ahead = 0
    assert not machine.clock.is_off(), "and right at once when it is set back"


def test_an_old_measurement_that_the_own_clock_contradicts_is_repeated_first():
    """A machine that slept: its monotonic clock stood still, so the measurement is wrong and not the own clock."""
    machine = Machine()
    machine.clock.now()
    machine.wait(OLD + 0.1)
    machine.sleep(3600)
    assert machine.clock.is_off(), "nobody knows yet which is wrong: nothing is sold"
    assert machine.error() < 0.01
    assert not machine.clock.is_off() and machine.asked == 2


def test_the_database_clock_that_is_set_is_followed_by_the_next_measurement():
    machine = Machine()
    machine.clock.now()
    machine.database_ahead = 3600
    machine.wait(INTERVAL)
    machine.clock.measure()
    assert machine.error() < 0.01
    assert machine.clock.is_off()


@pytest.mark.parametrize(("there", "back"), [(3.0, 0.0), (0.0, 3.0), (1.5, 1.5)])
def test_a_slow_answer_is_no_offset_and_replaces_no_better_measurement(there, back):
    machine = Machine()
    machine.way_there, machine.way_back = there, back
    machine.clock.now()
    assert not machine.clock.is_off(), "the only measurement there is proves nothing"
    assert machine.error() < 0.01, "and the own clock, which it does not contradict, is the better guess"
    machine.way_there = machine.way_back = 0.001
    machine.clock.measure()
    assert machine.error() < 0.01
    machine.way_there, machine.way_back = there, back
    machine.clock.measure()
    assert machine.error() < 0.02
    assert not machine.clock.is_off()


def test_a_slow_answer_does_not_hide_a_clock_that_is_far_off():
    machine = Machine(own_ahead=360)
    machine.way_there, machine.way_back = 3.0, 0.0
    machine.clock.now()
    assert machine.clock.is_off()


def test_without_an_answer_at_the_start_there_is_no_time():
    machine = Machine()
    machine.is_down = True
    with pytest.raises(OperationalError):
        machine.clock.now()
    machine.is_down = False
    assert machine.error() < 0.01


def test_while_the_database_is_away_time_goes_on():
    machine = Machine()
    machine.clock.now()
    machine.is_down = True
    for _ in range(30):
        machine.wait(INTERVAL)
        with pytest.raises(OperationalError):
            machine.clock.measure()
    assert machine.error() < 0.01
    assert not machine.clock.is_off()


def test_the_log_names_once_that_a_clock_is_off_and_once_that_it_is_right(caplog):
    machine = Machine(own_ahead=-360)
    for own_ahead in (-360, -360, 0, 0):
        machine.own_ahead = own_ahead
        machine.clock.measure()
        machine.wait(INTERVAL)
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]
    assert "-360.0 s" in caplog.text


def test_threads_that_measure_at_once_say_it_once(caplog):
    machine = Machine()

    def slow_and_wrong():
        time.sleep(0.01)  # the other threads run here
        return machine.true(3600)

    machine.clock = DatabaseClock(machine.answer, slow_and_wrong, lambda: machine.monotonic)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: machine.clock.measure(), range(16)))
    assert len(caplog.records) == 1, caplog.text


STEPS = st.lists(
    st.tuples(st.sampled_from(["wait", "set own", "measure", "way there", "way back"]), st.floats(0, 4)), max_size=40
)


@given(STEPS)
def test_whatever_is_set_or_slow_the_time_is_as_right_as_the_best_answer(steps):
    """The error is never more than half of the first round trip, which is the worst that is believed."""
    machine = Machine()
    worst = 0.001
    machine.clock.now()
    for step, seconds in steps:
        if step == "wait":
            machine.wait(seconds)
        elif step == "set own":
            machine.own_ahead = 1000 * (seconds - 2)
        elif step == "measure":
            machine.clock.measure()
        elif step == "way there":
            machine.way_there = seconds
        else:
            machine.way_back = seconds
        age = machine.passed
        # The clocks of this test do not drift, so no more than the allowed drift can come in by a worse answer.
        assert machine.error() <= worst + clock.DRIFT * (age + 100)
        if abs(machine.own_ahead) > MOST_OFF + 0.5:
            assert machine.clock.is_off()
        if machine.own_ahead == 0:
            assert not machine.clock.is_off()


@pytest.mark.django_db
def test_the_database_is_asked_by_one_query(django_assert_num_queries):
    before = datetime.now(UTC)
    with django_assert_num_queries(1):
        at = clock.read()
    assert before - timedelta(seconds=1) <= at <= datetime.now(UTC) + timedelta(seconds=1)


@pytest.mark.django_db
def test_a_process_that_does_not_follow_uses_its_own_clock(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=1)
        assert not clock.is_off() and clock.offset() == 0


@pytest.mark.django_db
@pytest.mark.sqlite_only
def test_on_sqlite_there_is_no_other_clock_to_follow():
    clock.follow()
    assert clock._followed is None
