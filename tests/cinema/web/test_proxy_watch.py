"""A proxy that is missing in TRUSTED_PROXIES makes everybody one address: `/readyz` and the log say so at once."""

import ipaddress
import logging

import pytest

from cinema.web import client_address
from cinema.web.client_address import ProxyWatch

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def watch(monkeypatch):
    """A process that has seen no request."""
    fresh = ProxyWatch()
    monkeypatch.setattr(client_address, "proxy_watch", fresh)
    monkeypatch.setattr("realtime.pages.health.proxy_watch", fresh)
    return fresh


def proxy_says(client):
    answer = client.get("/readyz")
    assert answer.status_code == 200
    return answer.json()["proxy"]


FORWARDED = ["X_FORWARDED_FOR", "X_FORWARDED_PROTO", "X_FORWARDED_HOST", "X_REAL_IP", "FORWARDED"]


@pytest.mark.parametrize("header", FORWARDED)
@pytest.mark.parametrize("peer", ["127.0.0.1", "10.3.2.1", "172.17.0.1", "192.168.0.9", "::1", "fd00::7"])
def test_the_first_request_of_an_untrusted_proxy_shows_it(client, caplog, peer, header):
    assert proxy_says(client) == "ok"
    with caplog.at_level(logging.WARNING):
        client.get("/healthz", REMOTE_ADDR=peer, **{f"HTTP_{header}": "203.0.113.7"})
        client.get("/healthz", REMOTE_ADDR=peer, **{f"HTTP_{header}": "203.0.113.8"})
    assert proxy_says(client) == "untrusted"
    [record] = caplog.records
    assert f"A proxy at {peer} is not in TRUSTED_PROXIES" in record.getMessage()


@pytest.mark.parametrize("peer", ["203.0.113.7", "198.51.100.1", "2001:db8::1", "8.8.8.8", ""])
def test_a_stranger_who_writes_such_headers_is_no_proxy(client, caplog, peer):
    client.get("/healthz", REMOTE_ADDR=peer, HTTP_X_FORWARDED_FOR="10.0.0.1", HTTP_FORWARDED="for=10.0.0.1")
    assert proxy_says(client) == "ok"
    assert not caplog.records


def test_a_trusted_proxy_and_a_request_without_one_are_fine(client, settings):
    settings.TRUSTED_PROXIES = [ipaddress.ip_network("10.0.0.0/8")]
    client.get("/healthz", REMOTE_ADDR="10.3.2.1", HTTP_X_FORWARDED_FOR="203.0.113.7", HTTP_X_FORWARDED_PROTO="https")
    client.get("/healthz", REMOTE_ADDR="127.0.0.1")
    assert proxy_says(client) == "ok"


def test_after_an_hour_it_is_forgotten_or_said_again(client, watch, monkeypatch, caplog):
    now = 1000.0
    monkeypatch.setattr(client_address.time, "monotonic", lambda: now)
    client.get("/healthz", REMOTE_ADDR="127.0.0.1", HTTP_X_FORWARDED_FOR="203.0.113.7")
    now += 3599
    assert proxy_says(client) == "untrusted"
    now += 1
    assert proxy_says(client) == "ok"
    client.get("/healthz", REMOTE_ADDR="127.0.0.1", HTTP_X_FORWARDED_FOR="203.0.113.7")
    assert proxy_says(client) == "untrusted"
    assert len(caplog.records) == 2
