"""The CPU cost of the front page with 3,000 films and 9,000 showtimes, beside loading every showtime in Python.

`python -m bench.front_page`: a temporary SQLite file, requests by Django's test client, CPU of this process.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

from bench.support.tables import print_table, spread_of

FILMS, TIMES, ROUNDS = 3_000, 3, 9
HEAD = ["request", "queries", "CPU ms", "times cheaper than loading all", "KiB"]


def set_up(folder: Path) -> None:
    """Configure Django with an empty SQLite file in `folder`, whatever the developer's settings are."""
    os.environ.update(DJANGO_SETTINGS_MODULE="cinema.settings", DATA_DIR=str(folder), DATABASE_URL="", LOOP="external")
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    settings.ALLOWED_HOSTS = ["testserver"]
    settings.DEBUG = False  # with DEBUG Django records every statement
    call_command("migrate", verbosity=0)


def fill() -> None:
    from django.utils import timezone

    from cinema.models import Cinema, Genre, Movie, Screen, SeatingPlan, Showtime

    rng, at = random.Random(1), timezone.now()
    plan = SeatingPlan.objects.create(hash="bench", name="Hall", width=10, height=10)
    cinemas = [Cinema.objects.create(name=f"Cinema {n}", slug=f"cinema-{n}") for n in range(4)]
    screens = [Screen.objects.create(cinema=cinema, name=f"{n}", plan=plan) for cinema in cinemas for n in range(40)]
    genres = [Genre.objects.create(name=f"Genre {n}", slug=f"genre-{n}") for n in range(19)]
    people = [f"{rng.choice('ABCDEFG')}nna Person {n}" for n in range(500)]
    movies = Movie.objects.bulk_create(
        Movie(title=f"Film of the {n}", slug=f"film-{n}", director=rng.choice(people), cast=rng.sample(people, 5))
        for n in range(FILMS)
    )
    through = Movie.genres.through
    tags = [through(movie=movie, genre=genre) for movie in movies for genre in rng.sample(genres, 2)]
    through.objects.bulk_create(tags, batch_size=400)
    starts = [at + timedelta(minutes=10 + 130 * n) for n in range(150)]
    planned = rng.sample([(screen, start) for screen in screens for start in starts], FILMS * TIMES)
    Showtime.objects.bulk_create(
        (
            Showtime(
                movie=movies[n % FILMS], screen=screen, plan=plan, starts_at=start, ends_at=start + timedelta(hours=2),
                language=rng.choice(["English", "German", "French"]), currency="GBP", prices={"a": 900},
                n_available=80,
            )
            for n, (screen, start) in enumerate(planned)
        ),
        batch_size=200,
    )  # fmt: skip


def load_all() -> int:
    """The baseline: every showtime on sale as an object, filtered and counted in Python."""
    from django.utils import timezone

    from cinema.whats_on.filters import on_sale
    from cinema.whats_on.listings import ShowtimeCard, card_state

    at = timezone.now()
    found = on_sale(at).with_movie_and_screen().order_by("starts_at")
    cards = [ShowtimeCard(each, card_state(each, at)) for each in found]
    return len({card.showtime.movie_id for card in cards})


class StatementCounter:
    """An `execute_wrapper` that counts the statements sent to the database."""

    number = 0

    def __call__(self, execute: Callable[..., object], *statement: object) -> object:
        self.number += 1
        return execute(*statement)


def cost(act: Callable[[], object]) -> list[float]:
    """CPU milliseconds of each round; the first call, which fills caches, is left out."""
    act()
    found = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        act()
        found.append(1e3 * (time.process_time() - begun))
    return found


def main() -> None:
    argparse.ArgumentParser(prog="python -m bench.front_page", description=__doc__).parse_args()
    with tempfile.TemporaryDirectory(prefix="bookmyseat-bench-") as folder:
        set_up(Path(folder))
        fill()
        from django.db import connection
        from django.test import Client

        baseline = cost(load_all)
        rows = [["every showtime loaded (baseline)", "-", spread_of(baseline), "1", "-"]]
        swapped = {"HX-Request": "true", "HX-Trigger": "finder"}
        requests = {
            "no filter": ("/", {}),
            "two genres and a language": ("/?genre=genre-1&genre=genre-2&language=German", {}),
            "a search": ("/?q=anna+person+7", {}),
            "a day and a cinema": (
                "/?cinema=cinema-1&date=" + time.strftime("%Y-%m-%d", time.localtime(time.time() + 172800)),
                {},
            ),
            "two genres, swapped by htmx": ("/?genre=genre-1&genre=genre-2", swapped),
        }
        for name, (path, headers) in requests.items():
            client = Client(headers=headers)
            queries = StatementCounter()
            with connection.execute_wrapper(queries):
                size = len(client.get(path).content)
            spent = cost(partial(client.get, path))
            ratio = statistics.median(baseline) / statistics.median(spent)
            rows.append([name, str(queries.number), spread_of(spent), f"{ratio:.1f}", f"{size / 1024:.0f}"])
        connection.close()
    print_table(HEAD, rows)


if __name__ == "__main__":
    main()
