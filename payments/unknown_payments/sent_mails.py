"""Mails that were written as files (`booking.mail.files`) and tell of a booking that the database does not know."""

from __future__ import annotations

import email
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from pathlib import Path

from booking.models import Booking


@dataclass(frozen=True)
class SentMail:
    """A mail: the booking that it names, to whom, and its subject."""

    reference: str
    to: str
    subject: str


def mails_without_booking(folder: Path, *, since: datetime) -> list[SentMail]:
    """The mails written since then whose booking is not in the database, oldest first. One query."""
    mails = [_read(file) for file in _files(folder, since)]
    named = {mail.reference for mail in mails if mail.reference}
    known = set(Booking.objects.filter(reference__in=named).values_list("reference", flat=True))
    return [mail for mail in mails if mail.reference and mail.reference not in known]


def _files(folder: Path, since: datetime) -> Iterator[Path]:
    for file in sorted(folder.glob("*.eml")):
        if datetime.fromtimestamp(file.stat().st_mtime, UTC) >= since:
            yield file


def _read(file: Path) -> SentMail:
    with file.open("rb") as opened:
        message = email.message_from_binary_file(opened, _class=EmailMessage, policy=policy.default)
    return SentMail(str(message["X-Booking"] or ""), str(message["To"] or ""), str(message["Subject"] or ""))
