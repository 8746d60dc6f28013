"""Browsers that have signed in before. A signed cookie names their accounts, and nobody else can read whose they are.

The cookie has, for each of the last accounts, a random id of the browser and a keyed digest of the account and its
password: no name, no number, no address. It is valid for a year, and ends when the password is changed; each log-in
replaces the id. A key of SECRET_KEY_FALLBACKS still verifies it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from allauth.account.signals import password_changed, password_reset, password_set
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.auth.signals import user_logged_in
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac

SALT = "cinema.accounts.known_browsers"
MAX_AGE = 60 * 60 * 24 * 365
MAX_ACCOUNTS = 5  # of one browser, such as the computer at the till
PATH = "/accounts/"  # where passwords are asked for: other requests do not carry the cookie

Entry = tuple[str, str]  # (id of the browser, digest of the account)


def connect() -> None:
    """Whoever signs in, or chooses a new password with the old one or by mail, does it in a browser of the account."""
    for signal in (user_logged_in, password_changed, password_set, password_reset):
        signal.connect(_note, dispatch_uid="cinema.accounts.known_browsers")


def browser_of(request: HttpRequest, accounts: list[AbstractBaseUser]) -> str:
    """The id of this browser if it has signed in to one of these accounts with its password of today; else ""."""
    wanted = {digest for account in accounts for digest in _digests(account)}
    return next((browser for browser, account in _read(request) if account in wanted), "")


def is_anywhere_known(request: HttpRequest) -> bool:
    """Whether the cookie names any account."""
    return bool(_read(request))


class KnownBrowserMiddleware:
    """Sets the cookie on the response of a log-in or a change of password."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if user := getattr(request, "browser_of_user", None):
            _remember(request, response, user)
        return response


def _note(sender: Any, request: HttpRequest | None, user: AbstractBaseUser, **kwargs: Any) -> None:
    if request is not None:
        request.browser_of_user = user  # type: ignore[attr-defined]


def _remember(request: HttpRequest, response: HttpResponse, user: AbstractBaseUser) -> None:
    ours = _digests(user)
    others = [entry for entry in _read(request) if entry[1] not in ours]
    entries = [(secrets.token_urlsafe(12), ours[0]), *others][:MAX_ACCOUNTS]
    response.set_cookie(
        settings.KNOWN_BROWSER_COOKIE_NAME,
        signing.dumps(entries, salt=SALT),
        max_age=MAX_AGE,
        path=PATH,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _read(request: HttpRequest) -> list[Entry]:
    """The entries of the cookie; none if it is forged, older than a year or of another form."""
    try:
        entries = signing.loads(request.COOKIES[settings.KNOWN_BROWSER_COOKIE_NAME], salt=SALT, max_age=MAX_AGE)
        return [(str(browser), str(account)) for browser, account in entries]
    except (KeyError, signing.BadSignature, TypeError, ValueError):
        return []


def _digests(user: AbstractBaseUser) -> list[str]:
    """The digest of the account by each secret key, that of today first."""
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return [
        salted_hmac(SALT, f"{user.pk}:{user.password}", secret=key, algorithm="sha256").hexdigest()[:32] for key in keys
    ]
