"""Whom a request counts for: an address, a /64 and its /48, an account, or nobody."""

import ipaddress

import pytest
from allauth.account.models import EmailAddress
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from bench.support.factories import make_showtime, make_user
from booking.clients.client import NOT_COUNTED, Client, client_of, hash_of
from booking.models import Booking

pytestmark = pytest.mark.django_db


def from_address(rf, remote, **headers):
    request = rf.get("/", REMOTE_ADDR=remote, **headers)
    request.session = {}
    return client_of(request)


@pytest.mark.parametrize(
    ("remote", "shares"),
    [
        ("203.0.113.7", (("203.0.113.7", 1),)),
        ("::ffff:203.0.113.7", (("203.0.113.7", 1),)),
        ("127.0.0.1", (("127.0.0.1", 1),)),
        ("2001:db8:1:2:3::4", (("2001:db8:1::/48", 4), ("2001:db8:1:2::/64", 1))),
        ("2001:db8:1:2:ffff:ffff:ffff:ffff", (("2001:db8:1::/48", 4), ("2001:db8:1:2::/64", 1))),
        ("", ()),
        (None, ()),
    ],
)
def test_an_ipv6_address_counts_by_its_network_and_an_unknown_one_is_not_counted(rf, remote, shares):
    assert from_address(rf, remote).shares == shares


@pytest.mark.parametrize(
    ("remote", "counted"),
    [
        ("10.1.2.3", False),
        ("::ffff:10.1.2.3", False),
        ("2001:db8::7", False),
        ("10.2.0.1", True),
        ("2001:db9::7", True),
    ],
)
def test_a_trusted_network_is_not_counted(rf, settings, remote, counted):
    settings.TRUSTED_NETWORKS = [ipaddress.ip_network("10.1.0.0/16"), ipaddress.ip_network("2001:db8::/32")]
    assert bool(from_address(rf, remote).names) is counted


def test_who_comes_through_a_trusted_proxy_counts_by_the_address_that_it_names(rf, settings):
    settings.TRUSTED_PROXIES = [ipaddress.ip_network("127.0.0.1")]
    assert from_address(rf, "127.0.0.1", HTTP_X_FORWARDED_FOR="1.1.1.1, 203.0.113.7").names == ("203.0.113.7",)
    assert from_address(rf, "203.0.113.9", HTTP_X_FORWARDED_FOR="10.0.0.1").names == ("203.0.113.9",)


def test_who_comes_through_an_untrusted_proxy_counts_by_the_proxy(rf):
    for forged in ("198.51.100.1", "198.51.100.2", "unknown", "10.0.0.1"):
        assert from_address(rf, "127.0.0.1", HTTP_X_FORWARDED_FOR=forged).names == ("127.0.0.1",)


def test_without_limits_nobody_is_counted(rf, settings):
    settings.RATE_LIMITS = False
    assert from_address(rf, "203.0.113.7") == NOT_COUNTED


def test_without_the_limit_of_seats_only_seats_are_not_counted(rf, settings):
    settings.LOCKS_PER_ADDRESS_PERCENT = 0
    client = from_address(rf, "203.0.113.7")
    assert client.names
    assert client.hashes(1) == (None, None)


def test_hashes_are_keyed_and_differ_between_showtimes(settings):
    client = Client(("203.0.113.7",))
    first = client.hashes(1)
    assert first == client.hashes(1) == (first[0], first[0])
    assert client.hashes(2) != first
    settings.SECRET_KEY = "another key"
    assert client.hashes(1) != first


def test_hashes_fit_a_bigint_and_are_no_number_of_another_advisory_lock():
    for name in range(1000):
        assert 2**62 <= hash_of("purpose", str(name)) < 2**63  # a visitor's is below 2**56, a showtime's below 0


def signed_in(verified):
    user, browser = make_user(), Browser()
    EmailAddress.objects.create(user=user, email=user.email, verified=verified, primary=True)
    browser.force_login(user)
    return user, browser


def client_in(rf, browser):
    request = rf.get("/", REMOTE_ADDR="203.0.113.7")
    request.session = browser.session
    return client_of(request)


def test_an_account_counts_by_itself_once_its_address_is_verified(rf):
    user, browser = signed_in(verified=False)
    assert client_in(rf, browser).names == ("203.0.113.7",)
    EmailAddress.objects.filter(user=user).update(verified=True)
    assert client_in(rf, browser) == Client((f"account {user.pk}",), is_account=True)


def test_the_session_remembers_a_verified_address_so_that_no_click_asks_for_it(rf):
    user, browser = signed_in(verified=True)
    showtime = make_showtime()
    browser.put(f"/api/showtimes/{showtime.pk}/lock/", {"seats": ["A1"]}, content_type="application/json")
    with CaptureQueriesContext(connection) as captured:
        browser.put(f"/api/showtimes/{showtime.pk}/lock/", {"seats": ["A2"]}, content_type="application/json")
    assert not [query for query in captured if "account_emailaddress" in query["sql"]]
    expected = Client((f"account {user.pk}",), is_account=True).hashes(showtime.pk)
    assert Booking.objects.values_list("network_hash", "address_hash").get() == expected


def test_another_account_in_the_same_browser_is_looked_up_anew(rf):
    _, browser = signed_in(verified=True)
    client_in(rf, browser)
    other = make_user()
    browser.force_login(other)
    assert client_in(rf, browser).names == ("203.0.113.7",)
