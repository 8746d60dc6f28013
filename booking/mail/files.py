"""Mail without a mail server: one `.eml` file per mail in `DATA_DIR/mail/`."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from cinema.files import private_folder, write_file


class EmlFileBackend(BaseEmailBackend):
    """A Django mail backend."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Write each mail as one file, and return how many. A file appears only when it is complete."""
        folder = private_folder(settings.DATA_DIR / "mail")
        for message in email_messages:
            content = message.message()
            # Random, because two workers may write at the same instant.
            name = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{secrets.token_hex(4)}"
            write_file(folder / f"{name}-{content.get('X-Booking', 'mail')}.eml", content.as_bytes())
        return len(email_messages)
