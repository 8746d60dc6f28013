"""`manage.py work`: the loop alone, in the foreground (expired locks, mail, refunds, reconciliation)."""

from __future__ import annotations

import signal
import threading
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from booking import loop
from booking.outbox.messages import wake_up_all
from cinema.database import clock
from realtime.launcher.shutdown import CHILD_EXIT_DEADLINE, exit_now, set_exit_deadline
from realtime.pages import metrics as metrics_page

METRICS_INTERVAL = 5.0  # seconds


class Command(BaseCommand):
    help = "Runs the loop: lapsed locks, mail, refunds, reconciliation. One acts at a time; more than one may run."

    def handle(self, *args: Any, **options: Any) -> None:
        signals: list[int] = []
        for number in (signal.SIGTERM, signal.SIGINT):
            # Only recorded: an exception raised in Thread.join() would make Python believe that the thread has ended.
            signal.signal(number, lambda number, _: signals.append(number))
        clock.follow()
        stop = threading.Event()
        acting = loop.Loop(stop)
        thread = threading.Thread(target=acting.run, name="loop", daemon=True)
        thread.start()
        written_at, is_ours = 0.0, False  # the file is that of the loop with the lease; who loses it says so once
        while thread.is_alive() and not signals:
            time.sleep(0.1)
            if (acting.holds_lease or is_ours) and time.monotonic() - written_at > METRICS_INTERVAL:
                written_at, is_ours = time.monotonic(), acting.holds_lease
                metrics_page.write_loop_file()
        if not signals:
            raise CommandError("The loop ended by itself; see the log.")
        set_exit_deadline(CHILD_EXIT_DEADLINE)
        stop.set()
        wake_up_all()
        thread.join()
        if is_ours:
            metrics_page.write_loop_file()
        exit_now()
