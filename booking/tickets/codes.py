"""Ticket codes that can be checked offline, keys for the links in mails, and QR codes."""

from __future__ import annotations

import io
import re

import segno
from django.core import signing
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.safestring import SafeString, mark_safe

from booking.models import REFERENCE_LETTERS, Booking, Ticket

_links = signing.Signer(salt="booking.link")

SEAL = 14  # letters of an alphabet of 27: about 66 bits, short enough to type


def ticket_code(ticket: Ticket) -> str:
    """The text of the QR code, as `T260-7KQF-2MBX-9RTW-HJ`: the primary key of the ticket and a seal (an HMAC)."""
    seal = _seal(ticket.pk)
    return "-".join([f"T{ticket.pk}", *(seal[i : i + 4] for i in range(0, SEAL, 4))])


def read_code(code: str) -> int:
    """The primary key of the ticket of this code. Ignores case, spaces and hyphens; reads no database.

    Raises:
        ValueError: it is no ticket code, or its seal is wrong.
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
    """The value of `?key=` with which a link opens this booking without a session."""
    return _links.signature(booking.reference)


def check_key(booking: Booking, key: str) -> bool:
    """Whether `key` is the key of this booking; compared in constant time."""
    try:
        _links.unsign(f"{booking.reference}:{key}")
    except signing.BadSignature:
        return False
    return True


def qr_svg(text: str) -> SafeString:
    """A QR code as inline SVG: error correction M, a quiet zone of four modules, no width or height."""
    buffer = io.BytesIO()
    segno.make(text, error="m", micro=False).save(
        buffer, kind="svg", xmldecl=False, svgns=True, omitsize=True, border=4, dark="#1d1710", light="#ffffff"
    )
    # Safe: segno writes numbers and the two colours only; no part of `text` is in the SVG.
    return mark_safe(buffer.getvalue().decode())
