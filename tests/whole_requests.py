"""Requests as a server gives them to Django, answered in the test's own thread and transaction; and every URL."""

import io
import re
from urllib.parse import unquote

from django.conf import settings
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.urls import get_resolver
from django.urls.resolvers import URLResolver

from realtime.fast_path.http_handler import OneStepHandler
from realtime.http_requests import refusal_of

SIGNALS = (request_started, request_finished)


def ask(handler, method, target, body=b"", headers=(), cookies=""):
    """(status, headers in lower case, body); a refusal by the head alone is its status and no more."""
    lines = [*headers]
    if not any(name == b"host" for name, _ in headers):
        lines.append((b"host", b"localhost"))
    if body:
        lines.append((b"content-length", str(len(body)).encode()))
    if cookies:
        lines.append((b"cookie", cookies.encode("latin-1")))
    path, _, query = target.partition("?")
    refusal = refusal_of(method, unquote(path), "1.1", lines)
    if refusal is not None:
        return refusal.status, {}, b""
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "path": unquote(path),
        "raw_path": path.encode("ascii"),
        "query_string": query.encode("ascii"),
        "headers": lines,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    for signal in SIGNALS:  # as Django's test client does: the test's own connection stays
        signal.disconnect(close_old_connections)
    try:
        response = handler.answer(scope, io.BytesIO(body))
    finally:
        for signal in SIGNALS:
            signal.connect(close_old_connections)
    return response.status_code, {name.lower(): value for name, value in response.items()}, response.content


def make_handler():
    handler = OneStepHandler()
    handler.threads.shutdown()
    return handler


def all_urls():
    """The address of every URL pattern, with `{kind}` in the place of each argument."""
    return sorted(set(_addresses(get_resolver().url_patterns, "/")))


def _addresses(patterns, before):
    for each in patterns:
        text = before + _address(str(each.pattern))
        if isinstance(each, URLResolver):
            yield from _addresses(each.url_patterns, text)
        else:
            yield text


def _address(pattern):
    pattern = pattern.removeprefix("^").removesuffix("$")
    pattern = re.sub(r"\(\?P<\w+>.+?\)(?=/|-|$)", "{str}", pattern)
    pattern = re.sub(r"<(\w+):\w+>", r"{\1}", pattern)
    return re.sub(r"<\w+>", "{str}", pattern)


def session_cookie(client):
    return f"{settings.SESSION_COOKIE_NAME}={client.session.session_key}"
