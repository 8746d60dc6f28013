"""Nobody fills the mailbox of another: mails that anybody can have sent are limited by mailbox."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bench.support.factories import make_user

PASSWORD, NEW = "a long password 1", "another long 2"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _clock_stands_still():
    """On a busy machine a minute of the limits could pass between two tries."""
    with time_machine.travel(timezone.now(), tick=False):
        yield


def ask(email="alice@example.com", address="192.0.2.1"):
    return Client().post(reverse("account_reset_password"), {"email": email}, REMOTE_ADDR=address, follow=True)


def text_of(answer):
    return re.sub(r'value="[^"]*"|nonce-?\S+', "", answer.content.decode())


@pytest.mark.parametrize("email", ["alice@example.com", "nobody@example.com"])
def test_a_mailbox_gets_three_mails_in_a_quarter_of_an_hour_whoever_asks(email):
    make_user("alice@example.com")
    pages = {text_of(ask(spelling, f"198.51.100.{n}")) for n, spelling in enumerate([email, email.upper()] * 5)}
    assert len(mail.outbox) == 3
    assert len(pages) == 1, "the page does not tell that a mail was not sent"


def test_a_mailbox_gets_ten_mails_a_day():
    make_user("alice@example.com")
    for hour in range(23):
        with time_machine.travel(timezone.now() + timedelta(hours=hour), tick=False):
            ask()
    assert len(mail.outbox) == 10


def test_the_link_of_the_first_mail_works_when_no_other_is_sent():
    """So strangers who use up the mails do not keep the owner out."""
    make_user("alice@example.com")
    for _ in range(5):
        ask()
    client = Client()
    form = client.get(re.search(r"https?://[^/\s]+(/\S+)", mail.outbox[0].body)[1], follow=True)
    client.post(form.request["PATH_INFO"], {"password1": NEW, "password2": NEW})
    assert client.post(reverse("account_login"), {"login": "alice@example.com", "password": NEW}).status_code == 302


def test_other_mailboxes_are_not_limited_by_it():
    make_user("alice@example.com")
    make_user("bob@example.com")
    for _ in range(4):
        ask()
    ask("bob@example.com")
    assert mail.outbox[-1].to == ["bob@example.com"]


def test_without_limits_each_question_sends_a_mail(settings):
    settings.ACCOUNT_RATE_LIMITS = False
    make_user("alice@example.com")
    for _ in range(6):
        ask()
    assert len(mail.outbox) == 6


def test_twenty_links_a_day_ask_a_mailbox_to_confirm_it_from_however_many_accounts():
    sent, now = 0, timezone.now()
    for n in range(30):
        with time_machine.travel(now + timedelta(minutes=4 * n), tick=False):
            client = Client()
            client.force_login(make_user(f"mallory{n}@example.com"))
            client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
            client.post(reverse("account_email"), {"email": "victim@example.com", "action_add": ""})
    sent = sum(message.to == ["victim@example.com"] for message in mail.outbox)
    assert sent == 20


def test_signing_up_with_the_address_of_an_account_sends_nothing():
    make_user("alice@example.com")
    for _ in range(5):
        Client().post(reverse("account_signup"), {"email": "alice@example.com", "password1": PASSWORD})
    assert mail.outbox == []
