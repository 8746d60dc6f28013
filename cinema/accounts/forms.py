"""The form that changes an account's address."""

from __future__ import annotations

from allauth.account.forms import AddEmailForm
from allauth.account.internal.flows.email_verification import send_verification_email_to_address
from allauth.account.models import EmailAddress
from django.db import transaction
from django.http import HttpRequest


class ChangeEmailForm(AddEmailForm):  # type: ignore[misc]  # allauth ships no types
    """The current address stays valid until the new one is confirmed.

    allauth's own form removes an unconfirmed address at once: after a typing error in the new one nobody could sign in.
    """

    def save(self, request: HttpRequest) -> EmailAddress:
        with transaction.atomic():
            EmailAddress.objects.filter(user=self.user, verified=False).exclude(email=self.user.email).delete()
            address = EmailAddress.objects.create(user=self.user, email=self.cleaned_data["email"].lower())
        send_verification_email_to_address(request, address)
        return address
