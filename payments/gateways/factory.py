"""The gateway of a payment, and the provider of a webhook delivery."""

from __future__ import annotations

from django.conf import settings

from payments.gateways.demo import DemoGateway, webhook_secret
from payments.gateways.interface import Event, Gateway, GatewayUnavailable, refuse_inside_transaction
from payments.gateways.stripe import StripeGateway, read_event


def gateway(provider: str) -> Gateway:
    """The gateway of this provider; get it where it is called.

    Raises:
        GatewayUnavailable: this installation has no such gateway (any more).
        RuntimeError: a transaction is open. A slow gateway would keep its row locks.
    """
    refuse_inside_transaction()
    if provider == "demo" and settings.DEMO_PAYMENTS:
        return DemoGateway()
    if provider == "stripe" and settings.STRIPE_SECRET_KEY:
        return StripeGateway(settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE)
    raise GatewayUnavailable(f"This installation has no {provider} gateway.")


def read_delivery(body: bytes, signature: str | None) -> tuple[str, Event]:
    """This installation's provider (demo, else Stripe) and the event, after the signature was checked.

    Raises:
        BadEvent: the body is no event, or no secret of this installation signed it.
    """
    if settings.DEMO_PAYMENTS:
        return "demo", read_event(body, signature, [webhook_secret()])
    return "stripe", read_event(body, signature, settings.STRIPE_WEBHOOK_SECRETS)
