"""Whose pages may open a socket here. The socket carries public facts only, so this is manners, not the last wall."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http.request import split_domain_port, validate_host


def is_welcome(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """True without an Origin (kiosk, monitor), for our own host, and for what CSRF_TRUSTED_ORIGINS names."""
    given = {name.lower(): value.decode("latin-1") for name, value in headers}
    origin = given.get(b"origin")
    if origin is None:
        return True
    return is_ours(origin, given.get(b"host", "")) or any(
        matches(origin, trusted) for trusted in settings.CSRF_TRUSTED_ORIGINS
    )


def has_origin(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether a browser says which page it comes from; other programs need not."""
    return any(name.lower() == b"origin" for name, _ in headers)


def is_ours(origin: str, host: str) -> bool:
    """The page came from the very host and port that the socket goes to, and that host is allowed."""
    domain, _ = split_domain_port(host.lower())
    allowed = settings.ALLOWED_HOSTS or (["localhost", "127.0.0.1", "[::1]"] if settings.DEBUG else [])
    return parts(origin)[1] == host.lower() != "" and validate_host(domain, allowed)


def matches(origin: str, trusted: str) -> bool:
    """`https://*.example.com` trusts every subdomain, as it does for Django's CSRF check."""
    (scheme, place), (trusted_scheme, trusted_place) = parts(origin), parts(trusted)
    if scheme != trusted_scheme or not place:
        return False
    return place.endswith(trusted_place[1:]) if trusted_place.startswith("*.") else place == trusted_place


def parts(address: str) -> tuple[str, str]:
    try:
        split = urlsplit(address.lower())
    except ValueError:
        return "", ""
    return split.scheme, split.netloc


def headers_of(scope: dict[str, Any]) -> list[tuple[bytes, bytes]]:
    return list(scope.get("headers", []))
