"""Guests for the demo house: seats sold through the same use cases as anybody's, in patterns that people make.

They sit together, like the middle two thirds of the way back, and do not leave a single chair if they can help it.
The same showtime always gets the same guests.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from booking.bookings import begin_checkout, confirm_booking
from booking.locks import lock_seats
from booking.models import OutboxMessage
from cinema.layouts import PlanSeat, layout_of
from cinema.models import Showtime

PARTIES = {1: 7, 2: 46, 3: 15, 4: 22, 5: 6, 6: 4}  # how often people come in such a party
BY_DAYS_AHEAD = (0.58, 0.42, 0.1, 0.03)
EVENING_HOUR, SMALL_ROOM = 17, 120
EVENING, SMALL_EVENING, MATINEE = 1.15, 0.6, 0.2


@transaction.atomic
def sell_some(showtime: Showtime, at: datetime) -> int:
    """Sell a believable part of a showtime that has just been opened; fuller the sooner it starts and in the evening.

    The guests do not exist, so the promise of a mail to each is taken back in the same transaction.

    Returns:
        How many seats were sold.
    """
    rng = random.Random(f"{showtime.screen_id} {showtime.starts_at:%Y-%m-%d %H:%M}")
    seats = layout_of(showtime.plan.hash).seats
    target = _share(showtime, at, rng) * len(seats)
    free = {seat.index for seat in seats if seat.for_sale}
    sold = 0
    while sold < target and (party := _seat_party(seats, free, rng)):
        _buy(showtime, party, at, rng)
        free.difference_update(seat.index for seat in party)
        sold += len(party)
    return sold


def _share(showtime: Showtime, at: datetime, rng: random.Random) -> float:
    local = timezone.localtime(showtime.starts_at)
    days = (local.date() - timezone.localdate(at)).days
    base = BY_DAYS_AHEAD[days] if 0 <= days < len(BY_DAYS_AHEAD) else 0.0
    pull = MATINEE if local.hour < EVENING_HOUR else EVENING if showtime.n_seats > SMALL_ROOM else SMALL_EVENING
    return min(0.92, base * pull * rng.uniform(0.7, 1.15))


def _seat_party(seats: Sequence[PlanSeat], free: set[int], rng: random.Random) -> list[PlanSeat]:
    """The best free places for the next party; [] when nobody fits any more."""
    size = rng.choices(list(PARTIES), list(PARTIES.values()))[0]
    for wanted in range(min(size, settings.MAX_SEATS_PER_BOOKING), 0, -1):
        runs = list(_runs(seats, free, wanted))
        if runs:
            return max(runs, key=lambda run: _liking(run, seats, free) + rng.gauss(0, 0.9))
    return []


def _runs(seats: Sequence[PlanSeat], free: set[int], size: int) -> Iterator[list[PlanSeat]]:
    """Free chairs side by side; a sofa only whole; wheelchair places are left to those who need them."""
    for start in range(len(seats) - size + 1):
        run = list(seats[start : start + size])
        together = run[0].segment == run[-1].segment and all(s.index in free and s.kind == "seat" for s in run)
        if together and run[0].shape != "sofa-end" and run[-1].shape != "sofa-start":
            yield run


def _liking(run: Sequence[PlanSeat], seats: Sequence[PlanSeat], free: set[int]) -> float:
    width, depth = seats[-1].x + seats[0].x, seats[-1].y
    x = (run[0].x + run[-1].x) / 2
    liking = -9 * abs(x / width - 0.5) - 7 * abs(run[0].y / depth - 0.72)
    return liking - sum(2.0 for beside in (run[0].index - 1, run[-1].index + 1) if _is_orphan(beside, seats, free))


def _is_orphan(index: int, seats: Sequence[PlanSeat], free: set[int]) -> bool:
    """A free chair that would be left with nobody free beside it."""
    if index not in free or not 0 <= index < len(seats):
        return False
    beside = [i for i in (index - 1, index + 1) if i in free and seats[i].segment == seats[index].segment]
    return len(beside) < 2


def _buy(showtime: Showtime, party: Sequence[PlanSeat], at: datetime, rng: random.Random) -> None:
    visitor = uuid.UUID(int=rng.getrandbits(128), version=4)
    email = f"guest-{rng.randrange(10**6):06}@example.com"
    until = at + settings.SEAT_LOCK
    lock_seats(showtime_id=showtime.pk, visitor=visitor, labels=[seat.label for seat in party], at=at)
    booking = begin_checkout(showtime_id=showtime.pk, visitor=visitor, email=email, payable_until=until, at=at)
    confirm_booking(booking_id=booking.pk, demo=True, at=at)
    OutboxMessage.objects.filter(dedupe_key=f"mail.confirmed:{booking.pk}").delete()
