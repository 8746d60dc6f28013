"""The board's page as the server renders it, without a script."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from bench.support.factories import make_showtime, new_visitor
from booking.locks import lock_seats
from booking.seats.occupancy import on_the_board
from cinema.models import Showtime
from realtime.pages.board_view import pieces_of, read_lines

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def noon():
    """The board shows today first, and shortly before midnight a showtime that starts soon is tomorrow's."""
    with time_machine.travel(datetime(2026, 11, 18, 12, tzinfo=UTC), tick=False):
        yield


@pytest.fixture
def staff():
    user = get_user_model().objects.create_user("usher", "usher@example.com", "a long password 1", is_staff=True)
    client = Client()
    client.force_login(user)
    return client


def shown(page):
    return [int(pk) for pk in re.findall(r'data-showtime="(\d+)"', page.content.decode())]


def moved(showtime, **fields):
    Showtime.objects.filter(pk=showtime.pk).update(**fields)
    return showtime


def test_a_line_shows_the_number_of_locked_and_of_free_seats(staff):
    showtime = make_showtime(starts_in=timedelta(minutes=20))
    lock_seats(showtime_id=showtime.pk, visitor=new_visitor(), labels=["A1", "A2"], at=timezone.now())
    text = staff.get("/staff/board/").content.decode()
    assert 'data-count="locked"><b>2</b>' in text
    assert f'data-count="available"><b>{showtime.n_seats - 2}</b>' in text
    assert "doors open" in text


def test_showtimes_that_ended_three_hours_ago_or_start_in_a_week_are_not_on_the_board(staff):
    at = timezone.now()
    gone = moved(make_showtime(), starts_at=at - timedelta(hours=6), ends_at=at - timedelta(hours=3, seconds=1))
    ended = moved(make_showtime(), starts_at=at - timedelta(hours=5), ends_at=at - timedelta(hours=2, minutes=59))
    later = make_showtime(starts_in=timedelta(days=7, minutes=1))
    found = {showtime.pk for showtime in on_the_board(at)}
    assert ended.pk in found and not found & {gone.pk, later.pk}
    assert shown(staff.get("/staff/board/")) == [ended.pk]


def test_a_day_and_a_cinema_are_chosen_by_plain_links(staff):
    first, second = make_showtime(starts_in=timedelta(days=2)), make_showtime(starts_in=timedelta(days=2, minutes=5))
    day = timezone.localdate(first.starts_at)
    assert shown(staff.get(f"/staff/board/?day={day}")) == [first.pk, second.pk]
    slug = second.screen.cinema.slug
    assert shown(staff.get(f"/staff/board/?day={day}&cinema={slug}")) == [second.pk]


@pytest.mark.parametrize("query", ["?day=2026-99-99", "?day=x", "?day=1999-01-01", "?cinema=%00", "?view=x", "?day="])
def test_an_invalid_query_is_todays_board(staff, query):
    make_showtime(starts_in=timedelta(seconds=30))
    page = staff.get(f"/staff/board/{query}")
    assert page.status_code == 200 and len(shown(page)) == 1


def test_an_empty_board_says_so(staff):
    assert "Nothing is on" in staff.get("/staff/board/").content.decode()


def test_a_wall_display_has_no_money_no_links_and_no_showtime_that_is_over(staff):
    at = timezone.now()
    over = moved(make_showtime(), starts_at=at - timedelta(hours=2), ends_at=at - timedelta(minutes=1))
    page = staff.get("/staff/board/?view=wall")
    assert over.pk not in shown(page)
    assert 'data-view="wall"' in page.content.decode() and "board__choices" not in page.content.decode()


def test_a_cancelled_showtime_is_not_in_the_totals(staff):
    moved(make_showtime(starts_in=timedelta(minutes=1)), cancelled_at=timezone.now(), n_booked=7)
    text = staff.get("/staff/board/").content.decode()
    assert 'data-total="booked">0<' in text and "cancelled" in text


def test_the_page_costs_one_query_for_any_number_of_showtimes(django_assert_num_queries):
    for minutes in range(12):
        make_showtime(starts_in=timedelta(minutes=minutes + 1))
    with django_assert_num_queries(1):
        assert len(read_lines(timezone.now())) == 12


def test_the_segments_of_a_bar_fill_it():
    pieces = pieces_of({"arrived": 1, "booked": 2, "locked": 0, "free": 3, "blocked": 1})
    assert sum(piece.width for piece in pieces) == pytest.approx(100, abs=0.01)
    assert [piece.x for piece in pieces] == pytest.approx([0, 14.286, 42.857, 42.857, 85.714], abs=0.001)
    assert all(piece.width == 0 for piece in pieces_of({"arrived": 0, "free": 0}))
