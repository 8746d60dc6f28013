"""Parts of pages that are rendered once for equal values.

A part sees its values and nothing else: no request, no session, no database. They are its key in the memory of this
process, so what is remembered is never out of date, and nothing of one visitor can be in the page of another.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import is_dataclass
from datetime import date
from functools import lru_cache

from django.template import Context, Engine, Template
from django.utils.safestring import SafeString
from django.utils.translation import get_language

MOST = 4096  # parts kept in a process, of about a kilobyte each


def render_part(template: str, **values: object) -> SafeString:
    """The template rendered with these values, in the active language.

    Args:
        values: texts, numbers, dates, None, frozen data classes, and tuples of those. What one name has is of one type
            in every call: 1 and True, or a text and a safe text, are equal as keys.

    Raises:
        TypeError: a value may be equal to another one and look different, as a row of the database.
    """
    for name, value in values.items():
        if not _is_plain(value):
            raise TypeError(f"{template}: {name} is a {type(value).__name__}, which may change and stay equal")
    compiled = Engine.get_default().get_template(template)  # another one after the file has changed
    return _rendered(compiled, get_language() or "", tuple(values.items()))


@lru_cache(maxsize=MOST)
def _rendered(template: Template, language: str, values: tuple[tuple[str, object], ...]) -> SafeString:
    return template.render(Context(dict(values)))


def _is_plain(value: object) -> bool:
    if isinstance(value, tuple):
        return all(_is_plain(each) for each in value)
    return value is None or isinstance(value, (str, int, date)) or _is_frozen(value)


def _is_frozen(value: object) -> bool:
    return is_dataclass(value) and bool(value.__dataclass_params__.frozen)  # type: ignore[union-attr]


class Remembered:
    """The same for markup from Python: what a function has made for a key, which must name all that it uses."""

    def __init__(self) -> None:
        self._made: dict[Hashable, SafeString] = {}

    def get(self, key: Hashable, make: Callable[[], SafeString]) -> SafeString:
        found = self._made.get(key)
        if found is None:
            if len(self._made) >= MOST:
                self._made.clear()
            found = self._made[key] = make()
        return found
