"""STAFF_SECOND_FACTOR=refunds: pages that move money, the API and the admin need a second factor in the session."""

from datetime import UTC, datetime

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.core.management import call_command
from django.test import Client
from django.urls import get_resolver, reverse
from django.utils import timezone

from bench.support.factories import make_showtime, make_user, new_visitor
from cinema.accounts.staff import money_page
from payments.gateways.demo import pay
from payments.session_end import reconcile
from tests.cinema.accounts.codes import PASSWORD, code_of, give_code, recovery_codes, set_up, sign_in
from tests.cinema.accounts.start import read_setting
from tests.cinema.accounts.test_staff_access import address, patterns
from tests.payments.sales import Sale

pytestmark = pytest.mark.django_db(transaction=True)
NOON = datetime(2026, 6, 10, 12, 0, 5, tzinfo=UTC)
# Staff pages that show, and move no money.
SHOW_ONLY = {
    "/staff/board/", "/staff/bookings/", "/staff/bookings/x/", "/staff/bookings/x/mail/", "/movies/admin-dashboard/"
}  # fmt: skip


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOON, tick=False) as moved:
        yield moved


@pytest.fixture(autouse=True)
def duty(settings):
    settings.STAFF_SECOND_FACTOR = "refunds"


@pytest.fixture
def boss():
    return get_user_model().objects.create_superuser("boss@example.com", "boss@example.com", PASSWORD)


@pytest.fixture
def session(boss, client):
    """A browser of the boss, signed in with the password alone."""
    sign_in(client, boss.email)
    return client


def moving_money():
    """Every staff address but those that only show."""
    routes = [route.lstrip("^") for route in patterns(get_resolver())]
    routes = [route for route in routes if route.startswith(("staff/", "admin/", "movies/admin-dashboard"))]
    free = ("admin/login/", "admin/logout/", "admin/jsi18n/", "admin/password_change/")
    return sorted({address(route) for route in routes if not route.startswith(free)} - SHOW_ONLY)


def is_led(answer, name):
    return answer.status_code == 302 and answer["Location"].partition("?")[0] == reverse(name)


def test_every_page_that_moves_money_leads_to_the_set_up(session):
    addresses = moving_money()
    assert {"/staff/money/", "/staff/bookings/x/cancel/", "/staff/showtimes/1/cancel/", "/admin/"} <= set(addresses)
    for path in addresses:
        assert is_led(session.get(path), "mfa_activate_totp"), path
        assert is_led(session.post(path, {"sure": "yes"}), "mfa_activate_totp"), path


@pytest.mark.parametrize("path", sorted(SHOW_ONLY - {"/staff/bookings/x/", "/staff/bookings/x/mail/"}))
def test_pages_that_only_show_ask_for_nothing(session, path):
    make_showtime()
    assert session.get(path).status_code == 200


def test_the_api_refuses_with_a_problem(session):
    booking = confirmed_booking()
    path = f"/api/bookings/{booking.reference}/cancellation/"
    answer = session.post(path, {}, content_type="application/json")
    assert answer.status_code == 403 and answer["Content-Type"] == "application/problem+json"
    assert answer.json()["type"] == "forbidden" and "second factor" in answer.json()["detail"]
    booking.refresh_from_db()
    assert booking.status == "confirmed"
    set_up(session)
    assert session.post(path, {}, content_type="application/json").status_code == 200


def confirmed_booking():
    sale = Sale(make_showtime(), new_visitor(), ("A1", "A2")).lock()
    started = sale.start()
    pay(started.payment.session_id)
    reconcile(started.payment, at=timezone.now())
    return sale.booking


def test_the_set_up_leads_back_to_the_page_that_asked_for_it(session):
    answer = session.get("/staff/money/?q=1", follow=True)
    assert "Pages that move money need a second factor" in answer.content.decode()
    set_up(session)
    assert 'href="/staff/money/?q=1"' in session.get(reverse("mfa_view_recovery_codes")).content.decode()
    assert session.get("/staff/money/").status_code == 200
    assert session.get("/admin/").status_code == 200


def test_a_session_without_the_code_is_asked_for_it_and_then_goes_on(boss, session, clock):
    """Signed in with the password alone, before the factor was set up in another browser."""
    other = Client()
    sign_in(other, boss.email)
    secret = set_up(other)
    clock.shift(60)
    answer = session.get("/staff/money/")
    assert answer["Location"] == f"{reverse('mfa_reauthenticate')}?next=%2Fstaff%2Fmoney%2F"
    form = {"code": code_of(secret), "next": "/staff/money/"}
    assert session.post(reverse("mfa_reauthenticate"), form)["Location"] == "/staff/money/"
    assert session.get("/staff/money/").status_code == 200


def test_the_password_said_again_is_not_a_second_factor(boss, session):
    other = Client()
    sign_in(other, boss.email)
    set_up(other)
    session.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    assert is_led(session.get("/staff/money/"), "mfa_reauthenticate")


def test_a_log_in_with_the_code_or_a_recovery_code_is_enough(boss, session, clock):
    secret = set_up(session)
    recovery = recovery_codes(session)[0]
    clock.shift(60)
    for code in (code_of(secret), recovery):
        client = Client()
        sign_in(client, boss.email)
        give_code(client, code)
        assert client.get("/staff/money/").status_code == 200


def test_a_session_loses_it_with_the_factor(boss, session):
    set_up(session)
    call_command("remove_second_factor", boss.email, verbosity=0)
    assert is_led(session.get("/staff/money/"), "mfa_activate_totp")
    set_up(session)
    assert session.get("/staff/money/").status_code == 200


def test_the_factor_of_another_account_in_the_same_browser_does_not_count(boss, session):
    set_up(session)
    session.post(reverse("account_logout"))
    usher = make_user("usher@example.com", staff=True)
    sign_in(session, usher.email)
    assert is_led(session.get("/staff/money/"), "mfa_activate_totp")


def test_customers_are_refused_as_before_and_cancel_their_own_bookings(client):
    make_user("mira@example.com")
    sign_in(client, "mira@example.com")
    assert client.get("/staff/money/").status_code == 403
    assert Client().get("/staff/money/")["Location"].startswith("/accounts/login/")


def test_it_is_optional_by_default(session, settings):
    settings.STAFF_SECOND_FACTOR = "optional"
    assert session.get("/staff/money/").status_code == 200
    assert read_setting("STAFF_SECOND_FACTOR").stdout == "optional"


def test_a_bad_value_stops_the_start_with_a_sentence():
    done = read_setting("STAFF_SECOND_FACTOR", STAFF_SECOND_FACTOR="always")
    assert done.returncode != 0
    assert "STAFF_SECOND_FACTOR is 'always'; it must be one of optional, refunds." in done.stderr


def test_a_page_of_money_is_a_staff_page_first(rf):
    request = rf.get("/staff/x/")
    request.user = AnonymousUser()
    assert money_page(lambda request: None)(request)["Location"].startswith("/accounts/login/")
