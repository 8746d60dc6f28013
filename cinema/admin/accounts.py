"""Accounts in the admin site."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.http import HttpRequest

if TYPE_CHECKING:
    UserPages = UserAdmin[User]
else:
    UserPages = UserAdmin

admin.site.unregister(User)


@admin.register(User)
class AccountAdmin(UserPages):
    """Django's own page of a user; the times are shown, not edited: a form would cut off their fractions of a second.

    A link that resets a password is valid for one value of `last_login`.
    """

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*super().get_readonly_fields(request, obj), "last_login", "date_joined")
