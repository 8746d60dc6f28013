"""The servers' own refusals, written as bytes where there is no ASGI message."""

from __future__ import annotations

from http.client import responses

from cinema.web.problems import API, Refusal, answer_unread
from realtime.http_requests import headers_of


def raw_answer(refusal: Refusal, *, path: str = API, method: str = "") -> bytes:
    """The whole response, which closes the connection. Where no path is known it is a problem document."""
    response = answer_unread(path, refusal)
    lines = [f"HTTP/1.1 {response.status_code} {responses.get(response.status_code, '')}".encode()]
    lines += [b"%s: %s" % pair for pair in headers_of(response)]
    return b"\r\n".join((*lines, b"", b"" if method == "HEAD" else response.content))
