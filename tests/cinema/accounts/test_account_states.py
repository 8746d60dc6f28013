"""States of the account pages: errors, used links, cancelled changes, closed accounts."""

import re
from datetime import timedelta
from pathlib import Path

import allauth
import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.test.signals import template_rendered
from django.urls import reverse
from django.utils import timezone

from bench.support.factories import make_user

PASSWORD, NEW = "a long password 1", "another long 2"
LIBRARY = Path(allauth.__file__).parent
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _only_our_templates():
    library_templates = []

    def look(template, **kwargs):
        if template.origin and Path(str(template.origin.name)).is_relative_to(LIBRARY):
            library_templates.append(template.name)

    template_rendered.connect(look)
    yield
    template_rendered.disconnect(look)
    assert library_templates == []


@pytest.fixture
def alice(client):
    """Signed in and reauthenticated, so that she may change address and password."""
    user = make_user("alice@example.com")
    client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    return user


def read(client, name, *args, **query):
    response = client.get(reverse(name, args=args), query, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def send(client, name, data, *args):
    return client.post(reverse(name, args=args), data, follow=True).content.decode()


def link_in(message):
    return re.search(r"https?://[^/\s]+(/\S+)", message.body)[1]


def ask_for_a_new_password(client, email="alice@example.com"):
    send(client, "account_reset_password", {"email": email})
    return link_in(mail.outbox[-1])


def test_the_account_page_links_all_other_pages(client, alice):
    page = read(client, "account")
    assert "alice@example.com" in page
    for name in ("booking:bookings", "account_email", "account_change_password", "account_logout"):
        assert reverse(name) in page


def test_the_account_page_redirects_anonymous_users_to_sign_in(client):
    assert client.get("/accounts/")["Location"] == "/accounts/login/?next=/accounts/"


@pytest.mark.parametrize("name", ["account_login", "account_signup"])
def test_a_signed_in_user_is_redirected(client, alice, name):
    assert client.get(reverse(name), {"next": "/bookings/"})["Location"] == "/bookings/"
    assert client.get(reverse(name))["Location"] == "/"


def test_next_is_kept_through_sign_in_sign_up_and_sign_out(client):
    page = read(client, "account_login", next="/showtimes/7/")
    way = re.search(r'href="(/accounts/signup/[^"]+)"', page)[1]
    form = client.get(way).content.decode()
    assert 'name="next" value="/showtimes/7/"' in form
    assert "/accounts/login/?next=%2Fshowtimes%2F7%2F" in form
    data = {"email": "bob@example.com", "password1": PASSWORD, "next": "/showtimes/7/"}
    assert client.post(reverse("account_signup"), data)["Location"] == "/showtimes/7/"
    out = client.get(reverse("account_logout"), {"next": "/showtimes/7/"}).content.decode()
    assert 'name="next" value="/showtimes/7/"' in out and 'href="/showtimes/7/"' in out
    assert client.post(reverse("account_logout"), {"next": "/showtimes/7/"})["Location"] == "/showtimes/7/"


@pytest.mark.parametrize("name", ["account_login", "account_signup", "account_logout"])
def test_next_never_redirects_to_another_host(client, name):
    user = make_user("alice@example.com")
    data = {"next": "https://evil.example/", "login": user.email, "password": PASSWORD}
    data |= {"email": "bob@example.com", "password1": PASSWORD}
    if name == "account_logout":
        client.force_login(user)
    assert client.post(reverse(name), data)["Location"] == "/"


def test_a_taken_address_is_reported_at_its_field(client):
    make_user("alice@example.com")
    page = send(client, "account_signup", {"email": "Alice@example.com", "password1": PASSWORD})
    assert "There is an account with this address already" in page
    assert 'id="id_email-error"' in page


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("account_login", {"id_login": "email", "id_password": "current-password"}),
        ("account_signup", {"id_email": "email", "id_password1": "new-password"}),
        ("account_reset_password", {"id_email": "email"}),
    ],
)
def test_each_field_has_its_autocomplete_value(client, name, fields):
    page = read(client, name)
    found = dict(re.findall(r'id="(id_\w+)"[^>]*?autocomplete="([\w-]+)"', page))
    assert found == fields


def test_a_closed_account_cannot_sign_in_and_says_why(client):
    user = make_user("alice@example.com")
    user.is_active = False
    user.save()
    page = send(client, "account_login", {"login": user.email, "password": PASSWORD})
    assert "account is closed" in page and "_auth_user_id" not in client.session


def test_an_unknown_address_gets_a_mail_and_the_page_is_the_same(client):
    make_user("alice@example.com")
    pages = [send(client, "account_reset_password", {"email": f"{who}@example.com"}) for who in ("alice", "nobody")]
    assert re.sub(r"nonce-?\S+", "", pages[0]) == re.sub(r"nonce-?\S+", "", pages[1])
    assert [message.subject for message in mail.outbox] == [
        "BookMySeat: Choose a new password",
        "BookMySeat: There is no account with this address",
    ]


def test_two_different_new_passwords_are_reported_at_the_second(client):
    make_user("alice@example.com")
    form = client.get(ask_for_a_new_password(client), follow=True)
    page = client.post(form.request["PATH_INFO"], {"password1": NEW, "password2": "not the same 3"}).content.decode()
    assert 'id="id_password2-error"' in page and "autofocus" in page


def test_a_link_works_once(client):
    make_user("alice@example.com")
    link = ask_for_a_new_password(client)
    form = client.get(link, follow=True)
    client.post(form.request["PATH_INFO"], {"password1": NEW, "password2": NEW})
    assert mail.outbox[-1].subject == "BookMySeat: Your password was changed"
    assert "That link is used up" in client.get(link, follow=True).content.decode()


def test_an_expired_link_offers_a_new_one(client):
    make_user("alice@example.com")
    link = ask_for_a_new_password(client)
    with time_machine.travel(timezone.now() + timedelta(days=8)):
        page = client.get(link, follow=True).content.decode()
    assert "That link is used up" in page and reverse("account_reset_password") in page


def test_a_broken_link_has_an_explanation(client):
    assert "That link is used up" in read(client, "account_reset_password_from_key", "zz", "nonsense")
    assert "That link is used up" in read(client, "account_confirm_email", "nonsense")


def test_the_password_is_changed_with_the_old_one(client, alice):
    wrong = {"oldpassword": "no", "password1": NEW, "password2": NEW}
    assert "This is not your password" in send(client, "account_change_password", wrong)
    page = send(client, "account_change_password", wrong | {"oldpassword": PASSWORD})
    assert "Your password was changed." in page
    assert client.session["_auth_user_id"], "still signed in"
    assert "If it was not you" in mail.outbox[-1].body


def test_an_address_is_changed_once_the_new_one_is_confirmed(client, alice):
    page = send(client, "account_email", {"email": "mira@example.com", "action_add": ""})
    assert "A link is on its way to mira@example.com" in page
    assert "alice@example.com</b>, which is not confirmed yet" in page and "takes its place as soon as" in page
    alice.refresh_from_db()
    assert alice.email == "alice@example.com"
    assert Client().post(reverse("account_login"), {"login": alice.email, "password": PASSWORD}).status_code == 302
    client.post(link_in(mail.outbox[-1]))
    alice.refresh_from_db()
    assert alice.email == "mira@example.com"
    assert "mira@example.com</b>, which is confirmed" in read(client, "account_email")


def test_a_change_of_address_can_be_cancelled_and_its_link_sent_again(client, alice):
    alice.emailaddress_set.create(email=alice.email, primary=True, verified=True)
    send(client, "account_email", {"email": "mira@example.com", "action_add": ""})
    with time_machine.travel(timezone.now() + timedelta(minutes=4)):  # the limit is one mail in three minutes
        page = send(client, "account_email", {"email": "mira@example.com", "action_send": ""})
        assert page.count("on its way to mira@example.com") == 1
    assert [message.to for message in mail.outbox] == [["mira@example.com"]] * 2
    page = send(client, "account_email", {"email": "mira@example.com", "action_remove": ""})
    assert "mira@example.com was taken away" in page and "takes its place" not in page


def test_an_invalid_address_is_reported_at_its_field(client, alice):
    page = send(client, "account_email", {"email": "mira", "action_add": ""})
    assert 'id="id_email-error"' in page


def test_a_change_of_address_requires_a_recent_password(client, alice):
    with time_machine.travel(timezone.now() + timedelta(minutes=6)):
        page = send(client, "account_email", {"email": "mira@example.com", "action_add": ""})
        assert "Is it still you?" in page and 'autocomplete="current-password"' in page
        assert mail.outbox == []
        assert "This is not your password" in send(client, "account_reauthenticate", {"password": "no"})
        data = {"password": PASSWORD, "next": reverse("account_email")}
        page = send(client, "account_reauthenticate", data)
        assert "on its way to mira@example.com" in page, "the change is made after reauthentication"


def test_an_account_without_a_password_can_set_one(client):
    user = make_user("alice@example.com")
    user.set_unusable_password()
    user.save()
    client.force_login(user)
    assert "Choose a password" in read(client, "account_set_password")
    assert "Your password was set." in send(client, "account_set_password", {"password1": NEW, "password2": NEW})


@pytest.mark.parametrize("is_secure", [False, True])
def test_links_in_mails_are_absolute_with_the_scheme_of_the_site(client, settings, is_secure):
    settings.HTTPS, scheme = is_secure, "https" if is_secure else "http"
    make_user("alice@example.com")
    ask_for_a_new_password(client)
    send(client, "account_signup", {"email": "bob@example.com", "password1": PASSWORD})
    for message in mail.outbox:
        assert re.search(rf"\n{scheme}://testserver/accounts/\S+\n", message.body)
        assert message.subject.startswith("BookMySeat: ")
        assert "&amp;" not in message.body and "{" not in message.body and "\n\n\n" not in message.body
        assert all(len(line) <= 100 or "://" in line for line in message.body.splitlines())


def test_sign_up_works_without_a_mail_server(client, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1  # no server listens there
    response = client.post(
        reverse("account_signup"),
        {"email": "bob@example.com", "password1": PASSWORD, "next": "/bookings/"},
        follow=True,
    )
    assert client.session["_auth_user_id"]
    assert "The mail could not be sent just now." in response.content.decode()
