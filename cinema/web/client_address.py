"""The address of the client, also behind proxies."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def client_address(request: HttpRequest) -> str:
    """The nearest address that does not belong to TRUSTED_PROXIES.

    `X-Forwarded-For` is read from its end, as long as the address before is a trusted proxy. Each proxy appends the
    address of its peer, so entries that the client has written stand further left and are not reached.

    Returns:
        An address, or `unknown` if the server has none (a local socket).
    """
    nearest = nearest_address(request.META.get("REMOTE_ADDR", ""), request.META.get("HTTP_X_FORWARDED_FOR", ""))
    return str(nearest) if nearest else "unknown"


def nearest_address(peer: str, forwarded_for: str) -> Address | None:
    """The same, from the peer's address and the header; None without a peer's address."""
    nearest = _address(peer)
    for hop in reversed(forwarded_for.split(",")):
        address = _address(hop)
        if nearest is None or address is None or not _is_trusted(nearest):
            break
        nearest = address
    return nearest


class ForwardedSchemeMiddleware:
    """Removes `X-Forwarded-Proto` unless a trusted proxy sent it: a client must not make plain HTTP look secure.

    A local socket has no address; only a proxy on this machine can connect to it, so the header stays.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        peer = _address(request.META.get("REMOTE_ADDR") or "")
        if peer is not None and not _is_trusted(peer):
            request.META.pop("HTTP_X_FORWARDED_PROTO", None)
        return self.get_response(request)


def _address(text: str) -> Address | None:
    """Parse an address as proxies write it: plain, `192.0.2.1:4711`, `[2001:db8::1]:4711`, `[2001:db8::1]`."""
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
