"""Pages of bookings: all of a visitor's, one with its tickets, its calendar file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.safestring import SafeString
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from booking.access import find_booking
from booking.mail.calendar import write_calendar
from booking.models import Booking, Ticket
from booking.pages.hall_drawing import draw_hall
from booking.refusals import NotFound
from booking.terms.words import read_terms
from booking.tickets.codes import check_key, qr_svg, ticket_code
from booking.visitors import visitor_of
from cinema.database import clock
from cinema.plans.layouts import PlanSeat, layout_of
from cinema.web.origins import origin_of

Status = Booking.Status
PAST_SHOWN = 20
WAITING = (Status.PROCESSING, Status.RELEASING)


@dataclass(frozen=True)
class PrintedTicket:
    """A ticket with its code and the QR code of it."""

    ticket: Ticket
    code: str
    qr: SafeString


@never_cache
@require_safe
def bookings(request: HttpRequest) -> HttpResponse:
    """The visitor's bookings: live, to come, and the newest `PAST_SHOWN` past ones (all with `?past=all`)."""
    at = clock.now()
    visitor = visitor_of(request)
    mine = Booking.objects.of_visitor(visitor).exclude(status__in=Booking.ENDED_UNPAID) if visitor else None
    related = ("showtime__movie", "showtime__screen__cinema", "tickets", "seats__seat")
    found = list(mine.prefetch_related(*related)) if mine is not None else []
    locked = [one for one in found if one.is_live(at)]
    paid = [one for one in found if one.status == Status.CONFIRMED]
    coming = sorted((one for one in paid if one.showtime.ends_at > at), key=lambda one: one.showtime.starts_at)
    gone = (Status.REFUNDING, Status.REFUNDED, Status.CANCELLED)
    past = [one for one in found if one.status in gone or (one.status == Status.CONFIRMED and one not in coming)]
    past.sort(key=lambda one: one.showtime.starts_at, reverse=True)
    shown = past if request.GET.get("past") == "all" else past[:PAST_SHOWN]
    context = {
        "locked": locked,
        "now": at,
        "coming": coming,
        "past": shown,
        "n_past": len(past),
        "has_more": len(past) > len(shown),
    }
    return render(request, "booking/bookings.html", context)


@never_cache
@require_safe
def booking(request: HttpRequest, reference: str) -> HttpResponse:
    """One booking in its present state. Raises NotFound."""
    found = find_booking(request, reference)
    at = clock.now()
    state = found.status if found.status != Status.LOCKED or found.is_live(at) else Status.EXPIRED
    seats = _seats_of(found)
    called_off = found.showtime.cancelled_at is not None
    standing = [one for one in found.tickets.all() if one.status != Ticket.Status.CANCELLED]
    tickets = [PrintedTicket(one, code := ticket_code(one), qr_svg(code)) for one in found.tickets.all()]
    context: dict[str, Any] = {
        "booking": found,
        "now": at,
        "showtime": found.showtime,
        "movie": found.showtime.movie,
        "state": state,
        "is_waiting": state in WAITING,
        "has_seats": state in (*Booking.LIVE, Status.CONFIRMED) and not called_off,
        "is_over": found.showtime.ends_at <= at,
        "called_off": called_off,
        "n_standing": len(standing),
        "standing_sum": sum(one.price for one in standing),
        "offer": read_terms(found, at=at) if state == Status.CONFIRMED and not called_off else None,
        "cancel_url": _with_key(request, found, f"{found.get_absolute_url()}cancel/"),
        "can_sell": found.showtime.sales(at) == "open",
        "labels": [seat.label for seat in seats],
        "rows": sorted({seat.row for seat in seats if seat.row}),
        "hall": draw_hall(layout_of(found.showtime.plan.hash), [seat.index for seat in seats]),
        "tickets": tickets,
        "calendar_url": _with_key(request, found, reverse("booking:calendar", args=[found.reference])),
        "here": _with_key(request, found, found.get_absolute_url()),
        "status_url": _with_key(request, found, reverse("booking-api:booking", args=[found.reference])),
    }
    return render(request, "booking/booking.html", context)


@never_cache
@require_safe
def calendar(request: HttpRequest, reference: str) -> HttpResponse:
    """The booking as an `.ics` file.

    Raises:
        NotFound: this request may not see it, or it is not confirmed.
    """
    found = find_booking(request, reference)
    if found.status != Status.CONFIRMED:
        raise NotFound("This booking has no tickets.")
    url = origin_of(request) + _with_key(request, found, found.get_absolute_url())
    headers = {"Content-Disposition": f'attachment; filename="{found.reference}.ics"'}
    return HttpResponse(write_calendar(found, url), content_type="text/calendar; charset=utf-8", headers=headers)


def _seats_of(found: Booking) -> list[PlanSeat]:
    """The seats of the standing tickets; else of all tickets; else as fixed at checkout; else as locked."""
    plan = layout_of(found.showtime.plan.hash)
    tickets = list(found.tickets.all())
    standing = [ticket.label for ticket in tickets if ticket.status != Ticket.Status.CANCELLED]
    labels = standing or [ticket.label for ticket in tickets]
    if not labels and found.status != Status.LOCKED:
        labels = [place.label for place in found.places.all()]
    if labels:
        return [plan.seats[plan.index_of[label]] for label in labels if label in plan.index_of]
    return [plan.seats[row.index] for row in found.seats.order_by("index")]


def _with_key(request: HttpRequest, found: Booking, path: str) -> str:
    """The path, with the `?key=` of this request if it is valid: the next page needs it too."""
    key = request.GET.get("key", "")
    return f"{path}?{urlencode({'key': key})}" if key and check_key(found, key) else path
