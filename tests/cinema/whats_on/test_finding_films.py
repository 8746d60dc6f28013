"""Filters in the address of the front page, as a page and as a fragment. `test_filters.py` tests which films match."""

import random
import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from bench.support.factories import make_plan
from cinema.models import Cinema, Genre, Movie, Screen, Showtime

pytestmark = pytest.mark.django_db
GENRES = {
    "drama": "Drama",
    "comedy": "Comedy",
    "science-fiction": "Science fiction",
    "crime": "Crime",
    "western": "Western",
}
LANGUAGES = {"English": "en", "German": "de", "No dialogue": "xx", "French": "fr"}
CINEMAS = ("Harbourside", "Old Mill", "Studio")
PEOPLE = ("Greta Schröder", "Buster Keaton", "Maria Falconetti", "Toshirō Mifune", "Brigitte Helm")
WORDS = ("Night", "River", "Überfahrt", "Moon", "100%", "A_B")


class Catalogue:
    """Films with every combination of genre, language, cinema and day."""

    def __init__(self):
        rng, self.at = random.Random(7), timezone.now()
        plan = make_plan(rows=1, per_row=2)
        genres = [Genre.objects.get_or_create(slug=slug, defaults={"name": name})[0] for slug, name in GENRES.items()]
        screens = [
            Screen.objects.create(
                cinema=Cinema.objects.create(name=name, slug=name.lower().replace(" ", "-")), name="1", plan=plan
            )
            for name in CINEMAS
        ]
        minute = 0
        for number in range(70):
            title = f"{rng.choice(WORDS)} {rng.choice(WORDS)} {number}"
            movie = Movie.objects.create(
                title=title, slug=f"film-{number}", director=rng.choice(PEOPLE), cast=rng.sample(PEOPLE, 2)
            )
            movie.genres.set(rng.sample(genres, rng.randint(0, 3)))
            for _ in range(rng.randint(0, 4)):
                minute += 7
                starts = self.at + timedelta(days=rng.randint(0, 15), minutes=minute)
                screen, language = rng.choice(screens), rng.choice([*LANGUAGES, ""])
                cancelled = self.at if rng.random() < 0.1 else None
                Showtime.objects.create(
                    movie=movie, screen=screen, plan=plan, starts_at=starts, ends_at=starts + timedelta(minutes=5),
                    language=language, cancelled_at=cancelled, currency="GBP", n_available=rng.randint(0, 2),
                )  # fmt: skip


@pytest.fixture(scope="module")
def catalogue(django_db_setup, django_db_blocker):
    from django.db import connection, transaction

    with django_db_blocker.unblock():
        atomic = transaction.atomic()
        atomic.__enter__()
        try:
            yield Catalogue()
        finally:
            connection.set_rollback(True)
            atomic.__exit__(None, None, None)


def section(text):
    """The part of the page with films on sale, without those coming soon."""
    return text.split('id="soon"')[0]


def films_of(text):
    return re.findall(r'data-film="([^"]+)"', section(text))


def by_plain_links(query):
    """The films of all pages, by the links that work without a script."""
    client, found, path = Client(), [], f"/{query}"
    while path:
        page = client.get(path).content.decode()
        found += films_of(page)
        more = re.search(r'<li class="more"><a class="[^"]+" href="([^"#]+)', page)
        path = more[1].replace("&amp;", "&") if more else None
    return found


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("genre=Drama", "genre=drama"),
        ("genre=SCIENCE%20FICTION", "genre=science-fiction"),
        ("language=de", "language=German"),
        ("language=no-dialogue", "language=No+dialogue"),
        ("cinema=Old+Mill", "cinema=old-mill"),
    ],
)
def test_a_value_may_be_a_name_a_slug_or_a_code(catalogue, one, other):
    assert by_plain_links(f"?{one}") == by_plain_links(f"?{other}") != []


@pytest.mark.parametrize(
    "query",
    [
        "genre=%00", "q=%00%00", "language=%FF%FE", "cinema='%20OR%201=1--", "date=2026-99-99", "date=99999-01-01",
        "page=99999", "page=-1", "page=%00", "page=9" * 3, "q=" + "x" * 10_000,
        "&".join(f"genre=g{n}" for n in range(500)),
        "q=%25%25%25_", "q=<script>alert(1)</script>", "date=0001-01-01", "date=9999-12-31",
    ],
)  # fmt: skip
@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
def test_no_query_breaks_the_page(catalogue, query, headers):
    response = Client(headers=headers).get(f"/?{query}")
    assert response.status_code == 200
    assert b"<script>alert" not in response.content
    assert "HX-Request" in response["Vary"]


def test_an_unknown_value_finds_nothing_and_can_be_removed(catalogue):
    page = Client().get("/?genre=opera&language=German").content.decode()
    assert films_of(page) == []
    assert "No film is all of that" in page
    assert 'href="/?language=German"' in page


def test_a_fragment_pushes_its_address_without_empty_filters(catalogue):
    answer = Client(headers={"HX-Request": "true"}).get("/?q=&cinema=&genre=drama&date=")
    assert answer["HX-Push-Url"] == "/?genre=drama"


def test_the_search_box_is_replaced_after_a_link_but_not_while_typing(catalogue):
    typed = Client(headers={"HX-Request": "true", "HX-Trigger": "finder"}).get("/?q=night").content.decode()
    linked = Client(headers={"HX-Request": "true", "HX-Trigger": "day-any"}).get("/?q=night").content.decode()
    assert 'id="q"' not in typed and 'id="q"' in linked


def test_seats_left_are_the_html_of_the_page_and_answer_304_when_unchanged(catalogue):
    some_ids = list(Showtime.objects.order_by("pk").values_list("pk", flat=True)[:5])
    path = "/showtimes/left/?" + "&".join(f"id={pk}" for pk in some_ids) + "&id=abc&id=&id=99999999"
    answer = Client().get(path)
    assert [int(pk) for pk in re.findall(r'data-left-of="(\d+)"', answer.content.decode())] == some_ids
    assert Client(headers={"If-None-Match": answer["ETag"]}).get(path).status_code == 304


@pytest.mark.parametrize("query", ["", "?genre=drama&genre=crime&language=German", "?q=night"])
def test_the_page_needs_fewer_than_fifteen_queries(catalogue, query, django_assert_max_num_queries):
    with django_assert_max_num_queries(14):
        assert Client().get(f"/{query}").status_code == 200
