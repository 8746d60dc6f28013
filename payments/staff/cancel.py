"""Staff cancel tickets of a booking, or a whole showtime. Each asks for a confirmation."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from booking.models import Booking, Ticket
from booking.refusals import Refusal, join_labels
from cinema.accounts.staff import money_page
from cinema.database import clock
from cinema.models import Showtime
from cinema.plain_text import one_line
from payments.pages.cancel import shown_sum
from payments.pages.checkout import SeeOther
from payments.refund_rows import Share, own_payment
from payments.refunds import cancel_booking, cancel_showtime, quote_cancellation
from payments.staff.bookings import find_for_staff, staff_actor
from payments.staff.money_overview import effect_of_cancelling

LONGEST_REASON = 200


@money_page
@require_http_methods(["GET", "HEAD", "POST"])
def cancel_tickets(request: HttpRequest, reference: str) -> HttpResponse:
    """Choose, review, give a reason, confirm; the whole price is refunded. Raises NotFound."""
    booking = find_for_staff(reference)
    parameters = request.POST if request.method == "POST" else request.GET
    labels = parameters.getlist("seats")
    if request.method == "POST" and "sure" in request.POST:
        return _cancel(request, booking, labels, clock.now())
    if request.method == "POST":
        query = urlencode([("seats", label) for label in _standing_of(booking, labels)])
        return SeeOther(f"{request.path}?{query}" if query else request.path)
    return _show(request, booking, labels)


def _cancel(request: HttpRequest, booking: Booking, labels: list[str], at: datetime) -> HttpResponse:
    reason = one_line(request.POST.get("reason", ""))[:LONGEST_REASON]
    standing = _standing_of(booking, labels)
    if not standing:
        messages.info(request, _("Those tickets are cancelled already."))
        return SeeOther(reverse("payments:staff-booking", args=[booking.reference]))
    if not reason:
        return _show(request, booking, labels, reason_error=_("Say why, in a word."), status=422)
    try:
        by, shown = staff_actor(request), shown_sum(request)
        cancel_booking(booking_id=booking.pk, labels=standing, by=by, at=at, note=reason, shown=shown)
    except Refusal as refusal:
        return _show(request, booking, labels, refusal=refusal.detail, reason=reason, status=409)
    words = ngettext("%s is cancelled.", "%s are cancelled.", len(standing))
    messages.success(request, words % join_labels(standing))
    return SeeOther(reverse("payments:staff-booking", args=[booking.reference]))


def _show(request: HttpRequest, booking: Booking, labels: list[str], *, status: int = 200, **more: Any) -> HttpResponse:
    standing = [ticket for ticket in booking.tickets.all() if ticket.status != Ticket.Status.CANCELLED]
    allowed = standing if booking.status == Booking.Status.CONFIRMED else []
    chosen = [ticket.label for ticket in allowed if ticket.label in labels]
    shares: list[Share] = []
    if chosen:
        try:
            shares, _reason = quote_cancellation(
                booking, own_payment(booking), chosen, by=staff_actor(request), at=clock.now()
            )
        except Refusal as no:
            more.setdefault("refusal", no.detail)
    to_cancel = [ticket for ticket, _part in shares]
    back_total = sum(part for _ticket, part in shares)
    context = {
        "section": "bookings",
        "booking": booking,
        "showtime": booking.showtime,
        "movie": booking.showtime.movie,
        "lines": [_pick(ticket, len(allowed) == 1) for ticket in allowed],
        "chosen": to_cancel,
        "chosen_words": join_labels([ticket.label for ticket in to_cancel]) if to_cancel else "",
        "back_total": back_total,
        "gone_before": sum(ticket.price for ticket in to_cancel) - back_total,
        **more,
    }
    return render(request, "staff/cancel_tickets.html", context, status=status)


def _pick(ticket: Ticket, is_chosen: bool) -> dict[str, Any]:
    return {
        "label": ticket.label,
        "category": ticket.category,
        "price": ticket.price,
        "back": ticket.price,
        "is_chosen": is_chosen,
    }


def _standing_of(booking: Booking, labels: list[str]) -> list[str]:
    tickets = booking.tickets.all()
    return [one.label for one in tickets if one.label in labels and one.status != Ticket.Status.CANCELLED]


@money_page
@require_http_methods(["GET", "HEAD", "POST"])
def cancel_whole_showtime(request: HttpRequest, showtime_id: int) -> HttpResponse:
    """How many bookings, how much money, and a button; afterwards the same page counts what is left."""
    showtime = get_object_or_404(Showtime.objects.with_movie_and_screen(), pk=showtime_id)
    at = clock.now()
    refusal = ""
    if request.method == "POST" and showtime.cancelled_at is None and at < showtime.ends_at:
        if request.POST.get("bookings") != str(effect_of_cancelling(showtime.pk).bookings):
            refusal = _("Somebody has booked or cancelled since you opened this page. Please look once more.")
        elif request.POST.get("sure") != "yes":
            refusal = _("Tick the box if you are sure; nothing was cancelled.")
        else:
            cancel_showtime(showtime_id=showtime.pk, by=staff_actor(request), at=at)
            return SeeOther(request.path)
    context = {
        "section": "",
        "showtime": showtime,
        "movie": showtime.movie,
        "effect": effect_of_cancelling(showtime.pk),
        "done": showtime.cancelled_at is not None,
        "is_over": at >= showtime.ends_at,
        "refusal": refusal,
        "back": reverse("payments:staff-bookings"),
    }
    return render(request, "staff/cancel_showtime.html", context, status=409 if refusal else 200)
