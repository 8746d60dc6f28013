"""Accounts in the admin site."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.account.admin import EmailAddressAdmin
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import UserChangeForm
from django.contrib.auth.models import User
from django.http import HttpRequest

from cinema.admin.catalogue import ModelAdmin, ReadOnly
from cinema.admin.forms import PlainModelForm, PlainTextForm

if TYPE_CHECKING:
    UserPages = UserAdmin[User]
else:
    UserPages = UserAdmin

admin.site.unregister(User)
admin.site.unregister(EmailAddress)
admin.site.unregister(Authenticator)


class AccountForm(PlainTextForm, UserChangeForm):  # type: ignore[type-arg]
    """A change of an account, with the product's rules for texts and mail addresses."""


@admin.register(User)
class AccountAdmin(UserPages):
    """Django's own page of a user; the times are shown, not edited: a form would cut off their fractions of a second.

    A link that resets a password is valid for one value of `last_login`.
    """

    form = AccountForm

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*super().get_readonly_fields(request, obj), "last_login", "date_joined")


@admin.register(EmailAddress)
class AddressAdmin(EmailAddressAdmin):  # type: ignore[misc]  # allauth ships no types
    form = PlainModelForm


@admin.register(Authenticator)
class SecondFactorAdmin(ReadOnly, ModelAdmin[Authenticator]):
    """Who has a second factor. Read-only, and without its secret; `manage.py remove_second_factor` removes one."""

    list_display = ("user", "type", "created_at", "last_used_at")
    list_filter = ("type",)
    list_select_related = ("user",)
    search_fields = ("user__email",)
    fields = ("user", "type", "created_at", "last_used_at")
