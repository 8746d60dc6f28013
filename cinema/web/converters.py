"""Path converters of the URLs."""

from __future__ import annotations

from django.urls import register_converter

LARGEST_ID = 2**63 - 1  # of a BigAutoField


class IdConverter:
    """`<id:name>`: a primary key. A number that no row can have does not match: 404, and 4504 on a socket."""

    regex = "[0-9]{1,19}"

    def to_python(self, value: str) -> int:
        number = int(value)
        if number > LARGEST_ID:
            raise ValueError
        return number

    def to_url(self, value: int) -> str:
        return str(value)


def register() -> None:
    """Called once, before a list of URLs is imported."""
    register_converter(IdConverter, "id")
