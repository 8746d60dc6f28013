"""Messages of one page to the next, in the visitor's cookie only."""

from __future__ import annotations

from typing import Any

from django.contrib.messages.storage.cookie import CookieStorage
from django.http.response import HttpResponseBase


class CookieMessages(CookieStorage):
    """Django's own storage keeps what does not fit into the cookie in the session: with a full cookie, each refused
    request of a stranger would begin one. Here the oldest messages are dropped."""

    def update(self, response: HttpResponseBase) -> list[Any]:
        super().update(response)
        return []
