"""Shared by all imports: bad rows, reading a file, the dry run, and the base of the commands."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from django.core.management.base import BaseCommand, CommandError

MAX_BYTES = 50_000_000
MAX_SHOWN = 60


@dataclass(frozen=True)
class BadRow:
    """A place in the file, a field, and the reason for refusing it."""

    row: str
    field: str
    reason: str

    def __str__(self) -> str:
        return f"{self.row}: {self.field} {self.reason}"


class BadFile(Exception):
    """The file cannot be imported; `problems` has every bad row."""

    def __init__(self, problems: Sequence[BadRow]) -> None:
        super().__init__("1 bad row" if len(problems) == 1 else f"{len(problems):,} bad rows")
        self.problems = tuple(problems)

    @classmethod
    def whole(cls, reason: str) -> Self:
        return cls([BadRow("file", "content", reason)])


@dataclass
class Summary:
    """The result of an import, in rows of the file."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0

    def __str__(self) -> str:
        return f"created {self.created}, updated {self.updated}, unchanged {self.unchanged}"


def shown(value: object) -> str:
    """A value of the file for an error message: short, on one line, without control characters."""
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(value)[: MAX_SHOWN + 1])
    return f"“{text[:MAX_SHOWN]}{'…' if len(text) > MAX_SHOWN else ''}”"


def read_text(content: bytes) -> str:
    """The text of a file in UTF-8, with or without a byte order mark."""
    if len(content) > MAX_BYTES:
        raise BadFile.whole(f"is larger than {MAX_BYTES:,} bytes; split it")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadFile.whole(f"is not UTF-8 text: byte {error.start + 1:,} is none. Save it as UTF-8") from error


def read_json(content: bytes) -> Any:
    try:
        return json.loads(read_text(content))
    except (ValueError, RecursionError) as error:
        raise BadFile.whole(f"is not JSON: {error or 'it is nested too deep'}") from error


def read_file(file: Path) -> bytes:
    """The bytes of a file, at most one more than allowed, so that `read_text` refuses a larger one."""
    try:
        with file.open("rb") as opened:
            return opened.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise CommandError(f"{file} cannot be read: {reason}. Nothing was changed.") from error


class ImportCommand(BaseCommand):
    """A command that imports a file. Bad rows are printed to stderr; then it exits with 1 and nothing is changed."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--dry-run", action="store_true", help="try everything, keep nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self.take(read_file(options["file"]), options)
        except BadFile as bad:
            for row in bad.problems:
                self.stderr.write(str(row))
            raise CommandError(f"{bad}. Nothing was changed.") from None
        if options["dry_run"]:
            self.stdout.write("Dry run: nothing was kept.")

    def take(self, content: bytes, options: dict[str, Any]) -> None:
        """Import the content and print a summary. Raises BadFile."""
        raise NotImplementedError
