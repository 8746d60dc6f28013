"""Pages for everyone: what is shown, and one film with its times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_safe

from cinema.models import Movie, Showtime
from cinema.programme import Slot, films_of, first_sentences, houses_of, pick_billboard, read_slots, still_sold

HURRY = 0.6  # of the seats gone: such a showing is named under "Filling up now"
MORE = 8  # times of other days on the page of a film


@dataclass(frozen=True)
class Day:
    date: date
    is_chosen: bool
    is_today: bool


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    at = timezone.now()
    slots = read_slots(still_sold(Showtime.objects.all(), at), at)
    today = timezone.localdate(at)
    chosen = _chosen_day(request, slots, today)
    shown = [slot for slot in slots if slot.day == chosen]
    shown_ids = {slot.showtime.movie_id for slot in shown}
    later = [slot for slot in slots if slot.day > chosen and slot.showtime.movie_id not in shown_ids]
    context = {
        "days": _days(slots, chosen, today),
        "chosen": chosen,
        "today": today,
        "next_day": next((slot.day for slot in slots if slot.day > chosen), None),
        "films": films_of(shown),
        "n_showtimes": len(shown),
        "later": films_of(later),
        "hurry": _filling_up(shown),
        **_billboard(shown or slots, slots, today),
    }
    return render(request, "cinema/home.html", context)


@require_safe
def movie(request: HttpRequest, slug: str) -> HttpResponse:
    film = get_object_or_404(Movie.objects.prefetch_related("genres"), slug=slug)
    at = timezone.now()
    slots = read_slots(Showtime.objects.filter(movie=film), at)
    today = timezone.localdate(at)
    chosen = _chosen_day(request, slots, today)
    shown = [slot for slot in slots if slot.day == chosen]
    context = {
        "movie": film,
        "days": _days(slots, chosen, today),
        "chosen": chosen,
        "today": today,
        "next_day": next((slot.day for slot in slots if slot.day > chosen), None),
        "houses": houses_of(shown),
        "more": [slot for slot in slots if slot.day > chosen and slot.state != "cancelled"][:MORE],
        "first": next(iter(shown or slots), None),
        "has_times": any(slot.state == "open" for slot in slots),
    }
    return render(request, "cinema/movie.html", context)


def _chosen_day(request: HttpRequest, slots: Sequence[Slot], today: date) -> date:
    """What `?date=` says; without it, or with something that is no date, the first day with something to buy."""
    try:
        asked = parse_date(request.GET.get("date", ""))
    except ValueError:  # shaped like a date, but there is no such day
        asked = None
    if asked is not None:
        return asked
    return next((slot.day for slot in slots if slot.state in ("open", "upcoming")), slots[0].day if slots else today)


def _days(slots: Sequence[Slot], chosen: date, today: date) -> list[Day]:
    """The days with something on, and the chosen one even when it has nothing."""
    dates = sorted({slot.day for slot in slots} | ({chosen} if slots else set()))
    return [Day(each, is_chosen=each == chosen, is_today=each == today) for each in dates]


def _filling_up(shown: Sequence[Slot]) -> list[Slot]:
    fit = [slot for slot in shown if slot.state == "open" and slot.taken >= HURRY]
    return sorted(fit, key=lambda slot: slot.left)[:3]


def _billboard(fit: Sequence[Slot], slots: Sequence[Slot], today: date) -> dict[str, object]:
    """One of `fit`, with the times of its film nearest to it."""
    star = pick_billboard(fit)
    if star is None:
        return {"star": None}
    film = star.showtime.movie
    its_times = [one for one in slots if one.showtime.movie_id == film.pk and one.day >= star.day]
    first = max(0, min(its_times.index(star) - 1, len(its_times) - 3))
    evening = timezone.localtime(star.starts_at).hour >= 17
    return {
        "star": star,
        "star_times": (times := its_times[first : first + 3]),
        "star_days": times[-1].day != times[0].day,
        "star_text": first_sentences(film.overview) or film.tagline,
        "star_when": ("tonight" if evening else "today") if star.day == today else "later",
    }
