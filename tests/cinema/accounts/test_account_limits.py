"""Guessing passwords is slow: counted by address and by account, together in all processes, and told in plain words."""

import ipaddress

import pytest
from django.core.cache import caches
from django.core.cache.backends.db import DatabaseCache
from django.core.management import call_command
from django.db import connection
from django.urls import reverse

from bench.support.factories import make_user

PASSWORD = "a long password 1"
pytestmark = pytest.mark.django_db
TABLE = {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "rate_limits"}


@pytest.fixture(params=["memory", "database"])
def counted_in(request, settings):
    """Where a single process counts, and where several do."""
    if request.param == "database":
        settings.CACHES = {"default": TABLE}
        call_command("createcachetable", verbosity=0)
        assert isinstance(caches["default"], DatabaseCache)
    return request.param


def log_in(client, password="wrong", email="alice@example.com", **extra):
    return client.post(reverse("account_login"), {"login": email, "password": password}, **extra)


def sign_up(client, n, **extra):
    return client.post(reverse("account_signup"), {"email": f"guest{n}@example.com", "password1": "short"}, **extra)


def test_after_five_wrong_passwords_the_right_one_has_to_wait_too(client, counted_in):
    make_user("alice@example.com")
    for _ in range(5):
        assert "do not match" in log_in(client).content.decode()
    page = log_in(client, PASSWORD).content.decode()
    assert "Wait five minutes" in page and "_auth_user_id" not in client.session


def test_too_many_sign_ups_from_one_address_are_a_page_that_says_when_to_come_back(client, counted_in):
    for n in range(20):
        assert sign_up(client, n).status_code == 200
    refused = sign_up(client, 20)
    assert refused.status_code == 429
    assert refused["Retry-After"] == "60" and refused["Cache-Control"] == "no-store"
    assert "A moment, please" in refused.content.decode()
    assert client.get(reverse("account_signup")).status_code == 200, "looking is free"


def test_what_a_client_writes_into_the_header_does_not_make_it_another_one(client):
    for n in range(20):
        sign_up(client, n, HTTP_X_FORWARDED_FOR=f"198.51.100.{n}")
    assert sign_up(client, 20, HTTP_X_FORWARDED_FOR="198.51.100.99").status_code == 429


def test_guests_behind_our_proxy_are_counted_one_by_one(client, settings):
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


def test_an_address_that_the_server_was_not_told_can_still_sign_in(client):
    make_user("alice@example.com")
    assert log_in(client, PASSWORD, REMOTE_ADDR="").status_code == 302


def test_migrate_makes_the_table_that_several_processes_count_in(settings):
    settings.CACHES = {"default": TABLE | {"LOCATION": "rate_limits_of_this_test"}}
    call_command("migrate", verbosity=0)
    assert "rate_limits_of_this_test" in connection.introspection.table_names()
    call_command("migrate", verbosity=0)
