"""Store drawings as rows named by a hash of their content: an address always has the same content."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

from django.urls import reverse

from cinema.artwork.composing import Drawn, compose
from cinema.models import Artwork, Movie

BATCH_SIZE = 100  # rows per statement


def draw(movie: Movie) -> None:
    """Store the drawings of one saved film and set its `poster` and `picture`. The caller saves the film."""
    draw_all([movie])


def draw_all(movies: Iterable[Movie]) -> None:
    """`draw` for many films, in a few statements. They must be saved; prefetch their genres."""
    rows: dict[str, Artwork] = {}
    for movie in movies:
        drawn = compose_for(movie)
        addresses = []
        for svg in drawn:
            name = sha256(svg.encode()).hexdigest()[:32]
            rows[name] = Artwork(hash=name, svg=svg)
            addresses.append(reverse("cinema:artwork", args=[name]))
        movie.poster, movie.picture = addresses
    Artwork.objects.bulk_create(rows.values(), batch_size=BATCH_SIZE, ignore_conflicts=True)


def compose_for(movie: Movie) -> Drawn:
    return compose(
        title=movie.title,
        year=movie.release_date.year if movie.release_date else None,
        genres=[genre.name for genre in movie.genres.all()] if movie.pk else [],
        runtime=movie.runtime,
        slug=movie.slug,
        director=movie.director,
    )
