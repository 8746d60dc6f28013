"""Staff pages of bookings: find one, read its timeline, send its tickets again."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from booking.models import Booking, OutboxMessage, Ticket
from booking.outbox.messages import enqueue
from booking.refusals import NotFound
from cinema.accounts.staff import staff_page
from cinema.database import clock
from payments.ledger import Actor
from payments.models import MoneyAlert
from payments.pages.checkout import SeeOther
from payments.refund_view import BookingRefunds, read_refunds
from payments.staff.money_overview import related, sum_booking, with_remedies
from payments.staff.search import read_reference, search_bookings
from payments.staff.timeline import read_timeline

Status = Booking.Status


@staff_page
@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """`?q=`: a whole reference redirects to its timeline."""
    query = request.GET.get("q", "")
    if (whole := read_reference(query)) and Booking.objects.filter(reference=whole).exists():
        return redirect("payments:staff-booking", whole)
    found = search_bookings(query, at=clock.now())
    lines = [_search_line(booking) for booking in found.bookings]
    return render(
        request,
        "staff/booking_search.html",
        {"section": "bookings", "query": found.query, "found": found, "lines": lines},
    )


@staff_page
@require_safe
def timeline(request: HttpRequest, reference: str) -> HttpResponse:
    """What happened to a booking, and what staff can do about it. Raises NotFound."""
    booking = find_for_staff(reference)
    return render(request, "staff/booking_timeline.html", _context(booking, clock.now()))


@staff_page
@require_POST
def resend_mail(request: HttpRequest, reference: str) -> HttpResponse:
    """Send the mail with the tickets again; a second click on the same page sends no other."""
    booking = find_for_staff(reference)
    n_seen = request.POST.get("sent", "")
    if not _can_mail(booking):
        messages.error(request, _("There is no ticket to send."))
    elif n_seen != str(n_sent := _n_sent(booking)):
        messages.info(request, _("That mail has been asked for already."))
    else:
        at = clock.now()
        with transaction.atomic(durable=True):
            enqueue(
                kind="mail.confirmed",
                dedupe_key=f"mail.confirmed:{booking.pk}:again-{n_sent}",
                payload={"booking": booking.pk, "key": secrets.token_hex(8), "by": staff_actor(request).name},
                at=at,
            )
        messages.success(request, _("The tickets are on their way to %s once more.") % booking.email)
    return SeeOther(reverse("payments:staff-booking", args=[booking.reference]))


def staff_actor(request: HttpRequest) -> Actor:
    """The user who is signed in, as an actor of the ledger."""
    return Actor.staff(request.user.get_username())


def find_for_staff(reference: str) -> Booking:
    """The booking of this reference. Raises NotFound."""
    bookings = Booking.objects.select_related("showtime__movie", "showtime__screen__cinema", "showtime__plan")
    booking = bookings.prefetch_related("tickets").filter(reference=reference.upper()).first()
    if booking is None:
        raise NotFound("There is no such booking.")
    return booking


def _context(booking: Booking, at: datetime) -> dict[str, Any]:
    tickets = list(booking.tickets.all())
    standing = [ticket for ticket in tickets if ticket.status != Ticket.Status.CANCELLED]
    refunds = read_refunds(booking)
    return {
        "section": "bookings",
        "booking": booking,
        "showtime": booking.showtime,
        "movie": booking.showtime.movie,
        "state": state_of(booking),
        "timeline": read_timeline(booking),
        "alerts": with_remedies(related(MoneyAlert.objects.filter(booking=booking, closed_at=None))),
        "labels": labels_of(booking),
        "n_tickets": len(tickets),
        "standing_words": _standing_words(tickets, standing),
        "tickets": [{"ticket": ticket, "back": _refund_words(refunds, ticket)} for ticket in tickets],
        "sums": sum_booking(booking),
        "refunds": refunds,
        "can_mail": _can_mail(booking),
        "n_sent": _n_sent(booking),
        "can_cancel": booking.status == Status.CONFIRMED and bool(standing),
        "called_off": booking.showtime.cancelled_at is not None,
        "can_cancel_showtime": booking.showtime.cancelled_at is None and at < booking.showtime.ends_at,
    }


def _search_line(booking: Booking) -> dict[str, Any]:
    return {
        "booking": booking,
        "labels": labels_of(booking),
        "state": state_of(booking),
        "kept": booking.total - booking.refunded if booking.confirmed_at else booking.total,
    }


def labels_of(booking: Booking) -> list[str]:
    """The labels of its standing tickets; without tickets, of the seats that it paid for or has locked."""
    tickets = list(booking.tickets.all())
    standing = [ticket.label for ticket in tickets if ticket.status != Ticket.Status.CANCELLED]
    if tickets:
        return standing or [ticket.label for ticket in tickets]
    if booking.status != Status.LOCKED and (places := [place.label for place in booking.places.all()]):
        return places
    return [row.seat.label for row in booking.seats.select_related("seat").order_by("index")]


def state_of(booking: Booking) -> dict[str, str]:
    """The booking's state: a key for its colour, and words."""
    words = {
        Status.LOCKED: _("choosing"),
        Status.CHECKOUT: _("paying"),
        Status.PROCESSING: _("bank is thinking"),
        Status.CONFIRMED: _("confirmed"),
        Status.RELEASING: _("payment being ended"),
        Status.RELEASED: _("given back, unpaid"),
        Status.EXPIRED: _("hold ran out"),
        Status.CANCELLED: _("cancelled"),
        Status.REFUNDING: _("being refunded"),
        Status.REFUNDED: _("refunded"),
    }
    if booking.status == Status.REFUNDING and not booking.refunded:
        return {"key": "failed", "words": _("refund failed")}
    if booking.status == Status.CONFIRMED and booking.showtime.cancelled_at is not None:
        return {"key": "refunding", "words": _("showtime cancelled")}
    tickets = booking.tickets.all()
    if booking.status == Status.CONFIRMED and any(ticket.status == Ticket.Status.CANCELLED for ticket in tickets):
        return {"key": "part", "words": _("partly cancelled")}
    return {"key": booking.status, "words": words[Status(booking.status)]}


def _standing_words(tickets: list[Ticket], standing: list[Ticket]) -> str:
    used = sum(ticket.status == Ticket.Status.USED for ticket in tickets)
    if len(standing) < len(tickets):
        return _("%(n)d of %(all)d left") % {"n": len(standing), "all": len(tickets)}
    if used:
        return _("%(n)d of %(all)d in") % {"n": used, "all": len(tickets)}
    return ngettext("%d ticket", "%d tickets", len(tickets)) % len(tickets)


def _refund_words(refunds: BookingRefunds, ticket: Ticket) -> str:
    found = refunds.of_ticket(ticket.pk)
    if found is None or not found.amount:
        return ""
    return {"under-way": _("money on its way"), "back": _("money is back"), "failed": _("refund failed")}[found.state]


def _can_mail(booking: Booking) -> bool:
    valid = any(ticket.status == Ticket.Status.VALID for ticket in booking.tickets.all())
    return bool(booking.email) and booking.status == Status.CONFIRMED and valid


def _n_sent(booking: Booking) -> int:
    """How many mails with the tickets were enqueued."""
    return OutboxMessage.objects.filter(kind="mail.confirmed", payload__booking=booking.pk).count()
