"""How an end goes, whichever server runs: a moment for each step, and gone at the last moment whatever hangs."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
from collections.abc import Awaitable, Callable
from typing import NoReturn

log = logging.getLogger(__name__)

BYE_SECONDS = 1.2  # to tell every socket that we stop
REQUEST_SECONDS = 1.0  # for requests that are being answered
LAST_MOMENT = 4.0  # of a process that is alone
LAST_MOMENT_OF_CHILD = 2.5  # of one whose owner has services to end after it


def be_gone_in(seconds: float) -> None:
    """Ends this process that much later at the latest, also when a thread hangs in the database or in a gateway."""
    watchdog = threading.Timer(seconds, os._exit, [0])
    watchdog.daemon = True
    watchdog.start()


def leave() -> NoReturn:
    """Ends this process now, when everything is put away: taking the interpreter apart can cost seconds of our five."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


async def say_bye(drain: Callable[[], Awaitable[None]]) -> None:
    """Drains the sockets; the end goes on when that fails or takes too long."""
    try:
        await asyncio.wait_for(drain(), BYE_SECONDS)
    except Exception:  # whatever the sockets do, the process must end
        log.exception("not every socket was told that we stop")
