"""The client of a request, as limits count it: an address, or the account of a signed-in visitor.

An IPv6 customer has a network of 64 bits at least, so a /64 counts as one address; a provider may give out a /48, which
counts as well, with four times as much. Nothing stores an address: only keyed hashes of it (`hash_of`).
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth import SESSION_KEY as ACCOUNT_KEY
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from booking.visitors import visitor_of
from cinema.web.client_address import Address, address_of, network_of

NETWORK_FACTOR = 4  # a /48 may do four times as much as a /64
VERIFIED_KEY = "verified_account"  # in the session: this account has a verified e-mail address
Hashes = tuple[int | None, int | None]


@dataclass(frozen=True)
class Client:
    """What a request counts for, from wide to narrow; nothing when it is not counted.

    `names` has one name for an IPv4 address or an account, two for an IPv6 address: its /48 and its /64.
    """

    names: tuple[str, ...] = ()
    is_account: bool = False
    is_new: bool = False  # the session has no visitor yet

    @property
    def shares(self) -> tuple[tuple[str, int], ...]:
        """Each name with how many times the limit of one address it may use."""
        factors = (NETWORK_FACTOR, 1) if len(self.names) > 1 else (1,)
        return tuple(zip(self.names, factors, strict=True)) if self.names else ()

    def hashes(self, showtime_id: int) -> Hashes:
        """For `Booking.network_hash` and `address_hash`: equal for a single name, None where seats are not counted.

        They differ between showtimes, so that equal hashes do not show who looked at what.
        """
        if not self.names or not settings.LOCKS_PER_ADDRESS_PERCENT:
            return None, None
        hashed = [hash_of(f"seats of {showtime_id}", name) for name in self.names]
        return hashed[0], hashed[-1]


NOT_COUNTED = Client()


def client_of(request: HttpRequest) -> Client:
    """The client of this request.

    A signed-in visitor whose e-mail address is verified counts by account, others by address. Not counted: an address
    of TRUSTED_NETWORKS, an unknown one (a local socket), and with RATE_LIMITS=0 nobody.
    """
    if not settings.RATE_LIMITS:
        return NOT_COUNTED
    if account := _verified_account(request):
        return Client((f"account {account}",), is_account=True)
    return Client(names_of(address_of(request)), is_new=visitor_of(request) is None)


def names_of(address: Address | None) -> tuple[str, ...]:
    """The names that this address is counted by; none when it is not counted."""
    if address is None or any(address in network for network in settings.TRUSTED_NETWORKS):
        return ()
    if isinstance(address, ipaddress.IPv4Address):
        return (str(address),)
    return network_of(address, 48), network_of(address, 64)


def hash_of(purpose: str, name: str) -> int:
    """A hash with SECRET_KEY, from 2**62 to 2**63: it fits a bigint, and no other advisory lock has such a number.

    After a change of SECRET_KEY counting begins anew.
    """
    digest = salted_hmac("booking.clients", f"{purpose}: {name}", algorithm="sha256").digest()
    return 1 << 62 | int.from_bytes(digest[:8], "big") >> 2


def _verified_account(request: HttpRequest) -> str | None:
    """The key of the session's account if its address is verified, which the session remembers; else a query."""
    account: str | None = request.session.get(ACCOUNT_KEY)
    if account is None or request.session.get(VERIFIED_KEY) == account:
        return account
    if not EmailAddress.objects.filter(user_id=account, verified=True).exists():
        return None
    request.session[VERIFIED_KEY] = account
    return account
