"""`manage.py work`: the loop alone, in the foreground (sweeping, mail, refunds, reconciliation)."""

from __future__ import annotations

import signal
import threading
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from booking import loop
from realtime.launcher.shutdown import LAST_MOMENT_OF_CHILD, be_gone_in, leave
from realtime.pages import metrics as metrics_page

FIGURES_EVERY = 5.0  # seconds


class Command(BaseCommand):
    help = "Runs the loop: lapsed locks, mail, refunds, reconciliation. One acts at a time; more than one may run."

    def handle(self, *args: Any, **options: Any) -> None:
        asked_to_end: list[int] = []
        for number in (signal.SIGTERM, signal.SIGINT):
            # Only noted: an exception raised into Thread.join() would make Python believe that the thread has ended.
            signal.signal(number, lambda number, _: asked_to_end.append(number))
        stop = threading.Event()
        acting = loop.Loop(stop)
        thread = threading.Thread(target=acting.run, name="loop", daemon=True)
        thread.start()
        told_at = 0.0
        while thread.is_alive() and not asked_to_end:
            time.sleep(0.1)
            if acting.holds_lease and time.monotonic() - told_at > FIGURES_EVERY:
                told_at = time.monotonic()
                metrics_page.leave_for_others()
        if not asked_to_end:
            raise CommandError("The loop ended by itself; see the log.")
        be_gone_in(LAST_MOMENT_OF_CHILD)
        stop.set()
        loop.wake()
        thread.join()
        leave()
