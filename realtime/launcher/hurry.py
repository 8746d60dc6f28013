"""A connection that says nothing, or says it a letter at a time, holds a file of the process: it gets ten seconds.

uvicorn itself has a deadline only between two requests. daphne's server (twisted) has one of its own.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.auto import AutoHTTPProtocol

FIRST_REQUEST = 10.0  # seconds from the connection to the end of its first request's head

Base: Any = AutoHTTPProtocol  # h11 or httptools, whichever is installed


class HurriedProtocol(Base):  # type: ignore[misc]  # chosen by uvicorn when it is imported
    """uvicorn's own, with that deadline."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        asyncio.get_running_loop().call_later(FIRST_REQUEST, self._hurry, transport)

    def _hurry(self, transport: asyncio.Transport) -> None:
        if getattr(self, "scope", self) is None:  # no request has come; where uvicorn has changed, all is as it was
            transport.abort()
