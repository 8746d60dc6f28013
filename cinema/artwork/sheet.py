"""The drawing surface of one film in one format: size, colours and random numbers."""

from __future__ import annotations

import colorsys
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from cinema.artwork.lettering import Anchor, Box, Style, covers, ink, put_line
from cinema.artwork.shapes import fade, gradient, rect
from cinema.artwork.titles import Title, clean, set_title

POSTER, SCREEN = (600, 900), (1600, 900)
SMALL = Style("small", tracking=0.14)
BILLING = 17  # size in units of the poster
Palette = tuple[str, str, str, str, str]


@dataclass(frozen=True)
class Film:
    title: str
    year: int | None
    genres: Sequence[str]
    runtime: int | None
    slug: str
    director: str


@dataclass
class Sheet:
    """A drawing in progress. `kind` chooses the motif and `rng` is seeded by the slug: the same in both formats."""

    film: Film
    poster: bool
    colors: Palette
    kind: int
    parts: list[str] = field(default_factory=list)
    title_box: Box | None = None

    def __post_init__(self) -> None:
        self.w, self.h = POSTER if self.poster else SCREEN
        self.rng = random.Random(self.film.slug)

    def add(self, *parts: str) -> None:
        self.parts += parts

    def define(self, *parts: str) -> None:
        self.add("<defs>", *parts, "</defs>")

    def ground(self, *stops: tuple[float, str]) -> None:
        """Fills the sheet with one colour, or with a gradient from top to bottom; stops are (0 to 1, colour)."""
        if len(stops) == 1:
            self.add(rect(0, 0, self.w, self.h, stops[0][1]))
        else:
            self.define(gradient("ground", [(at, color, 1) for at, color in stops]))
            self.add(rect(0, 0, self.w, self.h, "url(#ground)"))

    def focus(self, poster: tuple[float, float, float], screen: tuple[float, float, float]) -> tuple[float, ...]:
        """Centre x, y and radius of the subject; the arguments are shares of width, height and height."""
        x, y, r = poster if self.poster else screen
        return self.w * x, self.h * y, self.h * r

    def layout(
        self,
        style: Style,
        box: tuple[float, float, float, float],
        *,
        anchor: Anchor = "middle",
        stand: Literal["top", "bottom", "middle"] = "top",
        block: bool = False,
    ) -> Title:
        """The title in a box given as left, top, width, height."""
        left, top, width, height = box
        title = set_title(
            self.film.title, style, Box(left, top, left + width, top + height), anchor=anchor, stand=stand, block=block
        )
        self.title_box = title.box
        return title

    def billing(
        self, fill: str, y: float = 864, x: float = 300, anchor: Anchor = "middle", opacity: float = 0.85
    ) -> None:
        """A line of director, year, genre and runtime: as many of them as are known and fit."""
        film = self.film
        facts = [str(film.year) if film.year else "", clean(film.genres[0]).upper() if film.genres else ""]
        facts.append(f"{film.runtime} MIN" if film.runtime else "")
        for shown in ([clean(film.director).upper(), *facts], facts, facts[:1]):
            text = "  ·  ".join(each for each in shown if each and covers(each, "small"))
            if ink(text, SMALL).width * BILLING <= self.w - 88:
                break
        if text:
            line = put_line(text, SMALL, BILLING, x, y, anchor)
            self.add(f'<path d="{line.path}" fill="{fill}"{fade(opacity) if opacity < 1 else ""}/>')


class Template(NamedTuple):
    """One design: the function that paints it, and the palettes it can have."""

    paint: Callable[[Sheet], None]
    palettes: Sequence[Palette]


def tint(palette: Palette, shift: float) -> Palette:
    """The palette with its hues shifted, so that two films with one palette differ; 1 is the whole colour wheel."""
    first, second, third, fourth, fifth = (_shift_hue(color, shift) for color in palette)
    return first, second, third, fourth, fifth


def _shift_hue(color: str, shift: float) -> str:
    red, green, blue = (int(color[at : at + 2], 16) / 255 for at in (1, 3, 5))
    hue, light, full = colorsys.rgb_to_hls(red, green, blue)
    return "#" + "".join(f"{round(each * 255):02x}" for each in colorsys.hls_to_rgb((hue + shift) % 1, light, full))
