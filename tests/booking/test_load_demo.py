from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
import time_machine
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db.models import F

from booking.models import Booking, OutboxMessage, SeatChange, ShowtimeSeat, Ticket
from cinema.demo.programme import slots_of
from cinema.layouts import layout_of
from cinema.models import Cinema, Genre, Movie, Screen, SeatingPlan, Showtime

MORNING = datetime(2026, 6, 10, 7, 0, tzinfo=UTC)  # a Wednesday
pytestmark = pytest.mark.django_db


def load():
    out = StringIO()
    call_command("load_demo", stdout=out)
    return out.getvalue()


def counts():
    return [
        model.objects.count()
        for model in (Cinema, Screen, SeatingPlan, Genre, Movie, Showtime, ShowtimeSeat, Booking, Ticket, SeatChange)
    ]


@pytest.fixture(scope="module")
def programme(django_db_setup, django_db_blocker):
    """Loaded once for this file; each test runs in a transaction above it."""
    from django.test import TestCase

    with django_db_blocker.unblock(), time_machine.travel(MORNING, tick=False):
        atomics = TestCase._enter_atomics()
        said = load()
        yield said
        TestCase._rollback_atomics(atomics)


def test_it_loads_a_house_with_two_rooms_and_twelve_films_for_a_week(programme):
    assert "showtimes added" in programme
    rooms = {screen.name: screen.plan.seats.count() for screen in Screen.objects.all()}
    assert rooms == {"Screen 1": 174, "Screen 2": 96}
    assert Movie.objects.count() == 12
    days = {showtime.starts_at.date() for showtime in Showtime.objects.all()}
    assert len(days) == 8
    assert Showtime.objects.values("movie").distinct().count() == 12


def test_every_film_has_facts_and_pictures(programme):
    for movie in Movie.objects.all():
        assert movie.overview and movie.director and movie.runtime and movie.release_date and movie.genres.exists()
        for picture in (movie.poster, movie.picture):
            assert (Path(settings.BASE_DIR) / "static" / picture).is_file()


def test_the_big_room_has_wheelchair_places_beside_companions_sofas_and_recliners(programme):
    seats = layout_of(Screen.objects.get(name="Screen 1").plan.hash).seats
    assert sum(seat.kind == "wheelchair" for seat in seats) == 3
    for seat in seats:
        if seat.kind == "wheelchair":
            beside = [s for s in seats if abs(s.index - seat.index) == 1 and s.segment == seat.segment]
            assert any(s.kind == "companion" for s in beside)
    assert {seat.shape for seat in seats} == {"chair", "sofa-start", "sofa-end", "recliner"}


def test_every_seat_has_a_price_and_counters_agree_with_the_rows(programme):
    for showtime in Showtime.objects.select_related("plan"):
        layout = layout_of(showtime.plan.hash)
        assert {seat.category for seat in layout.seats} <= showtime.prices.keys()
        assert showtime.n_seats == showtime.seats.count() == len(layout.seats)
        assert showtime.n_booked == showtime.seats.filter(status="booked").count()
        assert showtime.revenue == sum(Ticket.objects.filter(seat__showtime=showtime).values_list("price", flat=True))


def test_some_houses_are_partly_sold_and_nobody_is_promised_a_mail(programme):
    assert Showtime.objects.filter(n_booked__gt=20).exists()
    assert not Showtime.objects.filter(n_booked__gte=F("n_available") + F("n_booked")).exists()
    assert set(Booking.objects.values_list("status", "demo")) == {("confirmed", True)}
    assert not OutboxMessage.objects.exists()


def test_no_sofa_is_half_sold(programme):
    for showtime in Showtime.objects.filter(n_booked__gt=0).select_related("plan"):
        sold = set(showtime.seats.filter(status="booked").values_list("index", flat=True))
        for seat in layout_of(showtime.plan.hash).seats:
            if seat.shape == "sofa-start":
                assert (seat.index in sold) == (seat.index + 1 in sold)


def test_loaded_again_it_changes_nothing(programme):
    before = counts()
    with time_machine.travel(MORNING, tick=False):
        assert "up to date" in load()
    assert counts() == before


def test_started_on_a_later_day_it_adds_the_missing_days_and_leaves_the_rest(programme):
    before = set(Showtime.objects.values_list("pk", "version"))
    with time_machine.travel(MORNING + timedelta(days=2), tick=False):
        load()
    assert before <= set(Showtime.objects.values_list("pk", "version"))
    assert max(Showtime.objects.values_list("starts_at", flat=True)).date() == (MORNING + timedelta(days=9)).date()
    assert Cinema.objects.count() == 1 and SeatingPlan.objects.count() == 2


def test_staff_can_log_in_with_the_printed_password(programme, client):
    assert get_user_model().objects.get(email="staff@example.com").is_staff
    password = programme.split("password ")[1].strip()
    assert client.login(username="staff", password=password)


def test_no_two_showings_overlap_in_a_room_on_any_day_of_a_year():
    from cinema.demo.catalogue import read_movies

    runtimes = {movie["slug"]: movie["runtime"] for movie in read_movies()}
    ends = {}
    for day in (MORNING.date() + timedelta(days=n) for n in range(370)):
        for slot in slots_of(day, runtimes, UTC):
            assert slot.starts_at > ends.get(slot.screen, MORNING - timedelta(days=1))
            ends[slot.screen] = slot.ends_at
