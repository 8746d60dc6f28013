"""The forms that take a code: each code of an app is taken once."""

from __future__ import annotations

from allauth.mfa.adapter import get_adapter
from allauth.mfa.base import forms as base
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from django import forms
from django.utils.translation import gettext_lazy as _

from cinema.accounts.second_factor import is_spent, spend_code

LONGEST = 20  # characters, spaces that a person types included


def code_field() -> forms.CharField:
    attributes = {"autocomplete": "one-time-code", "inputmode": "numeric"}
    return forms.CharField(label=_("Code"), max_length=LONGEST, widget=forms.TextInput(attrs=attributes))


class OnceForm(base.BaseAuthenticateForm):  # type: ignore[misc]  # allauth ships no types
    """allauth counts wrong codes and accepts a right one of the app or of the recovery codes."""

    code = code_field()

    def clean_code(self) -> str:
        if is_spent(self.user, self.cleaned_data["code"]):  # before the count: a right code would clear it
            raise get_adapter().validation_error("used_code")
        code: str = super().clean_code()
        if self.authenticator.type == Authenticator.Type.TOTP and not spend_code(self.authenticator, code):
            raise get_adapter().validation_error("used_code")
        return code


class SignInForm(OnceForm, base.AuthenticateForm):  # type: ignore[misc]
    """At log-in, after the password."""


class AgainForm(OnceForm, base.ReauthenticateForm):  # type: ignore[misc]
    """Before a change of the account."""


class ActivateForm(ActivateTOTPForm):  # type: ignore[misc]
    """The first code proves that the app has the secret."""

    code = code_field()

    @property
    def grouped_secret(self) -> str:
        """In groups of four, for a person who types it."""
        return " ".join(self.secret[start : start + 4] for start in range(0, len(self.secret), 4))
