"""The page of paying: the review before the payment page."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from booking.bookings import find_ill_advised, find_live
from booking.clients.client import client_of
from booking.models import Booking, BookingSeat
from booking.pages.hall_drawing import draw_hall
from booking.refusals import AlreadyPaid, Invalid, NotFound, Refusal
from booking.seats.pricing import price_seats
from booking.visitors import is_staff, visitor_of
from cinema.database import clock
from cinema.models import Showtime
from cinema.plans.layouts import layout_of
from cinema.web.clock_guard import time_of_sale
from cinema.web.origins import mail_origin_of, origin_of
from payments.checkout import start_checkout

Status = Booking.Status
RING = 100  # circumference of the countdown's circle, in its own units


class SeeOther(HttpResponseRedirect):
    """303: the next page is to be read with GET, also after a POST."""

    status_code = 303


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def checkout(request: HttpRequest, showtime_id: int) -> HttpResponse:
    """The visitor's seats, their prices and the time left; POST redirects to the payment page. Raises NotFound."""
    showtime = Showtime.objects.with_movie_and_screen().filter(pk=showtime_id).first()
    if showtime is None:
        raise NotFound("There is no such showtime.")
    if request.method != "POST":
        return _show_checkout(request, showtime)
    try:
        started = start_checkout(
            showtime_id=showtime_id,
            visitor=visitor_of(request),
            email=request.POST.get("email", ""),
            origin=origin_of(request),
            mail_origin=mail_origin_of(request),
            at=time_of_sale(),
            client=client_of(request),
            staff=is_staff(request),
        )
    except AlreadyPaid as refusal:
        return SeeOther(reverse("booking:booking", args=[refusal.reference]))
    except Refusal as refusal:
        return _show_checkout(request, showtime, refusal, status=refusal.status)
    return SeeOther(started.payment.url)


def _show_checkout(
    request: HttpRequest, showtime: Showtime, refusal: Refusal | None = None, status: int = 200
) -> HttpResponse:
    at = clock.now()
    booking = find_live(showtime_id=showtime.pk, visitor=visitor_of(request), at=at)
    user_email = getattr(request.user, "email", "")
    if booking and refusal is None and booking.status == Status.LOCKED and not is_staff(request):
        # Said before the address is typed.
        refusal = find_ill_advised(booking, list(booking.seats.values_list("index", flat=True)), at)
    places = _places(booking)
    context: dict[str, Any] = {
        "showtime": showtime,
        "booking": booking,
        "places": places,
        "labels": ", ".join(place.label for place in places),
        "total": sum(place.price for place in places),
        "email": request.POST.get("email") or (booking.email if booking else "") or user_email,
        "refusal": refusal,
        "email_error": refusal.detail if isinstance(refusal, Invalid) else "",
        "payment": booking.payments.active().first() if booking else None,
        "is_demo": settings.DEMO_PAYMENTS,
    }
    if booking is not None:
        plan = layout_of(showtime.plan.hash)
        context["hall"] = draw_hall(plan, [plan.index_of[place.label] for place in places])
        context |= _countdown(booking, at)
    # Nothing to pay is no error: the browser's back button leads here.
    return render(request, "payments/checkout.html", context, status=status)


def _countdown(booking: Booking, at: datetime) -> dict[str, Any]:
    whole = int(settings.SEAT_LOCK.total_seconds())
    left = max(0, int((booking.locked_until - at).total_seconds())) if booking.locked_until else 0
    return {
        "left": left,
        "left_words": f"{left // 60}:{left % 60:02d}",
        "until": booking.locked_until,
        "now": at,
        "arc": min(RING, RING * left // whole),
        "renewal": f"{whole // 60} minutes" if whole >= 120 else f"{whole} seconds",
    }


def _places(booking: Booking | None) -> list[BookingSeat]:
    """Seats and prices: fixed once checkout has begun, before that as they are now."""
    if booking is None:
        return []
    if booking.status != Status.LOCKED:
        return list(booking.places.all())
    return price_seats(booking, booking.seats.all())
