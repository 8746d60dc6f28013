"""Functions that create the rows a test needs. In tests alice locks, bob competes, staff run the cinema."""

from __future__ import annotations

import itertools
import uuid
from datetime import datetime, timedelta

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify

from booking.cancellation import cancel_tickets
from booking.models import Booking
from booking.showtimes.sales import open_sales
from cinema.models import Cinema, Movie, Screen, Seat, SeatCategory, SeatingPlan, Showtime

_numbers = itertools.count(1)


def new_visitor() -> uuid.UUID:
    return uuid.uuid4()


def make_plan(rows: int = 4, per_row: int = 10) -> SeatingPlan:
    """A rectangular seating plan: rows A, B, … of one segment each; the last row is premium."""
    n = next(_numbers)
    plan = SeatingPlan.objects.create(hash=uuid.uuid4().hex[:16], name=f"Hall {n}", width=per_row + 2, height=rows + 5)
    standard = SeatCategory.objects.create(
        plan=plan, key="standard", name="Standard", color="#6b97de", seat_colour="ice", position=0
    )
    premium = SeatCategory.objects.create(
        plan=plan, key="premium", name="Premium", color="#cba6f0", seat_colour="plum", position=1
    )
    Seat.objects.bulk_create(
        Seat(
            plan=plan,
            index=row * per_row + number,
            label=f"{chr(65 + row)}{number + 1}",
            row=chr(65 + row),
            number=str(number + 1),
            segment=row,
            x=number + 1.5,
            y=row + 4.5,
            category=premium if row == rows - 1 else standard,
            guid=f"{row}-{number}",
        )
        for row in range(rows)
        for number in range(per_row)
    )
    return plan


def make_movie(title: str = "") -> Movie:
    title = title or f"Film {next(_numbers)}"
    return Movie.objects.create(title=title, slug=slugify(title), runtime=90)


def make_screen(plan: SeatingPlan | None = None) -> Screen:
    n = next(_numbers)
    cinema = Cinema.objects.create(name=f"Cinema {n}", slug=f"cinema-{n}", city="Leith")
    return Screen.objects.create(cinema=cinema, name="Screen 1", plan=plan or make_plan())


def make_showtime(
    plan: SeatingPlan | None = None,
    *,
    screen: Screen | None = None,
    movie: Movie | None = None,
    starts_in: timedelta = timedelta(hours=5),
    prices: dict[str, int] | None = None,
    at: datetime | None = None,
    **fields: object,
) -> Showtime:
    """A showtime with its seats on sale."""
    at = at or timezone.now()
    screen = screen or make_screen(plan)
    showtime = Showtime.objects.create(
        movie=movie or make_movie(),
        screen=screen,
        plan=plan or screen.plan,
        starts_at=at + starts_in,
        ends_at=at + starts_in + timedelta(minutes=100),
        language="English",
        format="35 mm",
        currency="GBP",
        prices=prices or {"standard": 1150, "premium": 1450},
        **fields,
    )
    open_sales(showtime_id=showtime.pk, at=at)
    showtime.refresh_from_db()
    return showtime


def make_user(email: str = "", *, staff: bool = False, password: str = "a long password 1"):
    email = email or f"guest{next(_numbers)}@example.com"
    return get_user_model().objects.create_user(username=email, email=email, password=password, is_staff=staff)


@transaction.atomic
def cancel_all_tickets(booking_id: int, at: datetime, reason: str = "staff") -> Booking:
    """Cancel every ticket of a confirmed booking for its whole price, in `booking` alone: no refund is made."""
    booking = Booking.objects.get(pk=booking_id)
    return cancel_tickets(booking_id=booking_id, labels=None, amount=booking.total, at=at, reason=reason).booking
