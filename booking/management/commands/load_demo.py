"""`manage.py load_demo`: the demo programme. Can be repeated; on a later day it rolls the week ahead."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from booking.demo_sales import sell_some
from booking.sales import open_sales
from cinema.demo.catalogue import HOUSE, add_house, add_movies, add_showtimes
from cinema.demo_staff import EMAIL, demo_staff_password, ensure_demo_staff


class Command(BaseCommand):
    help = "Load the demo programme: one cinema, two screens, twelve films, a week of showtimes, some seats sold."

    def handle(self, *args: Any, **options: Any) -> None:
        at = timezone.now()
        added = add_showtimes(add_house(), add_movies(), at)
        sold = 0
        for showtime in added:
            open_sales(showtime_id=showtime.pk, at=at)
            showtime.refresh_from_db(fields=["n_available", "n_blocked"])
            sold += sell_some(showtime, at)
        if added:
            self.stdout.write(f"{HOUSE}: {len(added)} showtimes added, {sold} seats sold.")
        else:
            self.stdout.write(f"{HOUSE}: the programme is up to date.")
        if ensure_demo_staff():
            self.stdout.write(f"Demo staff  {EMAIL}  password {demo_staff_password()}")
