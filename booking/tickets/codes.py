"""Ticket codes that scan offline, the links in mails, and QR codes."""

from __future__ import annotations

import io
import re

import segno
from django.core import signing
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.safestring import SafeString, mark_safe

from booking.models import REFERENCE_LETTERS, Booking, Ticket

_links = signing.Signer(salt="booking.link")

SEAL = 14  # letters of 27: about 66 bits, short enough to type at the door


def ticket_code(ticket: Ticket) -> str:
    """What the QR code says, such as `T260-7KQF-2MBX-9RTW-HJ`: the ticket's number and a seal only we can make."""
    seal = _seal(ticket.pk)
    return "-".join([f"T{ticket.pk}", *(seal[i : i + 4] for i in range(0, SEAL, 4))])


def read_code(code: str) -> int:
    """The primary key of the ticket that this code was made for; case, spaces and hyphens do not matter.

    Raises:
        ValueError: it is not one of ours.
    """
    plain = re.sub(r"[\s-]", "", code).upper()
    found = re.fullmatch(rf"T(\d{{1,18}})([{REFERENCE_LETTERS}]{{{SEAL}}})", plain, re.ASCII)
    if found is None or not constant_time_compare(found[2], _seal(int(found[1]))):
        raise ValueError("This is not one of our tickets.")
    return int(found[1])


def _seal(number: int) -> str:
    value = int.from_bytes(salted_hmac("booking.ticket", f"T{number}", algorithm="sha256").digest(), "big")
    letters = []
    for _ in range(SEAL):
        value, rest = divmod(value, len(REFERENCE_LETTERS))
        letters.append(REFERENCE_LETTERS[rest])
    return "".join(letters)


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
