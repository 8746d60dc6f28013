"""Read typed values from untrusted JSON and collect every problem."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any

from cinema.imports.bad_rows import BadFile, BadRow
from cinema.plain_text import REASON, clean_text, one_line

JsonObject = dict[str, Any]
COLOR = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")
FAR = 1_000_000.0  # the largest coordinate; beyond it floats lose the precision of a seat


class BadPlan(BadFile):
    """A seating plan that cannot be imported."""


class Reader:
    """Reads one value per method. Each returns a usable value also after a refusal, so one pass finds every bad row."""

    def __init__(self) -> None:
        self.problems: list[BadRow] = []

    def refuse(self, path: str, field: str, reason: str) -> None:
        self.problems.append(BadRow(path, field, reason))

    def object(self, found: JsonObject, key: str, path: str, required: bool = True) -> JsonObject:
        value = found.get(key)
        if isinstance(value, dict):
            return value
        if required or value is not None:
            self.refuse(path, key, "is missing" if value is None else "must be an object")
        return {}

    def objects(
        self, found: JsonObject, key: str, path: str, most: int, required: bool = True
    ) -> Iterator[tuple[int, JsonObject]]:
        value = found.get(key)
        if not isinstance(value, list):
            if required or value is not None:
                self.refuse(path, key, "is missing" if value is None else "must be a list")
            return
        if len(value) > most:
            self.refuse(path, key, f"has {len(value):,} entries; at most {most:,} are taken")
            return
        for index, entry in enumerate(value):
            if isinstance(entry, dict):
                yield index, entry
            else:
                self.refuse(f"{path}.{key}[{index}]", "entry", "must be an object")

    def text(
        self, found: JsonObject, key: str, path: str, most: int,
        required: bool = True, empty: bool = False, strip: bool = True,
    ) -> str:  # fmt: skip
        value = found.get(key)
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)  # some exports write seat numbers as numbers
        if value is None and not required:
            return ""
        if not isinstance(value, str):
            self.refuse(path, key, "is missing" if value is None else "must be text")
            return ""
        if required and strip:
            try:
                value = clean_text(value)
            except ValueError as error:
                self.refuse(path, key, str(error))
                return ""
        elif strip:
            value = one_line(value)
        if required and not empty and not value.strip():
            self.refuse(path, key, "is empty")
        elif len(value) > most:
            self.refuse(path, key, f"has {len(value)} characters; at most {most} are taken")
        elif not strip and any(unicodedata.category(c)[0] == "C" for c in value):
            self.refuse(path, key, REASON)
        return value

    def number(
        self, found: JsonObject, key: str, path: str, default: float | None = None, least: float = -FAR
    ) -> float:
        value = found.get(key)
        if value is None and default is not None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.refuse(path, key, "is missing" if value is None else "must be a number")
        elif not -FAR <= value <= FAR or (isinstance(value, float) and not math.isfinite(value)):
            self.refuse(path, key, f"is {value!r:.40}, which is no place on a plan")
        elif value < least:
            self.refuse(path, key, f"must be at least {least:g}")
        else:
            return float(value)
        return default if default is not None else max(0.0, least)

    def point(self, found: JsonObject, key: str, path: str, required: bool = True) -> tuple[float, float]:
        value = self.object(found, key, path, required)
        if not value:
            return 0.0, 0.0
        return self.number(value, "x", f"{path}.{key}"), self.number(value, "y", f"{path}.{key}")

    def color(self, found: JsonObject, key: str, path: str) -> str:
        """Lower-case `#rrggbb`, or "" when there is none."""
        value = found.get(key)
        if value is None or value == "":
            return ""
        if not isinstance(value, str) or not COLOR.fullmatch(value):
            self.refuse(path, key, "must be a colour like #1b8 or #11bb88")
            return ""
        value = value.lower()
        return value if len(value) == 7 else "#" + "".join(2 * c for c in value[1:])

    def choice(self, found: JsonObject, key: str, path: str, choices: Sequence[str]) -> str:
        value = found.get(key)
        if value is None or value == "":
            return ""
        if value not in choices:
            self.refuse(path, key, f"must be one of {', '.join(choices)}")
            return ""
        return str(value)

    def reference(self, found: JsonObject, key: str, path: str) -> str | None:
        """The guid or label of a seat; "" for `false`; None when there is none."""
        value = found.get(key)
        if value is None or value is False:
            return None if value is None else ""
        if not isinstance(value, str) or not 0 < len(value) <= 120:
            self.refuse(path, key, "must be the seat_guid or the label of a seat, or false")
            return None
        return value
