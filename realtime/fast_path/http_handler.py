"""How an HTTP request gets to Django: in one step to a thread and back, instead of one for each part of the way.

All our middleware and views are synchronous. Django's own handler would run them one by one from the event loop, with a
hop to a thread and back for each half of each middleware, for the signals before and after, and with a thread made for
each request; that costs several times what the request itself does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import IO, Any, cast

from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.core.handlers.base import BaseHandler
from django.http import FileResponse, HttpResponseBase, StreamingHttpResponse
from django.urls import set_script_prefix

from cinema.database.query_timeout import REQUEST_TIMEOUT, query_timeout

MOST_AT_ONCE = 128  # far more than the database's pool: who waits for nothing must not wait for those who do


class OneStepHandler(ASGIHandler):
    """Django's ASGI handler with a synchronous chain of middleware, entered once a request.

    The request is answered, and everything of it closed, before the first byte is sent. Of a client that has gone
    away it hears nothing: a thread could not be stopped anyway.
    """

    def __init__(self) -> None:
        BaseHandler.__init__(self)  # not ASGIHandler's, which would build the other chain
        self.load_middleware(is_async=False)
        self.threads = ThreadPoolExecutor(MOST_AT_ONCE, "request")

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
        """The finished answer to one request; the thread's database connection is given back when this returns."""
        with body, query_timeout(REQUEST_TIMEOUT):
            set_script_prefix(get_script_prefix(scope))
            signals.request_started.send(sender=type(self), scope=scope)
            request, error = self.create_request(scope, body)
            response: Any = self.get_response(request) if request else error
            response._handler_class = type(self)
            try:
                if isinstance(response, FileResponse):
                    response.block_size = self.chunk_size
                if isinstance(response, StreamingHttpResponse) and not response.is_async:
                    response.streaming_content = _each(list(response))
            finally:
                response.close()  # says that the request has finished
            return cast(HttpResponseBase, response)


async def _each(parts: Sequence[bytes]) -> AsyncIterator[bytes]:
    for part in parts:
        yield part
