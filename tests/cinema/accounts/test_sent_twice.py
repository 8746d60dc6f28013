"""Two equal forms at the same moment: one is carried out, and the other is no error."""

import threading

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.urls import reverse

from bench.support.factories import make_user
from cinema.accounts.adapter import AccountAdapter
from tests.cinema.accounts.codes import PASSWORD, code_of, read_secret, sign_in

pytestmark = pytest.mark.django_db(transaction=True)
SAID = "That was sent twice at the same moment, and done once."


def before(monkeypatch, owner, name, twin):
    """The twin of the request is carried out just before this step of it."""
    real = getattr(owner, name)

    def step(*args, **options):
        twin()
        return real(*args, **options)

    monkeypatch.setattr(owner, name, step)


def test_a_second_factor_that_is_set_up_twice_at_once(client, monkeypatch):
    alice = make_user("alice@example.com")
    sign_in(client)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    secret = read_secret(client)
    twin = {"user": alice, "type": "totp", "data": {"secret": "of the twin"}}
    before(monkeypatch, TOTP, "activate", lambda: Authenticator.objects.create(**twin))
    answer = client.post(reverse("mfa_activate_totp"), {"code": code_of(secret)})
    assert (answer.status_code, answer["Location"]) == (302, reverse("account"))
    monkeypatch.undo()
    assert SAID in client.get(reverse("account")).content.decode()


def test_an_account_that_is_made_twice_at_once(client, monkeypatch):
    form = {"email": "new@example.com", "password1": PASSWORD}
    answers = []

    def sign_up_twin():
        monkeypatch.undo()
        thread = threading.Thread(target=run)
        thread.start()
        thread.join(30)

    def run():
        answers.append(Client().post(reverse("account_signup"), form | {"email": " New@example.com"}).status_code)
        connection.close()

    before(monkeypatch, AccountAdapter, "save_user", sign_up_twin)
    assert client.post(reverse("account_signup"), form).status_code == 302
    assert answers == [429]
    assert User.objects.filter(email="new@example.com").count() == 1
    page = Client().post(reverse("account_signup"), form).content.decode()
    assert "There is an account with this address already" in page
