"""A calendar entry for a booking (RFC 5545)."""

from __future__ import annotations

from datetime import UTC

from icalendar import Calendar, Event

from booking.models import Booking, Ticket
from cinema.plain_text import join_lines, one_line


def write_calendar(booking: Booking, url: str) -> str:
    """One event from the showtime's start to its end, with the seats of the tickets that are not cancelled.

    Texts are on one line and without control characters, which a calendar file must not have. Times are UTC and lines
    are folded and end with CRLF. The UID is the booking's reference, so that a program that imports a second copy
    updates its event.

    Args:
        url: the booking's page, absolute.
    """
    showtime = booking.showtime
    screen, cinema = showtime.screen, showtime.screen.cinema
    place = (screen.name, cinema.name, join_lines(cinema.address), cinema.city)
    seats = ", ".join(ticket.label for ticket in booking.tickets.exclude(status=Ticket.Status.CANCELLED))
    event = Event()
    event.add("uid", f"{booking.reference}@bookmyseat")
    event.add("dtstamp", booking.confirmed_at or booking.created_at)
    event.add("dtstart", showtime.starts_at.astimezone(UTC))
    event.add("dtend", showtime.ends_at.astimezone(UTC))
    event.add("summary", one_line(showtime.movie.title))
    event.add("location", ", ".join(filter(None, map(one_line, place))))
    event.add("description", one_line(f"Seats {seats}. Booking {booking.reference}. {url}"))
    event.add("url", url)
    calendar = Calendar()
    calendar.add("version", "2.0")
    calendar.add("prodid", "-//BookMySeat//Tickets//EN")
    calendar.add("method", "PUBLISH")
    calendar.add_component(event)
    content: bytes = calendar.to_ical(sorted=False)  # unsorted: the order above
    return content.decode()
