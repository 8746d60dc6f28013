"""`manage.py import_movies FILE.json`"""

from __future__ import annotations

from typing import Any

from cinema.films.store import import_movies
from cinema.imports.bad_rows import ImportCommand


class Command(ImportCommand):
    help = "Bring films in: a JSON list in the shape of TMDB's movie details. Can be repeated."

    def take(self, content: bytes, options: dict[str, Any]) -> None:
        self.stdout.write(f"films: {import_movies(content, dry_run=options['dry_run'])}")
