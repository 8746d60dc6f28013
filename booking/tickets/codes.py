"""Ticket codes that can be checked offline, keys for the links in mails, and QR codes."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterable

import segno
from django.conf import settings
from django.core import signing
from django.db.models import Q
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.safestring import SafeString, mark_safe

from booking.models import REFERENCE_LETTERS, Booking, Ticket

SEAL = 8  # letters of an alphabet of 27, about 38 bits: with the secret 89 bits, still short enough to type
OLD_SEAL = 14  # of the codes that seal a primary key


def ticket_code(ticket: Ticket) -> str:
    """The text of the QR code, as `TKQF-7MBX-2RTW-HJ4D-9GQZ`: the random secret of the ticket and a seal (an HMAC).

    A ticket without a secret was issued by an earlier release: its code, as `T260-7KQF-2MBX-9RTW-HJ`, seals its
    primary key.
    """
    text, length = (f"T{ticket.secret}", SEAL) if ticket.secret else (f"T{ticket.pk}", OLD_SEAL)
    seal = _seal(text, length, settings.SECRET_KEY)
    if not ticket.secret:
        return "-".join([text, *_in_fours(seal)])
    return "-".join(_in_fours(text + seal))


def read_code(code: str) -> Q:
    """What the ticket of this code fulfils, for `Ticket.objects.get`. Ignores case, spaces and hyphens; no query.

    A code of a primary key finds only a ticket that has no secret: after a restored backup a key is used again.

    Raises:
        ValueError: it is no ticket code, or its seal is of none of our keys.
    """
    plain = canonical(code)
    if (new := re.fullmatch(rf"(T([B-Z][{REFERENCE_LETTERS}]{{10}}))([{REFERENCE_LETTERS}]{{{SEAL}}})", plain)) and (
        _is_sealed(new[1], new[3])
    ):
        return Q(secret=new[2])
    if (old := re.fullmatch(rf"(T([0-9]{{1,18}}))([{REFERENCE_LETTERS}]{{{OLD_SEAL}}})", plain)) and (
        _is_sealed(old[1], old[3])
    ):
        return Q(pk=int(old[2]), secret=None)
    raise ValueError("This is not one of our tickets.")


def find_ticket(code: str) -> Ticket:
    """The ticket of this code, whatever its status. Raises ValueError: there is none."""
    try:
        return Ticket.objects.get(read_code(code))
    except Ticket.DoesNotExist:
        raise ValueError("This is not one of our tickets.") from None


def canonical(code: str) -> str:
    """Without spaces and hyphens, in ASCII capitals; the digest of a code is of this form."""
    plain = re.sub(r"[\s-]", "", code)
    return plain.upper() if plain.isascii() else ""


def mark_of_tickets(tickets: Iterable[Ticket]) -> str:
    """Sixteen hexadecimal digits for a set of tickets, never those of another set, also after a restored backup.

    For names that are known outside of this database, such as a Message-ID. It does not give the secrets away.
    """
    names = sorted(ticket.secret or f"old-{ticket.pk}" for ticket in tickets)
    return hashlib.sha256(" ".join(names).encode()).hexdigest()[:16]


def _is_sealed(text: str, seal: str) -> bool:
    """Whether our key, or an earlier one, made this seal."""
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return any(constant_time_compare(seal, _seal(text, len(seal), key)) for key in keys)


def _seal(text: str, length: int, key: str) -> str:
    value = int.from_bytes(salted_hmac("booking.ticket", text, key, algorithm="sha256").digest(), "big")
    letters = []
    for _ in range(length):
        value, rest = divmod(value, len(REFERENCE_LETTERS))
        letters.append(REFERENCE_LETTERS[rest])
    return "".join(letters)


def _in_fours(text: str) -> list[str]:
    return [text[i : i + 4] for i in range(0, len(text), 4)]


def booking_key(booking: Booking) -> str:
    """The value of `?key=` with which a link opens this booking without a session. It seals the random reference."""
    return _links().signature(booking.reference)


def check_key(booking: Booking, key: str) -> bool:
    """Whether `key` is the key of this booking, by our key or an earlier one; compared in constant time."""
    try:
        _links().unsign(f"{booking.reference}:{key}")
    except signing.BadSignature:
        return False
    return True


def _links() -> signing.Signer:
    return signing.Signer(salt="booking.link")


def qr_svg(text: str) -> SafeString:
    """A QR code as inline SVG: error correction M, a quiet zone of four modules, no width or height."""
    buffer = io.BytesIO()
    segno.make(text, error="m", micro=False).save(
        buffer, kind="svg", xmldecl=False, svgns=True, omitsize=True, border=4, dark="#1d1710", light="#ffffff"
    )
    # Safe: segno writes numbers and the two colours only; no part of `text` is in the SVG.
    return mark_safe(buffer.getvalue().decode())
