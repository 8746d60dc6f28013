"""The JSON API of seats: the map, the visitor's lock, a booking. A view parses, calls one use case, answers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, JsonResponse
from django.middleware.csrf import get_token
from django.views.decorators.csrf import csrf_protect

from booking.access import find_booking
from booking.basket import choose_seats, release_seats
from booking.bookings import find_live
from booking.clients.client import client_of
from booking.lock_statements import find_showtime
from booking.locks import LockResult
from booking.models import Booking, Ticket
from booking.refusals import Invalid, LockChanged, RateLimited
from booking.seats.choice.present import LabelledAdvice, advise_visitor
from booking.seats.known_map import read_known
from booking.seats.lock_tags import read_tags
from booking.seats.map import read_map
from booking.seats.pricing import price_of
from booking.tickets.codes import ticket_code
from booking.visitors import is_staff, remember_visitor, visitor_of, visitor_or_new
from cinema.database import clock
from cinema.models import Showtime
from cinema.plans.layouts import layout_of
from cinema.web.clock_guard import time_of_sale
from cinema.web.json_body import read_json
from cinema.web.problems import api


def instant(value: datetime | None) -> str | None:
    """RFC 3339 in UTC, with milliseconds."""
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z") if value else None


@api("GET")
def seat_map(request: HttpRequest, showtime_id: int) -> HttpResponse:
    """The whole map with its version; 304 when `If-None-Match` names this version.

    The digest tells it from another version of the same number and epoch, which a restored database may have.
    """
    seats = read_map(showtime_id)
    etag = f'"{seats.epoch}-{seats.version}-{seats.digest:08x}"'
    if etag in (request.headers.get("If-None-Match") or ""):
        response: HttpResponse = HttpResponseNotModified()
    else:
        response = JsonResponse(
            {
                "epoch": seats.epoch,
                "v": seats.version,
                "n": len(seats.state),
                "layout": seats.layout,
                "state": seats.state,
            }
        )
    response["ETag"] = etag
    response["Cache-Control"] = "public, no-cache"
    return response


@api("GET", "PUT", "DELETE")
@csrf_protect
def lock(request: HttpRequest, showtime_id: int) -> HttpResponse:
    """The visitor's lock on this showtime. GET reads it; PUT replaces its seats by those named; DELETE releases it.

    DELETE answers 204, or 202 if a payment has no verdict yet and the loop releases the seats later. PUT raises Busy
    while the clock of this process is wrong.
    """
    if request.method == "PUT":
        return put_lock(request, showtime_id)
    at = clock.now()
    if request.method in ("GET", "HEAD"):
        get_token(request)  # sets the CSRF cookie; only here, because PUT needs the cookie already and masking it costs
        return lock_answer(request, read_lock(showtime_id, visitor_of(request), at), at)
    visitor_here = visitor_of(request)
    done = visitor_here is None or release_seats(showtime_id=showtime_id, visitor=visitor_here, at=at)
    return HttpResponse(status=204 if done else 202)


def read_lock(showtime_id: int, visitor: UUID | None, at: datetime) -> LockResult:
    """The visitor's lock as it is, without row locks. Raises NotFound."""
    showtime, layout = find_showtime(showtime_id)
    booking = find_live(showtime_id=showtime_id, visitor=visitor, at=at)
    indices = tuple(booking.seats.order_by("index").values_list("index", flat=True)) if booking else ()
    return LockResult(showtime, layout, booking, indices, showtime.version)


def put_lock(request: HttpRequest, showtime_id: int) -> HttpResponse:
    """Replace the seats of the lock, if it is the one that `If-Match` names. Raises what `choose_seats` raises."""
    at = time_of_sale()
    visitor, expected = visitor_or_new(request), read_tags(request.headers.get("If-Match"))
    try:
        labels, client = read_labels(request), client_of(request)
        result = choose_seats(
            showtime_id=showtime_id, visitor=visitor, labels=labels, at=at, client=client, expected=expected
        )
    except LockChanged as refusal:
        raise with_lock(request, refusal, at) from None
    except (Invalid, RateLimited):  # may come before the lock was read, and another lock is said first
        if expected is not None and (found := read_lock(showtime_id, visitor, at)).tag not in expected:
            raise with_lock(request, LockChanged(found), at) from None
        raise
    if result.booking:
        remember_visitor(request, visitor)
    return lock_answer(request, result, at)


def with_lock(request: HttpRequest, refusal: LockChanged, at: datetime) -> LockChanged:
    """The refusal with the lock, as GET answers it."""
    refusal.extra["lock"] = lock_json(request, refusal.found, at)
    return refusal


def read_labels(request: HttpRequest) -> list[str]:
    """The requested seats. Raises Invalid."""
    seats = read_json(request).get("seats")
    if not isinstance(seats, list) or not all(isinstance(label, str) for label in seats):
        raise Invalid("`seats` must be a list of seat labels.", errors={"seats": "must be a list of labels"})
    return seats


def advice_for(request: HttpRequest, result: LockResult, at: datetime) -> list[LabelledAdvice]:
    """What speaks against these seats while they can still be changed without a word; staff know what they do."""
    booking = result.booking
    if booking is None or booking.status in Booking.PAYING or not result.indices:
        return []
    known = result.known or read_known(result.showtime.pk)
    found = advise_visitor(known, result.showtime, result.indices, booking.visitor, at)
    # Asked last: the account of a session is a query.
    return [] if found and is_staff(request) else found


def lock_answer(request: HttpRequest, result: LockResult, at: datetime) -> JsonResponse:
    """The answer to GET and PUT. Its ETag is for `If-Match` only: `now` is another in each answer, so never a 304."""
    response = JsonResponse(lock_json(request, result, at))
    response["Cache-Control"] = "no-store"
    response["ETag"] = f'"{result.tag}"'
    return response


def lock_json(request: HttpRequest, result: LockResult, at: datetime) -> dict[str, Any]:
    """A lock as the API writes it. `v` is at least the version that wrote these seats."""
    booking = result.booking
    seats = priced_seats(result.showtime, result.layout_hash, result.indices) if booking else []
    return {
        "v": result.version,
        "tag": result.tag,
        "reference": booking.reference if booking else None,
        "status": booking.status if booking else None,
        "seats": seats,
        "total": sum(seat["price"] for seat in seats),
        "currency": result.showtime.currency,
        "expires_at": instant(booking.locked_until) if booking else None,
        "now": instant(at),
        "advice": [asdict(found) for found in advice_for(request, result, at)],
    }


def priced_seats(showtime: Showtime, layout: str, indices: Iterable[int]) -> list[dict[str, Any]]:
    """Index, label and price (minor units) of each of these seats, as the API writes them."""
    plan = layout_of(layout).seats
    return [{"i": i, "label": plan[i].label, "price": price_of(showtime, plan[i])} for i in indices]


@api("GET")
def booking(request: HttpRequest, reference: str) -> HttpResponse:
    """One booking, for those who may see it. Raises NotFound."""
    return booking_answer(find_booking(request, reference))


def booking_answer(found: Booking) -> JsonResponse:
    """The JSON of a booking; payments answers with it too."""
    tickets = list(found.tickets.all())
    response = JsonResponse(
        {
            "reference": found.reference,
            "status": found.status,
            "showtime": found.showtime_id,
            "seats": booked_labels(found, tickets),
            "total": found.total,
            "currency": found.currency,
            "refunded": found.refunded,
            "tickets": [{"seat": t.label, "code": ticket_code(t), "status": t.status} for t in tickets],
        }
    )
    response["Cache-Control"] = "no-store"
    return response


def booked_labels(found: Booking, tickets: list[Ticket]) -> list[str]:
    """Labels of the seats: of its tickets; else those fixed at checkout; else those that are locked."""
    if tickets:
        return [ticket.label for ticket in tickets]
    places = [place.label for place in found.places.all()]
    if places and found.status != Booking.Status.LOCKED:
        return places
    plan = layout_of(found.showtime.plan.hash).seats
    return [plan[i].label for i in found.seats.order_by("index").values_list("index", flat=True)]
