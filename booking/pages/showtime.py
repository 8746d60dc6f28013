"""The page of a showtime: the seat map and the basket. It is a form that works without JavaScript."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_http_methods, require_safe

from booking.basket import choose_seats
from booking.bookings import find_live
from booking.clients.client import client_of
from booking.models import Booking
from booking.pages.hall_drawing import minimap_of
from booking.pages.hall_markup import draw_seats
from booking.pages.hall_view import SEAT_STATES, facts_of, price_lines, price_range, price_words, view_basket
from booking.pages.showtime_rows import find_showtime, times_of_day
from booking.refusals import AlreadyPaid, Refusal, SeatsTaken, join_labels
from booking.seats.lock_tags import NO_LOCK, Tags, tag_of
from booking.seats.rows import LETTERS
from booking.seats.shown_maps import read_state
from booking.visitors import remember_visitor, visitor_of, visitor_or_new
from cinema.database import clock
from cinema.models import Showtime
from cinema.plans.layouts import Layout, layout_of
from cinema.web.clock_guard import time_of_sale
from cinema.web.compression import compressed
from cinema.web.problems import resends


@resends("seats", "drop", "action", "tag")
@never_cache
@ensure_csrf_cookie
@require_http_methods(["GET", "HEAD", "POST"])
@compressed
def showtime(request: HttpRequest, showtime_id: int) -> HttpResponse:
    """The seat map as it is now. A POST sends all requested seats and `drop` or `action` of a button; it redirects."""
    found = find_showtime(showtime_id)
    if request.method == "POST":
        return _change_lock(request, found)
    return render(request, "booking/showtime.html", _page_context(request, found))


@never_cache
@require_safe
def basket(request: HttpRequest, showtime_id: int) -> HttpResponse:
    """The basket as an HTML fragment; it is always rendered here, never by the script."""
    found = find_showtime(showtime_id)
    layout = layout_of(found.plan.hash)
    context = {"showtime": found, "layout": layout, **_basket_context(request, found, layout)}
    if context["basket"] is None:
        context["n_left"] = read_state(found.pk, layout.hash).state.count(LETTERS["available"])
    return render(request, "booking/_basket.html", context)


def _change_lock(request: HttpRequest, found: Showtime) -> HttpResponse:
    visitor, client = visitor_or_new(request), client_of(request)
    labels, expected = request.POST.getlist("seats"), _expected(request)
    dropped = request.POST.get("drop")
    try:
        if request.POST.get("action") == "release":
            choose_seats(showtime_id=found.pk, visitor=visitor, labels=(), at=clock.now(), expected=expected)
            return redirect("booking:showtime", found.pk)
        requested = [label for label in labels if label != dropped]
        at = time_of_sale()
        result = choose_seats(
            showtime_id=found.pk, visitor=visitor, labels=requested, at=at, client=client, expected=expected
        )
    except AlreadyPaid as refusal:
        return redirect("booking:booking", refusal.reference)
    except SeatsTaken as refusal:
        messages.error(request, _hold_the_rest(request, found, visitor, requested, refusal))
        return redirect("booking:showtime", found.pk)
    except Refusal as refusal:
        messages.error(request, refusal.detail, extra_tags="sign-in" if getattr(refusal, "sign_in", False) else "")
        return redirect("booking:showtime", found.pk)
    locked = result.booking
    if locked:
        remember_visitor(request, visitor)
    if locked is None and not dropped:
        messages.error(request, "Choose at least one seat first.")
    if locked and request.POST.get("action") == "continue":
        return redirect("payments:checkout", found.pk)
    return redirect("booking:showtime", found.pk)


def _expected(request: HttpRequest) -> Tags | None:
    """The lock that the page showed, so that nothing is given back that another tab has chosen since; or none, so that
    what has lapsed can be chosen again. A form without a tag is for any lock."""
    tag = request.POST.get("tag")
    return frozenset((tag, NO_LOCK)) if tag else None


def _hold_the_rest(
    request: HttpRequest, found: Showtime, visitor: UUID, requested: list[str], refusal: SeatsTaken
) -> str:
    """Lock the requested seats that nobody has taken, as the script does, and say what was lost and what is locked."""
    verb = "is" if len(refusal.seats) == 1 else "are"
    lost = f"{join_labels(refusal.seats)} {verb} no longer free."
    rest = [label for label in requested if label not in refusal.seats]
    try:
        locked = rest and choose_seats(
            showtime_id=found.pk,
            visitor=visitor,
            labels=rest,
            at=time_of_sale(),
            client=client_of(request),
            expected=_expected(request),
        )
    except Refusal as second:
        return f"{lost} {second.detail}"
    if not locked:
        return f"{lost} Choose another seat."
    remember_visitor(request, visitor)
    return f"{lost} {join_labels(rest)} {'is' if len(rest) == 1 else 'are'} held for you."


def _page_context(request: HttpRequest, found: Showtime) -> dict[str, Any]:
    at = clock.now()
    layout = layout_of(found.plan.hash)
    basket = _basket_context(request, found, layout)
    seats = read_state(found.pk, layout.hash)
    mine = set() if basket["basket"] is None else {view.seat.index for view in basket["basket"].seats}
    prices, facts = price_words(found, layout), facts_of(layout.hash)
    rows, dots = draw_seats(layout, seats.state, mine, prices)
    return {
        "showtime": found,
        "sales": found.sales(at),
        "layout": layout,
        "map": seats,
        "seat_states": SEAT_STATES,
        "prices": price_lines(layout, prices),
        "n_left": seats.state.count(LETTERS["available"]),
        "n_choosing": seats.state.count(LETTERS["locked"]),
        "times": times_of_day(found, at),
        "has_companions": "companion" in facts.kinds,
        "has_wheelchairs": "wheelchair" in facts.kinds,
        "segments": facts.segments,
        "rows": rows,
        "minimap": minimap_of(layout.hash)[0],
        "minimap_seats": dots,
        **basket,
    }


def _basket_context(request: HttpRequest, found: Showtime, layout: Layout) -> dict[str, Any]:
    at = clock.now()
    booking = find_live(showtime_id=found.pk, visitor=visitor_of(request), at=at)
    mine = set(booking.seats.values_list("index", flat=True)) if booking else set()
    return {
        "tag": tag_of(booking, sorted(mine)),
        "basket": view_basket(booking, found, layout, mine, settings.SEAT_LOCK, at),
        "paying": booking is not None and booking.status in Booking.PAYING,
        "max_seats": settings.MAX_SEATS_PER_BOOKING,
        "facts": facts_of(layout.hash),
        "price_range": price_range(found, layout),
        "now": at,
    }
