"""Whose address a request came from, when proxies stand in between."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def client_address(request: HttpRequest) -> str:
    """The nearest address that is none of our own proxies.

    `X-Forwarded-For` is read from its end, and only as far as TRUSTED_PROXIES vouch for it: each proxy adds who spoke
    to it, so what a client wrote into the header itself stands before that and is never reached.

    Returns:
        An address, or `unknown` when the server was not told one (a local socket).
    """
    nearest = nearest_address(request.META.get("REMOTE_ADDR", ""), request.META.get("HTTP_X_FORWARDED_FOR", ""))
    return str(nearest) if nearest else "unknown"


def nearest_address(peer: str, forwarded_for: str) -> Address | None:
    """The same, from the address that the server saw and the header; None where it saw none."""
    nearest = _address(peer)
    for hop in reversed(forwarded_for.split(",")):
        told = _address(hop)
        if nearest is None or told is None or not _is_trusted(nearest):
            break
        nearest = told
    return nearest


class ForwardedSchemeMiddleware:
    """Forgets `X-Forwarded-Proto` from whoever is none of our proxies: a guest must not make plain HTTP look secure.

    Over a local socket there is no address; only a proxy of this machine speaks there.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        peer = _address(request.META.get("REMOTE_ADDR") or "")
        if peer is not None and not _is_trusted(peer):
            request.META.pop("HTTP_X_FORWARDED_PROTO", None)
        return self.get_response(request)


def _address(text: str) -> Address | None:
    """An address as proxies write it: bare, `192.0.2.1:4711`, `[2001:db8::1]:4711`, `[2001:db8::1]`."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _is_trusted(address: Address) -> bool:
    return any(address in network for network in settings.TRUSTED_PROXIES)
