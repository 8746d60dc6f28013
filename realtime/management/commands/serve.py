"""`manage.py serve`: the whole product in one process."""

from __future__ import annotations

import importlib
import signal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from cinema.demo.staff import EMAIL, demo_staff_password
from realtime.launcher.process_registry import FolderInUse, ProcessRegistry
from realtime.launcher.processes import end_with_make, port_is_free
from realtime.launcher.shutdown import exit_now


class Command(BaseCommand):
    help = "Prepares the database and serves http://127.0.0.1:$PORT in one process, until SIGTERM or SIGINT."
    requires_system_checks = ["database", "models", "urls"]

    def handle(self, *args: Any, **options: Any) -> None:
        end_with_make(signal.SIGTERM)
        registry = ProcessRegistry(settings.DATA_DIR, settings.PORT)
        self.claim(registry)
        try:
            self.serve()
        finally:
            registry.close()
        exit_now()

    def claim(self, registry: ProcessRegistry) -> None:
        try:
            ended = registry.claim()
        except FolderInUse as error:
            raise CommandError(str(error)) from error
        if ended:
            self.stdout.write(f"Ended what an earlier start had left running: {', '.join(map(str, ended))}")
        if not port_is_free(settings.PORT):
            registry.close()
            raise CommandError(f"Port {settings.PORT} is in use by another program. Set PORT to a free one.")

    def serve(self) -> None:
        from booking import loop
        from realtime.launcher.preparing import prepare
        from realtime.launcher.serve import serve

        self.stdout.write("Preparing the database and the demo programme")
        prepare(collect_static=not settings.DEBUG)
        application = importlib.import_module("asgi").application
        self.greet()
        failure = serve(application, port=settings.PORT)
        loop.stop_inside()
        if failure:
            raise CommandError(failure)

    def greet(self) -> None:
        self.stdout.write(f"\nBookMySeat  http://127.0.0.1:{settings.PORT}/")
        if settings.DEBUG or settings.DEMO_PAYMENTS:
            self.stdout.write(f"Demo staff  {EMAIL}  password {demo_staff_password()}")
        self.stdout.write("Ctrl-C ends it\n")
        self.stdout.flush()
