"""The demo's posters and pictures: files of their own for each film, and no drawing shared by two films."""

import re
from collections import Counter
from hashlib import sha256
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import pytest
from django.conf import settings

from cinema.demo.catalogue import read_movies
from tests.cinema.artwork.test_artwork import check_harmless

POSTERS = Path(settings.BASE_DIR) / "static" / "posters"
FILMS = {film["slug"]: film for film in read_movies()}
FORMS = {"": "0 0 600 900", "-screen": "0 0 1600 900"}
SVG = "{http://www.w3.org/2000/svg}"
VISIBLE = {"path", "rect", "circle", "ellipse"}
DRAWN = VISIBLE | {"svg", "defs", "g", "linearGradient", "radialGradient", "stop", "clipPath"}
LONG = 40  # characters of path data; a shorter path is a line or a box, which two drawings may have in common
ALIKE = 0.6  # share of the kinds of elements; of two films of one template it is above 0.9


def drawing(slug, form):
    return (POSTERS / f"{slug}{form}.svg").read_text(encoding="utf-8")


def shapes(svg):
    """The outlines of a drawing, without those that are too plain to be a subject."""
    paths = {each.get("d", "") for each in ElementTree.fromstring(svg).iter(f"{SVG}path")}
    return {" ".join(path.split()) for path in paths if len(path) >= LONG}


def kinds(svg):
    """How many elements of each kind are drawn; the commands of a path without its numbers are part of its kind."""
    drawn = (each for each in ElementTree.fromstring(svg).iter() if each.tag.removeprefix(SVG) in VISIBLE)
    return Counter((each.tag, re.sub(r"[^A-Za-z]", "", each.get("d", ""))) for each in drawn)


def test_the_folder_has_a_poster_and_a_picture_of_each_film_and_nothing_else():
    assert {path.name for path in POSTERS.iterdir()} == {f"{slug}{form}.svg" for slug in FILMS for form in FORMS}


def test_no_two_files_have_the_same_content():
    files = list(POSTERS.glob("*.svg"))
    assert len({sha256(file.read_bytes()).digest() for file in files}) == len(files) == 48


def test_no_two_films_share_a_shape():
    drawn = {slug: set().union(*(shapes(drawing(slug, form)) for form in FORMS)) for slug in FILMS}
    assert all(len(found) >= 3 for found in drawn.values())
    assert [(one, two) for one, two in combinations(FILMS, 2) if drawn[one] & drawn[two]] == []


@pytest.mark.parametrize("form", FORMS)
def test_no_two_films_are_drawn_in_the_same_way(form):
    """A genre's template with other colours and random numbers gives other outlines, but the same kinds of elements."""
    drawn = {slug: kinds(drawing(slug, form)) for slug in FILMS}
    alike = {
        (one, two): (drawn[one] & drawn[two]).total() / (drawn[one] | drawn[two]).total()
        for one, two in combinations(FILMS, 2)
    }
    assert {pair: share for pair, share in alike.items() if share > ALIKE} == {}


@pytest.mark.parametrize("slug", FILMS)
def test_a_film_s_drawings_have_their_format_and_contain_shapes_only(slug):
    for form, size in FORMS.items():
        root = ElementTree.fromstring(drawing(slug, form))
        assert root.get("viewBox") == size
        check_harmless([drawing(slug, form)], DRAWN)


@pytest.mark.parametrize("slug", FILMS)
def test_a_poster_names_its_film_and_year(slug):
    film = FILMS[slug]
    root = ElementTree.fromstring(drawing(slug, ""))
    assert root.get("role") == "img"
    assert root.get("aria-label") == f"{film['title']} ({film['release_date'][:4]})"
