"""Health checks for a monitor: is the process alive, is it ready for visitors."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from booking import loop
from cinema.database import clock
from cinema.web.client_address import proxy_watch
from realtime import process


@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """200 whenever the process answers; it checks nothing else."""
    return HttpResponse("alive\n", content_type="text/plain")


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """200 while the database answers, this process's clock agrees with it, and it is not draining, else 503.

    A bridge that is down, a late loop or an untrusted proxy is an alert, not a 503: seats can still be sold.
    """
    is_late = loop_is_late()
    is_off = clock.is_off()
    body = {
        "database": "down" if is_late is None else "ok",
        "bridge": bridge(),
        "loop": "late" if is_late is not False else "ok",
        "clock": "off" if is_off else "ok",
        "proxy": "untrusted" if proxy_watch.is_untrusted() else "ok",
    }
    return JsonResponse(body, status=503 if is_late is None or is_off or process.is_draining() else 200)


def loop_is_late() -> bool | None:
    """None when the database does not answer, or has no tables: a restore is under way."""
    try:
        return loop.is_late(clock.read())
    except Exception:  # a pool without a free connection has its own exception, outside of Django's
        return None


def bridge() -> str:
    if not settings.REDIS_URL:
        return "local"
    return "ok" if process.transport().is_reachable() else "down"
