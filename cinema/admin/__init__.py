"""The admin site of the cinema. Django imports this package, which imports the registrations."""

from cinema.admin import catalogue

__all__ = ["catalogue"]
