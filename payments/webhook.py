"""The webhook of the gateways: `POST /payments/stripe/webhook/`.

200 when the outcome is stored (also for repeated, unknown and ignored events), 400 for a body that is no properly
signed event, 503 when a second delivery can succeed. The event and its effect are one transaction
(`events.process_event`), committed before the answer. After a failure before that commit neither is stored, and the
gateway delivers again.
"""

from __future__ import annotations

import logging

from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from booking.models import Booking
from cinema.database import clock
from cinema.web.problems import is_overload
from payments.events import MALFORMED, find_payment, process_event
from payments.gateways.factory import gateway, read_delivery
from payments.gateways.interface import BadEvent, Event
from payments.session_end import settle

log = logging.getLogger(__name__)


@csrf_exempt
@require_POST
def webhook(request: HttpRequest) -> HttpResponse:
    """Verify and process one delivery; see above for the status codes."""
    at = clock.now()
    try:
        provider, event = read_delivery(request.body, request.headers.get("Stripe-Signature"))
    except BadEvent as error:
        log.warning("webhook: refused: %s", error)
        return _answer("bad event", 400)
    try:
        outcome = process_event(provider=provider, event=event, at=at)
        if outcome == "releasing" and gateway(provider).is_local:
            _end_local_session(provider, event)
    except MALFORMED as error:
        log.warning("webhook: %r %r is malformed", event.kind, event.id, exc_info=error)
        return _answer("bad event", 400)
    except Exception as error:  # Django has no class for a full connection pool; anything else is a bug here
        if not isinstance(error, Error) and not is_overload(error):
            raise
        log.warning("webhook: %s %s not processed: %s", event.kind, event.id, error)
        return _answer("try again", 503)
    return _answer(outcome, 200)


def _end_local_session(provider: str, event: Event) -> None:
    """A local gateway answers without a network, so its session is ended in this request instead of by the loop."""
    payment = find_payment(provider, event)
    if payment is not None and payment.booking.status == Booking.Status.RELEASING:
        settle(payment, at=clock.now())


def _answer(text: str, status: int) -> HttpResponse:
    return HttpResponse(f"{text}\n", status=status, content_type="text/plain")
