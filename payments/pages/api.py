"""The JSON API of money: paying for a lock, cancelling tickets."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_protect

from booking.access import find_booking
from booking.clients.client import client_of
from booking.pages.api import booking_answer, instant
from booking.refusals import Invalid
from booking.visitors import is_staff, visitor_of
from cinema.accounts.second_factor import require_second_factor
from cinema.database import clock
from cinema.web.clock_guard import time_of_sale
from cinema.web.json_body import read_json
from cinema.web.origins import mail_origin_of, origin_of
from cinema.web.problems import api
from payments.checkout import start_checkout
from payments.ledger import BUYER, Actor
from payments.refunds import cancel_booking


@api("POST")
@csrf_protect
def checkout(request: HttpRequest, showtime_id: int) -> HttpResponse:
    """The payment page of the visitor's lock: 201 at first, 200 with the same `url` while that payment is open."""
    email = read_json(request).get("email")
    if not isinstance(email, str):
        raise Invalid("Say where the tickets go.", errors={"email": "must be an e-mail address"})
    started = start_checkout(
        showtime_id=showtime_id,
        visitor=visitor_of(request),
        email=email,
        origin=origin_of(request),
        mail_origin=mail_origin_of(request),
        at=time_of_sale(),
        client=client_of(request),
        staff=is_staff(request),
    )
    booking = started.payment.booking
    response = JsonResponse(
        {"reference": booking.reference, "url": started.payment.url, "expires_at": instant(booking.locked_until)},
        status=201 if started.is_new else 200,
    )
    response["Cache-Control"] = "no-store"
    return response


@api("POST")
@csrf_protect
def cancellation(request: HttpRequest, reference: str) -> HttpResponse:
    """Cancel the named seats of a booking, or all of them: its owner under the cinema's terms, staff always.

    Answers the booking as it is now, also when the seats were cancelled before. Problem types: after the buyer's
    deadline `sales-closed` (410: permanent), for a used ticket or a disputed payment `forbidden` (403: it depends on
    the user or the payment, not on the request), for a booking that was never confirmed `invalid`.
    """
    at = clock.now()
    found = find_booking(request, reference)
    cancel_booking(booking_id=found.pk, labels=_read_seats(request), by=_actor_of(request), at=at)
    return booking_answer(find_booking(request, reference))


def _actor_of(request: HttpRequest) -> Actor:
    """Staff act as staff with their own bookings too. Raises Forbidden without a second factor that is their duty."""
    if not getattr(request.user, "is_staff", False):
        return BUYER
    require_second_factor(request)
    return Actor.staff(request.user.get_username())


def _read_seats(request: HttpRequest) -> list[str] | None:
    """The labels; None when the request names none, for all of the booking. Raises Invalid for any other value."""
    body = read_json(request)
    if "seats" not in body:
        return None
    seats = body["seats"]
    if not isinstance(seats, list) or not seats or not all(isinstance(label, str) for label in seats):
        raise Invalid("`seats` must name at least one seat; leave it out for all.", errors={"seats": "must name seats"})
    return seats
