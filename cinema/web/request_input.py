"""The one check of what comes with a request, in front of the static files, the session and every view.

Behind it the host is one of ALLOWED_HOSTS, and path, query, cookies and form fields are text that the database takes.
The JSON of a body is read by `cinema.web.json_body`, ids in a path by `cinema.web.converters`; `realtime.http_requests`
and the servers check the form of the message itself.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from django.core.exceptions import BadRequest, DisallowedHost, RequestDataTooBig, SuspiciousOperation
from django.http import HttpRequest, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.http.response import HttpResponseBase
from django.middleware.common import CommonMiddleware as DjangoCommonMiddleware
from django.urls import resolve

from cinema.web.problems import Invalid, Malformed, NotFound, Refusal, TooLarge, answer_unread, is_api
from cinema.web.request_limits import limit_of

log = logging.getLogger(__name__)

NUL = "\0"
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
CHARSETS = ("utf-8", "utf8", "us-ascii")
SIGNED = "/payments/stripe/"  # its bodies are read by their signature, never as a form
MONITORS = ("/healthz", "/readyz", "/metrics")


class RequestInputMiddleware:
    """Answers a request with bad input itself: 400 for a bad Host header, 404, 413 or 422, and nothing is changed."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        try:
            check_input(request)
        except Refusal as refusal:
            return answer_unread(request.path, refusal)
        return self.get_response(request)


class MonitorMiddleware:
    """Answers `/healthz`, `/readyz` and `/metrics` whatever the Host header says, without session or cookies.

    A monitor and a load balancer ask a process by its own address, which no visitor uses.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info not in MONITORS:
            return self.get_response(request)
        try:
            response: HttpResponseBase = resolve(request.path_info).func(request)
        except Refusal as refusal:
            return answer_unread(request.path, refusal)
        return response


class CommonMiddleware(DjangoCommonMiddleware):
    """Django's own. A slash is added by a redirect of GET only: other requests would lose their body."""

    def should_redirect_with_slash(self, request: HttpRequest) -> bool:
        return request.method in ("GET", "HEAD") and super().should_redirect_with_slash(request)


def check_input(request: HttpRequest) -> None:
    """Look at everything but a JSON body. A request without query and body costs some microseconds.

    Raises:
        Malformed, NotFound, TooLarge, Invalid: see the class above.
    """
    if NUL in request.path_info:
        raise NotFound
    try:
        request.get_host()
    except DisallowedHost as error:
        log.warning("refused: %s", error)  # says what ALLOWED_HOSTS lacks
        raise Malformed("The Host header names no site that is served here.") from None
    _check_cookies(request)
    try:
        if request.META.get("QUERY_STRING"):
            _check_query(request)
        if request.META.get("CONTENT_LENGTH") or request.META.get("HTTP_TRANSFER_ENCODING"):
            _check_body(request)
    except RequestDataTooBig:
        raise TooLarge(limit_of(request.path_info).size) from None
    except (SuspiciousOperation, BadRequest, MultiPartParserError, UnreadablePostError) as error:
        raise Invalid("The form or the address is not understood.", errors={"request": str(error)}) from None


def _check_cookies(request: HttpRequest) -> None:
    header = request.META.get("HTTP_COOKIE", "")
    if NUL in header or '"' in header:  # Django resolves escapes in quoted values only
        _refuse_nul((name, (name, value)) for name, value in request.COOKIES.items())


def _check_query(request: HttpRequest) -> None:
    query = request.META["QUERY_STRING"]
    if "%00" in query and not is_api(request):  # a page ignores a filter that nothing can match
        request.META["QUERY_STRING"] = query.replace("%00", "%EF%BF%BD")
    _refuse_nul((name, (name, *values)) for name, values in request.GET.lists())


def _check_body(request: HttpRequest) -> None:
    limit = limit_of(request.path_info)
    length = request.META.get("CONTENT_LENGTH") or "0"
    if length.isdecimal() and (len(length) > 18 or int(length) > limit.size):
        raise TooLarge(limit.size)
    if (request.content_params or {}).get("charset", "utf-8").lower() not in CHARSETS:
        raise Invalid("The body must be UTF-8.", errors={"body": "is not UTF-8"})
    if request.path_info.startswith(SIGNED) or request.content_type not in FORMS:
        return
    if is_api(request):
        request.body  # noqa: B018  # keeps it: the CSRF check would read a form, and leave no body to a view
    elif request.method == "POST":
        _refuse_nul((name, (name, *values)) for name, values in request.POST.lists())


def _refuse_nul(fields: Iterable[tuple[str, Iterable[str]]]) -> None:
    for name, texts in fields:
        if any(NUL in text for text in texts):
            shown = name.replace(NUL, "")
            raise Invalid("A field has a character that no text can have (NUL).", errors={shown: "has a NUL"})
