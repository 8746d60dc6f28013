"""Pages for everyone: what is shown, and one film with its times."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.views.decorators.http import require_safe

from cinema.days import read_day
from cinema.films.trailers import player_of
from cinema.models import Movie, Showtime
from cinema.whats_on.filters import Wish
from cinema.whats_on.front_page import Front, read_front, read_left
from cinema.whats_on.listing_html import draw_left
from cinema.whats_on.listings import ShowtimeCard, cinemas_of, first_sentences, pick_billboard, read_cards

MORE = 8  # times of other days on the page of a film
MOST_LEFT = 120  # showtimes whose seats left are asked for at once


@dataclass(frozen=True)
class Day:
    date: date
    is_chosen: bool
    is_today: bool


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What is on. A fragment of the same page for htmx: the results, or the next films of them."""
    at = timezone.now()
    wish = Wish.read(request.GET)
    number = request.GET.get("page", "")
    front = read_front(wish, int(number) if number.isascii() and number.isdigit() and len(number) < 6 else 1, at)
    today = timezone.localdate(at)
    context = {"front": front, "wish": wish, "today": today, "home": request.path}
    if request.headers.get("HX-Request") != "true":
        response = render(request, "cinema/home.html", {**context, **_billboard(front, today)})
    elif number:
        response = render(request, "cinema/_films.html", context)
    else:
        typed = request.headers.get("HX-Trigger") == "finder"  # the boxes of the form are as the person left them
        response = render(request, "cinema/_found.html", {**context, "fragment": True, "typed": typed})
        address = request.path + wish.query
        shown = request.headers.get("HX-Current-URL", "").partition("#")[0]
        is_there = shown == request.build_absolute_uri(address)  # Enter, or leaving the box, is no step in the history
        response["HX-Push-Url"] = "false" if is_there else address
    patch_vary_headers(response, ["HX-Request"])
    return response


@require_safe
def left(request: HttpRequest) -> HttpResponse:
    """How full the showtimes of `?id=…&id=…` are, as the pages draw it; 304 while nothing has changed."""
    ids = [
        int(text)
        for text in request.GET.getlist("id")[:MOST_LEFT]
        if text.isascii() and text.isdigit() and len(text) < 16
    ]
    response = HttpResponse("".join(draw_left(slot) for slot in read_left(ids, timezone.now())))
    etag = f'"{hashlib.md5(response.content, usedforsecurity=False).hexdigest()}"'
    response["ETag"] = etag
    response["Cache-Control"] = "no-cache"
    return get_conditional_response(request, etag=etag, response=response) or response


@require_safe
def movie(request: HttpRequest, slug: str) -> HttpResponse:
    film = get_object_or_404(Movie.objects.prefetch_related("genres"), slug=slug)
    at = timezone.now()
    slots = read_cards(Showtime.objects.filter(movie=film), at)
    today = timezone.localdate(at)
    chosen = _chosen_day(request, slots, today)
    shown = [slot for slot in slots if slot.day == chosen]
    context = {
        "movie": film,
        "player": player_of(film.trailer_url),
        "days": _days(slots, chosen, today),
        "chosen": chosen,
        "today": today,
        "next_day": next((slot.day for slot in slots if slot.day > chosen), None),
        "houses": cinemas_of(shown),
        "more": [slot for slot in slots if slot.day > chosen and slot.state != "cancelled"][:MORE],
        "first": next(iter(shown or slots), None),
        "has_times": any(slot.state == "open" for slot in slots),
    }
    return render(request, "cinema/movie.html", context)


def _chosen_day(request: HttpRequest, slots: Sequence[ShowtimeCard], today: date) -> date:
    """What `?date=` says; without it, or with something that is no date, the first day with something to buy."""
    asked = read_day(request.GET.get("date", ""))
    if asked is not None:
        return asked
    return next((slot.day for slot in slots if slot.state in ("open", "upcoming")), slots[0].day if slots else today)


def _days(slots: Sequence[ShowtimeCard], chosen: date, today: date) -> list[Day]:
    """The days with something on, and the chosen one even when it has nothing."""
    dates = sorted({slot.day for slot in slots} | ({chosen} if slots else set()))
    return [Day(each, is_chosen=each == chosen, is_today=each == today) for each in dates]


def _billboard(front: Front, today: date) -> dict[str, object]:
    """The film on the billboard, with the times of its that come next; none beside a wish."""
    star = pick_billboard(front.slots) if front.is_plain else None
    if star is None:
        return {"star": None}
    film = next(film for film in front.films if film.movie.pk == star.showtime.movie_id)
    evening = timezone.localtime(star.starts_at).hour >= 17
    overview = Movie.objects.values_list("overview", flat=True).get(pk=film.movie.pk)
    return {
        "star": star,
        "star_times": film.slots,
        "star_days": film.slots[-1].day != film.slots[0].day or film.slots[0].day != today,
        "star_text": first_sentences(overview) or film.movie.tagline,
        "star_when": ("tonight" if evening else "today") if star.day == today else "later",
    }
