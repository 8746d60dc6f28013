"""A new epoch: begun once by whoever notices, past all history; and rows put back by hand do not stop the sale."""

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bench.support.factories import make_showtime, new_visitor
from booking.locks import lock_seats, release_lock
from booking.models import Booking, SeatChange, ShowtimeSeat
from booking.outbox import periodic_tasks
from booking.refusals import Busy
from booking.seats.epochs import begin_epoch, begin_epochs_past_history, rotate_epochs
from booking.seats.map import read_changes, read_map, read_versions
from booking.seats.stamps import stamp_of
from booking.signals import seats_changed
from cinema.models import Showtime

pytestmark = pytest.mark.django_db


def lock(showtime, *labels, at=None, visitor=None):
    return lock_seats(showtime_id=showtime.pk, visitor=visitor or new_visitor(), labels=labels, at=at or timezone.now())


def put_back_by_hand(showtime):
    """The showtime, its seats and its bookings as they were at version 0; the history stays."""
    ShowtimeSeat.objects.filter(showtime=showtime).update(
        status="available", booking=None, locked_until=None, version=0
    )
    Booking.objects.filter(showtime=showtime).update(status="released", ended_at=timezone.now())
    counted = ShowtimeSeat.objects.filter(showtime=showtime).count()
    Showtime.objects.filter(pk=showtime.pk).update(version=0, n_available=counted, n_locked=0, revenue=0)


# ---- stamps ----------------------------------------------------------------------------------------------------------


def test_the_stamp_of_a_version_is_the_instant_of_its_history_however_it_is_read():
    showtime, at = make_showtime(), timezone.now()
    sent = []
    seats_changed.connect(lambda **change: sent.append(change), dispatch_uid="test", weak=False)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(transaction, "on_commit", lambda send, robust: send())
            lock(showtime, "A1", "A2", at=at)
    finally:
        seats_changed.disconnect(dispatch_uid="test")
    stamp = stamp_of(at)
    assert sent[0]["stamp"] == stamp
    assert read_map(showtime.pk).stamp == stamp
    assert read_changes(showtime.pk, 0).stamps == {1: stamp}
    assert read_versions({showtime.pk: 1})[showtime.pk].stamps == {1: stamp}


@pytest.mark.parametrize("microsecond", [0, 1, 999_999])
def test_a_stamp_is_exact_to_the_microsecond(microsecond):
    showtime = make_showtime()
    at = timezone.now().replace(microsecond=microsecond)
    lock(showtime, "A1", at=at)
    assert read_map(showtime.pk).stamp == stamp_of(at)


def test_a_version_without_history_has_no_stamp():
    showtime = make_showtime()
    assert read_map(showtime.pk).stamp is None
    assert read_versions({showtime.pk: 0})[showtime.pk].stamps == {}
    lock(showtime, "A1")
    SeatChange.objects.all().delete()
    assert read_map(showtime.pk).stamp is None
    assert read_changes(showtime.pk, 0).stamps == {}


def test_a_version_whose_history_is_of_two_lives_has_no_stamp():
    showtime, at = make_showtime(), timezone.now()
    lock(showtime, "A1", "A2", at=at)
    SeatChange.objects.filter(index=1).update(at=at - timedelta(hours=1))
    assert read_map(showtime.pk).stamp is None
    assert read_versions({showtime.pk: 1})[showtime.pk].stamps == {}


def test_the_versions_of_many_showtimes_are_one_query_and_a_missing_one_is_left_out():
    shows = [make_showtime() for _ in range(3)]
    at = timezone.now()
    for number, showtime in enumerate(shows):
        for step in range(number):
            lock(showtime, f"A{step + 1}", at=at + timedelta(seconds=step))
    with CaptureQueriesContext(connection) as captured:
        known = read_versions({**{showtime.pk: 1 for showtime in shows}, 10**9: 0})
    assert len(captured) == 1
    assert {pk: lineage.version for pk, lineage in known.items()} == {s.pk: n for n, s in enumerate(shows)}
    assert known[shows[2].pk].stamps == {1: stamp_of(at), 2: stamp_of(at + timedelta(seconds=1))}
    assert read_versions({shows[2].pk: 2})[shows[2].pk].stamps == {2: stamp_of(at + timedelta(seconds=1))}
    assert read_versions({}) == {}


def test_history_beyond_the_version_is_no_stamp_of_the_showtime():
    showtime = make_showtime()
    lock(showtime, "A1")
    lock(showtime, "A2")
    put_back_by_hand(showtime)
    assert read_versions({showtime.pk: 0})[showtime.pk].stamps == {}
    assert read_changes(showtime.pk, 0).stamps == {}


# ---- beginning an epoch ----------------------------------------------------------------------------------------------


def test_of_two_who_notice_at_once_one_begins_the_epoch():
    showtime = make_showtime()
    assert begin_epoch(showtime.pk, after=showtime.epoch)
    epoch = read_map(showtime.pk).epoch
    assert epoch != showtime.epoch
    assert not begin_epoch(showtime.pk, after=showtime.epoch)
    assert read_map(showtime.pk).epoch == epoch
    assert not begin_epoch(10**9, after=showtime.epoch), "no such showtime"


def test_a_new_epoch_changes_nothing_else():
    showtime = make_showtime()
    lock(showtime, "A1")
    before = read_map(showtime.pk)
    begin_epoch(showtime.pk, after=before.epoch)
    after = read_map(showtime.pk)
    assert (after.version, after.state, after.stamp) == (before.version, before.state, before.stamp)
    assert SeatChange.objects.count() == 1


def test_a_new_epoch_goes_on_after_history_that_was_left():
    showtime = make_showtime()
    for label in ("A1", "A2", "A3"):
        lock(showtime, label)
    put_back_by_hand(showtime)
    begin_epoch(showtime.pk, after=showtime.epoch)
    assert read_map(showtime.pk).version == 3
    assert lock(showtime, "A1").version == 4


def test_every_showtime_gets_another_epoch():
    shows = [make_showtime() for _ in range(2)]
    assert rotate_epochs() == 2
    assert not {read_map(showtime.pk).epoch for showtime in shows} & {showtime.epoch for showtime in shows}


# ---- rows put back by hand -------------------------------------------------------------------------------------------


def test_a_lock_whose_version_is_in_the_history_already_is_granted():
    showtime = make_showtime()
    lock(showtime, "A1")
    put_back_by_hand(showtime)
    result = lock(showtime, "A1")
    assert (result.version, read_map(showtime.pk).state[0]) == (2, "L")
    assert read_map(showtime.pk).epoch != showtime.epoch


def test_another_change_is_refused_as_busy_and_granted_after_the_periodic_task():
    showtime, visitor = make_showtime(), new_visitor()
    lock(showtime, "A1", visitor=visitor)
    SeatChange.objects.filter(showtime=showtime).update(version=F("version") + 1)  # the next version is there already
    booking = Booking.objects.get()
    with pytest.raises(Busy), transaction.atomic():
        release_lock(showtime_id=showtime.pk, visitor=visitor, at=timezone.now())
    booking.refresh_from_db()
    assert booking.status == "locked" and read_map(showtime.pk).state[0] == "L", "nothing was changed"
    assert begin_epochs_past_history(timezone.now()) == 1
    release_lock(showtime_id=showtime.pk, visitor=visitor, at=timezone.now())
    assert read_map(showtime.pk).state[0] == "A"
    assert begin_epochs_past_history(timezone.now()) == 0


def test_the_loop_has_the_periodic_task():
    assert "begin epochs" in {task.name for task in periodic_tasks.new_schedule()}


def test_the_periodic_task_is_one_query_while_nothing_was_put_back():
    for _ in range(3):
        lock(make_showtime(), "A1")
    with CaptureQueriesContext(connection) as captured:
        assert begin_epochs_past_history(timezone.now()) == 0
    assert len(captured) == 1
