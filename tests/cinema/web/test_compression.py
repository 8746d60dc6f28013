"""What is compressed: texts of public pages and files, for whom takes it; nothing that could tell a secret."""

import gzip

import pytest
from django.http import HttpResponse
from django.test import Client, RequestFactory

from bench.support.factories import make_showtime, make_user
from cinema.web.compression import LEAST, compress_file, takes_gzip

LONG = "text " * LEAST


@pytest.mark.parametrize(
    ("header", "taken"),
    [
        ("gzip", True),
        ("GZIP, deflate, br", True),
        ("br;q=1.0, gzip;q=0.8", True),
        ("x-gzip", True),
        ("gzip;q=0", False),
        ("gzip; q=0.00", False),
        ("identity", False),
        ("notgzip", False),
        ("", False),
    ],
)
def test_who_takes_gzip(header, taken):
    assert takes_gzip(RequestFactory().get("/", headers={"Accept-Encoding": header})) is taken


@pytest.mark.parametrize(
    ("response", "is_shorter"),
    [
        (HttpResponse(LONG), True),
        (HttpResponse(LONG, content_type="application/json"), True),
        (HttpResponse(LONG, content_type="image/png"), False),
        (HttpResponse("short"), False),
        (HttpResponse(LONG, status=404), False),
        (HttpResponse(LONG, headers={"Content-Encoding": "br"}), False),
    ],
    ids=["text", "json", "picture", "short", "not found", "compressed already"],
)
def test_what_is_compressed(response, is_shorter):
    before = response.content
    answer = compress_file(RequestFactory().get("/", headers={"Accept-Encoding": "gzip"}), response)
    assert (answer.get("Content-Encoding") == "gzip") is is_shorter
    assert (gzip.decompress(answer.content) if is_shorter else answer.content) == before
    assert not is_shorter or answer["Content-Length"] == str(len(answer.content))


def get(client, path, **headers):
    return client.get(path, headers={"Accept-Encoding": "gzip", **headers})


@pytest.mark.django_db
def test_public_pages_and_layouts_are_compressed_and_vary(client):
    showtime = make_showtime()
    layout = f"/api/layouts/{showtime.plan.hash}/"
    for path in ("/", showtime.get_absolute_url(), showtime.movie.get_absolute_url(), layout):
        answer = get(client, path)
        assert answer["Content-Encoding"] == "gzip" and "Accept-Encoding" in answer["Vary"], path
        assert len(answer.content) < len(gzip.decompress(answer.content)) / 2
        assert not client.get(path).has_header("Content-Encoding")


@pytest.mark.django_db
def test_two_answers_differ_in_length_by_chance(client):
    make_showtime()
    assert len({len(get(client, "/").content) for _ in range(12)}) > 3


@pytest.mark.django_db
def test_what_an_account_asks_with_a_text_of_its_own_is_not_compressed():
    client = Client()
    client.force_login(make_user("alice@example.com"), backend="django.contrib.auth.backends.ModelBackend")
    assert get(client, "/")["Content-Encoding"] == "gzip"
    assert not get(client, "/?q=alice").has_header("Content-Encoding")
    assert not get(client, "/bookings/").has_header("Content-Encoding"), "a page of one person"
