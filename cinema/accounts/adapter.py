"""The adapter of allauth: the client's address, sending of mail, texts of errors."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any, ClassVar
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.utils import build_absolute_uri
from django.contrib import messages
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cinema.accounts.sign_in_limits import Try, begin_try, begin_try_again
from cinema.email_address import validate_address
from cinema.web.client_address import counted_address
from cinema.web.origins import mail_origin_of

log = logging.getLogger(__name__)


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    """Every error message says what happened and what to do."""

    _try: Try | None = None
    error_messages: ClassVar[dict[str, str | Promise]] = DefaultAccountAdapter.error_messages | {
        "account_inactive": _("This account is closed."),
        "cannot_remove_primary_email": _("This is the address you sign in with. Change it instead."),
        "duplicate_email": _("This is one of your addresses already."),
        "email_password_mismatch": _("E-mail and password do not match. Passwords keep their capitals."),
        "email_taken": _("There is an account with this address already. Sign in, or ask for a new password."),
        "enter_current_password": _("This is not your password. Passwords keep their capitals."),
        "incorrect_password": _("This is not your password. Passwords keep their capitals."),
        "invalid_login": _("That sign-in was not understood. Please try again."),
        "invalid_password_reset": _("That link is used up. Ask for a new one."),
        "max_email_addresses": _("An account has at most %d addresses. Remove one first."),
        "same_as_current": _("This is what it is already. Choose another."),
        "too_many_login_attempts": _(
            "That was wrong too often. Wait five minutes and try again, or ask for a new password. After many tries it"
            " takes an hour."
        ),
        "unknown_email": _("No account has this address. Look for a slip, or make an account."),
        "unverified_primary_email": _("Confirm the address first: follow the link in the mail we sent to it."),
        "rate_limited": _("That was too often in a short time. Wait a minute and try again."),
    }

    def clean_email(self, email: str) -> str:
        validate_address(email)
        return email

    def _with_own_links(self, context: dict[str, Any]) -> dict[str, Any]:
        origin = mail_origin_of(self.request)
        links = {
            name: origin + value.removeprefix("/".join(value.split("/", 3)[:3]))
            for name, value in context.items()
            if isinstance(value, str) and name.endswith("_url") and "://" in value
        }
        site = SimpleNamespace(domain=urlsplit(origin).netloc, name=urlsplit(origin).netloc)
        return {**context, "current_site": site, **links}

    def get_client_ip(self, request: HttpRequest) -> str:
        return counted_address(request)

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count the try by `sign_in_limits`, in the place of allauth's own counter, by which strangers lock out owners.

        Raises:
            ValidationError: there were too many; the password is not looked at.
        """
        again = request.user.is_authenticated
        email = str(credentials.get("email", ""))
        self._try = begin_try_again(request, request.user) if again else begin_try(request, email)
        if self._try is None:
            raise self.validation_error("too_many_login_attempts")

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Any:
        user = super().authenticate(request, **credentials)
        if user is not None and self._try is not None:
            self._try.give_back()
        return user

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """With a second factor its code is asked for: a stolen session and a known password do not take it off."""
        methods: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        return [method for method in methods if method["id"].startswith("mfa")] or methods

    def send_notification_mail(
        self, template_prefix: str, user: Any, context: dict[str, Any] | None = None, email: str | None = None
    ) -> None:
        """A mail about a change of the account, with a link to reset the password in case of an intruder."""
        reset_url = build_absolute_uri(self.request, reverse("account_reset_password"))
        more = {"password_reset_url": reset_url, **(context or {})}
        super().send_notification_mail(template_prefix, user, more, email)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send the mail at once. If that fails, the page shows a message and the request still succeeds.

        Its links lead to the site's own address, whatever the port in the request's Host header.
        """
        try:
            super().send_mail(template_prefix, email, self._with_own_links(context))
        except OSError as error:  # also the base class of every error of smtplib
            log.error("mail: %s to an account was not sent: %s", template_prefix, error)
            sentence = _("The mail could not be sent just now. Please ask for it again in a few minutes.")
            messages.error(self.request, sentence)
