"""Shutdown: how a process of ours ends within 5 seconds of a signal, even when a thread hangs."""

from __future__ import annotations

import logging
import os
import sys
import threading
from typing import NoReturn

REQUEST_TIMEOUT = 1.0  # seconds that requests in progress get to finish
EXIT_DEADLINE = 4.0  # seconds from the signal to the end of a process that runs alone
CHILD_EXIT_DEADLINE = 2.5  # of one whose owner ends services after it


def set_exit_deadline(seconds: float) -> None:
    """End this process after so many seconds, even when a thread hangs in the database or in a gateway."""
    timer = threading.Timer(seconds, os._exit, [0])
    timer.daemon = True
    timer.start()


def exit_now() -> NoReturn:
    """End this process once everything is closed: finalising the interpreter can cost seconds of the five."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
