"""Showtimes and layouts as JSON. The keys of each answer are a public contract."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from cinema.days import bounds_of
from cinema.models import SeatingPlan, Showtime, ShowtimeQuerySet
from cinema.plans.drawn import name_layout
from cinema.plans.layouts import Layout, layout_of
from cinema.web.compression import compress_file
from cinema.web.problems import Invalid, NotFound, api

DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
HORIZON = timedelta(days=14)
FOR_A_YEAR = "public, max-age=31536000, immutable"


@api("GET")
def showtimes(request: HttpRequest) -> HttpResponse:
    """The showtimes of a day, or of the next 14 days; filtered by the slugs of movie and cinema."""
    at = timezone.now()
    found = Showtime.objects.with_movie_and_screen().order_by("starts_at", "id")
    if day := request.GET.get("date"):
        found = _on_day(found, day)
    else:
        found = found.not_ended(at).filter(starts_at__lt=at + HORIZON)
    for name, column in (("movie", "movie__slug"), ("cinema", "screen__cinema__slug")):
        if slug := request.GET.get(name):
            if "\0" in slug:  # PostgreSQL refuses it in a text parameter
                raise Invalid(f"{name} is no slug.", errors={name: "is no slug"})
            found = found.filter(**{column: slug})
    return _fresh({"showtimes": [showtime_json(showtime, at) for showtime in found]})


@api("GET")
def showtime(request: HttpRequest, showtime_id: int) -> HttpResponse:
    found = Showtime.objects.with_movie_and_screen().filter(pk=showtime_id).first()
    if found is None:
        raise NotFound("There is no such showtime.")
    return _fresh(showtime_json(found, timezone.now()))


@api("GET")
def layout(request: HttpRequest, layout_hash: str) -> HttpResponse:
    found = _find(layout_hash)
    if found is None:
        raise NotFound("There is no such layout.")
    return _immutable(request, found.json, "application/json", found)


@require_safe
def layout_css(request: HttpRequest, layout_hash: str) -> HttpResponse:
    """The style sheet with the positions of the seats."""
    found = _find(layout_hash)
    if found is None:
        raise Http404
    return _immutable(request, found.css, "text/css; charset=utf-8", found)


def showtime_json(showtime: Showtime, at: datetime) -> dict[str, Any]:
    """Money in minor units, times in UTC. Needs `with_movie_and_screen`."""
    here = f"/api/showtimes/{showtime.pk}/"
    return {
        "id": showtime.pk,
        "movie": {"title": showtime.movie.title, "slug": showtime.movie.slug},
        "cinema": showtime.screen.cinema.name,
        "screen": showtime.screen.name,
        "starts_at": _utc(showtime.starts_at),
        "ends_at": _utc(showtime.ends_at),
        "language": showtime.language,
        "format": showtime.format,
        "currency": showtime.currency,
        "prices": showtime.prices,
        "sales": showtime.sales(at),
        "layout": f"/api/layouts/{showtime.plan.hash}/",
        "map": f"{here}map/",
        "lock": f"{here}lock/",
        "socket": f"/ws/showtimes/{showtime.pk}/",
    }


def _on_day(found: ShowtimeQuerySet, text: str) -> ShowtimeQuerySet:
    """Those that start on that day in TIME_ZONE."""
    try:
        if not DAY.fullmatch(text):
            raise ValueError
        begins, ends = bounds_of(date.fromisoformat(text))
    except (ValueError, OverflowError):
        raise Invalid("date must be written YYYY-MM-DD.", errors={"date": "must be written YYYY-MM-DD"}) from None
    return found.filter(starts_at__gte=begins, starts_at__lt=ends)


def _utc(instant: datetime) -> str:
    """RFC 3339 with Z; a fraction of a second only if there is one."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _fresh(body: dict[str, Any]) -> JsonResponse:
    response = JsonResponse(body, json_dumps_params={"ensure_ascii": False})
    response["Cache-Control"] = "no-cache"  # sales open and close with the clock
    return response


def _find(layout_hash: str) -> Layout | None:
    """The layout of that name, or of the name that it had before `FORMAT` 2: a page may be older than the update."""
    for name in (layout_hash, name_layout(layout_hash, {})):
        with suppress(SeatingPlan.DoesNotExist):
            return layout_of(name)
    return None


def _immutable(request: HttpRequest, body: bytes, content_type: str, found: Layout) -> HttpResponse:
    """A response that never changes: the hash in its address covers every byte. 304 if the client has it."""
    etag = f'"{found.hash}"'
    response = HttpResponse(body, content_type=content_type, headers={"ETag": etag, "Cache-Control": FOR_A_YEAR})
    return compress_file(request, get_conditional_response(request, etag=etag, response=response) or response)
