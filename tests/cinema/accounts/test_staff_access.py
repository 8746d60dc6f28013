"""Only staff can open staff pages: every URL of the site map is requested by anonymous users and customers."""

import re

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import get_resolver

from bench.support.factories import make_showtime
from tests.report import report

pytestmark = pytest.mark.django_db
STAFF = ("staff/", "movies/admin-dashboard/", "admin/")
# Sign-in, sign-out, translations for scripts, and what redirects to the account's own page.
OPEN = ("admin/login/", "admin/logout/", "admin/jsi18n/", "admin/password_change/")
KEYS = "?staff=1&is_staff=true&key=abc&next=/&_popup=1&token=1&user=1"


def patterns(resolver, before=""):
    for each in resolver.url_patterns:
        route = before + str(each.pattern)
        if hasattr(each, "url_patterns"):
            yield from patterns(each, route)
        else:
            yield route


def address(route):
    """An address that matches the pattern of a route."""
    plain = re.sub(r"\\Z|\$|\^|\(\?P<\w+>[^)]*\)", lambda found: "x" if "(" in found[0] else "", route)
    plain = re.sub(r"<id:\w+>|<path:object_id>|<path:\w+>", "1", plain)
    return "/" + re.sub(r"<[^>]*>", "x", plain).replace("\\", "")


def staff_addresses():
    routes = [route.lstrip("^") for route in patterns(get_resolver())]
    return sorted({address(r) for r in routes if r.startswith(STAFF) and not r.startswith(OPEN)})


def person(email, **rights):
    user = get_user_model().objects.create_user(email, email, "a long password 1", **rights)
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture(scope="module")
def addresses():
    return staff_addresses()


def test_the_site_map_has_staff_pages(addresses):
    assert {"/staff/board/", "/movies/admin-dashboard/", "/admin/"} <= set(addresses)
    report("staff access", f"{len(addresses)} addresses, each refused to anonymous users and customers by GET and POST")


def test_anonymous_users_are_redirected_to_sign_in(addresses):
    for path in addresses:
        for answer in (Client().get(path + KEYS), Client().post(path + KEYS)):
            assert answer.status_code == 302, (path, answer.status_code)
            assert "/accounts/login/" in answer["Location"] or "/admin/login/" in answer["Location"], path


def test_customers_are_refused(addresses):
    customer = person("mira@example.com")
    for path in addresses:
        for answer in (customer.get(path + KEYS), customer.post(path + KEYS)):
            assert answer.status_code == 403, (path, answer.status_code)


def test_former_staff_are_refused():
    user = get_user_model().objects.create_user("was", "was@example.com", "a long password 1", is_staff=True)
    client = Client()
    client.force_login(user)
    assert client.get("/staff/board/").status_code == 200
    get_user_model().objects.filter(pk=user.pk).update(is_staff=False)
    assert client.get("/staff/board/").status_code == 403


@pytest.mark.parametrize("path", ["/staff/board/", "/staff/board/?view=wall", "/movies/admin-dashboard/", "/admin/"])
def test_staff_can_open_the_pages_and_no_cache_stores_them(path):
    make_showtime()
    answer = person("usher@example.com", is_staff=True).get(path)
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]


def test_the_admin_has_no_log_in_and_no_change_of_password_of_its_own(client):
    client.force_login(get_user_model().objects.create_superuser("boss@example.com", "boss@example.com", "x"))
    for answer in (
        client.get("/admin/password_change/"),
        client.post("/admin/password_change/", {"old_password": "x"}),
    ):
        assert answer.status_code == 302 and answer["Location"] == "/accounts/password/change/"
    assert Client().post("/admin/login/", {"username": "boss@example.com"})["Location"].startswith("/accounts/login/")
