"""Read showtimes from CSV, and name every bad row. No database, no clock.

Rows are numbered as in a spreadsheet: the header is row 1.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from itertools import islice

from cinema.imports.bad_rows import BadFile, BadRow, read_text, shown
from cinema.plain_text import clean_text
from cinema.prices import parse_price
from cinema.schedule import at_wall_time

NEEDED = ("movie", "cinema", "screen", "starts_at")
OPTIONAL = {"language": 60, "subtitles": 60, "format": 30}  # with their maximum length
PRICE = re.compile(r"price_([a-z0-9_-]{1,60})")
MAX_ROWS, MAX_COLUMNS, MAX_CELL = 20_000, 1_000, 300
START = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d)(?::(\d\d)(?:\.0+)?)?(Z|z|[+-]\d\d:\d\d)?", re.ASCII)
FIRST_YEAR, LAST_YEAR = 1970, 2200


@dataclass(frozen=True)
class FileShowtime:
    """A row of the file; `said` has language, subtitles and format if they are not empty."""

    row: int
    movie: str
    cinema: str
    screen: str
    starts_at: datetime
    said: Mapping[str, str]
    prices: Mapping[str, int]  # minor units by category key
    faulty: frozenset[str] = frozenset()  # columns that could not be read; their values here are placeholders

    def bad(self, field: str, reason: str) -> BadRow:
        return BadRow(f"row {self.row}", field, reason)


@dataclass(frozen=True)
class ShowtimeFile:
    """`categories` are the keys with a column of prices; `problems` are the bad rows found without a database."""

    categories: tuple[str, ...]
    lines: tuple[FileShowtime, ...]
    problems: tuple[BadRow, ...]


def read_showtimes(content: bytes, *, zone: tzinfo, currency: str) -> ShowtimeFile:
    """The showtimes of a file. A time without an offset is a local time in `zone`; prices are in `currency`.

    Raises:
        BadFile: the file is not CSV, or its header is wrong.
    """
    rows = _rows(content)
    header = _header(rows[0] if rows else [])
    problems: list[BadRow] = []
    found = []
    for number, cells in enumerate(rows[1:], start=2):
        if any(cell.strip() for cell in cells):
            if len(cells) > len(header) and any(cells[len(header) :]):
                problems.append(BadRow(f"row {number}", "row", f"has {len(cells)} cells; the header has {len(header)}"))
            padded = [*cells, *([""] * len(header))]
            named = dict(zip(header, padded, strict=False))
            found.append(_read_row(number, named, zone, currency, problems))
    categories = tuple(price[1] for name in header if (price := PRICE.fullmatch(name)))
    return ShowtimeFile(categories, tuple(found), tuple(problems))


def _rows(content: bytes) -> list[list[str]]:
    text = read_text(content)
    first = text.partition("\n")[0]
    separator = ";" if ";" in first and "," not in first else ","  # spreadsheets with a decimal comma write ";"
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        rows = list(islice(reader, MAX_ROWS + 2))  # a file of empty lines would need gigabytes
    except csv.Error as error:
        raise BadFile.whole(f"is not CSV: {error}") from error
    if len(rows) > MAX_ROWS + 1:
        raise BadFile.whole(f"has more than {MAX_ROWS:,} rows, which is the most that is taken at once")
    return rows


def _header(cells: Sequence[str]) -> list[str]:
    names = [cell.strip() for cell in cells]
    while names and not names[-1]:
        names.pop()
    if len(names) > MAX_COLUMNS:
        raise BadFile.whole(f"has {len(names):,} columns; at most {MAX_COLUMNS:,} are taken")
    problems = [
        BadRow("row 1", name, "is missing: every file needs this column") for name in NEEDED if name not in names
    ]
    for index, name in enumerate(names):
        if name in names[:index]:
            problems.append(BadRow("row 1", shown(name), "is there twice"))
        elif name not in (*NEEDED, *OPTIONAL) and not PRICE.fullmatch(name):
            problems.append(BadRow("row 1", shown(name), "is no column that is known here"))
    if problems:
        raise BadFile(problems)
    return names


def _read_row(
    number: int, found: Mapping[str, str], zone: tzinfo, currency: str, problems: list[BadRow]
) -> FileShowtime:
    faulty: set[str] = set()
    cells: dict[str, str] = {}

    def refuse(field: str, reason: str) -> None:
        faulty.add(field)
        problems.append(BadRow(f"row {number}", field, reason))

    for name, written in found.items():
        try:
            cell = cells[name] = clean_text(written)
        except ValueError as error:
            cells[name] = ""
            refuse(name, str(error))
            continue
        if len(cell) > OPTIONAL.get(name, MAX_CELL):
            refuse(name, f"has {len(cell):,} characters; at most {OPTIONAL.get(name, MAX_CELL)} are taken")
        elif not cell and name in NEEDED:
            refuse(name, "is empty")
    starts_at = datetime(1970, 1, 1, tzinfo=UTC)
    try:
        starts_at = parse_start(cells["starts_at"], zone) if cells["starts_at"] else starts_at
    except ValueError as error:
        refuse("starts_at", str(error))
    prices: dict[str, int] = {}
    for name, cell in cells.items():
        if cell and (price := PRICE.fullmatch(name)):
            try:
                prices[price[1]] = parse_price(cell, currency)
            except ValueError as error:
                refuse(name, str(error))
    said = {name: cells[name] for name in OPTIONAL if cells.get(name)}
    names = (cells["movie"], cells["cinema"], cells["screen"])
    return FileShowtime(number, *names, starts_at, said, prices, frozenset(faulty))


def parse_start(text: str, zone: tzinfo) -> datetime:
    """The instant of `2026-12-01T19:30:00Z`, or of the local time `2026-12-01 19:30` in `zone`.

    Raises:
        ValueError: with the reason.
    """
    found = START.fullmatch(text)
    try:
        day, clock, seconds, offset = found.groups() if found else ("", "", "", "")
        moment = datetime.fromisoformat(
            f"{day}T{clock}:{seconds or '00'}{(offset or '').upper().replace('Z', '+00:00')}"
        )
    except ValueError:
        moment = None
    if moment is None or not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError(f"{shown(text)} is no time such as 2026-12-01 19:30 or 2026-12-01T19:30:00Z")
    return moment.astimezone(UTC) if moment.tzinfo else at_wall_time(moment, zone)
