"""`manage.py import_seating_plan FILE.json --cinema NAME --screen NAME`"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from cinema.imports.bad_rows import ImportCommand
from cinema.plans.store import Imported, import_plan


class Command(ImportCommand):
    help = "Give a screen the seats of a pretix seating plan (JSON). Can be repeated; never removes a sold seat."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--cinema", required=True, help="made if new")
        parser.add_argument("--screen", required=True, help="made if new")
        parser.add_argument(
            "--category", action="append", default=[], metavar="NAME=READABLE", help="rename a category of the file"
        )

    def take(self, content: bytes, options: dict[str, Any]) -> None:
        names = dict(self._pair(text) for text in options["category"])
        for option, most in (("cinema", 120), ("screen", 60)):
            options[option] = options[option].strip()
            if not 0 < len(options[option]) <= most:
                raise CommandError(f"--{option} must have 1 to {most} characters. Nothing was changed.")
        self._report(
            import_plan(
                content,
                cinema=options["cinema"],
                screen=options["screen"],
                names=names,
                dry_run=options["dry_run"],
            )
        )

    def _pair(self, text: str) -> tuple[str, str]:
        name, equals, readable = text.partition("=")
        if not equals or not name.strip() or not 0 < len(readable.strip()) <= 120:
            raise CommandError(f"--category {text}: write it as NAME=READABLE, at most 120 characters.")
        return name.strip(), readable.strip()

    def _report(self, done: Imported) -> None:
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
