"""The client's address behind any number of proxies, also with forged headers."""

import ipaddress

import pytest

from cinema.web.client_address import address_of

PROXIES = [ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8")]


@pytest.mark.parametrize(
    ("remote", "forwarded", "found"),
    [
        ("203.0.113.7", "", "203.0.113.7"),
        ("203.0.113.7", "198.51.100.1", "203.0.113.7"),  # no trusted proxy: the client wrote the header
        ("10.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "198.51.100.1, 203.0.113.7", "203.0.113.7"),  # forged: left of what the proxy appended
        ("10.0.0.1", "1.1.1.1, 203.0.113.7, 10.0.0.2", "203.0.113.7"),  # two trusted proxies
        ("10.0.0.1", "10.9.9.9", "10.9.9.9"),  # a client inside the network of the proxies
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "nonsense", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.7, nonsense", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.7:52100", "203.0.113.7"),
        ("fd00::1", "[2001:db8::7]:52100", "2001:db8::7"),
        ("fd00::1", "2001:db8::7", "2001:db8::7"),
        ("::ffff:10.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("", "203.0.113.7", "unknown"),
    ],
)
def test_the_client_is_the_nearest_address_that_is_not_a_trusted_proxy(rf, settings, remote, forwarded, found):
    settings.TRUSTED_PROXIES = PROXIES
    request = rf.get("/", REMOTE_ADDR=remote, **({"HTTP_X_FORWARDED_FOR": forwarded} if forwarded else {}))
    assert str(address_of(request) or "unknown") == found


def test_without_trusted_proxies_the_header_is_ignored(rf, settings):
    settings.TRUSTED_PROXIES = []
    assert str(address_of(rf.get("/", REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR="203.0.113.7"))) == "10.0.0.1"


@pytest.mark.parametrize(("remote", "secure"), [("10.0.0.1", True), ("203.0.113.7", False), ("", True)])
def test_only_a_trusted_proxy_can_set_the_forwarded_scheme(client, settings, remote, secure):
    settings.TRUSTED_PROXIES = PROXIES
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    response = client.get("/healthz", REMOTE_ADDR=remote, HTTP_X_FORWARDED_PROTO="https")
    assert response.wsgi_request.is_secure() is secure
