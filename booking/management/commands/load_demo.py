"""`manage.py load_demo`: load the demo. Can be repeated; on a later day it adds the days that are missing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from booking.demo.sales import open_partly_sold
from cinema.database import clock
from cinema.demo.catalogue import CINEMAS, add_cinemas, add_movies, add_showtime, missing_showtimes
from cinema.demo.staff import EMAIL, demo_staff_password, ensure_demo_staff

MOST_HISTORY = 90


class Command(BaseCommand):
    help = "Load the demo programme: two cinemas, five screens, 24 films, a week of showtimes, some seats sold."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--history",
            type=int,
            default=settings.DEMO_HISTORY_DAYS,
            metavar="DAYS",
            help=f"so many days that have been, 0 to {MOST_HISTORY} (DEMO_HISTORY_DAYS)",
        )

    def handle(self, *args: Any, history: int, **options: Any) -> None:
        if not 0 <= history <= MOST_HISTORY:
            raise CommandError(f"--history must be from 0 to {MOST_HISTORY}.")
        n_showtimes, n_sold = load(clock.now(), history)
        if n_showtimes:
            self.stdout.write(f"{' and '.join(CINEMAS)}: {n_showtimes} showtimes added, {n_sold} seats sold.")
        else:
            self.stdout.write(f"{' and '.join(CINEMAS)}: the programme is up to date.")
        if ensure_demo_staff():
            self.stdout.write(f"Demo staff  {EMAIL}  password {demo_staff_password()}")


def load(at: datetime, history: int) -> tuple[int, int]:
    """Add what is missing. One transaction per screen and day, so that an interrupted load can be repeated.

    Args:
        history: how many past days, 0 to `MOST_HISTORY`.

    Returns:
        How many showtimes were added, and how many seats sold.
    """
    with transaction.atomic():
        screens, movies = add_cinemas(), add_movies()
    n_showtimes = n_sold = 0
    for (screen, _), planned in missing_showtimes(screens, at, history).items():
        with transaction.atomic():
            added = [add_showtime(screens[screen], movies[each.movie], each) for each in planned]
            n_sold += sum(open_partly_sold(showtime, at) for showtime in added)
        n_showtimes += len(planned)
    return n_showtimes, n_sold
