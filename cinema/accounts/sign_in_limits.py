"""How often a password may be tried, so that nobody guesses one and no stranger locks its owner out.

Three kinds of tries, each with counters of its own (the rates are in `settings.ACCOUNT_RATE_LIMITS`):

- of a stranger: by address, by address and account, and by account whatever the address. The second is so much smaller
  than the third that one address cannot use up what all may try;
- of a browser that has signed in to the account before: by browser. Strangers do not spend it. Once it is spent, the
  browser is a stranger like others, so that a stolen cookie is worth a few more tries and no more;
- of somebody who is signed in and says the password again: by account.

An account that does not exist is counted like one that does. A right password gives its try back.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from allauth.account.internal.userkit import filter_users_by_email
from allauth.account.models import EmailAddress
from allauth.account.signals import password_reset
from allauth.core.internal import ratelimit
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest

from cinema.accounts.known_browsers import browser_of, is_anywhere_known

APP = "allauth.account"  # whose RATE_LIMITS are read
OF_CODES = "login_failed"  # allauth's own: wrong codes of a second factor, by account


def connect() -> None:
    password_reset.connect(on_password_reset, dispatch_uid="cinema.accounts.sign_in_limits")


class Count(NamedTuple):
    """One counter: a name in ACCOUNT_RATE_LIMITS, and whom it counts besides the address."""

    action: str
    key: str = ""


class Try:
    """One try of a password, counted before the password is looked at, so that tries at once are counted too."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self._failures: list[ratelimit.RateLimitUsage] = []

    def count(self, tries: Count, *failures: Count) -> bool:
        """Count the try by all of these, or by none and return False.

        Args:
            tries: counts right passwords too, because each try costs a password hash.
            failures: are given back by `succeed`.
        """
        counted: list[ratelimit.RateLimitUsage] = []
        for count in (*failures, tries):
            usage = ratelimit.consume(self._request, app=APP, action=count.action, key=count.key)
            if usage is None:
                _give_back(counted)
                return False
            counted.append(usage)
        self._failures = counted[:-1]
        return True

    def succeed(self) -> None:
        """The password was right."""
        _give_back(self._failures)
        self._failures = []


def begin_try(request: HttpRequest, email: str) -> Try | None:
    """A try to sign in, counted; None if there were too many, and then the password must not be looked at."""
    one, email = Try(request), email.lower()
    if browser := _known_browser(request, email):
        by_browser = Count("password_known_browser", browser)
        if one.count(Count("password_known", email), by_browser):
            return one
    here = f"{ratelimit.get_ip(request)} {email}"
    failures = (Count("password_address"), Count("password_address_account", here), Count("password_account", email))
    return one if one.count(Count("password"), *failures) else None


def begin_try_again(request: HttpRequest, user: User | AnonymousUser) -> Try | None:
    """The same for somebody who is signed in already. Strangers cannot spend it."""
    one = Try(request)
    return one if one.count(Count("password_again", str(user.pk))) else None


def may_mail(request: HttpRequest, email: str) -> bool:
    """Whether this mailbox may get one more mail to reset a password; counted."""
    return ratelimit.consume(request, app=APP, action="reset_password_mail", key=email.lower()) is not None


def on_password_reset(sender: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
    """The owner has chosen a new password by mail: the account's counters, and those of this address, begin anew."""
    addresses = EmailAddress.objects.filter(user=user).values_list("email", flat=True)
    for email in {address.lower() for address in (user.email, *addresses) if address}:
        here = f"{ratelimit.get_ip(request)} {email}"
        for count in (Count("password_address_account", here), Count("password_account", email)):
            ratelimit.clear(request, app=APP, action=count.action, key=count.key)
    ratelimit.clear(request, app=APP, action=OF_CODES, key=f"mfa-auth-user-{user.pk}")


def _known_browser(request: HttpRequest, email: str) -> str:
    if not is_anywhere_known(request):
        return ""
    return browser_of(request, filter_users_by_email(email, prefer_verified=True, for_login=True))


def _give_back(counted: list[ratelimit.RateLimitUsage]) -> None:
    for usage in counted:
        usage.rollback()
