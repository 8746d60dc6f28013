"""Refusals as HTTP responses: RFC 9457 problem documents under `/api/`, pages elsewhere.

Use cases raise a `Refusal`; nothing between them and this module catches it. Each class has its own HTTP status, so
the classes are the only mapping from refusals to HTTP.
"""

from __future__ import annotations

import functools
import logging
import sys
import weakref
from collections.abc import Callable
from typing import Any, ClassVar

from django.conf import settings
from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.core.signals import got_request_exception
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.defaults import page_not_found
from psycopg.errors import InvalidColumnReference, InvalidSchemaName, UndefinedTable

from cinema.database.query_timeout import DatabaseTimeout
from cinema.web import metrics

log = logging.getLogger(__name__)
View = Callable[..., HttpResponse]

# No such table, no such schema, ON CONFLICT without its constraint: as while PostgreSQL is restored table by table.
AWAY = tuple(kind.sqlstate for kind in (UndefinedTable, InvalidSchemaName, InvalidColumnReference))

API = "/api/"
MOST_RESENT = 50  # values of one field
KNOWN_TO_DJANGO = (Http404, PermissionDenied, SuspiciousOperation, BadRequest, MultiPartParserError)  # as 4xx


class Refusal(Exception):
    """A request that a rule does not allow. `detail` is a sentence for the user; nothing has been changed."""

    type: ClassVar[str] = "invalid"
    status: ClassVar[int] = 422
    title: ClassVar[str] = "That cannot be done"
    counted_as: ClassVar[str] = ""  # in the metrics, where it is not the type

    def __init__(self, detail: str = "", *, headers: dict[str, str] | None = None, **extra: Any) -> None:
        self.detail = detail or f"{self.title}."
        self.headers = headers or {}
        self.extra = extra
        super().__init__(self.detail)


class Invalid(Refusal):
    title = "The request is not understood"


class Malformed(Invalid):
    """Not a request that HTTP allows, such as one with two lengths: the connection is closed after the answer."""

    status = 400


class TooLarge(Refusal):
    """The body is larger than `limit` bytes. It has not been read."""

    type, status, title = "too-large", 413, "That is too much at once"

    def __init__(self, limit: int) -> None:
        size = f"{limit // 1024**2} MB" if limit >= 1024**2 else f"{limit // 1024} KB"
        super().__init__(f"A request to this address may have at most {size}. Nothing was changed.", limit=limit)


class NotFound(Refusal):
    type, status, title = "not-found", 404, "There is nothing here"


class Forbidden(Refusal):
    type, status, title = "forbidden", 403, "This is not yours to do"


class MethodNotAllowed(Refusal):
    type, status, title = "method-not-allowed", 405, "This address does not take that method"


class Busy(Refusal):
    """The request is valid, but the server is overloaded: the client should try again."""

    type, status, title = "busy", 503, "Too many people at once"

    def __init__(self, detail: str = "We are very busy. Nothing was changed; please try again.") -> None:
        super().__init__(detail, headers={"Retry-After": "1"})


class Failure(Busy):
    """An error of ours. The API answers it as `busy`, its only 5xx; the metrics count it as `failure`."""

    title = "Something broke on our side"
    counted_as = "failure"

    def __init__(self) -> None:
        super().__init__("Something broke on our side. Please look what has become of it before you try again.")


def problem(refusal: Refusal) -> JsonResponse:
    """`application/problem+json` with `{type, title, status, detail, …}`."""
    metrics.PROBLEMS.labels(refusal.counted_as or refusal.type).inc()
    body = {
        "type": refusal.type,
        "title": refusal.title,
        "status": refusal.status,
        "detail": refusal.detail,
        **refusal.extra,
    }
    response = JsonResponse(body, status=refusal.status, content_type="application/problem+json")
    response["Cache-Control"] = "no-store"
    for name, value in refusal.headers.items():
        response[name] = value
    return response


def answer_unread(path: str, refusal: Refusal) -> HttpResponse:
    """The answer to a request of which only the path is known. It needs neither request nor database."""
    if path.startswith(API):
        return problem(refusal)
    page = _page_of(refusal.title, refusal.detail)
    return HttpResponse(page, status=refusal.status, headers={**refusal.headers, "Cache-Control": "no-store"})


@functools.lru_cache(maxsize=64)
def _page_of(title: str, detail: str) -> str:
    """Written once: the servers refuse in their event loop."""
    return render_to_string("refusal.html", {"refusal": {"title": title, "detail": detail}})


def is_api(request: HttpRequest) -> bool:
    return request.path.startswith(API)


def is_overload(error: Exception) -> bool:
    """Whether the database cannot answer for a while: no free connection in the pool, connection refused, lock timeout,
    or a restore under way, which takes tables away and puts them back (SQLite has an OperationalError for that, too).
    """
    return (
        isinstance(error, (OperationalError, InterfaceError))
        or type(error).__name__ in ("PoolTimeout", "PoolClosed")
        or getattr(error.__cause__ or error, "sqlstate", None) in AWAY
    )


def busy_for(error: BaseException | None) -> Busy:
    """The refusal for an overload; after a query timeout it says that the result is unknown."""
    if error is not None and isinstance(error.__cause__, DatabaseTimeout):
        return Busy("Our records do not answer. Please look what has become of it before you try again.")
    return Busy()


def api(*methods: str) -> Callable[[View], View]:
    """Decorator of a JSON endpoint: other methods and refusals are answered with problem documents."""
    allowed = {*methods, "OPTIONS"} | ({"HEAD"} if "GET" in methods else set())

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def endpoint(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            try:
                if request.method not in allowed:
                    raise MethodNotAllowed(headers={"Allow": ", ".join(sorted(allowed))})
                if request.method == "OPTIONS":
                    return HttpResponse(status=204, headers={"Allow": ", ".join(sorted(allowed))})
                return view(request, *args, **kwargs)
            except Refusal as refusal:
                return problem(refusal)

        return endpoint

    return decorate


# Requests with an overload outside of a view, such as while the session was saved.
_overloaded: weakref.WeakSet[HttpRequest] = weakref.WeakSet()


def note_overload(request: HttpRequest | None = None, **kwargs: Any) -> None:
    """Remember an overload in middleware: Django turns it into a 500 before ProblemMiddleware sees the error."""
    error = sys.exc_info()[1]
    if request is not None and isinstance(error, Exception) and is_overload(error):
        log.warning("busy: %s %s: %s", request.method, request.path, error)
        _overloaded.add(request)


got_request_exception.connect(note_overload, dispatch_uid="cinema.web.problems")


class ProblemMiddleware:
    """Turns every remaining error under `/api/` into a problem document, never HTML and never a traceback.

    On pages an overload is answered with a plain 503 page.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code == 500 and request in _overloaded:
            return self.busy(request)
        if is_api(request) and response.status_code >= 400 and "problem+json" not in response.get("Content-Type", ""):
            return problem(self.refusal_for(response.status_code))
        return response

    def refusal_for(self, status: int) -> Refusal:
        for kind in (NotFound, Forbidden, MethodNotAllowed):
            if kind.status == status:
                return kind()
        return Busy() if status == 503 else Invalid() if status < 500 else Failure()

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if is_overload(error):
            log.warning("busy: %s %s: %s", request.method, request.path, error)
            return self.busy(request, error)
        if isinstance(error, Refusal):
            return problem(error) if is_api(request) else self.page(request, error)
        if isinstance(error, OverflowError) and "SQLite" in str(error):  # PostgreSQL finds no such row either
            return problem(NotFound()) if is_api(request) else self.page(request, NotFound())
        if isinstance(error, Http404) and not is_api(request):
            return page_not_found(request, error)  # also with DEBUG: the same page as in production
        if is_api(request) and not isinstance(error, KNOWN_TO_DJANGO):
            log.exception("failure: %s %s", request.method, request.path)
            return problem(Failure())
        return None

    def busy(self, request: HttpRequest, error: Exception | None = None) -> HttpResponse:
        metrics.BUSY.inc()
        return problem(busy_for(error)) if is_api(request) else HttpResponse(render_to_string("503.html"), status=503)

    def page(self, request: HttpRequest, refusal: Refusal) -> HttpResponse:
        if refusal.status == 404:
            return page_not_found(request, Http404(refusal.detail))
        template = "429.html" if refusal.status == 429 else "refusal.html"
        response = render(request, template, {"refusal": refusal}, status=refusal.status)
        for name, value in refusal.headers.items():
            response[name] = value
        return response


def resends(*fields: str) -> Callable[[View], View]:
    """Decorator of a page whose form may be offered again with these fields after a failed CSRF check.

    Only for what a person sees and presses once more: the fields may come from another site.
    """

    def decorate(view: View) -> View:
        view.resent_fields = fields  # type: ignore[attr-defined]
        return view

    return decorate


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The view of a failed CSRF check (CSRF_FAILURE_VIEW). On a page it says why, and offers some forms again."""
    if is_api(request):
        return problem(
            Forbidden("The X-CSRFToken header must equal the csrftoken cookie, which GET …/lock/ sets.", reason=reason)
        )
    view = request.resolver_match.func if request.resolver_match else None
    fields = getattr(view, "resent_fields", ())
    context = {
        "has_cookies": settings.CSRF_COOKIE_NAME in request.COOKIES,
        "resent": [(name, value) for name in fields for value in request.POST.getlist(name)[:MOST_RESENT]],
        "action": request.POST.get("action", ""),
        "dropped": request.POST.get("drop", ""),
        "labels": request.POST.getlist("seats")[:MOST_RESENT],
    }
    return render(request, "403_csrf.html", context, status=403)
