"""Sign-up, sign-in and sign-out with our own templates on top of allauth."""

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.urls import reverse
from django.utils import timezone

from bench.support.factories import make_showtime, make_user, new_visitor
from booking.locks import lock_seats
from booking.visitors import SESSION_KEY

PASSWORD = "a long password 1"
pytestmark = pytest.mark.django_db


def log_in(client, email, password=PASSWORD, **more):
    return client.post(reverse("account_login"), {"login": email, "password": password, **more})


@pytest.mark.parametrize(
    "name",
    ["account_login", "account_signup", "account_reset_password", "account_reset_password_done"],
)
def test_each_page_has_one_heading_and_a_label_for_every_field(client, name):
    page = client.get(reverse(name)).content.decode()
    assert page.count("<h1") == 1
    ids = re.findall(r'<input class="input" id="([^"]+)"', page)
    assert ids == re.findall(r'<label for="([^"]+)"', page)
    assert "style=" not in page and "<script>" not in page


def test_log_in_with_mail_and_password(client):
    make_user("alice@example.com")
    assert log_in(client, "alice@example.com").status_code == 302
    assert client.get(reverse("account_login")).status_code == 302


def test_a_wrong_password_shows_advice_and_keeps_the_address_but_not_the_password(client):
    make_user("alice@example.com")
    page = log_in(client, "alice@example.com", "wrong one").content.decode()
    assert "Passwords keep their capitals." in page
    assert 'value="alice@example.com"' in page and "wrong one" not in page
    assert page.count('aria-describedby="form-errors"') == 2 and 'id="form-errors"' in page


def test_log_in_redirects_to_next(client):
    make_user("alice@example.com")
    page = client.get(reverse("account_login"), {"next": "/bookings/"}).content.decode()
    assert '<input type="hidden" name="next" value="/bookings/"' in page
    assert f"{reverse('account_signup')}?next=%2Fbookings%2F" in page
    assert log_in(client, "alice@example.com", next="/bookings/")["Location"] == "/bookings/"


@pytest.mark.parametrize(
    "next_url", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "/\\evil.example"]
)
def test_next_never_redirects_to_another_site(client, next_url):
    make_user("alice@example.com")
    page = client.get(reverse("account_login"), {"next": next_url}).content.decode()
    guest = re.search(r'href="([^"]*)"><u>go on as a guest', page)
    assert guest and guest[1] == "/"
    assert log_in(client, "alice@example.com", next=next_url)["Location"] == "/"


def test_sign_up_logs_in(client):
    response = client.post(reverse("account_signup"), {"email": "bob@example.com", "password1": PASSWORD})
    assert response.status_code == 302
    assert client.session["_auth_user_id"]


def test_a_weak_password_is_reported_at_its_field(client):
    page = client.post(reverse("account_signup"), {"email": "bob@example.com", "password1": "123"}).content.decode()
    field = page[page.index('id="id_password1"') :]
    assert 'aria-describedby="id_password1-error"' in field and "too short" in field


def test_log_out_has_to_be_confirmed(client):
    client.force_login(make_user())
    assert "Sign out?" in client.get(reverse("account_logout")).content.decode()
    assert "_auth_user_id" in client.session
    client.post(reverse("account_logout"))
    assert "_auth_user_id" not in client.session


def test_a_forgotten_password_is_reset_by_mail(client):
    make_user("alice@example.com")
    asked = client.post(reverse("account_reset_password"), {"email": "alice@example.com"}, follow=True)
    assert "Look into your mail" in asked.content.decode()
    text = mail.outbox[0].body
    assert "!" not in text
    link = re.search(r"http://[^/]+(/accounts/password/reset/key/\S+)", text)[1]
    form = client.get(link, follow=True)
    assert "New password" in form.content.decode()
    done = client.post(
        form.request["PATH_INFO"], {"password1": "another long 2", "password2": "another long 2"}, follow=True
    )
    assert "Password changed" in done.content.decode()
    assert log_in(client, "alice@example.com", "another long 2").status_code == 302
    assert "That link is used up" in client.get(link, follow=True).content.decode()


def test_the_address_of_a_new_account_is_confirmed_by_mail(client):
    client.post(reverse("account_signup"), {"email": "bob@example.com", "password1": PASSWORD})
    link = re.search(r"http://[^/]+(/accounts/confirm-email/\S+)", mail.outbox[0].body)[1]
    assert "bob@example.com" in client.get(link).content.decode()
    client.post(link)
    assert "confirmed" in client.get(reverse("account_email")).content.decode()


def test_pages_for_signed_in_users_render(client):
    user = make_user("alice@example.com")
    client.force_login(user)
    for name in ("account_email", "account_change_password", "account_logout", "account_email_verification_sent"):
        assert client.get(reverse(name)).status_code == 200, name


def test_the_sign_in_page_names_the_locked_seats(client):
    showtime, alice = make_showtime(), new_visitor()
    lock_seats(showtime_id=showtime.pk, visitor=alice, labels=["B4", "B5"], at=timezone.now())
    session = client.session
    session[SESSION_KEY] = str(alice)
    session.save()
    assert "B4, B5 stay yours" in client.get(reverse("account_login")).content.decode()


def test_the_sign_in_page_does_not_name_expired_seats(client):
    showtime, alice = make_showtime(), new_visitor()
    lock_seats(showtime_id=showtime.pk, visitor=alice, labels=["B4"], at=timezone.now() - timedelta(hours=1))
    session = client.session
    session[SESSION_KEY] = str(alice)
    session.save()
    assert "door__kept" not in client.get(reverse("account_login")).content.decode()
