"""The overview page of an account, limits of all its pages, and the page of a reached rate limit."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from allauth.core import ratelimit
from allauth.mfa.adapter import get_adapter
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from cinema.accounts.counters import Counter, alone_with
from cinema.accounts.known_browsers import is_anywhere_known
from cinema.web.client_address import counted_network

log = logging.getLogger(__name__)

WAIT_SECONDS = 60  # the window of every limit that leads to this page


@never_cache
@require_safe
@login_required
def account(request: HttpRequest) -> HttpResponse:
    return render(request, "account/account.html", {"is_mfa_enabled": get_adapter().is_mfa_enabled(request.user)})


class PrivatePagesMiddleware:
    """No cache keeps a page of accounts: addresses of some of them open an account."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path.startswith("/accounts/"):
            response.setdefault("Cache-Control", "private, no-store")
        return response


class AccountFormsMiddleware:
    """Limits of the forms of accounts, and what is sent twice.

    A /48 of IPv6 may sign up, sign in and ask for mails so often, whatever number of its networks it uses: else a
    stranger adds accounts and mails without an end. A browser that has signed in before still may sign in.

    Of two equal forms that are sent at the same moment, as by a double click, one is carried out. The other would write
    a second row of what there is once, which the database refuses: it leads to what there is now. The database does not
    refuse a second account of an address that is not confirmed, so sign-ups of one address wait for each other here.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method == "POST" and self._is_of_a_stranger(request):
            network = counted_network(request)
            if network and not ratelimit.consume(request, action="network", key=network):
                return too_many_requests(request)
            if request.path == reverse("account_signup"):
                return self._sign_up(request)
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, IntegrityError) or not request.path.startswith("/accounts/"):
            return None
        log.warning("accounts: %s was sent twice at once: %s", request.path, type(error.__cause__ or error).__name__)
        messages.info(request, _("That was sent twice at the same moment, and done once."))
        return HttpResponseRedirect(reverse("account"))

    def _is_of_a_stranger(self, request: HttpRequest) -> bool:
        if request.path == reverse("account_login"):
            return not is_anywhere_known(request)
        return request.path in (reverse("account_signup"), reverse("account_reset_password"))

    def _sign_up(self, request: HttpRequest) -> HttpResponse:
        email = request.POST.get("email", "").strip().lower()
        with alone_with(Counter("sign-up", email, ())) as is_alone:
            return self.get_response(request) if is_alone else too_many_requests(request)


def too_many_requests(request: HttpRequest, exception: Any = None) -> HttpResponse:
    """The 429 page of allauth's rate limits, with Retry-After. Nothing has been changed."""
    response = render(request, "429.html", status=429)
    response["Retry-After"] = str(WAIT_SECONDS)
    response["Cache-Control"] = "no-store"
    return response
