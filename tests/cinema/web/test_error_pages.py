"""The pages of errors and refusals."""

import pytest
from django.core.exceptions import BadRequest
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.views import defaults

from bench.support.factories import make_user
from booking.refusals import SalesClosed
from cinema.web.problems import ProblemMiddleware


@pytest.mark.django_db
def test_an_unknown_address_has_a_page_with_a_link_home(client):
    response = client.get("/no/such/page/")
    page = response.content.decode()
    assert response.status_code == 404
    assert "Nothing on this screen" in page and 'href="/"' in page


@pytest.mark.parametrize("name", ["500.html", "503.html"])
def test_the_pages_of_server_errors_need_neither_context_nor_database(name):
    """No database mark: pytest-django refuses any query in this test."""
    page = render_to_string(name)
    assert "<!doctype html>" in page and page.count("<h1>") == 1
    assert "<script" not in page and "style=" not in page


def test_a_server_error_has_a_page_without_a_traceback():
    response = defaults.server_error(RequestFactory().get("/"))
    assert response.status_code == 500
    assert "Something broke on our side" in response.content.decode()
    assert "Traceback" not in response.content.decode()


def test_a_bad_request_has_a_page_without_a_template_context():
    response = defaults.bad_request(RequestFactory().get("/"), BadRequest())
    assert response.status_code == 400
    assert "That was not understood" in response.content.decode()


@pytest.mark.django_db
def test_a_staff_page_is_403_for_other_users(rf, client):
    request = rf.get("/staff/")
    request.user, request.session = make_user(), client.session
    response = defaults.permission_denied(request, PermissionError())
    assert response.status_code == 403
    assert "Staff only" in response.content.decode()


@pytest.mark.django_db
def test_a_form_without_a_csrf_token_says_that_nothing_was_charged():
    response = Client(enforce_csrf_checks=True).post("/accounts/login/", {"login": "a", "password": "b"})
    assert response.status_code == 403
    assert "nothing was charged" in response.content.decode()


@pytest.mark.django_db
def test_a_refusal_outside_the_api_is_a_page_with_its_status_and_detail(rf, client):
    request = rf.get("/showtimes/1/")
    request.user, request.session = make_user(), client.session
    response = ProblemMiddleware(lambda _: None).process_exception(request, SalesClosed())
    assert response.status_code == 410
    assert "no longer sold here" in response.content.decode()


@pytest.mark.django_db
def test_no_page_has_inline_styles_or_scripts(client):
    """The content security policy would block them; the only exception is an import map with a nonce."""
    for path in ("/", "/bookings/", "/accounts/login/", "/no/such/page/"):
        response = client.get(path)
        page = response.content.decode()
        assert " style=" not in page and "<style" not in page, path
        assert "'unsafe-inline'" not in response["Content-Security-Policy"], path
        assert " onclick=" not in page and "javascript:" not in page, path
