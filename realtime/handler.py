"""How an HTTP request gets to Django: in one step to a thread, instead of one for each part of the way.

All our middleware and views are synchronous. Django's own handler would run them one by one from the event loop, with a
hop to a thread and back for each half of each middleware; that costs several times what the request itself does.
"""

from __future__ import annotations

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.base import BaseHandler
from django.http import HttpRequest, HttpResponseBase

from cinema.patience import OF_A_REQUEST, patience


class OneStepHandler(ASGIHandler):
    """Django's ASGI handler with a synchronous chain of middleware, entered once a request."""

    def __init__(self) -> None:
        BaseHandler.__init__(self)  # not ASGIHandler's, which would build the other chain
        self.load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        with patience(OF_A_REQUEST):  # the thread has the context of this task
            return await sync_to_async(self.get_response, thread_sensitive=True)(request)
