"""Drawings as rows and over HTTP: named by their content, cached for a year, without scripts."""

from datetime import date

import pytest
from django.urls import reverse

from bench.support.factories import make_movie
from cinema.artwork import compose, draw, draw_all
from cinema.models import Artwork, Genre, Movie


@pytest.fixture
def drawn(db):
    movie = make_movie("</svg><script>alert(1)</script>")
    draw(movie)
    return movie


def test_draw_sets_both_addresses_in_the_film_and_does_not_save_it(drawn):
    stored = {row.get_absolute_url() for row in Artwork.objects.all()}
    assert stored == {drawn.poster, drawn.picture} and len(stored) == 2
    assert drawn.poster_url == drawn.poster
    drawn.refresh_from_db()
    assert drawn.poster == drawn.picture == ""


def test_drawing_a_film_twice_makes_no_second_row(drawn):
    before = drawn.poster, drawn.picture
    draw(drawn)
    assert (drawn.poster, drawn.picture) == before
    assert Artwork.objects.count() == 2


def test_a_film_that_gets_another_title_gets_another_poster_and_keeps_its_picture(drawn):
    poster, picture = drawn.poster, drawn.picture
    drawn.title = "The Other Man"
    draw(drawn)
    assert drawn.poster != poster and drawn.picture == picture
    assert Artwork.objects.count() == 3


def test_many_films_are_stored_in_a_few_statements(db, django_assert_max_num_queries):
    war, _ = Genre.objects.get_or_create(name="War", defaults={"slug": "war"})
    movies = [make_movie(f"Film {i}") for i in range(60)]
    for movie in movies:
        movie.genres.add(war)
    movies = list(Movie.objects.prefetch_related("genres"))
    with django_assert_max_num_queries(6):
        draw_all(movies)
    assert Artwork.objects.count() == len({movie.poster for movie in movies} | {movie.picture for movie in movies})


def test_a_drawing_uses_the_facts_of_the_film(db):
    movie = make_movie("M")
    movie.release_date, movie.director, movie.runtime = date(1931, 5, 11), "Fritz Lang", 117
    draw(movie)
    expected = compose(title="M", year=1931, genres=[], runtime=117, slug=movie.slug, director="Fritz Lang")
    assert Artwork.objects.get(hash=movie.poster.split("/")[-1][:-4]).svg == expected.poster


def test_a_drawing_is_cached_for_a_year_and_served_only_as_an_image(client, drawn):
    response = client.get(drawn.poster)
    assert response.status_code == 200
    assert response["Content-Type"] == "image/svg+xml"
    assert response["Cache-Control"] == "public, max-age=31536000, immutable"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "script-src" in response["Content-Security-Policy"]
    assert "unsafe-inline" not in response["Content-Security-Policy"]
    assert b"<script" not in response.content
    assert "Set-Cookie" not in response and "Cookie" not in response.get("Vary", "")


def test_a_client_that_has_the_drawing_gets_304(client, drawn):
    etag = client.get(drawn.picture)["ETag"]
    again = client.get(drawn.picture, headers={"If-None-Match": etag})
    assert again.status_code == 304 and again.content == b"" and again["ETag"] == etag


def test_a_drawing_answers_head_but_not_post(client, drawn):
    assert client.head(drawn.poster).status_code == 200
    assert client.post(drawn.poster).status_code == 405


@pytest.mark.parametrize("name", ["0" * 32, "no-such-drawing", "a" * 400])
def test_an_unknown_drawing_is_not_found(client, db, name):
    assert client.get(reverse("cinema:artwork", args=[name])).status_code == 404
