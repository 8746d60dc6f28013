"""Limits of messages per socket, and of sockets per address and process. RATE_LIMITS=0 turns all of them off."""

from __future__ import annotations

import ipaddress
import random
import time
from dataclasses import dataclass

from cinema.web.client_address import Address
from realtime.fast_path import unfinished
from realtime.sockets.open_files import MOST_SOCKETS, allow_files

RATE = 1.0  # messages a second in the long run
BURST = 20

# Of a process's limit of open files a fifth is for requests, the database and files; the rest is for sockets.
LEAST_LEFT = 128  # open files for anything but sockets

# Sockets of one address. A foyer may share one: 200 phones with two tabs each, all reconnecting before the server has
# noticed that their old sockets are dead, are 800. To reach the process's limit takes many addresses.
MOST_PER_ADDRESS = 1000
ENTRIES = 500  # connections at once from one address: the foyer after a restart, every phone twice
ENTRY_RATE = 50.0  # a second in the long run
MOST_ADDRESSES = 50_000  # kept without a socket


class TokenBucket:
    """Fills by `RATE` tokens a second up to `BURST`; every message takes one."""

    __slots__ = ("_at", "_left")

    def __init__(self) -> None:
        self._left = float(BURST)
        self._at = time.monotonic()

    def take(self) -> bool:
        """Take a token; False when there is none."""
        now = time.monotonic()
        self._left = min(BURST, self._left + (now - self._at) * RATE)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


@dataclass(slots=True)
class AddressUse:
    """One address: its open sockets, and a token bucket of its new connections (`left` tokens at instant `at`)."""

    sockets: int
    left: float
    at: float


class ConnectionLimiter:
    """Counts the sockets of this process and of each address. In the event loop only; `sockets` from any thread."""

    def __init__(self, most: int = MOST_SOCKETS) -> None:
        self.most = most
        self.sockets = 0
        self._addresses: dict[int, AddressUse] = {}

    def enter(self, address: Address | None, now: float) -> str:
        """Count a new socket. The limit that it exceeds: `full`, `address` or `rate`; "" for none.

        A refused socket is counted too, because it stays open until it has closed. Call `leave` with the same address.
        """
        self.sockets += 1
        reason = "full" if self.sockets > self.most else ""
        key = key_of(address)
        if key is None:
            return reason
        use = self._addresses.get(key) or self._add_address(key, now)
        use.left = min(ENTRIES, use.left + (now - use.at) * ENTRY_RATE)
        use.at = now
        use.sockets += 1
        if reason or use.sockets > MOST_PER_ADDRESS:
            return reason or "address"
        if use.left < 1:
            return "rate"
        use.left -= 1
        return ""

    def _add_address(self, key: int, now: float) -> AddressUse:
        if len(self._addresses) >= MOST_ADDRESSES + self.sockets:
            self._addresses = {each: use for each, use in self._addresses.items() if use.sockets}
        use = self._addresses[key] = AddressUse(0, ENTRIES, now)
        return use

    def leave(self, address: Address | None) -> None:
        self.sockets -= 1
        key = key_of(address)
        use = self._addresses.get(key) if key is not None else None
        if use is not None:
            use.sockets -= 1

    def retry(self) -> int:
        """Milliseconds until a refused client may reconnect: random, and longer the more sockets there are."""
        load = self.sockets / self.most
        return random.randint(2_000, int(10_000 + 50_000 * min(1.0, load)))


def key_of(address: Address | None) -> int | None:
    """The key that sockets are counted by: an IPv4 address, or the /64 network of an IPv6 one (one customer's).

    None, not counted: no address, or a loopback one, which may be a proxy missing in TRUSTED_PROXIES, for all clients.
    """
    if address is None or address.is_loopback:
        return None
    return int(address) >> 64 | 1 << 64 if isinstance(address, ipaddress.IPv6Address) else int(address)


def most_sockets(files: int) -> int:
    """How many of so many open files may be sockets of viewers."""
    return max(1, min(MOST_SOCKETS, files - max(LEAST_LEFT, files // 5)))


limiter = ConnectionLimiter()


def raise_limits() -> None:
    """Called once in a serving process: as many sockets as the machine allows, and half of the rest for requests that
    are not complete."""
    files = allow_files()
    limiter.most = most_sockets(files)
    unfinished.connections.most = max(1, (files - limiter.most) // 2)
