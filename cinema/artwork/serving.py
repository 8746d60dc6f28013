"""Drawings over HTTP: immutable, without scripts and without references to other files."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from cinema.models import Artwork

FOR_A_YEAR = "public, max-age=31536000, immutable"


@require_safe
def artwork(request: HttpRequest, artwork_hash: str) -> HttpResponse:
    """The drawing of that hash, or 304: the hash of the content is also the ETag."""
    found = Artwork.objects.filter(hash=artwork_hash).first()
    if found is None:
        raise Http404
    etag = f'"{found.hash}"'
    response = get_conditional_response(request, etag) or HttpResponse(found.svg, content_type="image/svg+xml")
    response["ETag"] = etag
    response["Cache-Control"] = FOR_A_YEAR
    response["X-Content-Type-Options"] = "nosniff"
    return response
