"""System checks of settings that must not be combined."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from payments.gateways.interface import is_live


def register_checks() -> None:
    """Called once, when the apps are ready."""
    register(check_demo_is_private)
    register(check_live_key_is_not_debugged)
    register(check_key_is_live, deploy=True)


def check_demo_is_private(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """payments.E001: demo payments outside of DEBUG."""
    if settings.PAYMENTS == "demo" and not settings.DEBUG and not settings.DEMO_PAYMENTS_ANYWAY:
        return [
            Error(
                "Demo payments are on with DEBUG=0: anybody gets tickets without paying.",
                hint="Set STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET, or DEMO_PAYMENTS_ANYWAY=1 for a public demo.",
                id="payments.E001",
            )
        ]
    return []


def check_live_key_is_not_debugged(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """payments.W001: a live key with DEBUG."""
    if settings.DEBUG and is_live(settings.STRIPE_SECRET_KEY):
        return [
            Warning(
                "A live Stripe key is set with DEBUG=1: real cards are charged by a development server.",
                hint="Use a key that begins with sk_test_, or set DEBUG=0.",
                id="payments.W001",
            )
        ]
    return []


def check_key_is_live(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """payments.E002, only with `check --deploy`: a rehearsal of production may run with a test key."""
    if settings.PAYMENTS == "stripe" and not settings.DEBUG and not is_live(settings.STRIPE_SECRET_KEY):
        return [
            Error(
                "Stripe's key is a test key with DEBUG=0: anybody gets tickets for the number of a test card.",
                hint="Set a STRIPE_SECRET_KEY that begins with sk_live_ or rk_live_, and take away STRIPE_API_BASE.",
                id="payments.E002",
            )
        ]
    return []
