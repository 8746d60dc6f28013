"""Mail without a mail server: one `.eml` file per mail in `DATA_DIR/mail/`."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend


class EmlFileBackend(BaseEmailBackend):
    """A Django mail backend."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Write each mail as one file, and return how many. A file appears only when it is complete."""
        folder = settings.DATA_DIR / "mail"
        folder.mkdir(parents=True, exist_ok=True)
        for message in email_messages:
            content = message.message()
            # Random, because two workers may write at the same instant.
            name = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{secrets.token_hex(4)}"
            part = folder / f".{name}.part"
            part.write_bytes(content.as_bytes())
            part.rename(folder / f"{name}-{content.get('X-Booking', 'mail')}.eml")
        return len(email_messages)
