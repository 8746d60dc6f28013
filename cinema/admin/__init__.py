"""The admin site of the cinema. Django imports this package, which imports the registrations."""

from allauth.account.models import EmailConfirmation
from django.contrib import admin

from cinema.admin import accounts, catalogue, plans

__all__ = ["accounts", "catalogue", "plans"]

admin.site.unregister(EmailConfirmation)  # its keys confirm addresses
