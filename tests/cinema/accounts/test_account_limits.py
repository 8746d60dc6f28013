"""Rate limits of accounts: by address and by account, shared by all processes."""

import ipaddress

import pytest
from django.core.cache import caches
from django.core.cache.backends.db import DatabaseCache
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse

from bench.support.factories import make_user

PASSWORD = "a long password 1"
pytestmark = pytest.mark.django_db
TABLE = {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "rate_limits"}


@pytest.fixture(params=["memory", "database"])
def counted_in(request, settings):
    """The cache of one process, and the one that several processes share."""
    if request.param == "database":
        settings.CACHES = {"default": TABLE}
        call_command("createcachetable", verbosity=0)
        assert isinstance(caches["default"], DatabaseCache)
    return request.param


def log_in(client, password="wrong", email="alice@example.com", **extra):
    return client.post(reverse("account_login"), {"login": email, "password": password}, **extra)


def sign_up(client, n, **extra):
    return client.post(reverse("account_signup"), {"email": f"guest{n}@example.com", "password1": "short"}, **extra)


def test_after_five_wrong_passwords_the_right_one_is_refused_too(client, counted_in):
    make_user("alice@example.com")
    for _ in range(5):
        assert "do not match" in log_in(client).content.decode()
    page = log_in(client, PASSWORD).content.decode()
    assert "Wait five minutes" in page and "_auth_user_id" not in client.session


def test_too_many_sign_ups_from_one_address_are_429_with_retry_after(client, counted_in):
    for n in range(20):
        assert sign_up(client, n).status_code == 200
    refused = sign_up(client, 20)
    assert refused.status_code == 429
    assert refused["Retry-After"] == "60" and refused["Cache-Control"] == "no-store"
    assert "A moment, please" in refused.content.decode()
    assert client.get(reverse("account_signup")).status_code == 200, "GET requests are not limited"


def test_a_48_of_ipv6_signs_up_six_times_as_often_as_an_address_whatever_networks_it_uses(client):
    statuses = [sign_up(client, n, REMOTE_ADDR=f"2001:db8:0:{n:x}::1").status_code for n in range(130)]
    assert statuses == [200] * 120 + [429] * 10
    assert sign_up(client, 200, REMOTE_ADDR="2001:db8:1::1").status_code == 200
    assert sign_up(client, 200, REMOTE_ADDR="203.0.113.7").status_code == 200


def test_a_known_browser_signs_in_whatever_strangers_of_its_48_do(client):
    make_user("alice@example.com")
    log_in(client, PASSWORD, REMOTE_ADDR="2001:db8:0:1::1")
    client.post(reverse("account_logout"))
    for n in range(130):
        sign_up(Client(), n, REMOTE_ADDR=f"2001:db8:0:{n:x}::1")
    assert log_in(Client(), PASSWORD, REMOTE_ADDR="2001:db8:0:1::1").status_code == 429
    log_in(client, PASSWORD, REMOTE_ADDR="2001:db8:0:1::1")
    assert "_auth_user_id" in client.session


def test_a_forged_header_does_not_avoid_the_limit(client):
    for n in range(20):
        sign_up(client, n, HTTP_X_FORWARDED_FOR=f"198.51.100.{n}")
    assert sign_up(client, 20, HTTP_X_FORWARDED_FOR="198.51.100.99").status_code == 429


def test_clients_behind_a_trusted_proxy_are_counted_separately(client, settings):
    settings.TRUSTED_PROXIES = [ipaddress.ip_network("10.0.0.0/8")]
    proxy = {"REMOTE_ADDR": "10.0.0.1"}
    for n in range(20):
        sign_up(client, n, **proxy, HTTP_X_FORWARDED_FOR=f"198.51.100.{n}, 203.0.113.7")
    assert sign_up(client, 20, **proxy, HTTP_X_FORWARDED_FOR="203.0.113.7").status_code == 429
    assert sign_up(client, 20, **proxy, HTTP_X_FORWARDED_FOR="203.0.113.8").status_code == 200


def test_without_limits_nothing_is_counted(client, settings):
    settings.ACCOUNT_RATE_LIMITS = False
    for n in range(25):
        assert sign_up(client, n).status_code == 200


def test_a_client_without_an_address_can_sign_in(client):
    make_user("alice@example.com")
    assert log_in(client, PASSWORD, REMOTE_ADDR="").status_code == 302


def test_migrate_creates_the_table_of_the_shared_limits(settings):
    settings.CACHES = {"default": TABLE | {"LOCATION": "rate_limits_of_this_test"}}
    call_command("migrate", verbosity=0)
    assert "rate_limits_of_this_test" in connection.introspection.table_names()
    call_command("migrate", verbosity=0)
