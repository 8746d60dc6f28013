"""Django's admin site of the cinema. Django imports this package to find what is registered."""

from cinema.admin import catalogue

__all__ = ["catalogue"]
