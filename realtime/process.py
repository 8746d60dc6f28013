"""What a process has once: its name, its transport, whether it is draining. None of it needs an event loop."""

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

NODE = secrets.token_hex(4)  # random, so that it does not identify the machine

_transport: Transport | None = None
_transport_lock = threading.Lock()
_draining = threading.Event()


def transport() -> Transport:
    """The transport to the other processes, or the local one where there are none."""
    global _transport
    with _transport_lock:
        if _transport is None:
            _transport = _make_transport()
        return _transport


def _make_transport() -> Transport:
    if not settings.REDIS_URL:
        return LocalTransport()
    from realtime.transports.redis import (
        RedisTransport,
    )  # its imports cost time and memory that a single process need not spend

    return RedisTransport(settings.REDIS_URL, NODE)


def publish(
    *,
    showtime_id: int,
    epoch: str,
    before: int,
    version: int,
    seats: Mapping[str, Sequence[int]],
    stamp: int | None = None,
    **_: Any,
) -> None:
    """Send a committed change to every hub. From a view, a thread, a command; returns at once, never raises."""
    try:
        transport().publish(Change(showtime_id, epoch, before, version, seats, stamp))
    except Exception:  # a booking must not fail because of a map; the poll finds the lost change
        log.exception("live map %s: version %s was not published", showtime_id, version)


def start_draining() -> None:
    _draining.set()


def is_draining() -> bool:
    """Whether this process refuses new sockets and is about to exit."""
    return _draining.is_set()
