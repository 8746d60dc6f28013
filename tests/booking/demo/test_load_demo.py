"""`load_demo`: what it stores, and that it can be repeated."""

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
import time_machine
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db.models import F, Sum

from booking.models import Booking, OutboxMessage, SeatChange, ShowtimeSeat, Ticket
from cinema.models import Cinema, Genre, Movie, Screen, SeatingPlan, Showtime
from cinema.plans.layouts import layout_of

MORNING = datetime(2026, 6, 10, 7, 0, tzinfo=UTC)  # a Wednesday
pytestmark = pytest.mark.django_db


def load(history=2):
    out = StringIO()
    call_command("load_demo", history=history, stdout=out)
    return out.getvalue()


def counts():
    return [
        model.objects.count()
        for model in (Cinema, Screen, SeatingPlan, Genre, Movie, Showtime, ShowtimeSeat, Booking, Ticket, SeatChange)
    ]


@pytest.fixture(scope="module")
def demo(django_db_setup, django_db_blocker):
    """What `load_demo` prints. Loaded once for this file; each test runs in a savepoint above it."""
    from django.test import TestCase

    with django_db_blocker.unblock(), time_machine.travel(MORNING, tick=False):
        atomics = TestCase._enter_atomics()
        yield load()
        TestCase._rollback_atomics(atomics)


def sold_showtimes():
    """Every showtime with sold seats, the seats of its layout, and the indices of the sold ones."""
    booked = defaultdict(set)
    for showtime, index in ShowtimeSeat.objects.filter(status="booked").values_list("showtime_id", "index"):
        booked[showtime].add(index)
    for showtime in Showtime.objects.filter(pk__in=booked).select_related("plan"):
        yield showtime, layout_of(showtime.plan.hash).seats, booked[showtime.pk]


def test_it_loads_two_cinemas_with_five_screens_and_24_films_for_a_week_and_two_past_days(demo):
    assert "showtimes added" in demo
    screens = Screen.objects.select_related("cinema")
    assert {(screen.cinema.name, screen.name): screen.plan.seats.count() for screen in screens} == {
        ("Lantern Harbourside", "Screen 1"): 174,
        ("Lantern Harbourside", "Screen 2"): 70,
        ("Lantern Harbourside", "Studio"): 48,
        ("Lantern Old Mill", "Great Hall"): 602,
        ("Lantern Old Mill", "Weaving Room"): 148,
    }
    assert Movie.objects.count() == 24
    days = {showtime.starts_at.date() for showtime in Showtime.objects.all()}
    today = MORNING.date()
    assert {today + timedelta(days=n) for n in range(-2, 8)} <= days
    assert all(day.weekday() == 5 for day in days if day > today + timedelta(days=7))  # premieres to come


def test_every_film_has_facts_and_pictures(demo):
    for movie in Movie.objects.all():
        assert movie.overview and movie.director and movie.runtime and movie.release_date and movie.genres.exists()
        for picture in (movie.poster, movie.picture):
            assert (Path(settings.BASE_DIR) / "static" / picture).is_file()


def test_premieres_are_announced_and_not_on_sale_yet(demo):
    coming = Showtime.objects.filter(sales_open_at__gt=MORNING)
    assert coming.count() == 2 and not coming.filter(n_booked__gt=0).exists()
    for showtime in coming:
        assert MORNING + timedelta(days=14) < showtime.starts_at < MORNING + timedelta(days=29)
        assert showtime.n_seats == 602


def test_every_seat_has_a_price_and_counters_agree_with_the_rows(demo):
    for showtime in Showtime.objects.select_related("plan"):
        layout = layout_of(showtime.plan.hash)
        assert {seat.category for seat in layout.seats} <= showtime.prices.keys()
        counted = Counter(showtime.seats.values_list("status", flat=True))
        assert showtime.n_seats == counted.total() == len(layout.seats)
        assert (showtime.n_available, showtime.n_booked) == (counted["available"], counted["booked"])
        assert showtime.n_locked == showtime.n_blocked == 0
    money = Ticket.objects.values_list("seat__showtime").annotate(Sum("price"))
    assert dict(money) == dict(Showtime.objects.filter(n_booked__gt=0).values_list("pk", "revenue"))


def test_bookings_tickets_and_seats_agree(demo):
    for booking in Booking.objects.prefetch_related("tickets", "places", "seats"):
        tickets = [(ticket.seat_id, ticket.label, ticket.category, ticket.price) for ticket in booking.tickets.all()]
        assert tickets == [(place.seat_id, place.label, place.category, place.price) for place in booking.places.all()]
        assert {seat.pk for seat in booking.seats.all()} == {ticket[0] for ticket in tickets}
        assert booking.total == sum(ticket[3] for ticket in tickets) and booking.n_seats == len(tickets) > 0


def test_the_history_of_every_showtime_ends_in_its_map(demo):
    """Versions from one on; each seat is booked once, in the order of the confirmations."""
    versions, sold, last = defaultdict(set), defaultdict(set), {}
    for change in SeatChange.objects.select_related("booking").order_by("showtime", "version", "index"):
        assert (change.before, change.after, change.reason) == ("available", "booked", "confirm")
        assert change.index not in sold[change.showtime_id]
        assert last.get(change.showtime_id, change.at) <= change.at == change.booking.confirmed_at
        last[change.showtime_id] = change.at
        versions[change.showtime_id].add(change.version)
        sold[change.showtime_id].add(change.index)
    for showtime, _, booked in sold_showtimes():
        assert booked == sold[showtime.pk]
        assert versions[showtime.pk] == set(range(1, showtime.version + 1))
    assert not ShowtimeSeat.objects.exclude(version__lte=F("showtime__version")).exists()


def test_bookings_are_made_over_several_days_before_now_and_before_the_film(demo):
    for booking in Booking.objects.select_related("showtime"):
        assert booking.created_at < booking.checkout_at < booking.confirmed_at < MORNING
        assert booking.confirmed_at < booking.showtime.starts_at
    days = {moment.date() for moment in Booking.objects.values_list("confirmed_at", flat=True)}
    assert len(days) >= 10


def test_some_showtimes_are_partly_sold_and_no_mail_is_enqueued(demo):
    assert Showtime.objects.filter(n_booked__gt=F("n_available"), starts_at__gt=MORNING).exists()
    assert Showtime.objects.filter(n_booked__gt=0).count() > 60
    assert not Showtime.objects.filter(n_available=0).exists()
    assert set(Booking.objects.values_list("status", "demo")) == {("confirmed", True)}
    assert not OutboxMessage.objects.exists()


def test_no_sofa_is_half_sold_and_no_wheelchair_space_is_sold(demo):
    for _, seats, sold in sold_showtimes():
        for seat in seats:
            if seat.shape == "sofa-start":
                assert (seat.index in sold) == (seat.index + 1 in sold)
            assert seat.kind == "seat" or seat.index not in sold


def test_loaded_again_it_changes_nothing(demo):
    before = counts()
    with time_machine.travel(MORNING, tick=False):
        assert "up to date" in load()
    assert counts() == before


def test_showtimes_that_staff_deleted_or_moved_are_not_added_again(demo):
    gone = Showtime.objects.filter(n_booked=0, starts_at__gt=MORNING, sales_open_at=None).first()
    moved = Showtime.objects.filter(n_booked__gt=0, starts_at__gt=MORNING + timedelta(days=1)).first()
    ShowtimeSeat.objects.filter(showtime=gone).delete()
    gone.delete()
    Showtime.objects.filter(pk=moved.pk).update(starts_at=moved.starts_at + timedelta(minutes=3))
    before = counts()
    with time_machine.travel(MORNING, tick=False):
        load()
    assert counts() == before


def test_on_a_later_day_it_adds_the_missing_days_and_changes_nothing_else(demo):
    before = set(Showtime.objects.values_list("pk", "version"))
    with time_machine.travel(MORNING + timedelta(days=2), tick=False):
        load()
    assert before <= set(Showtime.objects.values_list("pk", "version"))
    week = Showtime.objects.exclude(starts_at__gt=MORNING + timedelta(days=10))
    assert max(week.values_list("starts_at", flat=True)).date() == (MORNING + timedelta(days=9)).date()
    assert not Showtime.objects.filter(n_available=0, n_booked=0).exists()
    assert Cinema.objects.count() == 2 and SeatingPlan.objects.count() == 5


def test_staff_can_log_in_with_the_printed_password(demo, client):
    assert get_user_model().objects.get(email="staff@example.com").is_staff
    password = demo.split("password ")[1].strip()
    assert client.login(username="staff", password=password)


def test_a_history_of_more_than_90_days_is_refused():
    with pytest.raises(CommandError, match="from 0 to 90"):
        load(history=91)
