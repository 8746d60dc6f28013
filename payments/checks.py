"""System checks of settings that must not go together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register


def register_checks() -> None:
    register(check_demo_is_private)
    register(check_live_key_is_not_debugged)


def check_demo_is_private(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
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
    if settings.DEBUG and "_live_" in settings.STRIPE_SECRET_KEY[:8]:
        return [
            Warning(
                "A live Stripe key is set with DEBUG=1: real cards are charged by a development server.",
                hint="Use a key that begins with sk_test_, or set DEBUG=0.",
                id="payments.W001",
            )
        ]
    return []
