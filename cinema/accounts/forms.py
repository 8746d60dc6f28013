"""The forms of an account that differ from those of allauth."""

from __future__ import annotations

from allauth.account import forms
from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from allauth.core import context
from django.http import HttpRequest

from cinema.accounts.sign_in_limits import begin_try_again, may_mail


class ChangeEmailForm(forms.AddEmailForm):  # type: ignore[misc]  # allauth ships no types
    """The current address stays valid until the new one is confirmed.

    allauth's own form removes an unconfirmed address at once: after a typing error in the new one nobody could sign in.
    """

    def save(self, request: HttpRequest) -> EmailAddress:
        EmailAddress.objects.filter(user=self.user, verified=False).exclude(email=self.user.email).delete()
        return EmailAddress.objects.add_email(request, self.user, self.cleaned_data["email"], confirm=True)


class ChangePasswordForm(forms.ChangePasswordForm):  # type: ignore[misc]
    """The old password is counted like every other password that somebody says who is signed in."""

    def clean_oldpassword(self) -> str:
        counted = begin_try_again(context.request, self.user)
        if counted is None:
            raise get_adapter().validation_error("too_many_login_attempts")
        password: str = super().clean_oldpassword()
        counted.give_back()
        return password


class ResetPasswordForm(forms.ResetPasswordForm):  # type: ignore[misc]
    """A mailbox gets few mails, whoever asks for them. The page does not tell, because those sent before still work."""

    def save(self, request: HttpRequest, **kwargs: object) -> str:
        email: str = self.cleaned_data["email"]
        return super().save(request, **kwargs) if may_mail(request, email) else email
