"""Mails that a booking promises, sent from the outbox."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse

from booking import outbox
from booking.calendar_file import calendar_file
from booking.models import Booking
from booking.tickets import booking_key, ticket_code


def register_handlers() -> None:
    outbox.register("mail.confirmed", send_confirmed)
    outbox.register("mail.late_refund", send_late_refund)


def send_confirmed(payload: outbox.Payload) -> None:
    """Tickets, and a file for the calendar."""
    booking = _find(payload)
    film = booking.showtime.movie.title
    message = _compose(booking, "confirmed", f"Your tickets for {film}")
    message.attach(f"{booking.reference}.ics", calendar_file(booking, booking_url(booking)), "text/calendar")
    message.send()


def send_late_refund(payload: outbox.Payload) -> None:
    """The payment came after the seats had gone, or was not what was asked: the money goes back."""
    booking = _find(payload)
    subject = f"Your money is on its way back ({booking.reference})"
    _compose(booking, "late_refund", subject, mismatch=payload.get("reason") == "mismatch").send()


def booking_url(booking: Booking) -> str:
    """Absolute, and opens without a session."""
    origin = booking.origin or f"http://127.0.0.1:{settings.PORT}"
    return f"{origin}{reverse('booking:booking', args=[booking.reference])}?key={booking_key(booking)}"


def _find(payload: outbox.Payload) -> Booking:
    bookings = Booking.objects.select_related("showtime__movie", "showtime__screen__cinema")
    return bookings.get(pk=payload["booking"])


def _compose(booking: Booking, kind: str, subject: str, **more: Any) -> EmailMultiAlternatives:
    """Text and HTML of `templates/mail/<kind>`. The Message-ID is the promise's: a second copy is the same mail."""
    context: dict[str, Any] = {
        "booking": booking,
        "showtime": booking.showtime,
        "tickets": [(ticket, ticket_code(ticket)) for ticket in booking.tickets.exclude(status="cancelled")],
        "places": list(booking.places.all()),
        "url": booking_url(booking),
        **more,
    }
    sender_domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].rstrip(">")
    headers = {"X-Booking": booking.reference, "Message-ID": f"<{kind}.{booking.reference}@{sender_domain}>"}
    marked = f"[DEMO] {subject}" if booking.demo else subject
    text = render_to_string(f"mail/{kind}.txt", context)
    message = EmailMultiAlternatives(marked, text, to=[booking.email], headers=headers)
    message.attach_alternative(render_to_string(f"mail/{kind}.html", context), "text/html")
    return message
