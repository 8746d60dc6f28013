"""Handlers of the outbox messages `mail.…`: mails about a booking.

Fields of the payloads besides `booking` (its primary key); amounts are minor units:

- `mail.confirmed`: `key` (random) if staff send the mail again, else nothing. Earlier releases wrote `copy` (a number).
- `mail.late_refund`: `reason` (`late`, `mismatch`, `showtime`): all of the money is refunded.
- `mail.cancelled`: `tickets` (primary keys of the tickets just cancelled), `refund` (for them).
- `mail.showtime_cancelled`: the same; `refund` is all that was paid for them.
- `mail.refunded`: `refund` (already returned), `reason` (one of `WHY`), `key`.
- `mail.payment_problem`: `problem` (one of `PROBLEMS`), `key`, and `refund` if money is to be refunded.

`key` identifies the event; tickets are identified by their random secrets. The Message-ID is made of kind, booking and
key: a message that is handled twice sends the same mail, which mail programs show once. No primary key is part of it:
after a restored backup that is used again, and the mail would be hidden as a repetition of another one.
"""

from __future__ import annotations

import re
import smtplib
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse

from booking.mail.calendar import write_calendar
from booking.models import Booking, BookingSeat, Ticket
from booking.outbox.messages import Payload, PermanentFailure, register_handler
from booking.refusals import join_labels
from booking.tickets.codes import booking_key, mark_of_tickets, ticket_code
from cinema.currencies import format_money
from cinema.plain_text import clean_lines, one_line

WHY = {
    "buyer": "you cancelled your tickets",
    "staff": "the cinema cancelled your tickets",
    "showtime": "the cinema cancelled the showtime",
    "late": "your payment reached us after the time to pay had run out",
    "duplicate": "you had paid for these seats already",
    "mismatch": "the amount paid was not the amount we had asked for",
    "outside": "",
}
PROBLEMS = {
    "declined": (
        "Your card was declined",
        [
            "The bank declined your card, so nothing was charged.",
            "The seats {places} are free again, for you too. Try another card, or ask your bank.",
        ],
    ),
    "mismatch": (
        "Your payment did not fit",
        [
            "What we received is not the amount we had asked for, so we could not book the seats {places} with it.",
            "All of it goes back to the card you paid with. Banks take up to ten days to show it.",
        ],
    ),
    "refund_failed": (
        "We could not return your money",
        [
            "Your bank did not take back {refund}. The money is still yours: the cinema has been told and will look"
            " for another way.",
            "Please answer this mail and say how we can reach you, with the reference {reference}.",
        ],
    ),
}


def register_handlers() -> None:
    """Register the handlers of this module with the outbox."""
    register_handler("mail.confirmed", send_confirmed)
    register_handler("mail.late_refund", send_late_refund)
    register_handler("mail.cancelled", send_cancelled)
    register_handler("mail.refunded", send_refunded)
    register_handler("mail.showtime_cancelled", send_showtime_cancelled)
    register_handler("mail.payment_problem", send_payment_problem)


def send_confirmed(payload: Payload) -> None:
    """Tickets and calendar file. Sends nothing if all tickets have been cancelled since."""
    booking = _find(payload)
    if not _standing(booking)["standing"]:
        return
    # A copy has a name of its own, else mail programs may hide it as a repetition.
    copy = f"{mark_of_tickets(booking.tickets.all())} {payload.get('key', payload.get('copy', ''))}".strip()
    subject = f"Your tickets for {booking.showtime.movie.title} ({booking.reference})"
    message = _compose(booking, "confirmed", subject, copy)
    message.attach(f"{booking.reference}.ics", write_calendar(booking, booking_url(booking)), "text/calendar")
    _send(message)


def send_late_refund(payload: Payload) -> None:
    """The payment came too late, or its amount was wrong: the money is refunded."""
    booking = _find(payload)
    subject = f"Your money for {booking.showtime.movie.title} is on its way back ({booking.reference})"
    _send(_compose(booking, "late_refund", subject, reason=payload.get("reason")))


def send_cancelled(payload: Payload) -> None:
    """Which tickets are cancelled, what is refunded, what the cinema keeps, which tickets remain."""
    booking = _find(payload)
    context = _cancellation(booking, payload)
    what = context["gone"] if context["standing"] else "your booking"
    subject = f"Cancelled: {what}, {booking.showtime.movie.title} ({booking.reference})"
    _send(_compose(booking, "cancelled", subject, mark_of_tickets(context["cancelled"]), **context))


def send_showtime_cancelled(payload: Payload) -> None:
    """The showtime is cancelled and all of the money is refunded."""
    booking = _find(payload)
    subject = f"{booking.showtime.movie.title} will not be shown ({booking.reference})"
    film_url = _origin(booking) + reverse("cinema:movie", args=[booking.showtime.movie.slug])
    context = {"film_url": film_url, **_cancellation(booking, payload)}
    _send(_compose(booking, "showtime_cancelled", subject, mark_of_tickets(context["cancelled"]), **context))


def send_refunded(payload: Payload) -> None:
    """The money was refunded, and why."""
    booking = _find(payload)
    amount = format_money(payload["refund"], booking.currency)
    subject = f"{amount} is back, {booking.showtime.movie.title} ({booking.reference})"
    context = {"refund": payload["refund"], "why": WHY[payload["reason"]], **_standing(booking)}
    _send(_compose(booking, "refunded", subject, payload["key"], **context))


def send_payment_problem(payload: Payload) -> None:
    """What failed with a payment or refund, and what the buyer should do."""
    booking = _find(payload)
    title, sentences = PROBLEMS[payload["problem"]]
    words = {
        "places": _join_labels(booking.places.all()),
        "refund": format_money(payload.get("refund", 0), booking.currency),
        "reference": booking.reference,
    }
    context = {
        "title": title,
        "sentences": [sentence.format(**words) for sentence in sentences],
        "try_again": payload["problem"] != "refund_failed",
        "showtime_url": _origin(booking) + reverse("booking:showtime", args=[booking.showtime_id]),
    }
    subject = f"{title}: {booking.showtime.movie.title} ({booking.reference})"
    _send(_compose(booking, "payment_problem", subject, payload["key"], **context))


def booking_url(booking: Booking) -> str:
    """The absolute address of the booking's page, with the key that opens it without a session."""
    return f"{_origin(booking)}{reverse('booking:booking', args=[booking.reference])}?key={booking_key(booking)}"


def _send(message: EmailMultiAlternatives) -> None:
    """Raises PermanentFailure if the mail server refuses every recipient for good (5xx)."""
    try:
        message.send()
    except smtplib.SMTPRecipientsRefused as error:
        answers = list(error.recipients.values())
        if all(code >= 500 for code, _ in answers):
            reply = " ".join(text.decode(errors="replace") for _, text in answers)
            raise PermanentFailure(f"{', '.join(message.to)} was refused: {reply}") from error
        raise


def _origin(booking: Booking) -> str:
    return booking.origin or f"http://127.0.0.1:{settings.PORT}"


def _find(payload: Payload) -> Booking:
    bookings = Booking.objects.select_related("showtime__movie", "showtime__screen__cinema")
    return bookings.get(pk=payload["booking"])


def _cancellation(booking: Booking, payload: Payload) -> dict[str, Any]:
    cancelled = list(booking.tickets.filter(pk__in=payload["tickets"]))
    refund = payload["refund"]
    return {
        "cancelled": cancelled,
        "gone": _join_labels(cancelled),
        "many": len(cancelled) > 1,
        "refund": refund,
        "kept": sum(ticket.price for ticket in cancelled) - refund,
        **_standing(booking),
    }


def _standing(booking: Booking) -> dict[str, Any]:
    standing = list(booking.tickets.exclude(status=Ticket.Status.CANCELLED))
    return {"standing": standing, "standing_many": len(standing) > 1, "left": _join_labels(standing)}


def _join_labels(seats: Iterable[BookingSeat | Ticket]) -> str:
    labels = [seat.label for seat in seats]
    return join_labels(labels) if labels else ""


def _render(template: str, context: dict[str, Any]) -> str:
    """The text of a mail. A title or an address of earlier releases may have control characters in it."""
    return clean_lines(render_to_string(template, context))


def _compose(booking: Booking, kind: str, subject: str, key: str = "", **more: Any) -> EmailMultiAlternatives:
    """The mail from `templates/mail/<kind>.txt` and `.html`. `key` distinguishes mails of one kind and booking."""
    is_demo = booking.demo or (booking.confirmed_at is None and settings.DEMO_PAYMENTS)
    context: dict[str, Any] = {
        "booking": booking,
        "is_demo": is_demo,
        "showtime": booking.showtime,
        "tickets": [(ticket, ticket_code(ticket)) for ticket in booking.tickets.exclude(status="cancelled")],
        "places": list(booking.places.all()),
        "url": booking_url(booking),
        **more,
    }
    sender_domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].rstrip(">")
    name = ".".join(filter(None, [kind, booking.reference, re.sub(r"[^A-Za-z0-9]+", "-", key)]))
    headers = {"X-Booking": booking.reference, "Message-ID": f"<{name}@{sender_domain}>"}
    marked = one_line(f"[DEMO] {subject}" if is_demo else subject)
    text, html = (_render(f"mail/{kind}.{form}", context) for form in ("txt", "html"))
    message = EmailMultiAlternatives(marked, text, to=[booking.email], headers=headers)
    message.attach_alternative(html, "text/html")
    return message
