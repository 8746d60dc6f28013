"""Artwork for films without any: a poster and a picture, drawn from title, year and genre.

`compose` is pure; `draw` and `draw_all` store its drawings and set their addresses in the film. Drawing happens when a
film is imported or loaded, or in an action of the admin site, never when a page is shown.
"""

from cinema.artwork.composing import Drawn, compose
from cinema.artwork.storing import draw, draw_all

__all__ = ["Drawn", "compose", "draw", "draw_all"]
