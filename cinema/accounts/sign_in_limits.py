"""How often a password may be tried, so that nobody guesses one and no stranger locks its owner out.

Three kinds of tries, each with counters of its own:

- of a stranger: by address (and the /48 of an IPv6 address), by address and account, and by account whatever the
  address. The second is so much smaller than the third that one address cannot use up what all may try;
- of a browser that has signed in to the account before: by browser. Strangers do not spend it. Once it is spent, the
  browser is a stranger like others, so that a stolen cookie is worth a few more tries and no more;
- of somebody who is signed in and says the password again: by account.

An account that does not exist is counted like one that does. A right password gives its try back. `RATE_LIMITS=0` turns
all of them off. What counts right passwords too, because each costs a hash, is in `ACCOUNT_RATE_LIMITS`.
"""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from allauth.account.signals import password_reset
from allauth.account.utils import filter_users_by_email
from allauth.core import ratelimit
from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest

from cinema.accounts.counters import Counter, Rate, clear, give_back, take
from cinema.accounts.known_browsers import browser_of, is_anywhere_known
from cinema.web.client_address import counted_address, counted_network

MINUTE, HOUR = 60, 60 * 60
OF_AN_ADDRESS = (Rate(10, MINUTE),)
OF_A_NETWORK = (Rate(40, MINUTE),)
OF_AN_ADDRESS_AND_ACCOUNT = (Rate(5, 5 * MINUTE), Rate(15, HOUR))
OF_AN_ACCOUNT = (Rate(50, HOUR),)
OF_A_KNOWN_BROWSER = (Rate(5, 5 * MINUTE), Rate(10, HOUR))
OF_SOMEBODY_SIGNED_IN = (Rate(10, 5 * MINUTE), Rate(20, HOUR))


def connect() -> None:
    password_reset.connect(on_password_reset, dispatch_uid="cinema.accounts.sign_in_limits")


class Try:
    """One try of a password, counted before the password is looked at, so that tries at once are counted too."""

    def __init__(self) -> None:
        self._taken: list[tuple[Counter, float]] = []

    def count(self, *counters: Counter) -> bool:
        """Count the try by all of these, or by none and return False."""
        for counter in counters if settings.RATE_LIMITS else ():
            instant = take(counter)
            if instant is None:
                self.give_back()
                return False
            self._taken.append((counter, instant))
        return True

    def give_back(self) -> None:
        """The password was right, or has not been looked at."""
        for counter, instant in self._taken:
            give_back(counter, instant)
        self._taken = []


def begin_try(request: HttpRequest, email: str) -> Try | None:
    """A try to sign in, counted; None if there were too many, and then the password must not be looked at."""
    one, email = Try(), email.lower()
    browser = _known_browser(request, email)
    if browser and one.count(Counter("known-browser", browser, OF_A_KNOWN_BROWSER)):
        is_in_time = ratelimit.consume(request, action="password_known", key=email)
    elif one.count(*_of_addresses(request), *_of_strangers(request, email)):
        is_in_time = ratelimit.consume(request, action="password")
    else:
        return None
    if not is_in_time:
        one.give_back()
        return None
    return one


def begin_try_again(request: HttpRequest, user: User | AnonymousUser) -> Try | None:
    """The same for somebody who is signed in already. Strangers cannot spend it."""
    one = Try()
    return one if one.count(Counter("again", str(user.pk), OF_SOMEBODY_SIGNED_IN)) else None


def may_mail(request: HttpRequest, email: str) -> bool:
    """Whether this mailbox may get one more mail to reset a password; counted."""
    return bool(ratelimit.consume(request, action="reset_password_mail", key=email.lower()))


def on_password_reset(sender: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
    """The owner has chosen a new password by mail: the account's counters, and those of this address, begin anew."""
    addresses = EmailAddress.objects.filter(user=user).values_list("email", flat=True)
    for email in {address.lower() for address in (user.email, *addresses) if address}:
        for counter in _of_strangers(request, email):
            clear(counter)
    ratelimit.clear(request, action="login_failed", key=f"mfa-auth-user-{user.pk}")  # wrong codes of a second factor


def _of_addresses(request: HttpRequest) -> list[Counter]:
    here, network = counted_address(request), counted_network(request)
    counters = [Counter("network", network, OF_A_NETWORK)] if network else []
    return [*counters, Counter("address", here, OF_AN_ADDRESS)]


def _of_strangers(request: HttpRequest, email: str) -> tuple[Counter, Counter]:
    here = f"{counted_address(request)} {email}"
    return (
        Counter("address-and-account", here, OF_AN_ADDRESS_AND_ACCOUNT),
        Counter("account", email, OF_AN_ACCOUNT),
    )


def _known_browser(request: HttpRequest, email: str) -> str:
    if not is_anywhere_known(request):
        return ""
    return browser_of(request, filter_users_by_email(email, prefer_verified=True))
