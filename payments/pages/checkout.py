"""Pages of paying: the review before the payment page, and the two ways back from it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from booking.bookings import find_live
from booking.models import Booking, BookingSeat
from booking.pages.hall_drawing import draw_hall
from booking.refusals import AlreadyPaid, Invalid, NotFound, Refusal
from booking.seats.pricing import price_seats
from booking.visitors import visitor_of
from cinema.database import clock
from cinema.models import Showtime
from cinema.plans.layouts import layout_of
from cinema.web.clock_guard import time_of_sale
from payments.checkout import start_checkout
from payments.models import Payment
from payments.pages.api import origin_of
from payments.reconciliation import reconcile_payment
from payments.session_end import end_payment

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
            at=time_of_sale(),
        )
    except AlreadyPaid as refusal:
        return SeeOther(reverse("booking:booking", args=[refusal.reference]))
    except Refusal as refusal:
        return _show_checkout(request, showtime, refusal)
    return SeeOther(started.payment.url)


def _show_checkout(request: HttpRequest, showtime: Showtime, refusal: Refusal | None = None) -> HttpResponse:
    at = clock.now()
    booking = find_live(showtime_id=showtime.pk, visitor=visitor_of(request), at=at)
    user_email = getattr(request.user, "email", "")
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
        context["hall"] = draw_hall(plan.seats, [plan.index_of[place.label] for place in places])
        context |= _countdown(booking, at)
    # Nothing to pay is no error: the browser's back button leads here.
    status = refusal.status if refusal else 200
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


@never_cache
@require_safe
def payment_return(request: HttpRequest, reference: str) -> HttpResponse:
    """Back from the payment page, having paid: query the gateway now instead of waiting for its event."""
    booking = _own_booking(request, reference)
    payment = _payment_of(request, booking)
    if payment is not None and payment.is_active:
        reconcile_payment(payment, at=clock.now())
        booking.refresh_from_db()
    if payment is not None and booking.status in (Status.CHECKOUT, Status.RELEASING):
        here = request.get_full_path()
        context = {"booking": booking, "payment": payment, "here": here}
        response = render(request, "payments/waiting.html", context)
        response["Refresh"] = f"2; url={here}"
        return response
    return redirect("booking:booking", booking.reference)


@never_cache
@require_safe
def payment_cancel(request: HttpRequest, reference: str) -> HttpResponse:
    """Back from the payment page, not having paid: end the session, then free the seats at once."""
    booking = _own_booking(request, reference)
    if booking.status in Booking.PAYING:
        end_payment(booking_id=booking.pk, reason="cancelled", at=clock.now())
        booking.refresh_from_db()
    if booking.status in (*Booking.ENDED_UNPAID, Status.LOCKED):
        messages.info(request, _("The payment is cancelled. Nothing was charged, and the seats are free again."))
        return redirect("booking:showtime", booking.showtime_id)
    return redirect("booking:booking", booking.reference)


def _own_booking(request: HttpRequest, reference: str) -> Booking:
    visitor = visitor_of(request)
    booking = Booking.objects.filter(reference=reference.upper()).first()
    if booking is None or booking.visitor != visitor:
        raise NotFound("There is no such booking, or it is not yours.")
    return booking


def _payment_of(request: HttpRequest, booking: Booking) -> Payment | None:
    """The payment of the session in the query, else the newest."""
    named = booking.payments.filter(session_id=request.GET.get("session", "")).first()
    return named or booking.payments.first()
