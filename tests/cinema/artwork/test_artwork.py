"""Drawings of films: reproducible, without scripts, with a readable title."""

import random
import re
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cinema.artwork import compose
from cinema.artwork.composing import MAX_HUE_SHIFT
from cinema.artwork.lettering import Box, Style
from cinema.artwork.sheet import POSTER, SCREEN, Film, Sheet, tint
from cinema.artwork.templates import GENRES, TEMPLATES, name_for
from cinema.artwork.titles import clean, set_title

SVG = "{http://www.w3.org/2000/svg}"
DRAWN = {  # everything a drawing may consist of
    "svg", "defs", "g", "path", "rect", "circle", "ellipse", "text",
    "linearGradient", "radialGradient", "stop", "clipPath",
}  # fmt: skip
TMDB = [
    "Action", "Adventure", "Animation", "Comedy", "Crime", "Documentary", "Drama", "Family", "Fantasy", "History",
    "Horror", "Music", "Mystery", "Romance", "Science Fiction", "TV Movie", "Thriller", "War", "Western",
]  # fmt: skip
HARD = {
    "one letter": "M",
    "a thin letter": "I",
    "sixty letters": "The Slow and Entirely Unexpected Return of the Night Ferryman",
    "two hundred letters": " ".join(["Some Evening in the Country with Everybody and a Piano"] * 4)[:200],
    "one endless word": "Rindfleischetikettierungsueberwachungsaufgabenuebertragungsgesetz",
    "two hundred letters without a space": "w" * 200,
    "a subtitle": "Dr. Strangelove or: How I Learned to Stop Worrying and Love the Bomb",
    "accents": "Łódź: Świętokrzyskie Żółć – Ünïcôdé",
    "Cyrillic": "Сталкер",
    "Japanese": "千と千尋の神隠し",
    "Arabic": "عمر المختار",
    "an emoji": "Up 🎈",
    "only a mark": "!",
    "only an article": "The",
    "markup": "</svg><script>alert(1)</script>",
    "entities": "&lt;b&gt; \" ' & ]]> <!--",
    "control letters": "A\x00B\x1b\ufffe\ud800C\u202eD",
    "only control letters": "\x08\x00",
    "blank": " ",
    "nothing": "",
}


def film(**changes):
    facts = {"title": "The Third Man", "year": 1949, "genres": ["Mystery", "Thriller"], "runtime": 104}
    return facts | {"slug": "the-third-man", "director": "Carol Reed"} | changes


def paint(name, title, slug="a-slug", palette=0, poster=True, kind=None):
    """One template, painted directly."""
    template = TEMPLATES[name]
    colors = template.palettes[palette % len(template.palettes)]
    facts = Film(title, 1949, ("Drama",), 104, slug, "Carol Reed")
    sheet = Sheet(facts, poster, colors, random.Random(slug).randrange(1 << 16) if kind is None else kind)
    template.paint(sheet)
    return sheet


def bounds(path):
    """The bounding box of absolute path data made of M, L, Q, C and Z."""
    numbers = [float(each) for each in re.findall(r"-?\d+(?:\.\d+)?", path)]
    return Box(min(numbers[::2]), min(numbers[1::2]), max(numbers[::2]), max(numbers[1::2]))


def test_the_same_film_always_gets_the_same_drawing():
    assert compose(**film()) == compose(**film())


def test_another_slug_is_another_drawing():
    assert compose(**film()).picture != compose(**film(slug="the-third-man-2")).picture


def test_the_order_of_genres_does_not_choose_the_picture():
    assert compose(**film()).picture == compose(**film(genres=["Thriller", "Mystery"])).picture


def test_a_poster_is_two_to_three_and_a_picture_sixteen_to_nine_without_letters():
    drawn = compose(**film())
    assert ElementTree.fromstring(drawn.poster).get("viewBox") == "0 0 600 900"
    assert ElementTree.fromstring(drawn.picture).get("viewBox") == "0 0 1600 900"
    assert drawn.picture == compose(**film(title="Another Title", director="Nobody", runtime=1, year=2000)).picture


@pytest.mark.parametrize("genre", TMDB)
def test_every_genre_has_templates_of_its_own(genre):
    chosen = {name_for([genre], f"film-{i}") for i in range(60)}
    assert chosen == set(GENRES[genre])
    assert chosen <= set(TEMPLATES)


def test_genres_ignore_case_and_for_an_unknown_one_the_slug_decides():
    assert name_for(["science FICTION "], "a") == name_for(["Science Fiction"], "a")
    assert {name_for(["Kaiju"], f"film-{i}") for i in range(600)} == set(TEMPLATES)
    assert name_for([], "a") == name_for(["Kaiju"], "a")


def test_every_template_belongs_to_a_genre():
    assert {name for names in GENRES.values() for name in names} == set(TEMPLATES)


@pytest.mark.parametrize("title", HARD.values(), ids=HARD.keys())
def test_any_title_gives_well_formed_drawings(title):
    for i in range(3):
        check_harmless(compose(**film(title=title, director=title, genres=[title, "Drama"], slug=f"f{i}")))


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=200), st.text(max_size=30), st.sampled_from([*TMDB, "<b>"]), st.none() | st.integers(0, 9999))
def test_no_text_can_put_a_script_or_a_link_into_a_drawing(title, director, genre, year):
    check_harmless(compose(title=title, year=year, genres=[genre], runtime=year, slug=title or "x", director=director))


def check_harmless(drawn, allowed=frozenset(DRAWN)):
    for svg in drawn:
        svg.encode()
        for element in ElementTree.fromstring(svg).iter():
            assert element.tag.removeprefix(SVG) in allowed
            for name, value in element.attrib.items():
                assert "href" not in name and "style" not in name and not name.startswith("on")
                assert "url(" not in value or re.fullmatch(r"url\(#\w+\)", value)


@pytest.mark.parametrize("name", TEMPLATES)
def test_titles_are_inside_the_frame_and_a_third_of_it_wide(name):
    for slug, title in enumerate(HARD.values()):
        box = paint(name, title, slug=f"s{slug}").title_box
        if clean(title):
            assert box.left >= 20 and box.right <= 580 and box.top >= 20 and box.bottom <= 880, title
        if clean(title).isascii() and clean(title):
            assert box.width >= 199, title


@pytest.mark.parametrize("title", ["Sunrise", "M", HARD["sixty letters"], HARD["a subtitle"], HARD["accents"]])
@pytest.mark.parametrize("face", ["gothic", "fat", "italic", "moda", "deco", "slab", "plain", "black", "wide"])
def test_the_outlines_of_a_title_stay_inside_its_box(title, face):
    """Measured from the path data, not from the boxes that `set_title` reports."""
    for block in (False, True):
        title_set = set_title(
            title, Style(face, 0.02, upper=face not in ("italic", "moda")), Box(44, 50, 556, 250), block=block
        )
        for line in title_set.lines:
            drawn = bounds(line.path)
            assert drawn.left >= 43 and drawn.right <= 557 and drawn.top >= 49 and drawn.bottom <= 251


def test_a_title_with_letters_that_no_face_has_is_drawn_as_text():
    texts = [ElementTree.fromstring(compose(**film(title=HARD[name])).poster).findall(f".//{SVG}text") for name in HARD]
    shown = dict(zip(HARD, ["".join(each.text for each in found) for found in texts], strict=True))
    assert shown["Cyrillic"] == "Сталкер" and shown["Japanese"] == "千と千尋の神隠し"
    assert shown["one letter"] == shown["accents"] == ""


def test_a_poster_names_its_film_for_screen_readers():
    poster = ElementTree.fromstring(compose(**film(title="</svg><script>")).poster)
    assert poster.get("aria-label") == "</svg><script> (1949)"
    assert poster.get("role") == "img"


def test_a_leading_article_is_small_above_the_title_and_the_subtitle_below():
    placed = set_title("The Return: To the Old Mill", Style("gothic"), Box(44, 50, 556, 300)).lines
    assert [line.text for line in placed] == ["THE", "RETURN", "TO THE OLD MILL"]
    assert placed[0].size < placed[1].size > placed[2].size
    assert placed[0].box.bottom < placed[1].box.top and placed[1].box.bottom < placed[2].box.top


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_drawings_of_every_template_stay_small(name):
    for kind in (0, 1234, 40001):
        poster, picture = (
            "".join(paint(name, "The Long Goodbye", poster=each, kind=kind).parts) for each in (True, False)
        )
        assert len(poster) < 48_000 and len(picture) < 32_000


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_has_several_motifs(name):
    """`kind` chooses the motifs by remainders, so a range of numbers reaches each."""
    seen = {
        "".join(paint(name, "Up", slug=f"k{kind}", kind=kind, poster=kind % 3 == 0).parts)
        for kind in range(0, 1300, 61)
    }
    assert len(seen) > 3


def test_two_hundred_films_have_nearly_all_different_pictures():
    genres = [TMDB[i % 19 : i % 19 + 2] for i in range(200)]
    pictures = {compose(**film(slug=f"film-{i}", genres=genres[i])).picture for i in range(200)}
    assert len(pictures) >= 195


def test_tint_changes_hues_only_a_little():
    tinted = tint(("#ff0000", "#808080", "#000000", "#ffffff", "#00ff00"), MAX_HUE_SHIFT)
    assert tinted[1:4] == ("#808080", "#000000", "#ffffff")
    assert tinted[0].startswith("#ff") and tinted[4][3:5] == "ff"


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_subject_of_a_picture_is_right_of_the_centre(name, monkeypatch):
    calls = []
    focus = Sheet.focus
    monkeypatch.setattr(Sheet, "focus", lambda *args: calls.append(args[2]) or focus(*args))
    sheet = paint(name, "Up", poster=False)
    assert (sheet.w, sheet.h) == SCREEN != POSTER
    assert all(across > 0.6 for across, *_ in calls)
