"""Mails that a booking promises, sent from the outbox.

What the payloads carry, besides `booking` (its key); amounts are minor units:

- `mail.confirmed`: nothing more; `copy` (a number) when somebody asked for it once more.
- `mail.late_refund`: `reason` (`late`, `mismatch`, `showtime`): the money bought nothing and goes back whole.
- `mail.cancelled`: `tickets` (keys of those that this cancellation took), `refund` (what comes back for them).
- `mail.showtime_cancelled`: the same; all that was paid for them comes back.
- `mail.refunded`: `refund` (what has gone back), `reason` (one of `WHY`), `key`.
- `mail.payment_problem`: `problem` (one of `PROBLEMS`), `key`, and `refund` where money is meant to go back.

`key` names the event (`refund:17`), a cancellation its first ticket: of several mails of one kind about one booking
each is a mail of its own, and a repetition of one is the same mail.
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

from booking.mail.calendar import calendar_file
from booking.models import Booking, Ticket
from booking.outbox.messages import Payload, PermanentFailure, register_handler
from booking.refusals import spoken
from booking.tickets.codes import booking_key, ticket_code
from cinema.currencies import format_money

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
    register_handler("mail.confirmed", send_confirmed)
    register_handler("mail.late_refund", send_late_refund)
    register_handler("mail.cancelled", send_cancelled)
    register_handler("mail.refunded", send_refunded)
    register_handler("mail.showtime_cancelled", send_showtime_cancelled)
    register_handler("mail.payment_problem", send_payment_problem)


def send_confirmed(payload: Payload) -> None:
    """Tickets, and a file for the calendar. Nothing when all of them were cancelled before the mail could go."""
    booking = _find(payload)
    if not _standing(booking)["standing"]:
        return
    copy = f"copy-{payload['copy']}" if "copy" in payload else ""  # a mail of its own: a repetition may be hidden
    subject = f"Your tickets for {booking.showtime.movie.title} ({booking.reference})"
    message = _compose(booking, "confirmed", subject, copy)
    message.attach(f"{booking.reference}.ics", calendar_file(booking, booking_url(booking)), "text/calendar")
    _send(message)


def send_late_refund(payload: Payload) -> None:
    """The payment came after the seats had gone, or was not what was asked: the money goes back."""
    booking = _find(payload)
    subject = f"Your money for {booking.showtime.movie.title} is on its way back ({booking.reference})"
    _send(_compose(booking, "late_refund", subject, reason=payload.get("reason")))


def send_cancelled(payload: Payload) -> None:
    """Which seats are given back, what comes back, what the house keeps, which tickets stand."""
    booking = _find(payload)
    context = _cancellation(booking, payload)
    what = context["gone"] if context["standing"] else "your booking"
    subject = f"Cancelled: {what}, {booking.showtime.movie.title} ({booking.reference})"
    _send(_compose(booking, "cancelled", subject, _key(payload), **context))


def send_showtime_cancelled(payload: Payload) -> None:
    """Do not come; all of the money comes back."""
    booking = _find(payload)
    subject = f"{booking.showtime.movie.title} will not be shown ({booking.reference})"
    film_url = _origin(booking) + reverse("cinema:movie", args=[booking.showtime.movie.slug])
    context = {"film_url": film_url, **_cancellation(booking, payload)}
    _send(_compose(booking, "showtime_cancelled", subject, _key(payload), **context))


def send_refunded(payload: Payload) -> None:
    """The money has gone back, and why."""
    booking = _find(payload)
    amount = format_money(payload["refund"], booking.currency)
    subject = f"{amount} is back, {booking.showtime.movie.title} ({booking.reference})"
    context = {"refund": payload["refund"], "why": WHY[payload["reason"]], **_standing(booking)}
    _send(_compose(booking, "refunded", subject, payload["key"], **context))


def send_payment_problem(payload: Payload) -> None:
    """What went wrong with the money, and what the buyer should do."""
    booking = _find(payload)
    title, sentences = PROBLEMS[payload["problem"]]
    words = {
        "places": _spoken(booking.places.all()),
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
    """Absolute, and opens without a session."""
    return f"{_origin(booking)}{reverse('booking:booking', args=[booking.reference])}?key={booking_key(booking)}"


def _send(message: EmailMultiAlternatives) -> None:
    """Raises Hopeless when the mail server says that nobody has that address: a person must look at it."""
    try:
        message.send()
    except smtplib.SMTPRecipientsRefused as error:
        answers = list(error.recipients.values())
        if all(code >= 500 for code, _ in answers):
            told = " ".join(text.decode(errors="replace") for _, text in answers)
            raise PermanentFailure(f"{', '.join(message.to)} was refused: {told}") from error
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
        "gone": _spoken(cancelled),
        "many": len(cancelled) > 1,
        "refund": refund,
        "kept": sum(ticket.price for ticket in cancelled) - refund,
        **_standing(booking),
    }


def _key(payload: Payload) -> str:
    """A ticket is cancelled once, so the first of them names the cancellation."""
    return f"ticket-{min(payload['tickets'])}"


def _standing(booking: Booking) -> dict[str, Any]:
    standing = list(booking.tickets.exclude(status=Ticket.Status.CANCELLED))
    return {"standing": standing, "standing_many": len(standing) > 1, "left": _spoken(standing)}


def _spoken(places: Iterable[Any]) -> str:
    labels = [place.label for place in places]
    return spoken(labels) if labels else ""


def _compose(booking: Booking, kind: str, subject: str, key: str = "", **more: Any) -> EmailMultiAlternatives:
    """Text and HTML of `templates/mail/<kind>`. The Message-ID is the promise's: a second copy is the same mail."""
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
    marked = " ".join(f"[DEMO] {subject}".split() if is_demo else subject.split())  # a title may have a line break
    text = render_to_string(f"mail/{kind}.txt", context)
    message = EmailMultiAlternatives(marked, text, to=[booking.email], headers=headers)
    message.attach_alternative(render_to_string(f"mail/{kind}.html", context), "text/html")
    return message
