"""How often a password may be tried: nobody guesses one, and no stranger locks its owner out."""

import ipaddress
import re
from contextlib import contextmanager
from datetime import timedelta
from unittest.mock import patch

import pytest
import time_machine
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core import mail
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bench.support.factories import make_user
from tests.cinema.accounts.start import read_setting

PASSWORD, NEW = "a long password 1", "another long 2"
TABLE = {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "rate_limits"}
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _clock_stands_still():
    """On a busy machine a minute of the limits could pass between two tries."""
    with time_machine.travel(timezone.now(), tick=False):
        yield


@pytest.fixture
def alice():
    return make_user("alice@example.com", staff=True)


@pytest.fixture(params=["memory", "database"])
def counted_in(request, settings):
    """The cache of one process, and the one that several processes share."""
    if request.param == "database":
        settings.CACHES = {"default": TABLE}
        call_command("createcachetable", verbosity=0)
    return request.param


def try_password(password="wrong", *, email="alice@example.com", address="192.0.2.1", client=None):
    """The answer to one log-in, from a fresh browser unless one is given."""
    client = client or Client()
    return client.post(reverse("account_login"), {"login": email, "password": password}, REMOTE_ADDR=address)


def is_in(answer):
    return answer.status_code == 302


def is_refused(answer):
    return "wrong too often" in answer.content.decode()


def fail(times, **where):
    for _ in range(times):
        assert not is_in(try_password(**where))


def fail_everywhere(times, network="198.51"):
    """Wrong passwords from many addresses, five from each."""
    for n in range(times):
        assert not is_refused(try_password(address=f"{network}.{n // 5}.1")), n


def known_browser(address="203.0.113.5"):
    """A browser that has signed in and out."""
    client = Client()
    assert is_in(try_password(PASSWORD, address=address, client=client))
    client.post(reverse("account_logout"))
    return client


@contextmanager
def later(**delta):
    with time_machine.travel(timezone.now() + timedelta(**delta), tick=False):
        yield


def test_another_address_may_sign_in_after_five_wrong_passwords_of_a_stranger(alice, counted_in):
    fail(5)
    assert is_refused(try_password(PASSWORD)), "the stranger's own address, with the right password"
    assert is_in(try_password(PASSWORD, address="192.0.2.2"))


def test_a_browser_that_has_signed_in_before_may_at_the_very_address_of_the_stranger(alice, counted_in):
    client = known_browser()
    fail(6)
    assert is_in(try_password(PASSWORD, client=client))


def test_fifty_wrong_passwords_an_hour_close_the_account_for_strangers_and_not_for_a_known_browser(alice):
    client = known_browser()
    fail_everywhere(50)
    assert is_refused(try_password(PASSWORD, address="203.0.113.99"))
    assert is_in(try_password(PASSWORD, client=client, address="203.0.113.99"))
    with later(minutes=61):
        assert is_in(try_password(PASSWORD, address="203.0.113.99"))


def test_one_address_cannot_use_up_what_all_addresses_may_try(alice):
    wrong = 0
    for minutes in range(0, 60, 6):
        with later(minutes=minutes):
            for _ in range(6):
                wrong += not is_refused(try_password())
    assert wrong == 15
    with later(minutes=59):
        assert is_in(try_password(PASSWORD, address="192.0.2.2"))


def test_tries_at_refused_addresses_count_for_nobody_else(alice):
    fail(5)
    for _ in range(60):
        assert is_refused(try_password())
    assert is_in(try_password(PASSWORD, address="192.0.2.2"))


def test_an_address_may_fail_ten_times_a_minute_whatever_the_accounts(alice):
    for n in range(10):
        assert not is_refused(try_password(email=f"nobody{n}@example.com"))
    assert is_refused(try_password(email="nobody10@example.com"))
    with later(seconds=61):
        assert not is_refused(try_password(email="nobody10@example.com"))


def test_right_passwords_are_limited_too_because_each_costs_a_hash(alice):
    for _ in range(30):
        assert is_in(try_password(PASSWORD))
    assert is_refused(try_password(PASSWORD))


def test_right_passwords_give_their_tries_back(alice):
    for _ in range(3):
        fail(1)
        assert is_in(try_password(PASSWORD))
    fail(2)
    assert is_refused(try_password()), "three and two are five"


def test_a_stolen_cookie_gives_a_few_more_tries_and_no_more(alice):
    thief = known_browser()
    looked_at = 0
    for minutes in range(0, 60, 5):
        with later(minutes=minutes, seconds=minutes):
            for _ in range(12):
                looked_at += not is_refused(try_password(client=thief))
    assert looked_at == 10 + 15, "those of the cookie, and those of any stranger"


def test_the_cookie_of_another_account_is_worth_nothing(alice):
    make_user("bob@example.com")
    bob = Client()
    assert is_in(try_password(PASSWORD, email="bob@example.com", client=bob))
    bob.post(reverse("account_logout"))
    fail(5)
    assert is_refused(try_password(PASSWORD, client=bob))


def test_one_browser_knows_several_accounts(alice):
    make_user("bob@example.com")
    client = known_browser()
    assert is_in(try_password(PASSWORD, email="bob@example.com", client=client))
    client.post(reverse("account_logout"))
    fail(5)
    assert is_in(try_password(PASSWORD, client=client))


def test_a_network_of_ipv6_is_one_address(alice):
    for n in range(5):
        fail(1, address=f"2001:db8:0:1::{n:x}")
    assert is_refused(try_password(PASSWORD, address="2001:db8:0:1:ffff::1"))
    assert is_in(try_password(PASSWORD, address="2001:db8:0:2::1"))


def test_a_48_tries_four_times_as_often_as_an_address_whatever_networks_and_accounts(alice):
    wrong = "do not match"
    pages = [try_password(email=f"guest{n}@example.com", address=f"2001:db8:0:{n:x}::1") for n in range(42)]
    assert [wrong in page.content.decode() for page in pages] == [True] * 40 + [False] * 2
    assert is_refused(try_password(PASSWORD, address="2001:db8:0:ffff::1"))
    assert is_in(try_password(PASSWORD, address="2001:db8:1::1"))


def test_addresses_behind_a_trusted_proxy_count_for_themselves(alice, settings):
    settings.TRUSTED_PROXIES = [ipaddress.ip_network("10.0.0.0/8")]

    def send(password, forwarded):
        data = {"login": "alice@example.com", "password": password}
        return Client().post(
            reverse("account_login"), data, REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR=f"192.0.2.200, {forwarded}"
        )

    for _ in range(5):
        send("wrong", "203.0.113.7")
    assert is_refused(send(PASSWORD, "203.0.113.7"))
    assert is_in(send(PASSWORD, "203.0.113.8"))


def test_a_new_password_by_mail_opens_the_account_again(alice):
    fail_everywhere(50)
    fail(1)
    owner = Client(REMOTE_ADDR="192.0.2.1")
    owner.post(reverse("account_reset_password"), {"email": alice.email})
    form = owner.get(re.search(r"https?://[^/\s]+(/\S+)", mail.outbox[0].body)[1], follow=True)
    owner.post(form.request["PATH_INFO"], {"password1": NEW, "password2": NEW})
    assert is_in(try_password(NEW, address="192.0.2.1"))
    fail_everywhere(50, network="198.18")
    assert is_refused(try_password(NEW, address="203.0.113.99"))
    assert is_in(try_password(NEW, client=owner)), "the browser that followed the link is known"


def test_strangers_do_not_spend_the_tries_of_somebody_who_says_the_password_again(alice):
    client = Client()
    assert is_in(try_password(PASSWORD, client=client, address="203.0.113.5"))
    fail_everywhere(50)
    answer = client.post(reverse("account_reauthenticate"), {"password": PASSWORD}, REMOTE_ADDR="203.0.113.5")
    assert answer.status_code == 302


@pytest.mark.parametrize("name", ["account_reauthenticate", "account_change_password"])
def test_a_stolen_session_does_not_guess_the_password(alice, name):
    """Over both forms together, for an hour."""
    client, looked_at = Client(), 0
    assert is_in(try_password(PASSWORD, client=client))
    fields = {"password": "wrong", "oldpassword": "wrong", "password1": NEW, "password2": NEW}
    for minutes in range(0, 60, 2):
        with later(minutes=minutes):
            for _ in range(5):
                looked_at += "This is not your password" in client.post(reverse(name), fields).content.decode()
    assert looked_at == 20


def test_without_limits_nothing_is_counted(alice, settings):
    settings.RATE_LIMITS = settings.ACCOUNT_RATE_LIMITS = False
    fail(60)
    assert is_in(try_password(PASSWORD))


def test_the_setting_turns_all_limits_off():
    assert read_setting("ACCOUNT_RATE_LIMITS", RATE_LIMITS="0").stdout == "False"
    assert "30/m/ip" in read_setting("ACCOUNT_RATE_LIMITS", RATE_LIMITS="1").stdout


def hashes_and_page(email, **where):
    """How many password hashes a try costs, and the page without what differs in each answer."""
    costs = []
    with patch.object(MD5PasswordHasher, "encode", autospec=True, side_effect=MD5PasswordHasher.encode) as encode:
        page = try_password(email=email, **where).content.decode()
        costs.append(encode.call_count)
    return costs, re.sub(r'value="[^"]*"|nonce-?\S+', "", page)


def test_the_answer_does_not_tell_whether_an_account_exists(alice):
    """The same page at the same cost: at the first try, at the sixth, and when all addresses are refused."""
    for _ in range(6):
        assert hashes_and_page("alice@example.com") == hashes_and_page("nobody@example.com", address="192.0.2.2")
    assert hashes_and_page("alice@example.com")[0] == [0], "a refused try looks at no password"
    for email in ("alice@example.com", "nobody@example.com"):
        for n in range(50):
            try_password(email=email, address=f"198.51.{n // 5}.{len(email)}")
    there = hashes_and_page("alice@example.com", address="203.0.113.1")
    assert there == hashes_and_page("nobody@example.com", address="203.0.113.2")
    assert "wrong too often" in there[1]


def test_tries_at_once_are_counted_before_the_password_is_looked_at(alice):
    """A try that waits for its hash is counted already: five at once leave none."""
    sixth = []

    def look(self, *args, **kwargs):
        if len(sixth) < 1 and depth.pop():
            sixth.append(try_password(PASSWORD))
        return False

    depth = [True]
    fail(4)
    with patch("django.contrib.auth.models.User.check_password", look):
        try_password()
    assert is_refused(sixth[0])
