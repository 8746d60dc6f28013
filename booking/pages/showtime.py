"""The page of a showtime: the live hall, and the basket. Works as a plain form; the script only makes it live."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_http_methods, require_safe

from booking.basket import choose_seats, give_back
from booking.bookings import find_live
from booking.models import Booking
from booking.pages.hall_view import price_lines, view_basket, view_minimap, view_rows
from booking.refusals import AlreadyPaid, Refusal
from booking.seats.map import read_map
from booking.visitors import ensure_visitor, visitor_of
from cinema.models import Showtime
from cinema.plans.layouts import Layout, layout_of


@never_cache
@ensure_csrf_cookie
@require_http_methods(["GET", "HEAD", "POST"])
def showtime(request: HttpRequest, showtime_id: int) -> HttpResponse:
    """The hall as it is now. A POST carries the whole wish, or one button's."""
    found = _find(showtime_id)
    if request.method == "POST":
        return _act(request, found)
    return render(request, "booking/showtime.html", _house(request, found))


@never_cache
@require_safe
def basket(request: HttpRequest, showtime_id: int) -> HttpResponse:
    """What stands in the basket, as a fragment: the server is the only one who draws it."""
    found = _find(showtime_id)
    layout = layout_of(found.plan.hash)
    return render(request, "booking/_basket.html", {"showtime": found, **_basket(request, found, layout)})


def _act(request: HttpRequest, found: Showtime) -> HttpResponse:
    at, visitor = timezone.now(), ensure_visitor(request)
    labels = request.POST.getlist("seats")
    dropped = request.POST.get("drop")
    try:
        if request.POST.get("action") == "release":
            give_back(showtime_id=found.pk, visitor=visitor, at=at)
            return redirect("booking:showtime", found.pk)
        wish = [label for label in labels if label != dropped]
        held = choose_seats(showtime_id=found.pk, visitor=visitor, labels=wish, at=at).booking
    except AlreadyPaid as refusal:
        return redirect("booking:booking", refusal.reference)
    except Refusal as refusal:
        messages.error(request, refusal.detail)
        return redirect("booking:showtime", found.pk)
    if held is None and not dropped:
        messages.error(request, "Choose at least one seat first.")
    if held and request.POST.get("action") == "continue":
        return redirect("payments:checkout", found.pk)
    return redirect("booking:showtime", found.pk)


def _find(showtime_id: int) -> Showtime:
    found = Showtime.objects.with_places().filter(pk=showtime_id).first()
    if found is None:
        raise Http404("There is no such showtime.")
    return found


def _house(request: HttpRequest, found: Showtime) -> dict[str, Any]:
    at = timezone.now()
    layout = layout_of(found.plan.hash)
    mine = _basket(request, found, layout)
    seats = read_map(found.pk)
    held = set() if mine["basket"] is None else {view.seat.index for view in mine["basket"].seats}
    rows = view_rows(found, layout, seats, held)
    same_day = Showtime.objects.filter(
        movie=found.movie, screen__cinema=found.screen.cinema, starts_at__date=timezone.localdate(found.starts_at)
    )
    return {
        "showtime": found,
        "sales": found.sales(at),
        "layout": layout,
        "map": seats,
        "rows": rows,
        "minimap": view_minimap(layout, rows),
        "prices": price_lines(found, layout),
        "n_left": seats.state.count("A"),
        "n_choosing": seats.state.count("L"),
        "times": same_day.filter(cancelled_at=None, ends_at__gt=at).order_by("starts_at"),
        "max_seats": settings.MAX_SEATS_PER_BOOKING,
        "has_companions": any(seat.kind == "companion" for seat in layout.seats),
        "has_wheelchairs": any(seat.kind == "wheelchair" for seat in layout.seats),
        **mine,
    }


def _basket(request: HttpRequest, found: Showtime, layout: Layout) -> dict[str, Any]:
    at = timezone.now()
    booking = find_live(showtime_id=found.pk, visitor=visitor_of(request), at=at)
    held = set(booking.seats.values_list("index", flat=True)) if booking else set()
    return {
        "basket": view_basket(booking, found, layout, held, settings.SEAT_LOCK, at),
        "paying": booking is not None and booking.status in Booking.PAYING,
        "now": at,
    }
