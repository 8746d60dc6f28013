"""`manage.py import_seating_plan FILE.json --cinema NAME --screen NAME`"""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cinema.plan_reading import BadPlan
from cinema.plans import Imported, import_plan


class Command(BaseCommand):
    help = "Give a screen the seats of a pretix seating plan (JSON). Can be repeated; never removes a sold seat."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--cinema", required=True, help="made if new")
        parser.add_argument("--screen", required=True, help="made if new")
        parser.add_argument("--dry-run", action="store_true", help="try everything, keep nothing")
        parser.add_argument(
            "--category", action="append", default=[], metavar="NAME=READABLE", help="rename a category of the file"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        names = dict(self._pair(text) for text in options["category"])
        for option, most in (("cinema", 120), ("screen", 60)):
            options[option] = options[option].strip()
            if not 0 < len(options[option]) <= most:
                raise CommandError(f"--{option} must have 1 to {most} characters. Nothing was changed.")
        try:
            imported = import_plan(
                self._content(options["file"]),
                cinema=options["cinema"],
                screen=options["screen"],
                names=names,
                dry_run=options["dry_run"],
            )
        except BadPlan as bad:
            for row in bad.problems:
                self.stderr.write(str(row))
            raise CommandError(f"{len(bad.problems)} bad rows. Nothing was changed.") from None
        self._report(imported, options["dry_run"])

    def _pair(self, text: str) -> tuple[str, str]:
        name, equals, readable = text.partition("=")
        if not equals or not name.strip() or not 0 < len(readable.strip()) <= 120:
            raise CommandError(f"--category {text}: write it as NAME=READABLE, at most 120 characters.")
        return name.strip(), readable.strip()

    def _content(self, file: Path) -> bytes:
        try:
            return file.read_bytes()
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}. Nothing was changed.") from error

    def _report(self, done: Imported, dry_run: bool) -> None:
        for note in done.notes:
            self.stdout.write(f"note: {note}")
        for is_new, what in (
            (done.is_new_cinema, f"cinema {done.screen.cinema.name}"),
            (done.is_new_screen, f"screen {done.screen.name}"),
            (done.is_new_plan, f"layout {done.plan.hash}"),
        ):
            self.stdout.write(f"{what}: {'created' if is_new else 'unchanged'}")
        removed = f", {done.removed} no longer on the plan (showtimes on sale keep them)" if done.removed else ""
        self.stdout.write(f"seats: {done.created} created, {done.updated} updated, {done.unchanged} unchanged{removed}")
        if dry_run:
            self.stdout.write("Dry run: nothing was kept.")
