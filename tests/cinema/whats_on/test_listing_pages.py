"""The home page and the page of a film."""

from datetime import date, timedelta

import pytest
import time_machine
from django.urls import reverse
from django.utils import timezone

from bench.support.factories import make_movie, make_plan, make_screen, make_showtime
from booking.showtimes.sales import block_seats
from cinema.models import Genre, Showtime
from cinema.whats_on.front_page import FILLING_UP_SHARE
from cinema.whats_on.listings import ShowtimeCard, pick_billboard

NOON = "2026-03-02 12:00:00+00:00"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _at_noon():
    """A Monday; what starts within eleven hours is on the same day."""
    with time_machine.travel(NOON, tick=False):
        yield


def make_listings(films):
    screen = make_screen()
    for number in range(films):
        film = make_movie()
        film.genres.add(Genre.objects.get_or_create(name=f"Genre {number % 3}", slug=f"genre-{number % 3}")[0])
        for hours in (1, 3, 27):
            make_showtime(screen=screen, movie=film, starts_in=timedelta(hours=hours, minutes=number))


def fill(showtime, left):
    Showtime.objects.filter(pk=showtime.pk).update(n_available=left, n_booked=showtime.n_seats - left)
    showtime.refresh_from_db()


def make_card(state="open", left=10, of=100, picture="posters/x-screen.svg", hours=1):
    showtime = Showtime(n_available=left, n_booked=of - left, starts_at=timezone.now() + timedelta(hours=hours))
    showtime.movie = make_movie()
    showtime.movie.picture = picture
    return ShowtimeCard(showtime, state)


def test_home_lists_films_with_their_next_two_times_and_the_seats_left(client):
    film = make_movie("The Long Night")
    screen = make_screen()
    for hours in (1, 2, 3):
        make_showtime(screen=screen, movie=film, starts_in=timedelta(hours=hours))
    page = client.get("/").content.decode()
    card = page[page.index('<li class="film"') :]
    assert "The Long Night" in card
    assert [hour in card for hour in (">13:00<", ">14:00<", ">15:00<")] == [True, True, False]
    assert card.count("40 seats") == 2


def test_home_without_showtimes_says_so(client):
    response = client.get("/")
    assert response.status_code == 200
    assert "The house is dark" in response.content.decode()


def test_home_on_a_day_without_films_says_so_and_shows_the_days_that_have_some(client):
    make_showtime(starts_in=timedelta(days=2))
    page = client.get("/?date=2026-03-03").content.decode()
    assert "Nothing on Tuesday 3 March" in page
    assert "?date=2026-03-04" in page


def test_home_shows_any_day_at_first_and_names_the_day_of_each_time(client):
    make_showtime()
    make_showtime(starts_in=timedelta(days=2))
    page = client.get("/").content.decode()
    assert "Now showing" in page
    assert page.count('<li class="film"') == 2
    assert "<small>Today</small>" in page and "<small>Wed 4 Mar</small>" in page


@pytest.mark.parametrize("date_text", ["yesterday", "2026-02-31", "0000-01-01", "<script>"])
def test_home_ignores_an_invalid_date_and_says_so(client, date_text):
    make_showtime()
    response = client.get("/", {"date": date_text})
    assert response.status_code == 200
    page = response.content.decode()
    assert "Now showing" in page and "is no day; all days are shown" in page
    assert "<script>”" not in page


def test_home_omits_cancelled_showtimes_and_those_no_longer_sold(client):
    make_showtime(movie=make_movie("Called Off"), cancelled_at=timezone.now())
    make_showtime(movie=make_movie("Half Over"), starts_in=timedelta(minutes=-16))
    make_showtime(movie=make_movie("Just Begun"), starts_in=timedelta(minutes=-14))
    page = client.get("/").content.decode()
    assert [title in page for title in ("Called Off", "Half Over", "Just Begun")] == [False, False, True]


def test_home_lists_showtimes_that_are_filling_up_but_not_full_ones(client):
    full, nearly, empty = (make_showtime(movie=make_movie(title)) for title in ("Full", "Nearly", "Empty"))
    fill(full, 0)
    fill(nearly, 9)
    assert FILLING_UP_SHARE < 1 - 9 / 40
    page = client.get("/").content.decode()
    section = page[page.index('class="nearly"') : page.index('id="films"')]
    assert "Nearly" in section and ">9<" in section
    assert "Full" not in section and "Empty" not in section


def test_home_needs_the_same_few_queries_whatever_the_number_of_showtimes(client, django_assert_max_num_queries):
    make_listings(films=2)
    client.get("/")
    with django_assert_max_num_queries(14) as few:
        client.get("/")
    make_listings(films=12)
    with django_assert_max_num_queries(len(few)):
        page = client.get("/").content.decode()
    assert page.count('<li class="film"') == 14


def test_movie_page_shows_times_by_day_and_cinema_with_the_lowest_price(client):
    film = make_movie("Two Cinemas")
    first, second = make_screen(), make_screen()
    make_showtime(screen=first, movie=film)
    make_showtime(screen=second, movie=film, prices={"standard": 900, "premium": 900})
    make_showtime(screen=second, movie=film, starts_in=timedelta(days=1))
    page = client.get(film.get_absolute_url()).content.decode()
    assert first.cinema.name in page and second.cinema.name in page
    assert page.count('class="showtime-card"') == 3
    assert "Other days" in page and page.index("Other days") < page.index("Tue 3 Mar")
    assert "£11.50" in page and "£9" in page
    tomorrow = client.get(film.get_absolute_url(), {"date": "2026-03-03"}).content.decode()
    assert tomorrow.count('class="showtime-card"') == 1
    assert first.cinema.name not in tomorrow


@pytest.mark.parametrize(
    ("fields", "left", "state", "words"),
    [
        ({}, 40, "open", "40 seats"),
        ({}, 6, "open", "6 seats left"),
        ({}, 0, "sold-out", "Sold out"),
        ({"sales_open_at": 60}, 40, "upcoming", "On sale Mon 2 Mar, 13:00"),
        ({"sales_close_at": -60}, 40, "closed", "Sales are over"),
        ({"cancelled_at": -60}, 40, "cancelled", "Cancelled"),
    ],
)
def test_movie_page_says_whether_a_time_can_be_bought(client, fields, left, state, words):
    film = make_movie()
    moments = {name: timezone.now() + timedelta(minutes=minutes) for name, minutes in fields.items()}
    fill(make_showtime(movie=film, **moments), left)
    page = client.get(film.get_absolute_url()).content.decode()
    assert f'data-state="{state}"' in page
    assert words in page


def test_movie_page_of_a_film_without_showtimes_says_so(client):
    page = client.get(make_movie("Not Now").get_absolute_url()).content.decode()
    assert "No times at the moment" in page
    assert "Choose a time" not in page


def test_movie_page_escapes_imported_text(client):
    film = make_movie("Bad <b>title</b>")
    film.cast, film.overview = ["<script>alert(1)</script>"], "<img src=x>"
    film.save()
    page = client.get(film.get_absolute_url()).content.decode()
    assert "<script>alert" not in page and "<b>title" not in page and "<img src=x>" not in page


def test_movie_page_needs_the_same_few_queries_whatever_the_number_of_showtimes(client, django_assert_max_num_queries):
    film, screen = make_movie(), make_screen()
    make_showtime(movie=film, screen=screen)
    client.get(film.get_absolute_url())
    with django_assert_max_num_queries(9) as few:
        client.get(film.get_absolute_url())
    for minutes in range(10):
        make_showtime(movie=film, screen=screen, starts_in=timedelta(hours=2, minutes=minutes))
    with django_assert_max_num_queries(len(few)):
        assert client.get(film.get_absolute_url()).content.decode().count('class="showtime-card"') == 11


def test_an_unknown_film_is_a_page_not_found(client):
    response = client.get(reverse("cinema:movie", args=["no-such-film"]))
    assert response.status_code == 404
    assert "Nothing on this screen" in response.content.decode()


def test_blocked_seats_count_neither_as_free_nor_as_taken():
    showtime = make_showtime(plan=make_plan(rows=1, per_row=10))
    block_seats(showtime_id=showtime.pk, labels=["A1", "A2"], at=timezone.now())
    showtime.refresh_from_db()
    one = ShowtimeCard(showtime, "open")
    assert (one.left, one.on_sale, one.taken, one.level) == (8, 8, 0, "many")


def test_the_meter_shows_no_free_seat_only_when_none_is_left():
    assert str(make_card(left=1).meter).count("free") == 1
    assert str(make_card(left=0).meter).count("free") == 0
    assert str(make_card(left=99).meter).count("free") == 9
    assert str(make_card(left=100).meter).count("free") == 10


def test_the_billboard_shows_the_largest_screen_that_still_has_seats():
    small, big = make_card(left=10, of=50), make_card(left=10, of=300)
    gone, blank = make_card("sold-out", left=0, of=900), make_card(left=10, of=900, picture="")
    assert pick_billboard([small, big, gone, blank]) is big
    assert pick_billboard([gone, blank]) is None


def test_a_sold_out_film_is_listed_last(client):
    make_showtime(movie=make_movie("Free"), starts_in=timedelta(days=1))
    fill(make_showtime(movie=make_movie("Gone")), 0)
    page = client.get("/").content.decode()
    assert page.index('data-film="free"') < page.index('data-film="gone"')


def test_the_day_of_a_card_is_in_the_local_time_zone():
    one = make_card()
    one.showtime.starts_at = timezone.now().replace(month=7, hour=23, minute=30)
    assert one.day == date(2026, 7, 3)
