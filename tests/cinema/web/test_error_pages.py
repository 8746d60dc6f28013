"""What the house says when something is wrong."""

import pytest
from django.core.exceptions import BadRequest
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.views import defaults

from bench.support.factories import make_user
from booking.refusals import SalesClosed
from cinema.web.problems import ProblemMiddleware


@pytest.mark.django_db
def test_an_unknown_address_is_a_page_of_ours_with_a_way_on(client):
    response = client.get("/no/such/page/")
    page = response.content.decode()
    assert response.status_code == 404
    assert "Nothing on this screen" in page and 'href="/"' in page


@pytest.mark.parametrize("name", ["500.html", "503.html"])
def test_the_pages_for_our_own_faults_need_neither_context_nor_database(name):
    """No database mark: pytest-django refuses any query in this test."""
    page = render_to_string(name)
    assert "<!doctype html>" in page and page.count("<h1>") == 1
    assert "<script" not in page and "style=" not in page


def test_a_fault_of_ours_is_a_page_without_a_trace():
    response = defaults.server_error(RequestFactory().get("/"))
    assert response.status_code == 500
    assert "Something broke on our side" in response.content.decode()
    assert "Traceback" not in response.content.decode()


def test_a_broken_request_is_a_page_of_ours_although_it_has_no_context():
    response = defaults.bad_request(RequestFactory().get("/"), BadRequest())
    assert response.status_code == 400
    assert "That was not understood" in response.content.decode()


@pytest.mark.django_db
def test_a_page_for_staff_is_403_for_others_with_a_way_to_sign_in(rf, client):
    request = rf.get("/staff/")
    request.user, request.session = make_user(), client.session
    response = defaults.permission_denied(request, PermissionError())
    assert response.status_code == 403
    assert "Staff only" in response.content.decode()


@pytest.mark.django_db
def test_a_form_without_its_token_says_that_nothing_was_charged():
    response = Client(enforce_csrf_checks=True).post("/accounts/login/", {"login": "a", "password": "b"})
    assert response.status_code == 403
    assert "nothing was charged" in response.content.decode()


@pytest.mark.django_db
def test_a_refusal_outside_the_api_is_a_page_with_its_own_status_and_sentence(rf, client):
    request = rf.get("/showtimes/1/")
    request.user, request.session = make_user(), client.session
    response = ProblemMiddleware(lambda _: None).process_exception(request, SalesClosed())
    assert response.status_code == 410
    assert "no longer sold here" in response.content.decode()


@pytest.mark.django_db
def test_no_page_carries_inline_style_or_script(client):
    """The strict policy would drop them; an import map with its nonce is the one exception."""
    for path in ("/", "/bookings/", "/accounts/login/", "/no/such/page/"):
        response = client.get(path)
        page = response.content.decode()
        assert " style=" not in page and "<style" not in page, path
        assert "'unsafe-inline'" not in response["Content-Security-Policy"], path
        assert " onclick=" not in page and "javascript:" not in page, path
