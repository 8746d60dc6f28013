"""Sales of the demo: a showtime is put on sale with part of its seats sold in a realistic pattern.

A party sits together, prefers the middle, two thirds of the way back, and avoids leaving a single seat free. Bookings
are spread over ten days, more of them late and in the evening. The same showtime always gets the same bookings. Each
showtime takes a few bulk statements, so that the demo loads quickly.
"""

from __future__ import annotations

import math
import random
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from booking.models import Booking, BookingSeat, Ticket
from booking.seats.pricing import price_of
from booking.seats.rows import Sale, create_sold_rows
from cinema.models import Showtime
from cinema.plans.layouts import PlanSeat, layout_of

PARTIES = {1: 7, 2: 46, 3: 15, 4: 22, 5: 6, 6: 4}  # size of a party: relative frequency
PLAYED = 0.72  # share of the seats sold for a past showtime, before the factors below
BY_DAYS_AHEAD = (0.58, 0.42, 0.18, 0.1, 0.07, 0.05, 0.04, 0.03)
AWAKE_FROM, MATINEE_UNTIL, LATE_FROM = 7, 17, 22
MATINEE, EVENING, LATE, WEEKEND = 0.45, 1.0, 0.35, 1.25
FULLEST = 0.93
BOOKING_SPAN, LAST_MINUTE = timedelta(days=10), timedelta(minutes=8)
Run = tuple[float, tuple[int, ...]]


@transaction.atomic
def open_partly_sold(showtime: Showtime, at: datetime) -> int:
    """Open the sales of a new showtime with part of its seats sold: the sooner it starts, the more.

    No mail is enqueued, because the buyers do not exist.

    Returns:
        How many seats were sold.
    """
    # No primary key in the seed, so that every database gets the same sales.
    rng = random.Random(f"{showtime.plan.hash} {showtime.starts_at:%Y-%m-%d %H:%M}")
    seats = layout_of(showtime.plan.hash).seats
    parties = list(_seat_parties(showtime, seats, round(_share(showtime, at, rng) * len(seats)), rng))
    bookings = Booking.objects.bulk_create(
        _booking(showtime, [seats[i] for i in party], _instant(showtime, at, rng), rng) for party in parties
    )
    sales = [
        Sale(booking.pk, party, booking.confirmed_at or at, booking.total)
        for booking, party in zip(bookings, parties, strict=True)
    ]
    sales.sort(key=lambda sale: sale.at)
    rows = create_sold_rows(showtime, sales)
    _write_tickets(showtime, seats, rows, sales)
    return sum(map(len, parties))


def _share(showtime: Showtime, at: datetime, rng: random.Random) -> float:
    """The share of the seats sold at `at`, 0 to 1; 0 before its sales open."""
    local = timezone.localtime(showtime.starts_at)
    days = (local.date() - timezone.localdate(at)).days
    if showtime.starts_at <= at:
        base = PLAYED
    elif showtime.sales(at) == "open":
        base = BY_DAYS_AHEAD[min(days, len(BY_DAYS_AHEAD) - 1)]
    else:
        return 0.0
    hour = MATINEE if local.hour < MATINEE_UNTIL else LATE if local.hour >= LATE_FROM else EVENING
    busy = WEEKEND if local.weekday() in (4, 5) else 1.0
    return min(FULLEST, base * hour * busy * rng.uniform(0.6, 1.2))


def _seat_parties(
    showtime: Showtime, seats: Sequence[PlanSeat], target: int, rng: random.Random
) -> Iterator[tuple[int, ...]]:
    """Indices of one party after another on the best free seats, until `target` seats are sold or none fits."""
    free = {seat.index for seat in seats if seat.for_sale}
    most = min(max(PARTIES), settings.MAX_SEATS_PER_BOOKING)
    ranked = {size: _ranked(showtime.plan.hash, size, rng) for size in range(1, most + 1)} if target else {}
    while target > 0:
        size = min(rng.choices(list(PARTIES), list(PARTIES.values()))[0], most)
        party = next((found for n in range(size, 0, -1) if (found := _first_free(ranked[n], seats, free))), None)
        if party is None:
            return
        yield party
        free.difference_update(party)
        target -= len(party)


def _ranked(layout_hash: str, size: int, rng: random.Random) -> list[tuple[int, ...]]:
    """Runs of `size` adjacent seats, the most preferred first, with some noise."""
    runs = [(preference + rng.gauss(0, 1.6), run) for preference, run in _runs(layout_hash, size)]
    return [run for _, run in sorted(runs, reverse=True)]


@lru_cache(maxsize=128)
def _runs(layout_hash: str, size: int) -> tuple[Run, ...]:
    """Runs of `size` adjacent seats with their preference. No half sofa, no wheelchair space, no companion seat."""
    seats = layout_of(layout_hash).seats
    found = []
    for start in range(len(seats) - size + 1):
        run = seats[start : start + size]
        together = run[0].segment == run[-1].segment and all(s.kind == "seat" and s.for_sale for s in run)
        if together and run[0].shape != "sofa-end" and run[-1].shape != "sofa-start":
            found.append((_preference(run, layout_hash), tuple(s.index for s in run)))
    return tuple(found)


def _preference(run: Sequence[PlanSeat], layout_hash: str) -> float:
    layout = layout_of(layout_hash)
    front, back, order = _zones(layout_hash)[run[0].zone]
    aside = abs((run[0].x + run[-1].x) / 2 / layout.width - 0.5)
    depth = (run[0].y - front) / max(back - front, 1)
    return -6 * aside - 7 * abs(depth - 0.64) - 0.8 * order


@lru_cache(maxsize=32)
def _zones(layout_hash: str) -> dict[str, tuple[float, float, int]]:
    """Per zone: y of its first and last row, and its position; zones fill in this order."""
    spans: dict[str, list[float]] = {}
    for seat in layout_of(layout_hash).seats:
        spans.setdefault(seat.zone, []).append(seat.y)
    return {zone: (min(ys), max(ys), order) for order, (zone, ys) in enumerate(spans.items())}


def _first_free(ranked: Sequence[tuple[int, ...]], seats: Sequence[PlanSeat], free: set[int]) -> tuple[int, ...] | None:
    """The best free run that leaves no single seat beside it; else the best free run."""
    second: tuple[int, ...] | None = None
    for run in ranked:
        if not free.issuperset(run):
            continue
        if not any(_would_be_single(index, seats, free) for index in (run[0] - 1, run[-1] + 1)):
            return run
        second = second or run
    return second


def _would_be_single(index: int, seats: Sequence[PlanSeat], free: set[int]) -> bool:
    """Whether this seat beside the run is free and has no free seat on its other side."""
    if index not in free:
        return False
    beside = [i for i in (index - 1, index + 1) if i in free and seats[i].segment == seats[index].segment]
    return len(beside) < 2


def _instant(showtime: Showtime, at: datetime, rng: random.Random) -> datetime:
    """When a party booked: within ten days before the start or `at`, more likely late, and in the evening."""
    last = min(at, showtime.starts_at) - LAST_MINUTE
    first = last - BOOKING_SPAN
    if showtime.sales_open_at is not None:
        first = max(first, showtime.sales_open_at)
    moment: datetime = last - max(last - first, timedelta(0)) * rng.random() ** 1.6
    if rng.random() < 0.65:
        local = timezone.localtime(moment)
        evening = local.replace(hour=17, minute=0) + timedelta(minutes=int(rng.triangular(0, 330, 180)))
        moment = evening if first <= evening <= last else moment
    elif (local := timezone.localtime(moment)).hour < AWAKE_FROM:
        moment -= timedelta(hours=AWAKE_FROM)  # few people book at night
    return moment.replace(microsecond=0)


def _booking(showtime: Showtime, party: Sequence[PlanSeat], moment: datetime, rng: random.Random) -> Booking:
    checkout = moment + timedelta(seconds=rng.randrange(20, 200))
    return Booking(
        showtime=showtime,
        visitor=uuid.UUID(int=rng.getrandbits(128), version=4),
        status=Booking.Status.CONFIRMED,
        email=f"guest-{rng.randrange(10**6):06}@example.com",
        currency=showtime.currency,
        n_seats=len(party),
        total=sum(price_of(showtime, seat) for seat in party),
        demo=True,
        created_at=moment,
        checkout_at=checkout,
        confirmed_at=checkout + timedelta(seconds=math.ceil(rng.triangular(15, 120, 30))),
    )


def _write_tickets(
    showtime: Showtime, seats: Sequence[PlanSeat], rows: Mapping[int, int], sales: Sequence[Sale]
) -> None:
    """The seats of each booking with their prices, and a ticket for each."""
    facts = [
        {
            "booking_id": sale.booking_id,
            "seat_id": rows[index],
            "label": seats[index].label,
            "category": seats[index].category_name,
            "price": price_of(showtime, seats[index]),
        }
        for sale in sales
        for index in sorted(sale.indices)
    ]
    BookingSeat.objects.bulk_create(BookingSeat(**fact) for fact in facts)
    Ticket.objects.bulk_create(Ticket(**fact) for fact in facts)
