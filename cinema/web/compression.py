"""Answers as gzip: pages that anybody may open, and files that never change.

A page is compressed once for each answer, quickly; a file once in a process, well. What may be compressed is named by a
decorator at the view and not by a middleware: the length of a compressed page tells something about its text to whom
can make a visitor's browser ask for it again and again with a text of his own in it (BREACH). See decision 0086.
"""

from __future__ import annotations

import gzip
import io
import re
import secrets
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

View = Callable[..., HttpResponse]

LEAST = 1024  # bytes; less fits into one packet as it is
QUICK, WELL = 1, 9  # levels of zlib; a page with 600 seats takes 0.5 ms, and is a seventh larger than at level 6
PADDING = 100  # at most so many random bytes in each page, so that its length tells less
CODING = re.compile(r"\s*(?:x-)?gzip\s*(?:;\s*q\s*=\s*(?!0(?:\.0*)?\s*$)[0-9.]+\s*)?", re.IGNORECASE)  # but not q=0
TEXT = re.compile(r"(?:text/|application/(?:json|javascript)|image/svg)")


def compressed(view: View) -> View:
    """Of a page that anybody may open: its answers are compressed where the client takes it.

    Not for an account that asks with a query of its own: the page would have the account's address beside that query.
    """

    @wraps(view)
    def answer(request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponse:
        response = view(request, *arguments, **named)
        if request.GET and request.user.is_authenticated:
            return response
        return _compress(request, response, _of_page)

    return answer


def compress_file(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """The same answer, compressed where the client takes it. For texts that are the same for everybody."""
    return _compress(request, response, of_file)


def takes_gzip(request: HttpRequest) -> bool:
    return any(CODING.fullmatch(each) for each in request.headers.get("Accept-Encoding", "").split(","))


def _compress(request: HttpRequest, response: HttpResponse, shorten: Callable[[bytes], bytes]) -> HttpResponse:
    is_text = TEXT.match(response.get("Content-Type", ""))
    is_whole = response.status_code == 200 and not response.streaming and not response.has_header("Content-Encoding")
    if not is_whole or not is_text or len(response.content) < LEAST:
        return response
    patch_vary_headers(response, ["Accept-Encoding"])
    if not takes_gzip(request):
        return response
    response.content = shorten(response.content)
    response["Content-Encoding"] = "gzip"
    response["Content-Length"] = str(len(response.content))
    return response


def _of_page(content: bytes) -> bytes:
    into = io.BytesIO()
    with gzip.GzipFile("x" * secrets.randbelow(PADDING), "wb", QUICK, into, mtime=0) as file:
        file.write(content)
    return into.getvalue()


@lru_cache(maxsize=256)
def of_file(content: bytes) -> bytes:
    return gzip.compress(content, WELL, mtime=0)
