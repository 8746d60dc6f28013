"""What a process has once: its name, its transport, whether it is leaving. No event loop is needed for any of it."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings

from realtime.change import Change
from realtime.transports import LocalTransport, Transport

log = logging.getLogger(__name__)

NODE = secrets.token_hex(4)  # random, so that it says nothing about the machine

_transport: Transport | None = None
_making = threading.Lock()
_draining = threading.Event()


def transport() -> Transport:
    """The bridge to the other processes, or the local one where there are none."""
    global _transport
    with _making:
        if _transport is None:
            _transport = _make_transport()
        return _transport


def _make_transport() -> Transport:
    if not settings.REDIS_URL:
        return LocalTransport()
    from realtime.transports.redis import RedisTransport  # its imports cost what one process does not need

    return RedisTransport(settings.REDIS_URL, NODE)


def publish(
    *, showtime_id: int, epoch: str, before: int, version: int, seats: Mapping[str, Sequence[int]], **_: Any
) -> None:
    """Hand a committed change to every hub. From a view, a thread, a command; returns at once, never raises."""
    try:
        transport().publish(Change(showtime_id, epoch, before, version, seats))
    except Exception:  # a booking never fails because a map is slow; the poll repairs what is lost
        log.exception("live map %s: version %s was not published", showtime_id, version)


def start_draining() -> None:
    _draining.set()


def is_draining() -> bool:
    """Whether this process refuses new sockets and is about to end."""
    return _draining.is_set()
