"""The admin site of the cinema. Django imports this package, which imports the registrations."""

from allauth.account.models import EmailConfirmation
from django.contrib import admin

from cinema.admin import accounts, catalogue

__all__ = ["accounts", "catalogue"]

admin.site.unregister(EmailConfirmation)  # its keys confirm addresses
