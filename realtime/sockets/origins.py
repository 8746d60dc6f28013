"""The Origins whose pages may open a socket. (A map is public; the board checks the session as well.)"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http.request import split_domain_port, validate_host


def is_allowed(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """True without an Origin (kiosk, monitor), for our own host, and for what CSRF_TRUSTED_ORIGINS names."""
    given = {name.lower(): value.decode("latin-1") for name, value in headers}
    origin = given.get(b"origin")
    if origin is None:
        return True
    return is_same_host(origin, given.get(b"host", "")) or any(
        matches(origin, trusted) for trusted in settings.CSRF_TRUSTED_ORIGINS
    )


def has_origin(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether there is an Origin. Browsers always send one, other programs need not."""
    return any(name.lower() == b"origin" for name, _ in headers)


def is_same_host(origin: str, host: str) -> bool:
    """The page has the host and port of the socket, and ALLOWED_HOSTS has that host."""
    domain, _ = split_domain_port(host.lower())
    allowed = settings.ALLOWED_HOSTS or (["localhost", "127.0.0.1", "[::1]"] if settings.DEBUG else [])
    return parts(origin)[1] == host.lower() != "" and validate_host(domain, allowed)


def matches(origin: str, trusted: str) -> bool:
    """`https://*.example.com` trusts every subdomain, as in Django's CSRF check."""
    (scheme, host), (trusted_scheme, trusted_host) = parts(origin), parts(trusted)
    if scheme != trusted_scheme or not host:
        return False
    return host.endswith(trusted_host[1:]) if trusted_host.startswith("*.") else host == trusted_host


def parts(origin: str) -> tuple[str, str]:
    """(scheme, host with port) in lower case; empty when it is not a URL."""
    try:
        split = urlsplit(origin.lower())
    except ValueError:
        return "", ""
    return split.scheme, split.netloc


def headers_of(scope: dict[str, Any]) -> list[tuple[bytes, bytes]]:
    return list(scope.get("headers", []))
