"""A calendar entry for a booking (RFC 5545)."""

from __future__ import annotations

from datetime import UTC, datetime

from booking.models import Booking


def calendar_file(booking: Booking, url: str) -> str:
    """One event, from the showtime's start to its end, in UTC, with the seats in its text."""
    showtime = booking.showtime
    seats = ", ".join(ticket.label for ticket in booking.tickets.exclude(status="cancelled"))
    house = showtime.screen.cinema
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//BookMySeat//Tickets//EN",
        "METHOD:PUBLISH",
        "BEGIN:VEVENT",
        f"UID:{booking.reference}@bookmyseat",
        f"DTSTAMP:{_utc(booking.confirmed_at or booking.created_at)}",
        f"DTSTART:{_utc(showtime.starts_at)}",
        f"DTEND:{_utc(showtime.ends_at)}",
        f"SUMMARY:{_escape(showtime.movie.title)}",
        f"LOCATION:{_escape(', '.join(filter(None, [showtime.screen.name, house.name, house.address, house.city])))}",
        f"DESCRIPTION:{_escape(f'Seats {seats}. Booking {booking.reference}. {url}')}",
        f"URL:{url}",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return "".join(f"{folded}\r\n" for line in lines for folded in _fold(line))


def _utc(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def _fold(line: str) -> list[str]:
    """Lines of at most 75 octets; a continuation begins with a space."""
    parts, current = [], ""
    for letter in line:
        if len((current + letter).encode()) > 74:
            parts.append(current)
            current = " "
        current += letter
    return [*parts, current]
