"""The form that changes an account's address."""

from __future__ import annotations

from allauth.account.forms import AddEmailForm
from allauth.account.models import EmailAddress
from django.http import HttpRequest


class ChangeEmailForm(AddEmailForm):  # type: ignore[misc]  # allauth ships no types
    """The current address stays valid until the new one is confirmed.

    allauth's own form removes an unconfirmed address at once: after a typing error in the new one nobody could sign in.
    """

    def save(self, request: HttpRequest) -> EmailAddress:
        EmailAddress.objects.filter(user=self.user, verified=False).exclude(email=self.user.email).delete()
        return EmailAddress.objects.add_email(request, self.user, self.cleaned_data["email"], confirm=True)
