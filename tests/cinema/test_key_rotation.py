"""SECRET_KEY is replaced and the old one kept in SECRET_KEY_FALLBACKS: no ticket, link or session is lost."""

import re

import pytest
from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.test import Client
from django.urls import reverse

from bench.support.factories import make_showtime, make_user, new_visitor
from booking.tickets.codes import booking_key, check_key, find_ticket, ticket_code
from cinema.accounts.staff import staff_sessions
from tests.payments.visits import buy

pytestmark = pytest.mark.django_db
A, B = "a-first-key-of-fifty-characters-" + "0123456789" * 3, "another-key-of-fifty-characters-" + "9876543210" * 3


@pytest.fixture
def booking(settings):
    settings.SECRET_KEY = A
    return buy(make_showtime(), new_visitor())


@pytest.fixture(params=[True, False], ids=["kept", "dropped"])
def rotate(request, settings):
    """Replace the key. Returns whether what the first one signed must still open."""

    def rotate():
        settings.SECRET_KEY = B
        settings.SECRET_KEY_FALLBACKS = [A] if request.param else []
        return request.param

    return rotate


def opens(code):
    try:
        return bool(find_ticket(code))
    except ValueError:
        return False


def test_tickets(booking, rotate):
    tickets = list(booking.tickets.all())
    type(tickets[0]).objects.filter(pk=tickets[0].pk).update(secret=None)
    codes = [ticket_code(ticket) for ticket in booking.tickets.all()]
    is_kept = rotate()
    assert [opens(code) for code in codes] == [is_kept] * 3
    assert all(opens(ticket_code(ticket)) for ticket in booking.tickets.all())


def test_the_link_of_a_mail(booking, rotate):
    path = f"/bookings/{booking.reference}/?key={booking_key(booking)}"
    is_kept = rotate()
    assert Client().get(path).status_code == (200 if is_kept else 404)
    assert check_key(booking, booking_key(booking))


def test_a_session_and_the_visitor_in_it(booking, rotate):
    client = Client()
    session = client.session
    session["visitor"] = str(booking.visitor)
    session.save()
    is_kept = rotate()
    assert client.get(f"/bookings/{booking.reference}/").status_code == (200 if is_kept else 404)


def test_staff_stay_signed_in_on_the_pages_and_on_the_board(settings, rotate):
    settings.SECRET_KEY = A
    client = Client()
    client.force_login(make_user("ines@example.com", staff=True))
    is_kept = rotate()
    key = client.session.session_key if is_kept else client.cookies[settings.SESSION_COOKIE_NAME].value
    assert staff_sessions([key]) == ({key} if is_kept else set())
    assert client.get("/staff/board/").status_code == (200 if is_kept else 302)


def test_a_link_that_resets_a_password(settings, rotate):
    settings.SECRET_KEY = A
    user = make_user("ines@example.com")
    token = default_token_generator.make_token(user)
    path = f"/accounts/password/reset/key/{user_pk_to_url_str(user)}-{token}/"
    is_kept = rotate()
    page = Client().get(path, follow=True)
    assert ('name="password1"' in page.content.decode()) is is_kept


def test_a_link_that_confirms_an_address_needs_no_key(settings, rotate, client, mailoutbox):
    settings.SECRET_KEY = A
    client.post(reverse("account_signup"), {"email": "ines@example.com", "password1": "a long password 1"})
    link = re.search(r"http://[^/]+(/accounts/confirm-email/\S+)", mailoutbox[0].body)[1]
    rotate()
    assert "ines@example.com" in Client().get(link).content.decode()
