"""Artwork for films that come without any: a poster and a picture, drawn from title, year and genre.

`compose` is pure; `draw` and `draw_all` store what it gives and name it in the film. Composing happens when a film
comes in, never in a request.
"""

from cinema.artwork.composing import Drawn, compose
from cinema.artwork.storing import draw, draw_all

__all__ = ["Drawn", "compose", "draw", "draw_all"]
