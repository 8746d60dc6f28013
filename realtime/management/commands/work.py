"""`manage.py work`: the loop alone, in the foreground (sweeping, mail, refunds, reconciliation)."""

from __future__ import annotations

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from booking import loop
from realtime.launcher.ending import LAST_MOMENT_OF_CHILD, be_gone_in


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


class Command(BaseCommand):
    help = "Runs the loop: lapsed locks, mail, refunds, reconciliation. One acts at a time; more than one may run."

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        # A thread of its own, so that the signal never interrupts a transaction in the middle.
        thread = threading.Thread(target=loop.Loop(stop).run, name="loop", daemon=True)
        try:
            signal.signal(signal.SIGTERM, interrupt)
            thread.start()
            while thread.is_alive():
                thread.join(0.5)
        except KeyboardInterrupt:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            be_gone_in(LAST_MOMENT_OF_CHILD)
            stop.set()
            loop.wake()
            thread.join()
        else:
            raise CommandError("The loop ended by itself; see the log.")
