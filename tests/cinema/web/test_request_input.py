"""What comes with a request is looked at once, in front of every view."""

import pytest
from django.test import Client, RequestFactory
from django.urls import get_resolver
from django.urls.converters import IntConverter
from django.urls.resolvers import URLResolver

from bench.support.factories import make_user
from cinema.web.problems import Invalid, Malformed, NotFound, TooLarge
from cinema.web.request_input import check_input
from cinema.web.request_limits import FILES, FORMS, limit_of
from realtime.routing import websocket_urlpatterns

factory = RequestFactory()
FORM = "application/x-www-form-urlencoded"
UPLOAD = "/admin/cinema/screen/import-plan/"


def check(method="GET", path="/", data="", content_type="application/json", **extra):
    check_input(factory.generic(method, path, data, content_type, **extra))


def test_an_ordinary_request_passes():
    check()
    check("GET", "/?q=caf%C3%A9&date=2026-01-01", HTTP_COOKIE='a="b c"; d=e')
    check("POST", "/accounts/login/", "login=a&password=%C3%A9", "application/x-www-form-urlencoded; charset=UTF-8")


@pytest.mark.parametrize(
    "refusal, request_",
    [
        (NotFound, {"path": "/movies/a%00b/"}),
        (Malformed, {"HTTP_HOST": "evil.example"}),
        (Malformed, {"HTTP_HOST": "a b"}),
        (Invalid, {"path": "/api/showtimes/?movie=%00"}),
        (Invalid, {"HTTP_COOKIE": 'bookmyseat_8000="\\000"'}),
        (Invalid, {"HTTP_COOKIE": "a=\0"}),
        (TooLarge, {"method": "POST", "CONTENT_LENGTH": str(FORMS.size + 1)}),
        (TooLarge, {"method": "POST", "CONTENT_LENGTH": "9" * 5000}),
        (TooLarge, {"method": "POST", "path": UPLOAD, "CONTENT_LENGTH": str(FILES.size + 1)}),
        (Invalid, {"method": "POST", "data": "{}", "content_type": "application/json; charset=utf-7"}),
        (Invalid, {"method": "POST", "data": "a=%00", "content_type": "application/x-www-form-urlencoded"}),
        (
            Invalid,
            {"method": "POST", "data": "&".join("a" * 2000), "content_type": "application/x-www-form-urlencoded"},
        ),
        (Invalid, {"method": "POST", "data": "--", "content_type": "multipart/form-data"}),
    ],
)
def test_bad_input_is_refused(refusal, request_):
    with pytest.raises(refusal) as raised:
        check(**request_)
    assert type(raised.value) is refusal


def test_a_page_ignores_a_filter_with_a_nul_and_the_api_names_it():
    request = factory.get("/?q=a%00b&genre=c")
    check_input(request)
    assert (request.GET["q"], request.GET["genre"]) == ("a\ufffdb", "c")
    with pytest.raises(Invalid) as raised:
        check(path="/api/showtimes/?movie=a%00")
    assert raised.value.extra["errors"] == {"movie": "has a NUL"}


def test_only_the_upload_of_a_plan_may_be_large():
    assert limit_of(UPLOAD) is FILES
    for path in ("/", "/api/showtimes/1/lock/", "/payments/stripe/webhook/", "/admin/", f"{UPLOAD}more", UPLOAD[:-1]):
        assert limit_of(path) is FORMS


def test_a_refusal_is_a_page_or_a_problem_with_its_limit():
    page = Client().post("/accounts/login/", "x" * (FORMS.size + 1), content_type="text/plain")
    assert (page.status_code, page["Content-Type"]) == (413, "text/html; charset=utf-8")
    assert "at most 256 KB" in page.content.decode()
    problem = Client().put("/api/showtimes/1/lock/", "x" * (FORMS.size + 1), content_type="text/plain")
    assert (problem.status_code, problem["Content-Type"]) == (413, "application/problem+json")
    assert (problem.json()["type"], problem.json()["limit"]) == ("too-large", 262144)


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
@pytest.mark.parametrize("host", ["evil.example", "10.0.0.7:8000", "a b", ""])
def test_monitors_are_answered_whatever_the_host_header_says(path, host):
    assert Client().get(path, HTTP_HOST=host).status_code == 200
    assert Client().get("/", HTTP_HOST=host or "a b").status_code == 400
    assert Client().post(path, HTTP_HOST=host).status_code == 405


def test_a_multipart_body_is_not_found_missing_by_a_view(client):
    client.cookies["csrftoken"] = "a" * 32
    answer = client.post("/api/showtimes/1/checkout/", {"email": "a@example.com"}, headers={"X-CSRFToken": "a" * 32})
    assert (answer.status_code, answer.json()["errors"]) == (422, {"body": "is not JSON"})


def walk(patterns):
    for each in patterns:
        yield each.pattern
        if isinstance(each, URLResolver):
            yield from walk(each.url_patterns)


def test_no_address_takes_an_integer_that_no_row_can_have_as_its_id():
    """Django's `int` has no upper end; `<id:…>` has."""
    found = [*walk(get_resolver().url_patterns), *walk(websocket_urlpatterns)]
    assert len(found) > 100
    assert not [each for each in found for kind in each.converters.values() if type(kind) is IntConverter]


@pytest.mark.django_db
def test_a_staff_page_under_the_api_is_a_problem_for_everybody_else(rf):
    from django.contrib.auth.models import AnonymousUser

    from cinema.accounts.staff import staff_page
    from cinema.web.problems import Forbidden

    request = rf.get("/api/staff/check-ins/")
    for request.user in (AnonymousUser(), make_user()):
        with pytest.raises(Forbidden):
            staff_page(lambda request: None)(request)
