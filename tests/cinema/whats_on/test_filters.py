"""The films that the page finds and the count of every choice, compared with plain Python over all rows."""

import random
import unicodedata
from datetime import date, timedelta
from html.parser import HTMLParser

import pytest
import time_machine
from django.utils import timezone
from django.utils.text import slugify
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.support.factories import make_movie, make_plan, make_screen
from cinema.models import Genre, Movie, Showtime

NOON = "2026-03-02 12:00:00+00:00"
HTMX = {"HX-Request": "true"}
GENRES = ["Crime", "Drama", "Film noir", "Science fiction"]
CODES = {"English": "en", "German": "de", "Norwegian Bokmål": "nb"}
TITLES = ["Gröde", "The Long Night", "Straße", "Night Train", "Émilie", "100% Wolf", "A_B", "Łódź"]
PEOPLE = ["Zoë Brandt", "Ingrid Long", "Émile Noir", "O’Hara"]
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _at_noon():
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def catalogue():
    """28 films with showtimes in two cinemas: past, running, later, sold out, cancelled, closed, not open yet."""
    return make_catalogue(28)


def make_catalogue(n):
    rng, plan, now = random.Random(7), make_plan(rows=1, per_row=2), timezone.now()
    screens = [make_screen(plan), make_screen(plan)]
    genres = [Genre.objects.create(name=name, slug=name.lower().replace(" ", "-")) for name in GENRES]
    times = []
    for number in range(n):
        film = make_movie(f"{rng.choice(TITLES)} {number}")
        film.slug, film.director, film.cast = f"film-{number}", rng.choice(PEOPLE), rng.sample(PEOPLE, 2)
        film.original_language = rng.choice(list(CODES))
        film.save()
        film.genres.set(rng.sample(genres, rng.randrange(3)))
        times += [make_time(film, rng, screens, now, 60 * number + each) for each in range(rng.randrange(5))]
    Showtime.objects.bulk_create(times)
    return read_rows()


def make_time(film, rng, screens, now, number):
    starts = now + timedelta(hours=rng.choice([-2, 1, 5, 11, 14, 30, 60, 300, 330, 340, 900]), seconds=number)
    left = rng.choice([0, 1, 2])
    fate = {
        "cancelled": {"cancelled_at": now},
        "closed": {"sales_close_at": now - timedelta(minutes=1)},
        "upcoming": {"sales_open_at": now + timedelta(minutes=5)},
    }
    return Showtime(
        movie=film, screen=rng.choice(screens), plan=screens[0].plan, starts_at=starts,
        ends_at=starts + timedelta(minutes=90), language=rng.choice(list(CODES)), currency="GBP",
        prices={"standard": 900}, n_available=left, n_booked=2 - left,
        **fate.get(rng.choice(["cancelled", "closed", "upcoming", "", "", ""]), {}),
    )  # fmt: skip


class Films(HTMLParser):
    """The content of a page or fragment: films on sale, films coming soon, and the count of each choice."""

    def __init__(self, text):
        super().__init__()
        self.on, self.soon, self.counts, self.next = [], [], {}, ""
        self._soon, self._box, self._counting = False, None, 0
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self._soon |= given.get("id") == "soon"
        if "data-film" in given:
            (self.soon if self._soon else self.on).append(given["data-film"])
        if given.get("type") == "checkbox":
            self._box = given["name"], given["value"]
        self._counting = "chip__count" in given.get("class", "").split() or (self._counting and tag == "span")
        if "page=" in given.get("href", ""):
            self.next += f" {given['href']}"

    def handle_data(self, text):
        if self._counting and text.strip().isdigit():
            self.counts[self._box] = int(text)

    def handle_endtag(self, tag):
        if tag == "label":
            self._counting = False


def get_films(client, query, **headers):
    response = client.get("/", query, headers=headers)
    assert response.status_code == 200
    return Films(response.content.decode())


def all_pages(client, query, **headers):
    """The slugs of all pages, following the links to the next page."""
    films = get_films(client, query, **headers)
    found, page = list(films.on), 1
    while f"page={page + 1}" in films.next:
        page += 1
        films = get_films(client, {**query, "page": page}, **headers)
        found += films.on
    return found


def plain(text):
    marks = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in marks if unicodedata.category(letter) != "Mn")


def matches(film, times, query, now):
    """Whether a film matches: the rule in plain Python."""
    names = {name for genre in film.genres.all() for name in (genre.name.casefold(), genre.slug)}
    if query.get("genre") and not names & {value.casefold() for value in query["genre"]}:
        return False
    text = plain(" ".join([film.title, film.director, *film.cast]))
    if not all(word in text for word in plain(query.get("q", "")).split()):
        return False
    return any(is_match(time, query, now) for time in times)


def is_match(time, query, now):
    closes = time.sales_close_at or time.starts_at + timedelta(minutes=15)
    if time.cancelled_at or closes <= now or time.ends_at <= now or time.starts_at >= now + timedelta(days=14):
        return False
    language = {time.language.casefold(), CODES[time.language], slugify(time.language)}
    if query.get("language") and not language & {value.casefold() for value in query["language"]}:
        return False
    cinema = {time.screen.cinema.slug, time.screen.cinema.name.casefold()}
    if query.get("cinema") and not cinema & {value.casefold() for value in query["cinema"]}:
        return False
    return "date" not in query or timezone.localdate(time.starts_at).isoformat() == query["date"]


def read_rows():
    rows = {film: [] for film in Movie.objects.prefetch_related("genres")}
    for time in Showtime.objects.select_related("screen__cinema"):
        rows[time.movie].append(time)
    return rows


def expected(rows, query):
    now = timezone.now()
    return sorted(film.slug for film, times in rows.items() if matches(film, times, query, now))


def some(values):
    return st.lists(st.sampled_from(values), min_size=1, max_size=2, unique=True)


FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "genre": some(["drama", "Crime", "FILM NOIR", "film-noir", "no-such"]),
        "language": some(["English", "de", "DE", "norwegian-bokmal", "nb", "Klingon"]),
        "cinema": some([0, 1, "nowhere"]),
        "date": st.sampled_from([(date(2026, 3, 2) + timedelta(days=n)).isoformat() for n in (0, 1, 2, 12, 13, 14)]),
        "q": st.sampled_from(["grode", "GRÖDE", "long night", "night long", "emile", "strasse", "zoe", "%", "_", "x"]),
    },
)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(filters=FILTERS)
def test_pages_and_fragments_find_exactly_what_plain_python_finds(client, catalogue, filters):
    cinemas = sorted({time.screen.cinema.slug for times in catalogue.values() for time in times})
    query = {**filters}
    if "cinema" in filters:
        query["cinema"] = [cinemas[value] if isinstance(value, int) else value for value in filters["cinema"]]
    wanted = expected(catalogue, query)
    assert sorted(all_pages(client, query)) == wanted
    assert sorted(all_pages(client, query, **HTMX)) == wanted
    counts = get_films(client, query, **HTMX).counts
    assert counts or not wanted
    for (name, value), count in counts.items():
        assert count == len(expected(catalogue, {**query, name: [value]})), (name, value)
