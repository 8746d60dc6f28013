"""What the front page costs with 3,000 films and 9,000 showtimes, beside loading every showtime of them in Python.

`python -m bench.front_page`: a temporary SQLite file, the page through Django's test client, CPU of this process.
"""

from __future__ import annotations

import os
import random
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

from bench.measures import print_table, spread_of

FILMS, TIMES, ROUNDS = 3_000, 3, 9
HEAD = ["what is asked", "queries", "CPU ms", "times cheaper than loading all", "KiB"]


def set_up(folder: Path) -> None:
    """A database of its own, whatever the developer's settings say."""
    os.environ.update(DJANGO_SETTINGS_MODULE="cinema.settings", DATA_DIR=str(folder), DATABASE_URL="", LOOP="external")
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    settings.ALLOWED_HOSTS = ["testserver"]
    settings.DEBUG = False  # no record of every statement
    call_command("migrate", verbosity=0)


def fill() -> None:
    from django.utils import timezone

    from cinema.models import Cinema, Genre, Movie, Screen, SeatingPlan, Showtime

    chance, at = random.Random(1), timezone.now()
    plan = SeatingPlan.objects.create(hash="bench", name="Hall", width=10, height=10)
    houses = [Cinema.objects.create(name=f"House {n}", slug=f"house-{n}") for n in range(4)]
    screens = [Screen.objects.create(cinema=house, name=f"{n}", plan=plan) for house in houses for n in range(40)]
    genres = [Genre.objects.create(name=f"Genre {n}", slug=f"genre-{n}") for n in range(19)]
    people = [f"{chance.choice('ABCDEFG')}nna Person {n}" for n in range(500)]
    movies = Movie.objects.bulk_create(
        Movie(title=f"Film of the {n}", slug=f"film-{n}", director=chance.choice(people), cast=chance.sample(people, 5))
        for n in range(FILMS)
    )
    through = Movie.genres.through
    tags = [through(movie=movie, genre=genre) for movie in movies for genre in chance.sample(genres, 2)]
    through.objects.bulk_create(tags, batch_size=400)
    starts = [at + timedelta(minutes=10 + 130 * n) for n in range(150)]
    places = chance.sample([(screen, start) for screen in screens for start in starts], FILMS * TIMES)
    Showtime.objects.bulk_create(
        (
            Showtime(
                movie=movies[n % FILMS], screen=screen, plan=plan, starts_at=start, ends_at=start + timedelta(hours=2),
                language=chance.choice(["English", "German", "French"]), currency="GBP", prices={"a": 900},
                n_available=80,
            )
            for n, (screen, start) in enumerate(places)
        ),
        batch_size=200,
    )  # fmt: skip


def load_all() -> int:
    """The baseline: every showtime of the horizon as an object, filtered and counted in Python."""
    from django.utils import timezone

    from cinema.whats_on.filters import on_sale
    from cinema.whats_on.listings import ShowtimeCard, card_state

    at = timezone.now()
    slots = [
        ShowtimeCard(each, card_state(each, at)) for each in on_sale(at).with_movie_and_screen().order_by("starts_at")
    ]
    return len({slot.showtime.movie_id for slot in slots})


class Counted:
    """Counts the statements that go to the database."""

    number = 0

    def __call__(self, execute: Callable[..., object], *statement: object) -> object:
        self.number += 1
        return execute(*statement)


def cost(act: Callable[[], object]) -> list[float]:
    act()
    found = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        act()
        found.append(1e3 * (time.process_time() - begun))
    return found


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="bookmyseat-bench-") as name:
        set_up(Path(name))
        fill()
        from django.db import connection
        from django.test import Client

        middle = sorted(baseline := cost(load_all))[ROUNDS // 2]
        rows = [["every showtime loaded (baseline)", "-", spread_of(baseline), "1", "-"]]
        swapped = {"HX-Request": "true", "HX-Trigger": "finder"}
        asked = {
            "nothing in particular": ("/", {}),
            "two genres and a language": ("/?genre=genre-1&genre=genre-2&language=German", {}),
            "a search": ("/?q=anna+person+7", {}),
            "a day and a house": (
                "/?cinema=house-1&date=" + time.strftime("%Y-%m-%d", time.localtime(time.time() + 172800)),
                {},
            ),
            "two genres, swapped by htmx": ("/?genre=genre-1&genre=genre-2", swapped),
        }
        for words, (path, headers) in asked.items():
            client = Client(headers=headers)
            queries = Counted()
            with connection.execute_wrapper(queries):
                size = len(client.get(path).content)
            spent = cost(partial(client.get, path))
            ratio = middle / sorted(spent)[ROUNDS // 2]
            rows.append([words, str(queries.number), spread_of(spent), f"{ratio:.1f}", f"{size / 1024:.0f}"])
        connection.close()
    print_table(HEAD, rows)


if __name__ == "__main__":
    main()
