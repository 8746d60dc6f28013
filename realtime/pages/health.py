"""Health checks for a monitor: is the process alive, is it ready for visitors."""

from __future__ import annotations

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from booking import loop
from realtime import process


@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """200 whenever the process answers; it checks nothing else."""
    return HttpResponse("alive\n", content_type="text/plain")


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """200 while the database answers and the process is not draining, else 503.

    A bridge that is down or a late loop is an alert, not a 503: seats can still be sold.
    """
    database = database_answers()
    body = {
        "database": "ok" if database else "down",
        "bridge": bridge(),
        "loop": "ok" if database and not loop.is_late(timezone.now()) else "late",
    }
    return JsonResponse(body, status=200 if database and not process.is_draining() else 503)


def database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            return bool(cursor.fetchone() == (1,))
    except Exception:  # a pool without a free connection has its own exception, outside of Django's
        return False


def bridge() -> str:
    if not settings.REDIS_URL:
        return "local"
    return "ok" if process.transport().is_reachable() else "down"
