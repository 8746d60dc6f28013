"""The JSON API of paying: one endpoint."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_protect

from booking.api import instant
from booking.refusals import Invalid
from booking.visitors import visitor_of
from cinema.problems import api, read_json
from payments.checkout import start_checkout


@api("POST")
@csrf_protect
def checkout(request: HttpRequest, showtime_id: int) -> HttpResponse:
    """Where to pay for my lock: 201 the first time, 200 with the same `url` while that payment is open."""
    email = read_json(request).get("email")
    if not isinstance(email, str):
        raise Invalid("Say where the tickets go.", errors={"email": "must be an e-mail address"})
    started = start_checkout(
        showtime_id=showtime_id,
        visitor=visitor_of(request),
        email=email,
        origin=origin_of(request),
        at=timezone.now(),
    )
    booking = started.payment.booking
    response = JsonResponse(
        {"reference": booking.reference, "url": started.payment.url, "expires_at": instant(booking.locked_until)},
        status=201 if started.is_new else 200,
    )
    response["Cache-Control"] = "no-store"
    return response


def origin_of(request: HttpRequest) -> str:
    """Scheme and host that this request came to."""
    return f"{request.scheme}://{request.get_host()}"
