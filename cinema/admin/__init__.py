"""The admin site of the cinema. Django imports this package, which imports the registrations."""

from cinema.admin import accounts, catalogue

__all__ = ["accounts", "catalogue"]
