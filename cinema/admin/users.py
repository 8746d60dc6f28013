"""Accounts in the admin site: Django's and allauth's pages, with the product's rule for mail addresses."""

from __future__ import annotations

from allauth.account.admin import EmailAddressAdmin
from allauth.account.models import EmailAddress
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import UserChangeForm
from django.contrib.auth.models import User

from cinema.admin.forms import PlainModelForm, PlainTextForm

admin.site.unregister(User)
admin.site.unregister(EmailAddress)


class AccountForm(PlainTextForm, UserChangeForm):  # type: ignore[type-arg]
    """A change of an account."""


@admin.register(User)
class AccountAdmin(UserAdmin):  # type: ignore[type-arg]
    form = AccountForm


@admin.register(EmailAddress)
class AddressAdmin(EmailAddressAdmin):  # type: ignore[misc]  # allauth ships no types
    form = PlainModelForm
