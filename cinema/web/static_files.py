"""Static files served by the app: hashed, cached, and sent as a whole, which is what an ASGI server needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files import File
from django.http import HttpRequest, HttpResponse
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.storage import CompressedManifestStaticFilesStorage

from cinema.files import write_file
from cinema.web.compression import compress_file


class StaticFilesMiddleware(WhiteNoiseMiddleware):  # type: ignore[misc]  # whitenoise has no types
    """WhiteNoise answers with a sync stream; Django under ASGI warns about it and reads it as a whole anyway.

    Files that were not collected (DEBUG=1) are compressed here; `collectstatic` has compressed the others.
    """

    @staticmethod
    def serve(static_file: Any, request: HttpRequest) -> HttpResponse:
        found = static_file.get_response(request.method, request.META)
        body = b""
        if found.file is not None:
            with found.file:
                body = found.file.read()
        response = HttpResponse(body, status=int(found.status))
        del response["content-type"]  # set below by WhiteNoise's headers
        for name, value in found.headers:
            response[name] = value
        return compress_file(request, response) if settings.DEBUG else response


class WholeFilesStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # whitenoise has no types
    """`collectstatic` leaves a file that is there as it is: one that a full disk cut short would be served for ever."""

    def exists(self, name: str) -> bool:
        """An empty file counts as missing: a power cut may leave one, because syncing hundreds takes seconds."""
        return bool(super().exists(name)) and self.size(name) > 0

    def _save(self, name: str, content: File[Any]) -> str:
        """Write the whole file or nothing. Raises OSError."""
        file = Path(self.path(name))
        file.parent.mkdir(parents=True, exist_ok=True)
        content.open("rb")  # from its start; read in whole, as it is when it is served
        write_file(file, content.read(), is_synced=False)
        return name
