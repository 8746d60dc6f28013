import json
import time
from datetime import date
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.support.factories import make_movie
from cinema.films.file import read_movies
from cinema.imports.bad_rows import BadFile
from cinema.models import Artwork, Genre, Movie
from tests.cinema.films.film_files import empty_film, film, whole_film
from tests.import_command import import_file
from tests.report import report

pytestmark = pytest.mark.django_db
TABLES = (Movie, Genre, Artwork, Movie.genres.through)


@pytest.fixture
def run(tmp_path):
    """Import films (or raw bytes) as a file; returns what was printed."""

    def run(content, *arguments):
        given = content if isinstance(content, bytes) else json.dumps(content).encode()
        return import_file("import_movies", tmp_path / "films.json", given, *arguments)

    return run


def everything():
    return [list(model.objects.order_by("pk").values()) for model in TABLES]


def refused(run, content):
    """The error message; asserts that nothing was changed."""
    before = everything()
    with pytest.raises(CommandError) as refusal:
        run(content)
    assert everything() == before
    return str(refusal.value)


def test_every_fact_of_a_film_is_stored(run):
    run([whole_film()])
    movie = Movie.objects.get()
    assert (movie.title, movie.slug, movie.tagline) == ("Night Train 0", "night-train-0", "All change.")
    assert movie.overview == "A porter finds a letter.\nHe reads it."
    assert [genre.name for genre in movie.genres.all()] == ["Drama", "Thriller"]
    assert (movie.original_language, movie.spoken_languages) == ("English", ["German", "English"])
    assert (movie.runtime, movie.release_date, movie.rating) == (90, date(1950, 1, 15), Decimal("7.3"))
    assert (movie.cast, movie.director) == (["Ida Moss", "Leo Brandt"], "Vera Kline")
    assert movie.trailer_url == "https://vimeo.com/123456789"


def test_only_the_title_is_required_and_nulls_are_allowed(run):
    output = run([empty_film(), {"title": "Bare"}, film("Zeros", runtime=0, vote_average=0, genres=[None])])
    assert "created 3, updated 0, unchanged 0" in output
    for movie in Movie.objects.all():
        assert movie.runtime is None and movie.rating is None and not movie.genres.exists()
    assert Movie.objects.filter(release_date=None).count() == 2


def test_five_hundred_films_are_imported_quickly_and_a_second_time_without_changes(run, django_assert_max_num_queries):
    films = [whole_film(number) for number in range(500)]
    started = time.perf_counter()
    assert "created 500, updated 0, unchanged 0" in run(films)
    first, before = time.perf_counter() - started, everything()
    started = time.perf_counter()
    with django_assert_max_num_queries(30) as queries:
        assert "created 0, updated 0, unchanged 500" in run(films)
    assert not [query for query in queries if query["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]
    assert everything() == before
    report("import", f"500 films in {first:.1f} s with artwork, again in {time.perf_counter() - started:.1f} s")


def test_only_films_without_a_poster_get_artwork(run):
    mine = make_movie("Mine")
    mine.poster = "posters/mine.svg"
    mine.save()
    run([film("Mine", None), film("New")])
    mine.refresh_from_db()
    assert (mine.poster, mine.picture) == ("posters/mine.svg", "")
    new = Movie.objects.get(title="New")
    assert new.poster.startswith("/artwork/") and new.picture.startswith("/artwork/")
    assert Artwork.objects.count() == 2


def test_an_existing_picture_is_kept_when_the_poster_is_drawn(run):
    mine = make_movie("Mine")
    Movie.objects.filter(pk=mine.pk).update(picture="posters/mine-screen.svg")
    assert "updated 1" in run([film("Mine", None)])
    mine.refresh_from_db()
    assert mine.poster.startswith("/artwork/") and mine.picture == "posters/mine-screen.svg"


def test_changed_facts_are_updated_and_missing_ones_are_not_changed(run):
    run([whole_film(), whole_film(1)])
    Movie.objects.filter(slug="night-train-0").update(certificate="15", tagline="Typed by the manager")
    changed = whole_film() | {"runtime": 111, "tagline": None, "overview": "", "genres": [{"name": "Western"}]}
    assert "created 0, updated 1, unchanged 1" in run([changed, whole_film(1)])
    movie = Movie.objects.get(slug="night-train-0")
    assert (movie.runtime, movie.certificate, movie.tagline) == (111, "15", "Typed by the manager")
    assert movie.overview.startswith("A porter")
    assert [genre.name for genre in movie.genres.all()] == ["Western"]


def test_the_same_title_in_another_year_is_another_film(run):
    run([film("Nosferatu", "1922-03-04"), film("Nosferatu", "1979-01-17"), film("Nosferatu", "1979-10-05")])
    run([film("Nosferatu", None)])
    slugs = Movie.objects.order_by("pk").values_list("slug", flat=True)
    assert list(slugs) == ["nosferatu", "nosferatu-1979", "nosferatu-1979-2", "nosferatu-2"]


def test_slugs_are_valid_for_titles_in_any_script_and_never_the_address_of_a_page(run, client):
    run([film("千と千尋の神隠し", "2001-07-20"), film("Метрополис", None), film("Admin Dashboard"), film("???", None)])
    slugs = set(Movie.objects.values_list("slug", flat=True))
    assert slugs == {"film-2001", "film", "admin-dashboard-1927", "film-2"}
    for slug in slugs:
        assert client.get(f"/movies/{slug}/").status_code == 200


@pytest.mark.parametrize(
    ("facts", "original", "spoken"),
    [
        ({"original_language": "cn"}, "Cantonese", []),
        ({"original_language": "xx", "spoken_languages": [{"iso_639_1": "xx", "english_name": "No Language"}]},
         "No dialogue", ["No dialogue"]),
        ({"original_language": "fr", "spoken_languages": [{"iso_639_1": "de"}, {"name": "Platt"}]},
         "French", ["German", "Platt"]),
        ({"original_language": "", "spoken_languages": [{"iso_639_1": "en", "english_name": "English"}] * 2},
         "", ["English"]),
    ],
)  # fmt: skip
def test_languages_are_stored_by_their_english_names(run, facts, original, spoken):
    run([film(**facts)])
    assert Movie.objects.values_list("original_language", "spoken_languages").get() == (original, spoken)


def test_genres_that_differ_only_in_case_are_the_same(run):
    Genre.objects.create(name="Science fiction", slug="science-fiction")
    run([film(genres=[{"name": "Science Fiction"}, {"name": "Sci-Fi"}, {"name": "Sci Fi"}])])
    assert set(Genre.objects.values_list("name", "slug")) == {
        ("Science fiction", "science-fiction"), ("Sci Fi", "sci-fi"), ("Sci-Fi", "sci-fi-2"),
    }  # fmt: skip


def test_markup_is_escaped(run, client):
    run([film("<b>Bold</b>", overview="<script>alert(1)</script>")])
    movie = Movie.objects.get()
    assert movie.title == "<b>Bold</b>"
    page = client.get(movie.get_absolute_url()).content.decode()
    assert "<script>alert" not in page and "<b>Bold" not in page


def test_invisible_marks_are_removed_and_joiners_stay(run):
    family = "\U0001f469\u200d\U0001f467"
    given = film(
        "\u200eNight\u200b Train\ufeff", overview=f"One\r\ntwo\r\u200fthree {family}", genres=[{"name": "\u200eDrama"}]
    )
    assert "created 1" in run([given])
    movie = Movie.objects.get()
    assert (movie.title, movie.slug, movie.overview) == ("Night Train", "night-train", f"One\ntwo\nthree {family}")
    assert Genre.objects.get().name == "Drama"
    assert "created 0, updated 0, unchanged 1" in run([given])


@pytest.mark.parametrize(
    ("fault", "field"),
    [
        ({"title": None}, "title"),
        ({"title": "  "}, "title"),
        ({"title": 7}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"title": "a\x00b"}, "title"),
        ({"title": "a\nb"}, "title"),
        ({"title": "a\ud800b"}, "title"),
        ({"title": "a\u2066b\u2069"}, "title"),
        ({"title": "a\u202eb"}, "title"),
        ({"title": "\u200e \u200b"}, "title"),
        ({"tagline": "a\u2067b"}, "tagline"),
        ({"genres": [{"name": "Dra\u202ama"}]}, "genres[0].name"),
        ({"credits": {"cast": [{"name": "Ida\u2068"}]}}, "credits.cast[0].name"),
        ({"overview": ["long"]}, "overview"),
        ({"overview": "\x1b[2J"}, "overview"),
        ({"tagline": "x" * 201}, "tagline"),
        ({"runtime": "90"}, "runtime"),
        ({"runtime": -1}, "runtime"),
        ({"runtime": True}, "runtime"),
        ({"runtime": 90.5}, "runtime"),
        ({"runtime": 10**400}, "runtime"),
        ({"release_date": "2026-02-31"}, "release_date"),
        ({"release_date": "13 March 1927"}, "release_date"),
        ({"release_date": 1927}, "release_date"),
        ({"release_date": "0001-01-01"}, "release_date"),
        ({"vote_average": 11}, "vote_average"),
        ({"vote_average": float("nan")}, "vote_average"),
        ({"genres": "Drama"}, "genres"),
        ({"genres": ["Drama"]}, "genres[0]"),
        ({"genres": [{"name": "x" * 61}]}, "genres[0].name"),
        ({"original_language": "English"}, "original_language"),
        ({"original_language": "qq"}, "original_language"),
        ({"spoken_languages": {"en": 1}}, "spoken_languages"),
        ({"credits": []}, "credits"),
        ({"credits": {"cast": [{"name": 1}]}}, "credits.cast[0].name"),
        ({"videos": {"results": [{"site": "YouTube", "key": "javascript:1"}]}}, "videos.results[0].key"),
        ({"poster_path": 3}, "poster_path"),
    ],
)
def test_a_bad_row_is_reported_with_its_field_and_nothing_changes(run, fault, field):
    output = refused(run, [film("Good"), film() | fault, film("Also good")])
    assert f"row 2: {field} " in output
    assert "1 bad row. Nothing was changed" in output


def test_all_bad_rows_are_reported_in_the_order_of_the_file(run):
    output = refused(run, [film("Twice"), 5, film(runtime="x", genres=3), film("Twice"), {}])
    named = [line.split(" ", 3)[:3] for line in output.splitlines() if line.startswith("row")]
    assert [(number, field) for _, number, field in named] == [
        ("2:", "film"), ("3:", "runtime"), ("3:", "genres"), ("4:", "title"), ("5:", "title"),
    ]  # fmt: skip
    assert "is the film of row 1 again" in output


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is not JSON"),
        (b"{", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[" + b"9" * 5_000 + b"]", "is not JSON"),
        (b"{}", "must be a JSON list"),
        (b"null", "must be a JSON list"),
        (b"\xff\xfe[\x00]\x00", "is not UTF-8"),
        (b" " * 50_000_001, "is larger than"),
        (b"[" + b"{}," * 20_001 + b"{}]", "at most 20,000"),
    ],
)
def test_a_file_that_is_not_a_list_of_films_is_refused_with_a_reason(run, content, reason):
    assert reason in refused(run, content)


def test_a_byte_order_mark_and_an_empty_list_are_allowed(run):
    assert "created 1" in run(b"\xef\xbb\xbf" + json.dumps([film()]).encode())
    assert "created 0, updated 0, unchanged 0" in run([])


def test_a_missing_file_is_an_error_message():
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("import_movies", "/nowhere/films.json")


def test_a_dry_run_reports_the_same_and_stores_nothing(run):
    run([whole_film(1)])
    before = everything()
    output = run([whole_film(), whole_film(1) | {"runtime": 7}], "--dry-run")
    assert "created 1, updated 1, unchanged 0" in output and "nothing was kept" in output
    assert everything() == before


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "key", "site"]), inner),
    max_leaves=6,
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(key=st.sampled_from(sorted(whole_film())), value=ANYTHING)
def test_any_value_of_a_field_is_accepted_or_reported_and_never_an_exception(key, value):
    try:
        films = read_movies(json.dumps([whole_film() | {key: value}]).encode())
    except BadFile as bad:
        assert bad.problems and all(problem.row == "row 1" for problem in bad.problems)
    else:
        for name in ("tagline", "director", "original_language", "trailer_url"):
            assert len(films[0].facts.get(name, "")) <= 200
