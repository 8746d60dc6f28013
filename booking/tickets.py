"""Ticket codes that scan offline, the links in mails, and QR codes."""

from __future__ import annotations

import io

import segno
from django.core import signing
from django.utils.safestring import SafeString, mark_safe

from booking.models import Booking, Ticket

_tickets = signing.Signer(salt="booking.ticket")
_links = signing.Signer(salt="booking.link")


def ticket_code(ticket: Ticket) -> str:
    """What the QR code says: the ticket's number and a signature. The same for ever, and made by nobody else."""
    return _tickets.sign(f"T{ticket.pk}")


def read_code(code: str) -> int:
    """The primary key of the ticket that this code was made for.

    Raises:
        ValueError: it is not one of ours.
    """
    try:
        value = _tickets.unsign(code.strip())
    except signing.BadSignature as error:
        raise ValueError("This is not one of our tickets.") from error
    return int(value.removeprefix("T"))


def booking_key(booking: Booking) -> str:
    """The `?key=` that opens a booking without a session."""
    return _links.signature(booking.reference)


def check_key(booking: Booking, key: str) -> bool:
    """Whether `key` was made for this booking; takes the same time for any key."""
    try:
        _links.unsign(f"{booking.reference}:{key}")
    except signing.BadSignature:
        return False
    return True


def qr_svg(text: str) -> SafeString:
    """A QR code as one inline SVG path, error correction M, four modules of quiet zone, no size of its own."""
    buffer = io.BytesIO()
    segno.make(text, error="m", micro=False).save(
        buffer, kind="svg", xmldecl=False, svgns=True, omitsize=True, border=4, dark="#1d1710", light="#ffffff"
    )
    # segno writes numbers and our own colours only; nothing of `text` is in it.
    return mark_safe(buffer.getvalue().decode())
