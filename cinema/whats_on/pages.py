"""Public pages: what is on, and one film with its times."""

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
from cinema.web.compression import compressed
from cinema.whats_on.filters import Filters
from cinema.whats_on.front_page import FrontPage, read_front_page, read_left
from cinema.whats_on.listing_html import draw_left
from cinema.whats_on.listings import ShowtimeCard, first_sentences, group_by_cinema, pick_billboard, read_cards

MORE = 8  # showtimes of other days on the page of a film
MAX_IDS = 120  # showtimes per request for seats left


@dataclass(frozen=True)
class Day:
    date: date
    is_chosen: bool
    is_today: bool


@require_safe
@compressed
def home(request: HttpRequest) -> HttpResponse:
    """What is on. For htmx a fragment of the same page: the results, or the next page of films."""
    at = timezone.now()
    filters = Filters.read(request.GET)
    page = request.GET.get("page", "")
    front = read_front_page(filters, int(page) if page.isascii() and page.isdigit() and len(page) < 6 else 1, at)
    today = timezone.localdate(at)
    context = {"front": front, "filters": filters, "today": today, "home": request.path}
    if request.headers.get("HX-Request") != "true":
        response = render(request, "cinema/home.html", {**context, **_billboard(front, today)})
    elif page:
        response = render(request, "cinema/_films.html", context)
    else:
        typed = request.headers.get("HX-Trigger") == "finder"  # the form is the sender: its fields are up to date
        response = render(request, "cinema/_found.html", {**context, "fragment": True, "typed": typed})
        address = request.path + filters.query
        shown = request.headers.get("HX-Current-URL", "").partition("#")[0]
        is_there = shown == request.build_absolute_uri(address)  # unchanged filters add no entry to the history
        response["HX-Push-Url"] = "false" if is_there else address
    patch_vary_headers(response, ["HX-Request"])
    return response


@require_safe
def left(request: HttpRequest) -> HttpResponse:
    """The availability of the showtimes `?id=…&id=…` as HTML; 304 while nothing has changed."""
    ids = [
        int(text)
        for text in request.GET.getlist("id")[:MAX_IDS]
        if text.isascii() and text.isdigit() and len(text) < 16
    ]
    response = HttpResponse("".join(draw_left(card) for card in read_left(ids, timezone.now())))
    etag = f'"{hashlib.md5(response.content, usedforsecurity=False).hexdigest()}"'
    response["ETag"] = etag
    response["Cache-Control"] = "no-cache"
    return get_conditional_response(request, etag=etag, response=response) or response


@require_safe
@compressed
def movie(request: HttpRequest, slug: str) -> HttpResponse:
    film = get_object_or_404(Movie.objects.prefetch_related("genres"), slug=slug)
    at = timezone.now()
    cards = read_cards(Showtime.objects.filter(movie=film), at)
    today = timezone.localdate(at)
    chosen = _chosen_day(request, cards, today)
    shown = [card for card in cards if card.day == chosen]
    context = {
        "movie": film,
        "player": player_of(film.trailer_url),
        "days": _days(cards, chosen, today),
        "chosen": chosen,
        "today": today,
        "next_day": next((card.day for card in cards if card.day > chosen), None),
        "listings": group_by_cinema(shown),
        "more": [card for card in cards if card.day > chosen and card.state != "cancelled"][:MORE],
        "first": next(iter(shown or cards), None),
        "has_times": any(card.state == "open" for card in cards),
    }
    return render(request, "cinema/movie.html", context)


def _chosen_day(request: HttpRequest, cards: Sequence[ShowtimeCard], today: date) -> date:
    """The day of `?date=`; without a valid one, the first day with something to buy."""
    requested = read_day(request.GET.get("date", ""))
    if requested is not None:
        return requested
    return next((card.day for card in cards if card.state in ("open", "upcoming")), cards[0].day if cards else today)


def _days(cards: Sequence[ShowtimeCard], chosen: date, today: date) -> list[Day]:
    """The days with a showtime, and the chosen day even without one."""
    dates = sorted({card.day for card in cards} | ({chosen} if cards else set()))
    return [Day(each, is_chosen=each == chosen, is_today=each == today) for each in dates]


def _billboard(front: FrontPage, today: date) -> dict[str, object]:
    """The context of the billboard: a film and its next times; `star` is None if a filter is set."""
    star = pick_billboard(front.cards) if front.is_plain else None
    if star is None:
        return {"star": None}
    film = next(film for film in front.films if film.movie.pk == star.showtime.movie_id)
    evening = timezone.localtime(star.starts_at).hour >= 17
    return {
        "star": star,
        "star_times": film.cards,
        "star_days": film.cards[-1].day != film.cards[0].day or film.cards[0].day != today,
        "star_text": first_sentences(film.movie.overview) or film.movie.tagline,
        "star_when": ("tonight" if evening else "today") if star.day == today else "later",
    }
