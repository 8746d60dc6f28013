"""Mail without a server: one `.eml` file per mail in `DATA_DIR/mail/`."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend


class EmlFileBackend(BaseEmailBackend):
    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        folder = settings.DATA_DIR / "mail"
        folder.mkdir(parents=True, exist_ok=True)
        for message in email_messages:
            content = message.message()
            # Two workers may write at the same instant.
            name = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{secrets.token_hex(4)}"
            # Written under another name first: whoever watches the folder sees whole mails only.
            part = folder / f".{name}.part"
            part.write_bytes(content.as_bytes())
            part.rename(folder / f"{name}-{content.get('X-Booking', 'mail')}.eml")
        return len(email_messages)
