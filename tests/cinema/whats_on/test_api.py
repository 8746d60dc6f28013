from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from bench.support.factories import make_movie, make_screen, make_showtime

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 6, 10, 11, 0, tzinfo=UTC)  # noon in London


@pytest.fixture(autouse=True)
def _noon():
    with time_machine.travel(NOON, tick=False):
        yield


def ids(answer):
    assert answer.status_code == 200
    return [showtime["id"] for showtime in answer.json()["showtimes"]]


def test_a_showtime_has_exactly_the_keys_of_the_contract(client):
    showtime = make_showtime(movie=make_movie("Sunrise"), starts_in=timedelta(hours=3))
    answer = client.get(f"/api/showtimes/{showtime.pk}/")
    assert answer.json() == {
        "id": showtime.pk,
        "movie": {"title": "Sunrise", "slug": "sunrise"},
        "cinema": showtime.screen.cinema.name,
        "screen": "Screen 1",
        "starts_at": "2026-06-10T14:00:00Z",
        "ends_at": "2026-06-10T15:40:00Z",
        "language": "English",
        "format": "35 mm",
        "currency": "GBP",
        "prices": {"standard": 1150, "premium": 1450},
        "sales": "open",
        "layout": f"/api/layouts/{showtime.plan.hash}/",
        "map": f"/api/showtimes/{showtime.pk}/map/",
        "lock": f"/api/showtimes/{showtime.pk}/lock/",
        "socket": f"/ws/showtimes/{showtime.pk}/",
    }
    assert client.get(answer.json()["layout"]).status_code == 200


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({}, "open"),
        ({"sales_open_at": NOON + timedelta(minutes=1)}, "upcoming"),
        ({"sales_close_at": NOON}, "closed"),
        ({"cancelled_at": NOON}, "cancelled"),
    ],
)
def test_sales_are_open_upcoming_closed_or_cancelled(client, fields, state):
    showtime = make_showtime(**fields)
    assert client.get(f"/api/showtimes/{showtime.pk}/").json()["sales"] == state


def test_without_a_date_the_next_fourteen_days_are_listed_in_order(client):
    screen = make_screen()
    hours = {
        name: timedelta(hours=n) for name, n in (("over", -3), ("running", -1), ("soon", 2), ("last", 24 * 14 - 1))
    }
    made = {name: make_showtime(screen=make_screen(screen.plan), starts_in=n) for name, n in reversed(hours.items())}
    late = make_showtime(screen=screen, starts_in=timedelta(days=14))
    same = make_showtime(screen=make_screen(screen.plan), starts_in=hours["soon"])
    found = ids(client.get("/api/showtimes/"))
    assert found == [made["running"].pk, *sorted([made["soon"].pk, same.pk]), made["last"].pk]
    assert late.pk not in found


def test_a_date_is_a_day_in_the_local_time_zone(client):
    midnight = datetime(2026, 6, 11, 23, 0, tzinfo=UTC) - NOON  # 12 June in London
    before, after = (make_showtime(starts_in=midnight + timedelta(minutes=n)) for n in (-1, 0))
    assert ids(client.get("/api/showtimes/?date=2026-06-11")) == [before.pk]
    assert ids(client.get("/api/showtimes/?date=2026-06-12")) == [after.pk]
    assert ids(client.get("/api/showtimes/?date=2026-06-13")) == []


def test_movie_and_cinema_filter_by_slug(client):
    one, other = make_showtime(movie=make_movie("Nosferatu")), make_showtime()
    assert ids(client.get("/api/showtimes/?movie=nosferatu")) == [one.pk]
    assert ids(client.get(f"/api/showtimes/?cinema={other.screen.cinema.slug}")) == [other.pk]
    assert ids(client.get(f"/api/showtimes/?cinema={other.screen.cinema.slug}&movie=nosferatu")) == []
    assert ids(client.get("/api/showtimes/?movie=no-such-film")) == []


@pytest.mark.parametrize(
    "query",
    ["date=today", "date=2026-13-01", "date=2026-6-1", "date=20260611", "date=2026-W24-4", "date=9999-12-31",
     "movie=a%00b"],
)  # fmt: skip
def test_an_invalid_filter_is_a_problem_that_names_it(client, query):
    answer = client.get(f"/api/showtimes/?{query}")
    assert answer.status_code == 422
    assert answer["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"] == "invalid" and problem["status"] == 422
    assert list(problem["errors"]) == [query.split("=")[0]]


def test_an_unknown_showtime_is_a_problem(client):
    answer = client.get("/api/showtimes/999999/")
    assert answer.status_code == 404
    assert answer.json()["type"] == "not-found"


def test_a_list_needs_one_query_whatever_its_length(client, django_assert_num_queries):
    for _ in range(5):
        make_showtime()
    with django_assert_num_queries(1):
        assert len(ids(client.get("/api/showtimes/"))) == 5


def test_other_methods_are_refused(client):
    answer = client.post("/api/showtimes/")
    assert answer.status_code == 405
    assert answer.json()["type"] == "method-not-allowed"


def test_the_clock_of_these_tests_is_frozen():
    assert timezone.now() == NOON
