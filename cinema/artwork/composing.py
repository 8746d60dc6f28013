"""Draw a film's poster and picture from its facts. Pure: the same facts give the same drawings."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple
from xml.sax.saxutils import quoteattr

from cinema.artwork.sheet import POSTER, SCREEN, Film, Sheet, tint
from cinema.artwork.templates import template_for
from cinema.artwork.titles import clean

MAX_HUE_SHIFT = 0.034  # of the colour wheel, in either direction


class Drawn(NamedTuple):
    poster: str
    picture: str


def compose(
    *, title: str, year: int | None, genres: Sequence[str], runtime: int | None, slug: str, director: str
) -> Drawn:
    """A 2:3 poster with lettering, and a 16:9 picture without, its subject right of the centre."""
    film = Film(title, year, tuple(genres), runtime, slug, director)
    return Drawn(_draw(film, poster=True), _draw(film, poster=False))


def _draw(film: Film, *, poster: bool) -> str:
    rng = random.Random(f"{film.slug}/choice")
    template = template_for(film.genres, film.slug)
    colors = tint(rng.choice(template.palettes), rng.uniform(-MAX_HUE_SHIFT, MAX_HUE_SHIFT))
    sheet = Sheet(film, poster, colors, rng.randrange(1 << 16))
    template.paint(sheet)
    w, h = POSTER if poster else SCREEN
    if poster:
        name = quoteattr(clean(film.title) + (f" ({film.year})" if film.year else ""))
        about = f'role="img" aria-label={name}'
    else:
        about = 'preserveAspectRatio="xMidYMid slice"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w} {h}" {about}>'
    return f"{head}{''.join(sheet.parts)}</svg>\n"
