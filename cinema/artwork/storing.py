"""Keep drawings as rows named by their content, so that their addresses never go stale."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

from django.urls import reverse

from cinema.artwork.composing import Drawn, compose
from cinema.models import Artwork, Movie

AT_ONCE = 100  # rows a statement


def draw(movie: Movie) -> None:
    """Gives one saved film its poster and picture. Stores the drawings; saving the film is the caller's."""
    draw_all([movie])


def draw_all(movies: Iterable[Movie]) -> None:
    """The same for many films, in a few statements. They must be saved, and know their genres."""
    rows: dict[str, Artwork] = {}
    for movie in movies:
        drawn = compose_for(movie)
        addresses = []
        for svg in drawn:
            name = sha256(svg.encode()).hexdigest()[:32]
            rows[name] = Artwork(hash=name, svg=svg)
            addresses.append(reverse("cinema:artwork", args=[name]))
        movie.poster, movie.picture = addresses
    Artwork.objects.bulk_create(rows.values(), batch_size=AT_ONCE, ignore_conflicts=True)


def compose_for(movie: Movie) -> Drawn:
    return compose(
        title=movie.title,
        year=movie.release_date.year if movie.release_date else None,
        genres=[genre.name for genre in movie.genres.all()] if movie.pk else [],
        runtime=movie.runtime,
        slug=movie.slug,
        director=movie.director,
    )
