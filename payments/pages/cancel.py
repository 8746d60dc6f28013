"""Cancelling tickets, for the buyer: choose, review the refund, confirm. Works without JavaScript.

A POST without `sure` redirects to the review (a page with its own URL, so that the back button is harmless); a POST
with it cancels what was shown, unless the refund has changed since.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from booking.access import find_booking
from booking.models import Booking, Ticket
from booking.pages.hall_drawing import draw_hall
from booking.refusals import Refusal, SumChanged, join_labels
from booking.terms.policy import offer_of
from booking.terms.words import read_terms
from booking.tickets.codes import check_key
from booking.visitors import visitor_of
from cinema.database import clock
from cinema.plans.layouts import layout_of
from payments.ledger import BUYER
from payments.pages.checkout import SeeOther
from payments.refunds import cancel_booking


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def cancel_tickets(request: HttpRequest, reference: str) -> HttpResponse:
    """Choose, review and confirm. Raises NotFound for a booking of somebody else."""
    booking = find_booking(request, reference)
    parameters = request.POST if request.method == "POST" else request.GET
    labels = list(dict.fromkeys(parameters.getlist("seats")))
    if not _is_owner(request, booking):  # staff cancel on their own page, without the terms
        return SeeOther(_address("payments:staff-cancel", booking, seats=labels))
    if request.method != "POST":
        return _show(request, booking, labels, clock.now())
    if "sure" not in request.POST:
        return SeeOther(_address("payments:cancel-tickets", booking, request, labels))
    return _cancel(request, booking, labels, clock.now())


def _cancel(request: HttpRequest, booking: Booking, labels: list[str], at: datetime) -> HttpResponse:
    booking_page = SeeOther(_address("booking:booking", booking, request))
    standing, cancelled = _split(booking, labels)
    if not standing:
        if not cancelled:
            return _show(request, booking, labels, at, _("Choose at least one of these tickets."))
        messages.info(request, _cancelled_words(cancelled, _("already")))  # a second click, another tab
        return booking_page
    try:
        if cancelled:
            raise SumChanged
        cancel_booking(booking_id=booking.pk, labels=standing, by=BUYER, at=at, shown=shown_sum(request))
    except Refusal as refusal:
        return _show(request, booking, labels, at, refusal.detail)
    messages.success(request, _cancelled_words(standing))
    return booking_page


def shown_sum(request: HttpRequest) -> int:
    """The refund that the form showed, minor units; -1, which never matches, when it is missing."""
    text = request.POST.get("back", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else -1


def _show(request: HttpRequest, booking: Booking, labels: list[str], at: datetime, refusal: str = "") -> HttpResponse:
    """The choice of tickets, or, when some are chosen, the refund of each."""
    booking.refresh_from_db()
    standing, cancelled = _split(booking, labels)
    terms = read_terms(booking, at=at, chosen=standing)
    offer = offer_of(booking, at, standing)
    allowed = {line.label for line in terms.lines if not line.why_not}
    chosen = [each for each in offer.open if each.ticket.label in standing and each.ticket.label in allowed]
    staying = _staying(booking, chosen)
    context: dict[str, Any] = {
        "booking": booking,
        "showtime": booking.showtime,
        "movie": booking.showtime.movie,
        "offer": terms,
        "chosen": chosen,
        "labels": [each.ticket.label for each in chosen],
        "seats": join_labels([each.ticket.label for each in chosen]) if chosen else "",
        "staying": join_labels(staying) if staying else "",
        "n_staying": len(staying),
        "back": sum(each.amount for each in chosen),
        "kept": sum(each.kept for each in chosen),
        "hall": _hall(booking, chosen),
        "refusal": refusal or (_cancelled_words(cancelled, _("already")) if cancelled else ""),
        "cancel_url": _address("payments:cancel-tickets", booking, request),
        "back_url": _address("booking:booking", booking, request),
    }
    return render(request, "payments/cancel.html", context, status=409 if refusal else 200)


def _split(booking: Booking, labels: list[str]) -> tuple[list[str], list[str]]:
    """Of the named seats those with a standing ticket, and those cancelled before; others are dropped."""
    status_of = {ticket.label: ticket.status for ticket in booking.tickets.all()}
    known = [label for label in labels if label in status_of]
    cancelled = [label for label in known if status_of[label] == Ticket.Status.CANCELLED]
    return [label for label in known if label not in cancelled], cancelled


def _staying(booking: Booking, chosen: list[Any]) -> list[str]:
    going = {each.ticket.pk for each in chosen}
    standing = booking.tickets.exclude(status=Ticket.Status.CANCELLED)
    return [ticket.label for ticket in standing if ticket.pk not in going]


def _hall(booking: Booking, chosen: list[Any]) -> Any:
    plan = layout_of(booking.showtime.plan.hash)
    labels = [each.ticket.label for each in chosen] or [ticket.label for ticket in booking.tickets.all()]
    return draw_hall(plan, [plan.index_of[label] for label in labels if label in plan.index_of])


def _cancelled_words(labels: list[str], when: str = "") -> str:
    words = ngettext("%(seats)s is %(when)scancelled.", "%(seats)s are %(when)scancelled.", len(labels))
    return words % {"seats": join_labels(labels), "when": f"{when} " if when else ""}


def _is_owner(request: HttpRequest, booking: Booking) -> bool:
    return booking.visitor == visitor_of(request) or check_key(booking, request.GET.get("key", ""))


def _address(name: str, booking: Booking, request: HttpRequest | None = None, seats: list[str] | None = None) -> str:
    """The URL of this page for the seats, with the mail's key if the request was opened by it."""
    query: list[tuple[str, str]] = [("seats", label) for label in seats or ()]
    if request is not None and (key := request.GET.get("key", "")) and check_key(booking, key):
        query.append(("key", key))
    path = reverse(name, args=[booking.reference])
    return f"{path}?{urlencode(query)}" if query else path
