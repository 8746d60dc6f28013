"""How much one socket may say, and how many sockets come in. RATE_LIMITS=0 turns all of it off."""

from __future__ import annotations

import ipaddress
import logging
import random
import sys
import time
from dataclasses import dataclass

from cinema.web.client_address import Address

log = logging.getLogger(__name__)

RATE = 1.0  # messages a second in the long run
BURST = 20

# Sockets of a process: what it may have open, less a fifth for requests, the database and files; and no more than it
# can tell in half a second.
MOST_SOCKETS = 20_000
LEAST_LEFT = 128

# Sockets of one address. Behind one there may be a foyer: 200 phones, each with two tabs, each coming back before the
# server has seen that its old socket is dead, is 800. Whoever wants to fill the house needs many addresses.
MOST_PER_ADDRESS = 1000
ENTRIES = 500  # at once from one address: the foyer after a restart, every phone twice
ENTRY_RATE = 50.0  # a second in the long run
MOST_ADDRESSES = 50_000  # that are remembered without a socket


class Allowance:
    """A bucket that fills by `RATE` a second up to `BURST`; every message takes one."""

    __slots__ = ("_at", "_left")

    def __init__(self) -> None:
        self._left = float(BURST)
        self._at = time.monotonic()

    def takes_one(self) -> bool:
        now = time.monotonic()
        self._left = min(BURST, self._left + (now - self._at) * RATE)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


@dataclass(slots=True)
class Guests:
    """Who came from one address: sockets open now, and a bucket of entries."""

    sockets: int
    left: float
    at: float


class ConnectionLimiter:
    """Counts the sockets of this process and of each address. In the event loop only; `sockets` from anywhere."""

    def __init__(self, most: int = MOST_SOCKETS) -> None:
        self.most = most
        self.sockets = 0
        self._guests: dict[int, Guests] = {}

    def enter(self, address: Address | None, now: float) -> str:
        """Count a socket in. What speaks against it: `full`, `address`, `rate`; "" when it is welcome.

        Counted either way: a socket that is refused is open until it has closed. Give `leave` the same address.
        """
        self.sockets += 1
        reason = "full" if self.sockets > self.most else ""
        key = key_of(address)
        if key is None:
            return reason
        guests = self._guests.get(key) or self._first_of(key, now)
        guests.left = min(ENTRIES, guests.left + (now - guests.at) * ENTRY_RATE)
        guests.at = now
        guests.sockets += 1
        if reason or guests.sockets > MOST_PER_ADDRESS:
            return reason or "address"
        if guests.left < 1:
            return "rate"
        guests.left -= 1
        return ""

    def _first_of(self, key: int, now: float) -> Guests:
        if len(self._guests) >= MOST_ADDRESSES + self.sockets:
            self._guests = {each: guests for each, guests in self._guests.items() if guests.sockets}
        guests = self._guests[key] = Guests(0, ENTRIES, now)
        return guests

    def leave(self, address: Address | None) -> None:
        self.sockets -= 1
        key = key_of(address)
        guests = self._guests.get(key) if key is not None else None
        if guests is not None:
            guests.sockets -= 1

    def retry(self) -> int:
        """Milliseconds after which somebody who was refused may try again: the fuller, the later, never together."""
        load = self.sockets / self.most
        return random.randint(2_000, int(10_000 + 50_000 * min(1.0, load)))


def key_of(address: Address | None) -> int | None:
    """What counts as one address: IPv4 whole, IPv6 by its network of 64 bits, which one customer has whole.

    None, not counted: a local socket, and this machine itself, where a proxy that TRUSTED_PROXIES does not name stands
    for everybody.
    """
    if address is None or address.is_loopback:
        return None
    return int(address) >> 64 | 1 << 64 if isinstance(address, ipaddress.IPv6Address) else int(address)


def allow_files() -> int:
    """Raise this process's limit of open files as far as it may; what it is then."""
    if sys.platform == "win32":
        return 2 * MOST_SOCKETS  # no such limit there
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_SOCKETS * 5 // 4
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
            soft = most
        except (OSError, ValueError) as error:  # some systems allow less than they say
            log.warning("the limit of open files stays at %s: %s", soft, error)
    return wanted if soft == resource.RLIM_INFINITY else soft


def most_sockets(files: int) -> int:
    """Of so many open files, those that may be sockets of viewers."""
    return max(1, min(MOST_SOCKETS, files - max(LEAST_LEFT, files // 5)))


door = ConnectionLimiter()


def make_room() -> None:
    """Called once where sockets are served: as many as the machine lets us have."""
    door.most = most_sockets(allow_files())
