"""The form that changes an account's address."""

from __future__ import annotations

from allauth.account.forms import AddEmailForm
from allauth.account.internal.flows.email_verification import send_verification_email_to_address
from allauth.account.models import EmailAddress
from django.db import transaction
from django.http import HttpRequest


class ChangeEmailForm(AddEmailForm):  # type: ignore[misc]  # allauth ships no types
    """The address in use stays until the owner of the new one has followed the link.

    allauth's own form takes an address that was never confirmed away at once: a slip in the new one would then be the
    only way in.
    """

    def save(self, request: HttpRequest) -> EmailAddress:
        with transaction.atomic():
            EmailAddress.objects.filter(user=self.user, verified=False).exclude(email=self.user.email).delete()
            address = EmailAddress.objects.create(user=self.user, email=self.cleaned_data["email"].lower())
        send_verification_email_to_address(request, address)
        return address
