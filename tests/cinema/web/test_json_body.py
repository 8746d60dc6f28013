"""The one reader of JSON bodies."""

import pytest
from django.test import RequestFactory

from cinema.web.json_body import read_json
from cinema.web.problems import Invalid


def read(body):
    return read_json(RequestFactory().post("/", body, content_type="application/json"))


@pytest.mark.parametrize(
    "body, value",
    [
        (b"", {}),
        (b" {} ", {}),
        (b'{"a": [1, 2.5, null, true, "b"]}', {"a": [1, 2.5, None, True, "b"]}),
        (b'{"a": 9223372036854775807}', {"a": 2**63 - 1}),
        (b'{"a": -9223372036854775807}', {"a": 1 - 2**63}),
        (b'{"a": 1e300}', {"a": 1e300}),
        (b'{"a": "\\ud83c\\udfac \\u00e9"}', {"a": "\U0001f3ac é"}),
        ('{"é": "\U0001f3ac"}'.encode(), {"é": "\U0001f3ac"}),
        (b'{"a": "\\\\u0000"}', {"a": "\\u0000"}),
        (b'{"a": {"b": 1}, "c": {"b": 1}}', {"a": {"b": 1}, "c": {"b": 1}}),
    ],
)
def test_an_object_is_read(body, value):
    assert read(body) == value


@pytest.mark.parametrize(
    "body, wrong",
    [
        (b"{", "is not JSON"),
        (b"[]", "is not an object"),
        (b"null", "is not an object"),
        (b"\xff", "is not JSON"),
        (b"\xef\xbb\xbf{}", "is not JSON"),
        ("{}".encode("utf-16"), "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b'{"a":' * 30_000, "is not JSON"),
        (b'{"a": "\x00"}', "is not JSON"),
        (b'{"a": "\\u0000"}', "has a NUL in a text"),
        (b'{"a": [{"\\u0000": 1}]}', "has a NUL in a text"),
        (b'{"a": "\\ud800"}', "is not JSON"),
        (b'{"\\uDFFF": 1}', "is not JSON"),
        (b'{"a": NaN}', "has NaN, which is no number"),
        (b'{"a": -Infinity}', "has -Infinity, which is no number"),
        (b'{"a": 1e999}', "has a number that is too large"),
        (b'{"a": 9223372036854775808}', "has a number that is too large"),
        (b'{"a": 1' + b"0" * 19 + b"}", "has a number that is too large"),
        (b'{"a": ' + b"9" * 5000 + b"}", "has a number that is too large"),
        (b'{"a": 1, "a": 2}', "has a name twice"),
    ],
)
def test_what_could_not_be_stored_or_answered_is_refused(body, wrong):
    with pytest.raises(Invalid) as raised:
        read(body)
    assert raised.value.extra["errors"] == {"body": wrong}
