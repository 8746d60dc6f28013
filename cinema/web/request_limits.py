"""How large a request may be and how long it may take to come: by its path, before anything else of it is read.

The servers keep these limits while they read (`realtime.http_requests`, `realtime.fast_path`); Django keeps them too
(`cinema.web.request_input`), whatever serves it.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

HEAD_SECONDS = 10.0  # from the connection, or from the answer before, to the end of a request's head


@dataclass(frozen=True, slots=True)
class RequestLimit:
    """`size`: bytes of the body. `seconds`: from the end of the head to the end of the body."""

    size: int
    seconds: float


FORMS = RequestLimit(settings.DATA_UPLOAD_MAX_MEMORY_SIZE, 20.0)  # also JSON, and a gateway's events
FILES = RequestLimit(11 * 1024 * 1024, 120.0)  # a seating plan: 10 MB, as `cinema.plans.file` has it, in a form

UPLOADS = ("/admin/cinema/screen/import-plan/",)


def limit_of(path: str) -> RequestLimit:
    """The limit of a path. It is decided before the session is read, so a stranger's upload is read too, and refused
    afterwards."""
    return FILES if path in UPLOADS else FORMS
