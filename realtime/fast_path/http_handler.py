"""An HTTP request goes to Django by one hop to a thread and back, instead of several.

All our middleware and views are synchronous. Django's own handler would run them one by one from the event loop, with a
hop to a thread and back for each half of each middleware and for the signals, and with a new thread for each request;
that costs several times what the request itself does.

Relies on Django 5.2, undocumented: `django.core.handlers.asgi.ASGIHandler` with the METHODS and `chunk_size`, and that
`BaseHandler.load_middleware` builds a synchronous chain for `is_async=False`. `make_http_application` checks them at
start; where one is missing, Django's documented `get_asgi_application()` serves.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import IO, Any, cast

from django.conf import settings
from django.core import signals
from django.core.asgi import get_asgi_application
from django.core.exceptions import RequestAborted
from django.http import FileResponse, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.urls import set_script_prefix

from cinema.database.query_timeout import REQUEST_TIMEOUT, query_timeout

try:
    from django.core.handlers.asgi import ASGIHandler
    from django.core.handlers.base import BaseHandler
except ImportError:  # make_http_application then finds none of the METHODS
    ASGIHandler = BaseHandler = cast(Any, object)  # type: ignore[misc]

log = logging.getLogger(__name__)

MAX_REQUESTS = 128  # at once; far more than the database's pool, so that requests without a query need not wait
METHODS = ("load_middleware", "read_body", "create_request", "get_response", "send_response", "chunk_size")

Application = Callable[[dict[str, Any], Any, Any], Awaitable[None]]


def make_http_application() -> Application:
    """`OneStepHandler` where Django is as expected, else Django's own handler."""
    missing = [name for name in METHODS if not hasattr(ASGIHandler, name)]
    if not missing and "is_async" not in inspect.signature(BaseHandler.load_middleware).parameters:
        missing = ["load_middleware(is_async)"]
    if not missing:
        return OneStepHandler()
    log.warning("Django's ASGI handler has no %s: requests take its own way", missing)
    django = get_asgi_application()

    async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
        with query_timeout(REQUEST_TIMEOUT):
            await django(scope, receive, send)

    return application


class OneStepHandler(ASGIHandler):
    """Django's ASGI handler with a synchronous chain of middleware, entered once a request.

    The request is answered and closed before the first byte is sent. It does not learn that its client has
    disconnected: a thread could not be stopped anyway.
    """

    def __init__(self) -> None:
        BaseHandler.__init__(self)  # not ASGIHandler's, which would build the asynchronous chain
        self.load_middleware(is_async=False)
        self.threads = ThreadPoolExecutor(MAX_REQUESTS, "request")

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            raise ValueError(f"this answers HTTP, not {scope['type']}")
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        answer = partial(copy_context().run, self.answer, scope, body)  # each request has its own language
        await self.send_response(await asyncio.get_running_loop().run_in_executor(self.threads, answer), send)

    def answer(self, scope: dict[str, Any], body: IO[bytes]) -> HttpResponseBase:
        """The complete response to one request; the thread's database connection is returned when this returns."""
        with body, query_timeout(REQUEST_TIMEOUT):
            set_script_prefix(settings.FORCE_SCRIPT_NAME or scope.get("root_path") or "")
            signals.request_started.send(sender=type(self), scope=scope)
            request, error = self.create_request(scope, body)
            response: Any = self.get_response(request) if request else error
            response._handler_class = type(self)  # the sender of `request_finished`
            set_length(response)
            try:
                if isinstance(response, FileResponse):
                    response.block_size = self.chunk_size
                if isinstance(response, StreamingHttpResponse) and not response.is_async:
                    response.streaming_content = _each(list(response))
            finally:
                response.close()  # sends `request_finished`
            return cast(HttpResponseBase, response)


def set_length(response: HttpResponseBase) -> None:
    """Content-Length, also where a middleware has replaced the response; none where a response has no body."""
    if response.status_code in (204, 304):
        response.headers.pop("Content-Length", None)
    elif isinstance(response, HttpResponse) and not response.has_header("Content-Length"):
        response["Content-Length"] = str(len(response.content))


async def _each(parts: Sequence[bytes]) -> AsyncIterator[bytes]:
    for part in parts:
        yield part
