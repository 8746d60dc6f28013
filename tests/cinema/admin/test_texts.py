"""Texts of the admin's forms: the same characters as in imports, and an address on one line."""

import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse

from cinema.models import Cinema, Genre, Movie, Screen
from tests.cinema.plans.plan_files import plain_plan, write_plan

pytestmark = pytest.mark.django_db
NO_TIERS = {f"refund_tiers-{name}": value for name, value in (("TOTAL_FORMS", 0), ("INITIAL_FORMS", 0))}
CINEMA = {"name": "Odeon", "slug": "odeon", "city": "Leeds", "address": "1 High Street", "refund_fee": "0", **NO_TIERS}
SEVERAL_LINES = ("cast", "spoken_languages", "overview")
REFUSED = ["a\x1bb", "a\x85b", "a\u2028b", "a\u202eb", "a\u2066b\u2069"]


@pytest.fixture
def boss(client):
    client.force_login(get_user_model().objects.create_superuser("boss@example.com", "boss@example.com", "x"))
    return client


def add(model):
    return reverse(f"admin:cinema_{model._meta.model_name}_add")


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n", "\u2028"], ids=ascii)
def test_an_address_of_several_lines_is_stored_on_one(boss, end):
    form = CINEMA | {"address": f"1 High Street{end}Hyde Park, {end}Leeds LS1{end}"}
    assert boss.post(add(Cinema), form).status_code == 302
    assert Cinema.objects.get().address == "1 High Street, Hyde Park, Leeds LS1"


@pytest.mark.parametrize("text", REFUSED, ids=ascii)
@pytest.mark.parametrize("field", ["name", "city", "address"])
def test_control_characters_in_a_cinema_are_an_error_of_the_field(boss, field, text):
    if (field, text) == ("address", "a\u2028b") or (field, text) == ("address", "a\x85b"):
        text = "a\u2067b"  # those are the line ends of an address
    answer = boss.post(add(Cinema), CINEMA | {field: text})
    assert answer.status_code == 200 and answer.context["adminform"].form.errors.keys() == {field}
    assert not Cinema.objects.exists()


@pytest.mark.parametrize("text", REFUSED, ids=ascii)
@pytest.mark.parametrize(
    "field", ["title", "tagline", "director", "certificate", "cast", "spoken_languages", "overview"]
)
def test_control_characters_in_a_film_are_an_error_of_the_field(boss, field, text):
    if field in SEVERAL_LINES and text in ("a\u2028b", "a\x85b"):
        text = "a\u2069b"  # those are line ends
    answer = boss.post(add(Movie), {"title": "Night Train", "slug": "night-train", field: text})
    assert answer.status_code == 200 and field in answer.context["adminform"].form.errors
    assert not Movie.objects.exists()


def test_a_nul_is_refused_before_the_form_is_read(boss):
    assert boss.post(add(Cinema), CINEMA | {"name": "a\x00b"}).status_code == 422
    assert not Cinema.objects.exists()


def test_invisible_marks_are_removed_and_line_ends_are_one_character(boss):
    facts = {
        "title": "\u200eNight Train\u200b",
        "slug": "night-train",
        "overview": "One\r\ntwo\rthree \U0001f469\u200d\U0001f467",
        "cast": "Ida\u200f Moss\rLeo Brandt",
    }
    assert boss.post(add(Movie), facts).status_code == 302
    movie = Movie.objects.get()
    assert (movie.title, movie.overview) == ("Night Train", "One\ntwo\nthree \U0001f469\u200d\U0001f467")
    assert movie.cast == ["Ida Moss", "Leo Brandt"]


def test_forms_without_a_class_of_their_own_have_the_rule_too(boss):
    assert boss.post(add(Genre), {"name": "Dra\u202ema", "slug": "drama"}).status_code == 200
    assert boss.post(add(Genre), {"name": "\u200b", "slug": "drama"}).status_code == 200
    assert not Genre.objects.exists()
    cinema = Cinema.objects.create(name="Odeon", slug="odeon")
    assert boss.post(add(Screen), {"name": "1\u2067", "cinema": cinema.pk}).status_code == 200
    assert boss.post(add(Screen), {"name": "\u200e1", "cinema": cinema.pk}).status_code == 302
    assert Screen.objects.get().name == "1"


@pytest.mark.parametrize(("field", "name"), [("cinema", "Od\u2066eon"), ("screen", "1\x1b"), ("cinema", "\u200b")])
def test_names_beside_a_plan_have_the_rule_too(boss, tmp_path, field, name):
    path = tmp_path / "plan.json"
    path.write_bytes(write_plan(plain_plan()))
    with path.open("rb") as file:
        form = {"cinema": "Odeon", "screen": "1", "file": file, field: name}
        answer = boss.post(reverse("admin:cinema_screen_import_plan"), form)
    assert answer.status_code == 200 and answer.context["form"].errors.keys() == {field}
    assert not Cinema.objects.exists()
