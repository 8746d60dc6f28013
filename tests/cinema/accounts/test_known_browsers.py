"""The cookie of a browser that has signed in before."""

from datetime import timedelta

import pytest
import time_machine
from django.conf import settings as django_settings
from django.contrib.auth import get_user_model
from django.core import signing
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from bench.support.factories import make_user
from cinema.accounts import known_browsers

PASSWORD, NEW = "a long password 1", "another long 2"
NAME = django_settings.KNOWN_BROWSER_COOKIE_NAME
pytestmark = pytest.mark.django_db


@pytest.fixture
def alice():
    return make_user("alice@example.com")


def sign_in(client, email="alice@example.com", password=PASSWORD, **more):
    data = {"login": email, "password": password}
    assert client.post(reverse("account_login"), data, **more).status_code == 302
    return client.cookies[NAME]


def id_of(cookie, user):
    """The browser's id by which the account knows it."""
    request = RequestFactory().get("/")
    request.COOKIES[NAME] = cookie if isinstance(cookie, str) else cookie.value
    return known_browsers.browser_of(request, [get_user_model().objects.get(pk=user.pk)])


@pytest.mark.parametrize("is_secure", [True, False])
def test_no_script_reads_it_and_no_other_site_or_page_gets_it(alice, client, settings, is_secure):
    settings.SESSION_COOKIE_SECURE = is_secure
    cookie = sign_in(client)
    assert cookie["httponly"] and cookie["samesite"] == "Lax" and cookie["path"] == "/accounts/"
    assert bool(cookie["secure"]) is is_secure
    assert cookie["max-age"] == 365 * 24 * 3600


def test_it_does_not_tell_whose_it_is(alice, client):
    entries = signing.loads(sign_in(client).value, salt=known_browsers.SALT)
    (browser, account), *others = entries
    assert not others and len(account) == 32 and len(browser) == 16
    text = f"{browser} {account}"
    for secret in (alice.email, alice.username, alice.password):
        assert secret not in text


def test_a_wrong_password_and_a_visit_set_none(alice, client):
    client.post(reverse("account_login"), {"login": alice.email, "password": "wrong"})
    client.get(reverse("account_login"))
    assert NAME not in client.cookies


def test_each_log_in_gives_another_id_and_one_entry_an_account(alice, client):
    first = sign_in(client).value
    client.post(reverse("account_logout"))
    second = sign_in(client).value
    assert id_of(first, alice) and id_of(second, alice) and id_of(first, alice) != id_of(second, alice)
    assert len(signing.loads(second, salt=known_browsers.SALT)) == 1


def test_it_keeps_the_last_five_accounts(client):
    users = [make_user(f"staff{n}@example.com") for n in range(6)]
    for user in users:
        cookie = sign_in(client, user.email)
        client.post(reverse("account_logout"))
    assert [bool(id_of(cookie, user)) for user in users] == [False, True, True, True, True, True]


def test_a_changed_password_ends_those_of_other_browsers_and_renews_this_one(alice, client):
    elsewhere = sign_in(Client()).value
    before = sign_in(client).value
    form = {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW}
    client.post(reverse("account_change_password"), form)
    assert not id_of(elsewhere, alice) and not id_of(before, alice)
    assert id_of(client.cookies[NAME], alice)


def test_a_password_set_by_the_admin_ends_it(alice, client):
    cookie = sign_in(client).value
    alice.set_password(NEW)
    alice.save()
    assert not id_of(cookie, alice)


def test_a_forged_a_foreign_and_an_old_cookie_are_those_of_strangers(alice, client):
    cookie = sign_in(client).value
    assert id_of(cookie, alice)
    for bad in ("", "x", cookie[:-1] + ("A" if cookie[-1] != "A" else "B"), signing.dumps([["a", "b"]], salt="other")):
        assert not id_of(bad, alice)
    for odd in (7, None, ["a"], [["a"]], {"a": 1}):
        assert not id_of(signing.dumps(odd, salt=known_browsers.SALT), alice)
    with time_machine.travel(timezone.now() + timedelta(days=366)):
        assert not id_of(cookie, alice)


def test_a_rotated_secret_key_keeps_it(alice, client, settings):
    cookie = sign_in(client).value
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another key that is long enough", [settings.SECRET_KEY]
    assert id_of(cookie, alice)
    settings.SECRET_KEY_FALLBACKS = []
    assert not id_of(cookie, alice)


def test_sign_up_makes_the_browser_known(client):
    client.post(reverse("account_signup"), {"email": "new@example.com", "password1": PASSWORD})
    assert id_of(client.cookies[NAME], get_user_model().objects.get(email="new@example.com"))
