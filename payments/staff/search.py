"""Finding bookings as the box office describes them: by reference, mail address, seat or film."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet

from booking.models import Booking, BookingSeat, ShowtimeSeat, Ticket

MOST = 50
LATEST = 20
LONGEST = 120


@dataclass(frozen=True)
class Found:
    """The query as it was read, and the bookings that match every word of it."""

    query: str
    bookings: list[Booking]
    has_more: bool


def search_bookings(query: str, *, at: datetime) -> Found:
    """Bookings that match every word; those whose film is not over come first, nearest showtime first.

    Without a word: the last that were confirmed. At most MOST bookings.
    """
    words = query[:LONGEST].replace("\x00", "").split()
    related = ("showtime__movie", "showtime__screen__cinema")
    seats = Prefetch("seats", ShowtimeSeat.objects.select_related("seat").order_by("index"))
    found = Booking.objects.select_related(*related).prefetch_related("tickets", "places", seats)
    if not words:
        latest = found.exclude(confirmed_at=None).order_by("-confirmed_at", "-pk")
        return Found("", list(latest[:LATEST]), False)
    for word in words:
        found = found.filter(_matches(word))
    coming = list(found.filter(showtime__ends_at__gt=at).order_by("showtime__starts_at", "pk")[: MOST + 1])
    rest = found.filter(showtime__ends_at__lte=at).order_by("-showtime__starts_at", "-pk")
    past = _some(rest, MOST + 1 - len(coming))
    both = coming + past
    return Found(" ".join(words), both[:MOST], len(both) > MOST)


def read_reference(query: str) -> str:
    """`srx dqvvzg` is the reference SRX-DQV-VZG; "" when it cannot be a whole one."""
    letters = re.sub(r"[^0-9A-Za-z]", "", query).upper()
    return "-".join((letters[:3], letters[3:6], letters[6:])) if len(letters) == 9 else ""


def _some(bookings: QuerySet[Booking], most: int) -> list[Booking]:
    return list(bookings[:most]) if most > 0 else []


def _matches(word: str) -> Q:
    here = {"booking": OuterRef("pk")}
    wanted = Q(email__icontains=word) | Q(showtime__movie__title__icontains=word)
    if len(word) <= 3 or any(letter.isdigit() for letter in word):  # otherwise no seat label
        wanted |= Q(Exists(Ticket.objects.filter(label__iexact=word, **here)))
        wanted |= Q(Exists(BookingSeat.objects.filter(label__iexact=word, **here)))
        wanted |= Q(Exists(ShowtimeSeat.objects.filter(seat__label__iexact=word, **here)))
    letters = re.sub(r"[^0-9A-Z]", "", word.upper())
    if len(letters) >= 3:  # fewer are a seat label
        wanted |= Q(reference__icontains=word) | Q(reference__startswith="-".join(re.findall(".{1,3}", letters)))
    return wanted
