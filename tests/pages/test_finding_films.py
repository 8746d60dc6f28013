"""Filters: any combination gives the same films by htmx, by plain links, and by counting them by hand."""

import random
import re
import unicodedata
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cinema.models import Cinema, Genre, Movie, Screen, Showtime
from tests.factories import make_plan
from tests.report import report

pytestmark = pytest.mark.django_db
GENRES = {
    "drama": "Drama",
    "comedy": "Comedy",
    "science-fiction": "Science fiction",
    "crime": "Crime",
    "western": "Western",
}
LANGUAGES = {"English": "en", "German": "de", "No dialogue": "xx", "French": "fr"}
HOUSES = ("Harbourside", "Old Mill", "Studio")
PEOPLE = ("Greta Schröder", "Buster Keaton", "Maria Falconetti", "Toshirō Mifune", "Brigitte Helm")
WORDS = ("Night", "River", "Überfahrt", "Moon", "100%", "A_B")
checked = {"combinations": 0, "films": 0}


class House:
    """A catalogue in which everything meets everything, and what it holds, in plain Python."""

    def __init__(self):
        chance, self.at = random.Random(7), timezone.now()
        plan = make_plan(rows=1, per_row=2)
        genres = [Genre.objects.get_or_create(slug=slug, defaults={"name": name})[0] for slug, name in GENRES.items()]
        screens = [
            Screen.objects.create(
                cinema=Cinema.objects.create(name=name, slug=name.lower().replace(" ", "-")), name="1", plan=plan
            )
            for name in HOUSES
        ]
        self.films = []
        minute = 0
        for number in range(70):
            title = f"{chance.choice(WORDS)} {chance.choice(WORDS)} {number}"
            movie = Movie.objects.create(
                title=title, slug=f"film-{number}", director=chance.choice(PEOPLE), cast=chance.sample(PEOPLE, 2)
            )
            mine = chance.sample(genres, chance.randint(0, 3))
            movie.genres.set(mine)
            times = []
            for _ in range(chance.randint(0, 4)):
                minute += 7
                starts = self.at + timedelta(days=chance.randint(0, 15), minutes=minute)
                screen, language = chance.choice(screens), chance.choice([*LANGUAGES, ""])
                cancelled = self.at if chance.random() < 0.1 else None
                times.append((screen.cinema.slug, language, starts, cancelled))
                Showtime.objects.create(
                    movie=movie, screen=screen, plan=plan, starts_at=starts, ends_at=starts + timedelta(minutes=5),
                    language=language, cancelled_at=cancelled, currency="GBP", n_available=chance.randint(0, 2),
                )  # fmt: skip
            self.films.append(
                (movie.slug, f"{title} {movie.director} {' '.join(movie.cast)}", {g.slug for g in mine}, times)
            )

    def matching(self, *, genre, language, cinema, date, q):
        return {
            slug
            for slug, text, genres, times in self.films
            if (not genre or genres & set(genre))
            and all(word in plain(text) for word in plain(q).split())
            and any(self.fits(each, language, cinema, date) for each in times)
        }

    def fits(self, time, language, cinema, date):
        house, spoken, starts, cancelled = time
        return (
            cancelled is None
            and self.at < starts < self.at + timedelta(days=14)
            and (not language or spoken in language)
            and (not cinema or house in cinema)
            and (not date or timezone.localtime(starts).date().isoformat() == date)
        )


def plain(text):
    split = unicodedata.normalize("NFKD", text.lower())
    return "".join(letter for letter in split if not unicodedata.combining(letter))


@pytest.fixture(scope="module")
def house(django_db_setup, django_db_blocker):
    from django.db import connection, transaction

    with django_db_blocker.unblock():
        held = transaction.atomic()
        held.__enter__()
        try:
            yield House()
        finally:
            connection.set_rollback(True)
            held.__exit__(None, None, None)


def section(text):
    """The films that are showing, without those that are to come."""
    return text.split('id="soon"')[0]


def films_of(text):
    return re.findall(r'data-film="([^"]+)"', section(text))


def by_plain_links(query):
    """All pages, as somebody without a script follows them."""
    client, found, path = Client(), [], f"/{query}"
    while path:
        page = client.get(path).content.decode()
        found += films_of(page)
        more = re.search(r'<li class="more"><a class="[^"]+" href="([^"#]+)', page)
        path = more[1].replace("&amp;", "&") if more else None
    return found


def by_htmx(query):
    client, found, path = Client(headers={"HX-Request": "true", "HX-Trigger": "finder"}), [], f"/{query}"
    while path:
        text = client.get(path).content.decode()
        assert "<html" not in text
        found += films_of(text)
        more = re.search(r'hx-get="([^"]+)" hx-target="closest li"', text)
        path = more[1].replace("&amp;", "&") if more else None
    return found


def some(values):
    return st.lists(st.sampled_from(list(values)), max_size=3, unique=True)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(
    genre=some(GENRES),
    language=some(LANGUAGES),
    cinema=some(["harbourside", "old-mill", "studio"]),
    day=st.none() | st.integers(0, 14),
    q=st.sampled_from(["", "night", "SCHRODER", "uber", "100%", "a_b", "greta night", "keaton zz", "mifune 1"]),
)
def test_any_combination_is_the_same_by_every_way(house, genre, language, cinema, day, q):
    date = (timezone.localdate(house.at) + timedelta(days=day)).isoformat() if day is not None else ""
    pairs = [("genre", g) for g in genre] + [("language", v) for v in language] + [("cinema", c) for c in cinema]
    pairs += ([("date", date)] if date else []) + ([("q", q)] if q else [])
    query = f"?{urlencode(pairs)}" if pairs else ""
    wanted = house.matching(genre=genre, language=language, cinema=cinema, date=date, q=q)
    linked, swapped = by_plain_links(query), by_htmx(query)
    assert sorted(linked) == sorted(wanted)
    assert linked == swapped
    checked["combinations"] += 1
    checked["films"] += len(wanted)


def test_how_many_combinations_were_checked():
    report("filters", f"{checked['combinations']} combinations, {checked['films']} films, three ways the same")
    assert checked["films"] > 0


def test_a_count_says_how_many_films_its_choice_would_give(house):
    for name, wish in (("genre", {"language": ["German"]}), ("language", {"genre": ["drama", "crime"]})):
        text = Client().get("/?" + urlencode(wish, doseq=True)).content.decode()
        counts = re.findall(rf'name="{name}"[^>]*value="([^"]+)"[^>]*>[^<]*<span[^>]*>.*?</span>(\d+)</span>', text)
        assert counts
        for value, count in counts:
            asked = {"genre": [], "language": [], "cinema": [], "date": "", "q": "", **wish, name: [value]}
            assert int(count) == len(house.matching(**asked)), (name, value)


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
def test_a_value_may_be_written_as_people_write_it(house, one, other):
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
def test_nothing_that_is_asked_breaks_the_page(house, query, headers):
    response = Client(headers=headers).get(f"/?{query}")
    assert response.status_code == 200
    assert b"<script>alert" not in response.content
    assert "HX-Request" in response["Vary"]


def test_a_value_that_nobody_has_gives_nothing_and_can_be_taken_away(house):
    page = Client().get("/?genre=opera&language=German").content.decode()
    assert films_of(page) == []
    assert "No film is all of that" in page
    assert 'href="/?language=German"' in page


def test_the_fragment_names_its_address_and_leaves_out_what_is_empty(house):
    answer = Client(headers={"HX-Request": "true"}).get("/?q=&cinema=&genre=drama&date=")
    assert answer["HX-Push-Url"] == "/?genre=drama"


def test_typing_is_not_taken_away_but_a_link_sets_the_box(house):
    typed = Client(headers={"HX-Request": "true", "HX-Trigger": "finder"}).get("/?q=night").content.decode()
    linked = Client(headers={"HX-Request": "true", "HX-Trigger": "day-any"}).get("/?q=night").content.decode()
    assert 'id="q"' not in typed and 'id="q"' in linked


def test_seats_left_are_drawn_as_on_the_page_and_known_again(house):
    some_ids = list(Showtime.objects.order_by("pk").values_list("pk", flat=True)[:5])
    path = "/showtimes/left/?" + "&".join(f"id={pk}" for pk in some_ids) + "&id=abc&id=&id=99999999"
    answer = Client().get(path)
    assert [int(pk) for pk in re.findall(r'data-left-of="(\d+)"', answer.content.decode())] == some_ids
    assert Client(headers={"If-None-Match": answer["ETag"]}).get(path).status_code == 304


@pytest.mark.parametrize("query", ["", "?genre=drama&genre=crime&language=German", "?q=night"])
def test_the_page_asks_fewer_than_fifteen_questions(house, query, django_assert_max_num_queries):
    with django_assert_max_num_queries(14):
        assert Client().get(f"/{query}").status_code == 200
