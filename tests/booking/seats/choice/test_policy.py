"""What each cinema refuses at checkout, and when wheelchair and companion places sell to all."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from bench.support.factories import make_showtime
from booking.seats.choice import policy
from booking.seats.choice.policy import forget_policies, is_released, refuses_single_seats
from cinema.models import Cinema

pytestmark = pytest.mark.django_db


@pytest.fixture
def showtime():
    return make_showtime()


@pytest.mark.parametrize("setting", ["refuse", "allow"])
@pytest.mark.parametrize("chosen", ["", "refuse", "allow"])
def test_a_cinema_decides_for_itself_or_takes_what_is_set_for_all(showtime, settings, setting, chosen):
    settings.SINGLE_SEATS = setting
    make_showtime()
    Cinema.objects.exclude(pk=showtime.screen.cinema_id).update(single_seats="allow")
    Cinema.objects.filter(pk=showtime.screen.cinema_id).update(single_seats=chosen)
    assert refuses_single_seats(showtime) == ((chosen or setting) == "refuse")


def test_it_is_read_once_a_minute_and_then_again(showtime, settings, monkeypatch, django_assert_num_queries):
    settings.SINGLE_SEATS = "refuse"
    clock = [1000.0]
    monkeypatch.setattr(policy.time, "monotonic", lambda: clock[0])
    with django_assert_num_queries(1):
        assert refuses_single_seats(showtime) and refuses_single_seats(showtime)
    Cinema.objects.update(single_seats="allow")
    clock[0] += policy.KEPT_FOR - 0.1
    with django_assert_num_queries(0):
        assert refuses_single_seats(showtime)
    clock[0] += 0.2
    with django_assert_num_queries(1):
        assert not refuses_single_seats(showtime)


def test_what_is_kept_is_bounded(showtime, monkeypatch):
    monkeypatch.setattr(policy, "MOST_KEPT", 3)
    for _ in range(5):
        refuses_single_seats(make_showtime(screen=showtime.screen, starts_in=timedelta(days=2)))
        assert len(policy._kept) <= 3
    forget_policies()
    assert not policy._kept


def test_no_other_word_can_be_stored():
    with pytest.raises(IntegrityError), transaction.atomic():
        Cinema.objects.create(name="Odeon", slug="odeon", single_seats="maybe")


def test_places_are_released_so_many_minutes_before_the_start(showtime, settings):
    start = showtime.starts_at
    settings.WHEELCHAIR_RELEASE = timedelta(minutes=60)
    assert not is_released(showtime, start - timedelta(minutes=60, seconds=1))
    assert is_released(showtime, start - timedelta(minutes=60))
    assert is_released(showtime, start + timedelta(minutes=5))


def test_zero_minutes_is_never(showtime, settings):
    settings.WHEELCHAIR_RELEASE = timedelta(0)
    assert not is_released(showtime, showtime.starts_at) and not is_released(showtime, showtime.ends_at)
