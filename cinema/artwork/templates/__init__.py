"""The registry of templates, and the choice of one for a film: by genre first, then by slug."""

from __future__ import annotations

import random
from collections.abc import Sequence

from cinema.artwork.sheet import Template
from cinema.artwork.templates import (
    above,
    city,
    iron,
    laughs,
    lens,
    night,
    odd,
    old,
    paper,
    sea,
    space,
    stage,
    weather,
)

TEMPLATES: dict[str, Template] = {
    "arches": old.ARCHES,
    "beam": space.BEAM,
    "boat": paper.BOAT,
    "contours": lens.CONTOURS,
    "crooked": odd.CROOKED,
    "curtain": stage.CURTAIN,
    "grooves": stage.GROOVES,
    "halftone": old.HALFTONE,
    "horizon": sea.HORIZON,
    "kino": lens.KINO,
    "orbit": space.ORBIT,
    "papercut": paper.PAPERCUT,
    "rain": weather.RAIN,
    "road": iron.ROAD,
    "searchlights": iron.SEARCHLIGHTS,
    "shadow": night.SHADOW,
    "slats": city.SLATS,
    "spiral": odd.SPIRAL,
    "stack": laughs.STACK,
    "stairs": odd.STAIRS,
    "table": above.TABLE,
    "tiles": stage.TILES,
    "umbrellas": above.UMBRELLAS,
    "wheels": iron.WHEELS,
    "windows": city.WINDOWS,
    "woods": night.WOODS,
}
# In order of precedence: a film of several genres is drawn by the first of them that stands here. Names are TMDB's.
GENRES: dict[str, Sequence[str]] = {
    "Documentary": ("kino", "contours"),
    "Animation": ("papercut", "tiles", "boat"),
    "Horror": ("shadow", "woods"),
    "Western": ("halftone", "road"),
    "Science Fiction": ("beam", "orbit"),
    "Music": ("grooves", "curtain"),
    "War": ("searchlights", "wheels", "arches"),
    "Fantasy": ("papercut", "woods"),
    "Mystery": ("crooked", "stairs", "slats"),
    "Crime": ("slats", "windows", "rain"),
    "Thriller": ("spiral", "crooked", "stairs"),
    "History": ("arches", "halftone"),
    "Family": ("papercut", "boat", "tiles", "table"),
    "Romance": ("horizon", "umbrellas", "rain"),
    "Action": ("wheels", "road", "spiral"),
    "Adventure": ("halftone", "papercut", "contours", "road"),
    "Comedy": ("stack", "table", "tiles", "umbrellas", "curtain"),
    "TV Movie": ("curtain", "windows", "tiles"),
    "Drama": ("rain", "stairs", "windows", "boat", "arches", "umbrellas", "slats", "horizon"),
}

SECOND = 0.2  # the share of films that are drawn by their second genre


def template_for(genres: Sequence[str], slug: str) -> Template:
    return TEMPLATES[name_for(genres, slug)]


def name_for(genres: Sequence[str], slug: str) -> str:
    """The name of the film's template. Without a known genre the slug chooses among all templates."""
    wanted = {genre.strip().casefold() for genre in genres}
    found = [names for genre, names in GENRES.items() if genre.casefold() in wanted] or [tuple(TEMPLATES)]
    rng = random.Random(f"{slug}/template")
    second = len(found) > 1 and rng.random() < SECOND
    return rng.choice(found[1] if second else found[0])
