"""daphne: limits of requests while they are read, their time, and its own refusals as problem documents.

daphne, on twisted, reads a body whole before it calls the application, into a file of any size; its idle timeout ends
with every byte; it takes the script's path from a header of the client. So its connection and request are subclassed,
in `daphne_requests`.

Relies on, undocumented:
- daphne 4.2: `daphne.server.HTTPFactory`, the name by which its server makes connections, and `WebRequest` with
  `basic_error`.
- Twisted 26.10, `twisted.web.http`: the CHANNEL_METHODS and REQUEST_METHODS, called or overridden there, and what the
  channel knows of the request's first line, `_command`, `_path` and `_version`, when it calls `gotLength`.

`limit_daphne` checks the methods; where one is missing, daphne serves with its own classes, and bodies are limited when
they have been read.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

log = logging.getLogger(__name__)

CHANNEL_METHODS = (
    "connectionMade",
    "connectionLost",
    "lineReceived",
    "lineLengthExceeded",
    "allContentReceived",
    "requestDone",
    "pauseProducing",
    "resumeProducing",
    "_respondToBadRequestAndDisconnect",
)
REQUEST_METHODS = ("gotLength", "handleContentChunk", "requestReceived", "process", "basic_error", "handle_reply")


def limit_daphne() -> None:
    """Let daphne's server use our classes. Does nothing where daphne is not loaded; call it before it listens."""
    server: Any = sys.modules.get("daphne.server")
    if server is None:
        return
    try:
        from realtime.fast_path.daphne_requests import Channel, LimitedFactory, Request

        factory = server.HTTPFactory
    except (ImportError, AttributeError) as error:
        log.warning("daphne has changed (%s): bodies are limited once they are read, heads not at all", error)
        return
    missing = [name for name in CHANNEL_METHODS if not hasattr(Channel, name)]
    missing += [name for name in REQUEST_METHODS if not hasattr(Request, name)]
    if missing:
        log.warning("daphne's requests have no %s: bodies are limited once they are read, heads not at all", missing)
    elif factory is not LimitedFactory:
        server.HTTPFactory = LimitedFactory
