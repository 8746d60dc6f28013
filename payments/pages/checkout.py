"""The page of paying: the review before the payment page."""

from __future__ import annotations

from dataclasses import asdict, dataclass
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
from booking.refusals import AlreadyPaid, Busy, Invalid, NotFound, Refusal
from booking.seats.pricing import price_seats
from booking.visitors import is_staff, visitor_of
from cinema.database import clock
from cinema.models import Showtime
from cinema.plans.layouts import layout_of
from cinema.web.clock_guard import time_of_sale
from cinema.web.origins import mail_origin_of, origin_of
from payments.checkout import start_checkout

Status = Booking.Status
REFUSED = "refused_checkout"  # in the session, until it has been shown
MOST_KEPT = 254  # characters of an address
RING = 100  # circumference of the countdown's circle, in its own units


class SeeOther(HttpResponseRedirect):
    """303: the next page is to be read with GET, also after a POST."""

    status_code = 303


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def checkout(request: HttpRequest, showtime_id: int) -> HttpResponse:
    """The visitor's seats, their prices and the time left. POST redirects: to the payment page, or back to say why not.

    Raises NotFound.
    """
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
    except Busy as refusal:
        return _show_checkout(request, showtime, asdict(said(refusal, "")), status=refusal.status)
    except Refusal as refusal:
        return _show_later(request, showtime, refusal)
    return SeeOther(started.payment.url)


@dataclass(frozen=True)
class Refused:
    """Why a form was refused, for the page that says it; `email` as it was typed."""

    title: str
    detail: str
    is_of_email: bool
    sign_in: bool
    suggestion: list[str]
    email: str


def said(refusal: Refusal, email: str) -> Refused:
    """What the page says of it."""
    sign_in, suggestion = bool(getattr(refusal, "sign_in", False)), list(getattr(refusal, "suggestion", ()))
    return Refused(str(refusal.title), refusal.detail, isinstance(refusal, Invalid), sign_in, suggestion, email)


def _show_later(request: HttpRequest, showtime: Showtime, refusal: Refusal) -> HttpResponse:
    """Redirect to the page, which says why: what has answered a POST cannot be gone back to.

    A visitor without a session has nothing to pay for, and the page says so.
    """
    if visitor_of(request) is not None:
        refused = said(refusal, request.POST.get("email", "")[:MOST_KEPT])
        request.session[REFUSED] = {"showtime": showtime.pk, **asdict(refused)}
    return SeeOther(reverse("payments:checkout", args=[showtime.pk]))


def _show_checkout(
    request: HttpRequest, showtime: Showtime, refused: dict[str, Any] | None = None, status: int = 200
) -> HttpResponse:
    at = clock.now()
    if refused is None and REFUSED in request.session:
        kept = request.session.pop(REFUSED)
        refused = kept if kept.get("showtime") == showtime.pk else None
    booking = find_live(showtime_id=showtime.pk, visitor=visitor_of(request), at=at)
    user_email = getattr(request.user, "email", "")
    if booking and (refused is None or refused["suggestion"]) and not is_staff(request):
        # As it is now, and before the address is typed.
        refused = _advice(booking, refused["email"] if refused else "", at)
    places = _places(booking)
    context: dict[str, Any] = {
        "showtime": showtime,
        "booking": booking,
        "places": places,
        "labels": ", ".join(place.label for place in places),
        "total": sum(place.price for place in places),
        "email": (refused or request.POST).get("email") or (booking.email if booking else "") or user_email,
        "refusal": refused,
        "email_error": refused["detail"] if refused and refused["is_of_email"] else "",
        "payment": booking.payments.active().first() if booking else None,
        "is_demo": settings.DEMO_PAYMENTS,
    }
    if booking is not None:
        plan = layout_of(showtime.plan.hash)
        context["hall"] = draw_hall(plan, [plan.index_of[place.label] for place in places])
        context |= _countdown(booking, at)
    # Nothing to pay is no error: the browser's back button leads here.
    return render(request, "payments/checkout.html", context, status=status)


def _advice(booking: Booking, email: str, at: datetime) -> dict[str, Any] | None:
    """Why these seats would be refused at checkout; None once the payment has begun."""
    if booking.status != Status.LOCKED:
        return None
    refusal = find_ill_advised(booking, list(booking.seats.values_list("index", flat=True)), at)
    return asdict(said(refusal, email)) if refusal else None


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
