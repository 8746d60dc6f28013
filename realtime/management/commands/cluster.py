"""`manage.py cluster`: the production shape on one machine."""

from __future__ import annotations

import os
import signal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from cinema.demo.staff import EMAIL, demo_staff_password
from realtime.launcher.processes import end_with_make


class Command(BaseCommand):
    help = "PostgreSQL, Valkey, WORKERS web processes on $PORT and one worker, until SIGTERM or SIGINT."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        if os.name != "posix":
            raise CommandError("The cluster runs on Linux and macOS. Here, use: python manage.py runserver")
        from realtime.launcher.cluster import Cluster
        from realtime.launcher.postgres import ServiceMissing
        from realtime.launcher.process_registry import FolderInUse

        end_with_make(signal.SIGTERM)
        cluster = Cluster(data_dir=settings.DATA_DIR, port=settings.PORT, workers=settings.WORKERS)
        try:
            ended = cluster.claim()
            if ended:
                self.stdout.write(f"Ended what an earlier start had left running: {', '.join(map(str, ended))}")
            self.stdout.write("Starting PostgreSQL, Valkey, web processes and worker")
            cluster.run(self.greet)
        except (FolderInUse, ServiceMissing) as error:
            raise CommandError(str(error)) from error

    def greet(self) -> None:
        self.stdout.write(f"\nBookMySeat  http://127.0.0.1:{settings.PORT}/  ({settings.WORKERS} web processes)")
        if settings.DEMO_PAYMENTS:
            self.stdout.write(f"Demo staff  {EMAIL}  password {demo_staff_password()}")
        self.stdout.write("Ctrl-C ends it\n")
        self.stdout.flush()
