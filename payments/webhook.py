"""Where gateways deliver events: `POST /payments/stripe/webhook/`.

200 once the outcome is stored (again, unknown and uninteresting events too), 400 for what is not a properly signed
event, 503 where a second delivery will help. Event and effect are stored in one transaction, so a failure leaves
neither and the gateway's own retry is a clean second chance.
"""

from __future__ import annotations

import logging

from django.core.exceptions import RequestDataTooBig
from django.db import Error
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from booking.models import Booking
from cinema.web.problems import is_overload
from payments.events import find_payment, take_event
from payments.gateways.factory import gateway, read_delivery
from payments.gateways.interface import BadEvent, Event
from payments.session_end import settle

log = logging.getLogger(__name__)

LARGEST = 256 * 1024  # bytes


@csrf_exempt
@require_POST
def webhook(request: HttpRequest) -> HttpResponse:
    at = timezone.now()
    try:
        provider, event = _read(request)
    except BadEvent as error:
        log.warning("webhook: refused: %s", error)
        return _answer("bad event", 400)
    try:
        outcome = take_event(provider=provider, event=event, at=at)
        if outcome == "releasing" and gateway(provider).is_local:
            _end_at_once(provider, event)
    except (KeyError, TypeError, ValueError) as error:
        log.warning("webhook: %s %s is malformed: %s", event.kind, event.id, error)
        return _answer("bad event", 400)
    except Exception as error:  # a full pool has no class of its own in Django; anything else is a fault of ours
        if not isinstance(error, Error) and not is_overload(error):
            raise
        log.warning("webhook: %s %s not stored: %s", event.kind, event.id, error)
        return _answer("try again", 503)
    return _answer(outcome, 200)


def _read(request: HttpRequest) -> tuple[str, Event]:
    """The provider whose secret signed this request, and the event. Raises BadEvent."""
    try:
        if int(request.headers.get("Content-Length") or 0) > LARGEST or len(request.body) > LARGEST:
            raise BadEvent("too large")
    except (ValueError, RequestDataTooBig, UnreadablePostError) as error:
        raise BadEvent("unreadable") from error
    return read_delivery(request.body, request.headers.get("Stripe-Signature"))


def _end_at_once(provider: str, event: Event) -> None:
    """A local gateway answers without a network, so the session is ended in this request instead of by the loop."""
    payment = find_payment(provider, event)
    if payment is not None and payment.booking.status == Booking.Status.RELEASING:
        settle(payment, at=timezone.now())


def _answer(text: str, status: int) -> HttpResponse:
    return HttpResponse(f"{text}\n", status=status, content_type="text/plain")
