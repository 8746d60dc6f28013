"""`manage.py import_showtimes FILE.csv`"""

from __future__ import annotations

from typing import Any

from booking.showtimes.importing import import_showtimes
from cinema.database import clock
from cinema.imports.bad_rows import ImportCommand


class Command(ImportCommand):
    help = "Bring a programme in (CSV) and open its sales. Can be repeated; refuses overlaps on one screen."

    def take(self, content: bytes, options: dict[str, Any]) -> None:
        summary = import_showtimes(content, at=clock.now(), dry_run=options["dry_run"])
        self.stdout.write(f"showtimes: {summary}")
