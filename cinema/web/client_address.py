"""The address of the client, also behind proxies."""

from __future__ import annotations

import ipaddress
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

log = logging.getLogger(__name__)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
FORWARDED = (
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_REAL_IP",
    "HTTP_FORWARDED",
)
# Where proxies of one's own are: this machine and private networks. Not `is_private`, which has more than these.
NEARBY = [
    ipaddress.ip_network(network)
    for network in (
        "127.0.0.0/8",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "169.254.0.0/16",
        "100.64.0.0/10",
        "::1/128",
        "fc00::/7",
        "fe80::/10",
    )
]
# Seconds for which a process says that a proxy is not trusted; then it has been mended or is seen again.
REMEMBERED = 3600


def address_of(request: HttpRequest) -> Address | None:
    """The nearest address that does not belong to TRUSTED_PROXIES; None if the server has none (a local socket).

    `X-Forwarded-For` is read from its end, as long as the address before is a trusted proxy. Each proxy appends the
    address of its peer, so entries that the client has written stand further left and are not reached.
    """
    return nearest_address(request.META.get("REMOTE_ADDR") or "", request.META.get("HTTP_X_FORWARDED_FOR", ""))


def counted_address(request: HttpRequest) -> str:
    """The client's address as limits count it: of an IPv6 address its network of 64 bits, which is one customer's.

    `unknown` if the server has none.
    """
    address = address_of(request)
    if isinstance(address, ipaddress.IPv6Address):
        return network_of(address, 64)
    return str(address) if address else "unknown"


def counted_network(request: HttpRequest) -> str:
    """The /48 of an IPv6 address, which may do four times as much as an address; empty for others."""
    address = address_of(request)
    return network_of(address, 48) if isinstance(address, ipaddress.IPv6Address) else ""


def network_of(address: ipaddress.IPv6Address, bits: int) -> str:
    """The network of so many bits that this address is in: `2001:db8::/48`."""
    return str(ipaddress.ip_network((int(address), bits), strict=False))


def nearest_address(peer: str, forwarded_for: str) -> Address | None:
    """The same, from the peer's address and the header; None without a peer's address."""
    nearest = _address(peer)
    for hop in reversed(forwarded_for.split(",")):
        address = _address(hop)
        if nearest is None or address is None or not _is_trusted(nearest):
            break
        nearest = address
    return nearest


class ProxyWatch:
    """Whether a proxy that is not in TRUSTED_PROXIES sends requests to this process. Then all its clients look like
    one address, and the limits by address stop sales.

    A stranger who writes such headers is not taken for a proxy, except from a private network.
    """

    def __init__(self) -> None:
        self._seen_at: float | None = None  # on the monotonic clock

    def note(self, peer: Address | None, headers: Mapping[str, Any]) -> None:
        """Look at a request from `peer`; a warning in the log says so, at most once an hour."""
        if peer is None or not any(name in headers for name in FORWARDED):
            return
        if _is_trusted(peer) or not any(peer in network for network in NEARBY):
            return
        if not self.is_untrusted():
            log.warning(
                "A proxy at %s is not in TRUSTED_PROXIES: all its visitors count as one address, so the limits by "
                "address will refuse buyers. Name it there, and restart.",
                peer,
            )
            self._seen_at = time.monotonic()

    def is_untrusted(self) -> bool:
        """Whether such a request came within the last hour or so."""
        return self._seen_at is not None and time.monotonic() - self._seen_at < REMEMBERED

    def forget(self) -> None:
        self._seen_at = None


proxy_watch = ProxyWatch()


class ForwardedSchemeMiddleware:
    """Tells the `proxy_watch` of each request, and removes `X-Forwarded-Proto` unless a trusted proxy sent it.

    Else a client could make plain HTTP look secure. A local socket has no address;
    only a proxy on this machine can connect to it, so the header stays.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        peer = _address(request.META.get("REMOTE_ADDR") or "")
        proxy_watch.note(peer, request.META)
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
