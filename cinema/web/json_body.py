"""The one reader of JSON bodies: what it returns can be compared, stored and written in an answer."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

from django.http import HttpRequest

from cinema.web.problems import Invalid

LARGEST_INTEGER = 2**63 - 1  # no column of the database holds more
NUL, SURROGATE = r"\u0000", r"\ud"  # as JSON escapes them; other control characters are not stored by the API


def read_json(request: HttpRequest) -> dict[str, Any]:
    """The request's JSON object; `{}` for an empty body.

    Its integers have at most 63 bits, its other numbers are finite, no name stands twice in an object, and its text
    has neither NUL nor half of a surrogate pair.

    Raises:
        Invalid: the body is anything else.
    """
    try:
        text = request.body.decode("utf-8")
        body = _decoder.decode(text) if text else {}
        if _may_have_bad_text(text):
            check_values(body)
    except (ValueError, RecursionError) as error:  # also of decoding UTF-8 and JSON
        wrong = str(error) if type(error) is ValueError else "is not JSON"
        raise Invalid("The body must be a JSON object.", errors={"body": wrong}) from None
    if not isinstance(body, dict):
        raise Invalid("The body must be a JSON object.", errors={"body": "is not an object"})
    return body


def _read_integer(digits: str) -> int:
    number = int(digits) if len(digits) <= 20 else LARGEST_INTEGER + 1
    if abs(number) > LARGEST_INTEGER:
        raise ValueError("has a number that is too large")
    return number


def _read_number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("has a number that is too large")
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"has {name}, which is no number")


def _read_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("has a name twice")
    return found


def _may_have_bad_text(text: str) -> bool:
    return NUL in text or SURROGATE in text.lower()


def check_values(value: Any) -> None:
    """Raises ValueError for what the database does not take, in any depth of a decoded JSON value.

    That is a NUL or half of a surrogate pair in a text, and an integer of more than 63 bits.
    """
    if isinstance(value, str):
        if "\0" in value:
            raise ValueError("has a NUL in a text")
        value.encode()  # UnicodeEncodeError is a ValueError
    elif isinstance(value, int):
        if abs(value) > LARGEST_INTEGER:
            raise ValueError("has a number that is too large")
    elif isinstance(value, (dict, list)):
        for each in (*value, *value.values()) if isinstance(value, dict) else value:
            check_values(each)


_decoder = json.JSONDecoder(
    parse_int=_read_integer,
    parse_float=_read_number,
    parse_constant=_refuse_constant,
    object_pairs_hook=_read_object,
)
